"""The Triton kernels of the negatives: their sums for each row, and the slopes of these sums."""

from __future__ import annotations

import triton
import triton.language as tl

from graph_hcl.losses._kernels.triton_tiles import (
    columns_and_products,
    products,
    skipped,
    tile,
    times,
)

# The names of tl are made by a decorator that mypy cannot see through.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, misc"


@triton.jit
def _exponentials(s, hard, beta, ETA: tl.constexpr, SQUARE: tl.constexpr):
    """Return 2^{hard · s} and 2^{beta · s}; the latter is not used where ETA is False."""
    if ETA and SQUARE:
        eta = tl.exp2(s)
        return eta * eta, eta
    if ETA:
        return tl.exp2(hard * s), tl.exp2(beta * s)
    tilted = tl.exp2(hard * s)
    return tilted, tilted


@triton.jit(do_not_specialize=("num_rows", "num_columns", "splits"))
def negative_sums(
    rows, columns, first, end, tilted, weight, tops,
    num_rows, num_columns, width, scale, shift, hard, beta, splits,
    CHUNK: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    ETA: tl.constexpr, SQUARE: tl.constexpr, BOUNDED: tl.constexpr,
    SYMMETRIC: tl.constexpr,
):  # fmt: skip
    """Sum e^{hard · s} and e^{beta · s} over the negatives of each row.

    BOUNDED: one shift serves all logits; otherwise each row has a running maximum of its own, which
    is returned, too. SYMMETRIC: each tile is visited once and serves its transpose; sums are added
    up by atomics. Otherwise each of the splits has sums of its own.
    """
    block, split = tl.program_id(0), tl.program_id(1)
    r = block * BLOCK + tl.arange(0, BLOCK)
    row = r < num_rows
    low = tl.load(first + r, mask=row, other=0)
    high = tl.load(end + r, mask=row, other=num_columns)
    left = tile(rows, r, num_rows, 0, width, CHUNK)
    total = tl.zeros([BLOCK], tl.float32)
    total_eta = tl.zeros([BLOCK], tl.float32)
    top = tl.full([BLOCK], -float("inf"), tl.float32)
    least = block * (BLOCK // STEP) if SYMMETRIC else 0
    start, omitted = skipped(low, high, num_columns, least, STEP)
    blocks = tl.cdiv(num_columns, STEP) - omitted
    for number in range(least + split, blocks, splits):
        j = tl.where(number < start, number, number + omitted)
        c = j * STEP + tl.arange(0, STEP)
        s = products(
            rows, columns, r, c, num_rows, num_columns, width, left, CHUNK, WIDE, PRECISION
        )
        s = s * scale - shift
        alike = (c[None, :] >= low[:, None]) & (c[None, :] < high[:, None])
        kept = (c[None, :] < num_columns) & (row[:, None]) & (alike == 0)
        s = tl.where(kept, s, -float("inf"))
        if BOUNDED:
            tilt, eta = _exponentials(s, hard, beta, ETA, SQUARE)
            total += tl.sum(tilt, 1)
            if ETA:
                total_eta += tl.sum(eta, 1)
            if SYMMETRIC:
                other = (c < num_columns) & (c >= (block + 1) * BLOCK)
                tl.atomic_add(tilted + c, tl.sum(tilt, 0), mask=other, sem="relaxed")
                if ETA:
                    tl.atomic_add(weight + c, tl.sum(eta, 0), mask=other, sem="relaxed")
        else:
            most = tl.maximum(top, tl.max(s, 1))
            # A row without a negative so far has no maximum to subtract.
            safe = tl.where(most == -float("inf"), 0.0, most)
            tilt, eta = _exponentials(s - safe[:, None], hard, beta, ETA, SQUARE)
            total = total * tl.exp2(hard * (top - safe)) + tl.sum(tilt, 1)
            if ETA:
                total_eta = total_eta * tl.exp2(beta * (top - safe)) + tl.sum(eta, 1)
            top = most
    if SYMMETRIC:
        tl.atomic_add(tilted + r, total, mask=row, sem="relaxed")
        if ETA:
            tl.atomic_add(weight + r, total_eta, mask=row, sem="relaxed")
    else:
        tl.store(tilted + split * num_rows + r, total, mask=row)
        if ETA:
            tl.store(weight + split * num_rows + r, total_eta, mask=row)
        if not BOUNDED:
            tl.store(tops + split * num_rows + r, top, mask=row)


@triton.jit
def _coefficients(up, down, top, index, inside,
    BLOCK: tl.constexpr, ETA: tl.constexpr, BOUNDED: tl.constexpr, WANTED: tl.constexpr,
):  # fmt: skip
    """Load what `_side` needs of rows; zeros for what it does not read."""
    zero = tl.zeros([BLOCK], tl.float32)
    u, d, t = zero, zero, zero
    if WANTED:
        u = tl.load(up + index, mask=inside, other=0.0)
        if ETA:
            d = tl.load(down + index, mask=inside, other=0.0)
        if not BOUNDED:
            t = tl.load(top + index, mask=inside, other=0.0)
    return u, d, t


@triton.jit
def _side(s, tilt, eta, up, down, top, hard, beta,
    ETA: tl.constexpr, SQUARE: tl.constexpr, BOUNDED: tl.constexpr,
):  # fmt: skip
    """Return the slope of log n of one side of the pairs by their logits; all by broadcasting."""
    if not BOUNDED:
        tilt, eta = _exponentials(s - top, hard, beta, ETA, SQUARE)
    slope = tilt * up
    if ETA:
        slope -= eta * down
    return slope


@triton.jit(do_not_specialize=("num_outer", "num_inner", "splits"))
def negative_slopes(
    outer, inner, first, end, gradient,
    outer_up, outer_down, outer_top, inner_up, inner_down, inner_top,
    num_outer, num_inner, width, scale, shift, hard, beta, splits,
    CHUNK: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    ETA: tl.constexpr, SQUARE: tl.constexpr, BOUNDED: tl.constexpr,
    OUTER: tl.constexpr, INNER: tl.constexpr, ROUND: tl.constexpr, OUT: tl.constexpr,
):  # fmt: skip
    """Sum slope · inner row over the inner rows that are negatives of each outer row.

    The slope has a part for the outer row as an anchor (OUTER), and one for the inner row (INNER);
    among the anchors themselves it has both. Logits are computed again. ROUND: the slopes are
    rounded to the features' type for the product. Each program writes OUT columns of the gradient.
    """
    block, split, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    o = block * BLOCK + tl.arange(0, BLOCK)
    row = o < num_outer
    low = tl.load(first + o, mask=row, other=0)
    high = tl.load(end + o, mask=row, other=num_inner)
    left = tile(outer, o, num_outer, 0, width, CHUNK)
    up_o, down_o, top_o = _coefficients(
        outer_up, outer_down, outer_top, o, row, BLOCK, ETA, BOUNDED, OUTER
    )
    total = tl.zeros([BLOCK, OUT], tl.float32)
    start, omitted = skipped(low, high, num_inner, 0, STEP)
    blocks = tl.cdiv(num_inner, STEP) - omitted
    for number in range(split, blocks, splits):
        j = tl.where(number < start, number, number + omitted)
        i = j * STEP + tl.arange(0, STEP)
        column = i < num_inner
        right, s = columns_and_products(
            outer, inner, o, i, num_outer, num_inner, width, left, part,
            CHUNK, WIDE, OUT, PRECISION,
        )  # fmt: skip
        s = s * scale - shift
        alike = (i[None, :] >= low[:, None]) & (i[None, :] < high[:, None])
        kept = (column[None, :]) & (row[:, None]) & (alike == 0)
        s = tl.where(kept, s, -float("inf"))
        tilt, eta = s, s
        if BOUNDED:
            tilt, eta = _exponentials(s, hard, beta, ETA, SQUARE)
        slope = tl.zeros([BLOCK, STEP], tl.float32)
        if OUTER:
            slope += _side(
                s, tilt, eta, up_o[:, None], down_o[:, None], top_o[:, None], hard, beta,
                ETA, SQUARE, BOUNDED,
            )  # fmt: skip
        if INNER:
            up, down, top = _coefficients(
                inner_up, inner_down, inner_top, i, column, STEP, ETA, BOUNDED, INNER
            )
            slope += _side(
                s, tilt, eta, up[None, :], down[None, :], top[None, :], hard, beta,
                ETA, SQUARE, BOUNDED,
            )  # fmt: skip
        total += times(slope, right, ROUND, PRECISION)
    d = part * OUT + tl.arange(0, OUT)
    where = (split * num_outer + o[:, None]).to(tl.int64) * width + d[None, :]
    tl.store(gradient + where, total, mask=row[:, None] & (d[None, :] < width))
