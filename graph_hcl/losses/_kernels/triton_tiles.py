"""The tiles of the Triton kernels: what all of them load, multiply and leave out.

Rows and columns are sorted by key, so that the columns that are alike to a row are a range,
[first, end) of its own, and no key is compared. Logits are in units of log₂, since a GPU has 2^x.
Numbers of rows are no constants: the last, smaller batch of an epoch compiles nothing anew.
"""

from __future__ import annotations

import triton
import triton.language as tl

# The names of tl are made by a decorator that mypy cannot see through.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, misc"


@triton.jit
def tile(matrix, index, count, start, width, CHUNK: tl.constexpr):
    """Load rows `index` of a matrix [count, width], columns from `start` on; 0 beyond its edges."""
    column = start + tl.arange(0, CHUNK)
    inside = (index[:, None] < count) & (column[None, :] < width)
    where = index[:, None].to(tl.int64) * width + column[None, :]
    return tl.load(matrix + where, mask=inside, other=0.0)


@triton.jit
def products(
    outer, inner, o, i, num_outer, num_inner, width, first_chunk,
    CHUNK: tl.constexpr, WIDE: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Return the inner products of outer rows o and inner rows i; WIDE: chunk by chunk.

    One chunk after another is loaded: all at once would need more shared memory than there is.
    """
    right = tile(inner, i, num_inner, 0, width, CHUNK)
    s = tl.dot(first_chunk, tl.trans(right), input_precision=PRECISION)
    if WIDE:
        for start in tl.range(CHUNK, width, CHUNK, num_stages=1):
            left = tile(outer, o, num_outer, start, width, CHUNK)
            right = tile(inner, i, num_inner, start, width, CHUNK)
            s += tl.dot(left, tl.trans(right), input_precision=PRECISION)
    return s


@triton.jit
def columns_and_products(
    outer, inner, o, i, num_outer, num_inner, width, first_chunk, part,
    CHUNK: tl.constexpr, WIDE: tl.constexpr, OUT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Return a part of the columns of inner rows i, and their inner products with outer rows o.

    Where the part is all of them, they are loaded once.
    """
    right = tile(inner, i, num_inner, part * OUT, width, OUT)
    if WIDE:
        s = products(
            outer, inner, o, i, num_outer, num_inner, width, first_chunk, CHUNK, WIDE, PRECISION
        )
    else:
        s = tl.dot(first_chunk, tl.trans(right), input_precision=PRECISION)
    return right, s


@triton.jit
def times(slope, right, ROUND: tl.constexpr, PRECISION: tl.constexpr):
    """Return the product of slopes and inner rows; ROUND: slopes in the type of the rows."""
    if ROUND:
        return tl.dot(slope.to(right.dtype), right, input_precision=PRECISION)
    return tl.dot(slope, right.to(tl.float32), input_precision=PRECISION)


@triton.jit
def skipped(first, end, count, least, STEP: tl.constexpr):
    """Return the blocks of columns, from `least` on, that hold only columns alike to all rows.

    `first` and `end` are the ranges of the rows of a block. Returned are the number of the first
    such block and how many there are.
    """
    low, high = tl.max(first, 0), tl.min(tl.minimum(end, count), 0)
    start = tl.maximum((low + STEP - 1) // STEP, least)
    return start, tl.maximum(high // STEP - start, 0)
