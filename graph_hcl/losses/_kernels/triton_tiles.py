"""The tiles of the Triton kernels: what one program of a GPU computes.

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
def _tile(matrix, index, count, start, width, CHUNK: tl.constexpr):
    """Load rows `index` of a matrix [count, width], columns from `start` on; 0 beyond its edges."""
    column = start + tl.arange(0, CHUNK)
    inside = (index[:, None] < count) & (column[None, :] < width)
    where = index[:, None].to(tl.int64) * width + column[None, :]
    return tl.load(matrix + where, mask=inside, other=0.0)


@triton.jit
def _products(
    outer, inner, o, i, num_outer, num_inner, width, first_chunk,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Return the inner products of outer rows o and inner rows i, chunk by chunk of the width."""
    right = _tile(inner, i, num_inner, 0, width, CHUNK)
    s = tl.dot(first_chunk, tl.trans(right), input_precision=PRECISION)
    for chunk in tl.static_range(1, CHUNKS):
        left = _tile(outer, o, num_outer, chunk * CHUNK, width, CHUNK)
        right = _tile(inner, i, num_inner, chunk * CHUNK, width, CHUNK)
        s += tl.dot(left, tl.trans(right), input_precision=PRECISION)
    return s


@triton.jit
def _times(slope, right, ROUND: tl.constexpr, PRECISION: tl.constexpr):
    """Return the product of slopes and inner rows; ROUND: slopes in the type of the rows."""
    if ROUND:
        return tl.dot(slope.to(right.dtype), right, input_precision=PRECISION)
    return tl.dot(slope, right.to(tl.float32), input_precision=PRECISION)


@triton.jit
def _skipped(first, end, count, least, STEP: tl.constexpr):
    """Return the blocks of columns, from `least` on, that hold only columns alike to all rows.

    `first` and `end` are the ranges of the rows of a block. Returned are the number of the first
    such block and how many there are.
    """
    low, high = tl.max(first, 0), tl.min(tl.minimum(end, count), 0)
    start = tl.maximum((low + STEP - 1) // STEP, least)
    return start, tl.maximum(high // STEP - start, 0)


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


@triton.jit(do_not_specialize=("num_rows", "num_columns"))
def negative_sums(
    rows, columns, first, end, tilted, weight, tops,
    num_rows, num_columns, width, scale, shift, hard, beta,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    SPLITS: tl.constexpr, ETA: tl.constexpr, SQUARE: tl.constexpr, BOUNDED: tl.constexpr,
    SYMMETRIC: tl.constexpr,
):  # fmt: skip
    """Sum e^{hard · s} and e^{beta · s} over the negatives of each row.

    BOUNDED: one shift serves all logits; otherwise each row has a running maximum of its own, which
    is returned, too. SYMMETRIC: each tile is visited once and serves its transpose; sums are added
    up by atomics. Otherwise each of the SPLITS has sums of its own.
    """
    block, split = tl.program_id(0), tl.program_id(1)
    r = block * BLOCK + tl.arange(0, BLOCK)
    row = r < num_rows
    low = tl.load(first + r, mask=row, other=0)
    high = tl.load(end + r, mask=row, other=num_columns)
    left = _tile(rows, r, num_rows, 0, width, CHUNK)
    total = tl.zeros([BLOCK], tl.float32)
    total_eta = tl.zeros([BLOCK], tl.float32)
    top = tl.full([BLOCK], -float("inf"), tl.float32)
    least = block * (BLOCK // STEP) if SYMMETRIC else 0
    start, omitted = _skipped(low, high, num_columns, least, STEP)
    blocks = tl.cdiv(num_columns, STEP) - omitted
    for number in range(least + split, blocks, SPLITS):
        j = tl.where(number < start, number, number + omitted)
        c = j * STEP + tl.arange(0, STEP)
        s = _products(
            rows, columns, r, c, num_rows, num_columns, width, left, CHUNK, CHUNKS, PRECISION
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


@triton.jit(do_not_specialize=("num_outer", "num_inner"))
def negative_slopes(
    outer, inner, first, end, gradient,
    outer_up, outer_down, outer_top, inner_up, inner_down, inner_top,
    num_outer, num_inner, width, scale, shift, hard, beta,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    SPLITS: tl.constexpr, ETA: tl.constexpr, SQUARE: tl.constexpr, BOUNDED: tl.constexpr,
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
    left = _tile(outer, o, num_outer, 0, width, CHUNK)
    up_o, down_o, top_o = _coefficients(
        outer_up, outer_down, outer_top, o, row, BLOCK, ETA, BOUNDED, OUTER
    )
    total = tl.zeros([BLOCK, OUT], tl.float32)
    start, omitted = _skipped(low, high, num_inner, 0, STEP)
    blocks = tl.cdiv(num_inner, STEP) - omitted
    for number in range(split, blocks, SPLITS):
        j = tl.where(number < start, number, number + omitted)
        i = j * STEP + tl.arange(0, STEP)
        column = i < num_inner
        right = _tile(inner, i, num_inner, part * OUT, width, OUT)
        if CHUNKS == 1:
            s = tl.dot(left, tl.trans(right), input_precision=PRECISION)
        else:
            s = _products(
                outer, inner, o, i, num_outer, num_inner, width, left, CHUNK, CHUNKS, PRECISION
            )
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
        total += _times(slope, right, ROUND, PRECISION)
    d = part * OUT + tl.arange(0, OUT)
    where = (split * num_outer + o[:, None]).to(tl.int64) * width + d[None, :]
    tl.store(gradient + where, total, mask=row[:, None] & (d[None, :] < width))


@triton.jit
def _pair(s, log_n, log_q, log_tau, log_rest, floor,
    DEBIASED: tl.constexpr, DECOUPLED: tl.constexpr,
):  # fmt: skip
    """Return ℓ of pairs with logits s, ∂ℓ/∂log n and ∂ℓ/∂s, as `pair_slopes` does."""
    gain, share = 1.0, 0.0
    if DEBIASED:
        share = tl.exp(tl.minimum(log_tau + log_q + s - log_n, 0.0))
        left = tl.maximum(1.0 - share, 1.1754944e-38)
        estimate = tl.where(share < 1.0, log_n + tl.log(left) - log_rest, -float("inf"))
        above = estimate > log_q + floor
        log_n = tl.where(above, estimate, log_q + floor)
        gain = tl.where(above, 1.0 / left, 0.0)
        share = gain * tl.where(above, share, 0.0)
    u = log_n - s
    if DECOUPLED:
        return u, gain + 0.0 * u, 0.0 * u - 1.0 - share
    small = tl.exp(-tl.abs(u))
    rest = tl.where(small < 1e-4, small - 0.5 * small * small, tl.log(1.0 + small))
    chance = tl.where(u > 0, 1.0, small) / (1.0 + small)
    return tl.maximum(u, 0.0) + rest, chance * gain, -chance * (1.0 + share)


@triton.jit(do_not_specialize=("num_rows", "num_columns"))
def positive_sums(
    rows, columns, first, end, own, log_n, log_q, value, slope,
    num_rows, num_columns, width, scale, log_tau, log_rest, floor,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    DEBIASED: tl.constexpr, DECOUPLED: tl.constexpr,
):  # fmt: skip
    """Sum ℓ and ∂ℓ/∂log n over the positives of each row: the range of its key, less its own."""
    r = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    row = r < num_rows
    low = tl.load(first + r, mask=row, other=num_columns)
    high = tl.load(end + r, mask=row, other=0)
    self = tl.load(own + r, mask=row, other=-1)
    n = tl.load(log_n + r, mask=row, other=0.0)[:, None]
    q = tl.load(log_q + r, mask=row, other=0.0)[:, None]
    left = _tile(rows, r, num_rows, 0, width, CHUNK)
    total = tl.zeros([BLOCK], tl.float32)
    total_slope = tl.zeros([BLOCK], tl.float32)
    for at in range(tl.min(low, 0), tl.max(high, 0), STEP):
        c = at + tl.arange(0, STEP)
        s = _products(
            rows, columns, r, c, num_rows, num_columns, width, left, CHUNK, CHUNKS, PRECISION
        )
        alike = (c[None, :] >= low[:, None]) & (c[None, :] < high[:, None])
        kept = alike & (c[None, :] != self[:, None])
        loss, d_n, _ = _pair(s * scale, n, q, log_tau, log_rest, floor, DEBIASED, DECOUPLED)
        total += tl.sum(tl.where(kept, loss, 0.0), 1)
        total_slope += tl.sum(tl.where(kept, d_n, 0.0), 1)
    tl.store(value + r, total, mask=row)
    tl.store(slope + r, total_slope, mask=row)


@triton.jit(do_not_specialize=("num_outer", "num_inner"))
def positive_slopes(
    outer, inner, first, end, own, gradient,
    outer_n, outer_q, outer_share, inner_n, inner_q, inner_share,
    num_outer, num_inner, width, scale, log_tau, log_rest, floor,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    DEBIASED: tl.constexpr, DECOUPLED: tl.constexpr,
    OUTER: tl.constexpr, INNER: tl.constexpr, ROUND: tl.constexpr, OUT: tl.constexpr,
):  # fmt: skip
    """Sum share · ∂ℓ/∂s · inner row over the inner rows that each outer row makes a pair with.

    Either side may be the anchor, whose log n, log Q and share count, or both; see
    `negative_slopes`.
    """
    block, part = tl.program_id(0), tl.program_id(1)
    o = block * BLOCK + tl.arange(0, BLOCK)
    row = o < num_outer
    low = tl.load(first + o, mask=row, other=num_inner)
    high = tl.load(end + o, mask=row, other=0)
    self_o = o[:, None]
    n_o = tl.zeros([BLOCK, 1], tl.float32)
    q_o, share_o = n_o, n_o
    if OUTER:
        self_o = tl.load(own + o, mask=row, other=-1)[:, None]
        n_o = tl.load(outer_n + o, mask=row, other=0.0)[:, None]
        q_o = tl.load(outer_q + o, mask=row, other=0.0)[:, None]
        share_o = tl.load(outer_share + o, mask=row, other=0.0)[:, None]
    left = _tile(outer, o, num_outer, 0, width, CHUNK)
    total = tl.zeros([BLOCK, OUT], tl.float32)
    for at in range(tl.min(low, 0), tl.max(high, 0), STEP):
        i = at + tl.arange(0, STEP)
        column = i < num_inner
        right = _tile(inner, i, num_inner, part * OUT, width, OUT)
        if CHUNKS == 1:
            s = tl.dot(left, tl.trans(right), input_precision=PRECISION)
        else:
            s = _products(
                outer, inner, o, i, num_outer, num_inner, width, left, CHUNK, CHUNKS, PRECISION
            )
        alike = (i[None, :] >= low[:, None]) & (i[None, :] < high[:, None])
        if OUTER:
            kept = alike & (i[None, :] != self_o)
        else:
            kept = alike & (o[:, None] != tl.load(own + i, mask=column, other=-1)[None, :])
        slope = tl.zeros([BLOCK, STEP], tl.float32)
        if OUTER:
            _, _, d_s = _pair(
                s * scale, n_o, q_o, log_tau, log_rest, floor, DEBIASED, DECOUPLED
            )  # fmt: skip
            slope += d_s * share_o
        if INNER:
            n = tl.load(inner_n + i, mask=column, other=0.0)[None, :]
            q = tl.load(inner_q + i, mask=column, other=0.0)[None, :]
            share = tl.load(inner_share + i, mask=column, other=0.0)[None, :]
            _, _, d_s = _pair(s * scale, n, q, log_tau, log_rest, floor, DEBIASED, DECOUPLED)
            slope += d_s * share
        slope = tl.where(kept, slope, 0.0)
        total += _times(slope, right, ROUND, PRECISION)
    d = part * OUT + tl.arange(0, OUT)
    where = o[:, None].to(tl.int64) * width + d[None, :]
    tl.store(gradient + where, total, mask=row[:, None] & (d[None, :] < width))
