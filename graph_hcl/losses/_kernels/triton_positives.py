"""The Triton kernels of the positives: the loss of their pairs, and its slopes."""

from __future__ import annotations

import triton
import triton.language as tl

from graph_hcl.losses._kernels.triton_tiles import columns_and_products, products, tile, times

# The names of tl are made by a decorator that mypy cannot see through.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, misc"


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
    CHUNK: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
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
    left = tile(rows, r, num_rows, 0, width, CHUNK)
    total = tl.zeros([BLOCK], tl.float32)
    total_slope = tl.zeros([BLOCK], tl.float32)
    for at in range(tl.min(low, 0), tl.max(high, 0), STEP):
        c = at + tl.arange(0, STEP)
        s = products(
            rows, columns, r, c, num_rows, num_columns, width, left, CHUNK, WIDE, PRECISION
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
    CHUNK: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr,
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
    left = tile(outer, o, num_outer, 0, width, CHUNK)
    total = tl.zeros([BLOCK, OUT], tl.float32)
    for at in range(tl.min(low, 0), tl.max(high, 0), STEP):
        i = at + tl.arange(0, STEP)
        column = i < num_inner
        right, s = columns_and_products(
            outer, inner, o, i, num_outer, num_inner, width, left, part,
            CHUNK, WIDE, OUT, PRECISION,
        )  # fmt: skip
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
        total += times(slope, right, ROUND, PRECISION)
    d = part * OUT + tl.arange(0, OUT)
    where = o[:, None].to(tl.int64) * width + d[None, :]
    tl.store(gradient + where, total, mask=row[:, None] & (d[None, :] < width))
