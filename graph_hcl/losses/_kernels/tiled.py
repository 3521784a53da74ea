"""The same value and gradient as the dense form in O(rows · tile) memory.

Logits are computed tile by tile and never kept: the forward pass reduces each tile to the sums of
its rows, the backward pass computes it again. Rows are sorted by key first, so that a tile of one
class is skipped and only tiles on a border of classes need a mask. A gradient that is to be
differentiated again is that of the dense form.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dense import log_mean_dense
from graph_hcl.losses._kernels.exponentials import exponentials
from graph_hcl.losses._kernels.schedule import Tile, TileSchedule, tile_size
from graph_hcl.losses._kernels.second_order import gradients_again
from graph_hcl.losses.hardening import NoHardening
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.weighting import Weighting

SAFE_RANGE = 60.0
"""Widest range of exponents for which sums need no running maximum in float32 (of 87)."""


def log_mean_tiled(
    anchors: Tensor,
    samples: Tensor | None,
    pairs: Pairs,
    temperature: float,
    weighting: Weighting,
    *,
    bound: float | None,
    count: Tensor,
    memory: int,
) -> Tensor:
    """Return LSE_N(s + log η) − LSE_N(log η) of each anchor [A]; −∞ or NaN without negatives.

    `samples` None contrasts the anchors with each other. With a `bound`, that of all |logits|,
    their pairs are symmetric, and each tile serves its transpose too. `count` [A] is |N(i)|. An
    anchor for which η is 0 everywhere uses its hardest negative alone.

    >>> from graph_hcl.losses.hardening import Exponential
    >>> z, key = torch.eye(3), torch.arange(3)
    >>> log_mean_tiled(z, None, Pairs.among(key, key), 1.0, Weighting.of(Exponential(1.0)),
    ...     bound=1.0, count=torch.full((3,), 2), memory=2**20).abs() < 1e-6
    tensor([True, True, True])
    """
    means: Tensor
    size = tile_size(memory, anchors.element_size())
    if samples is None and weighting.beta is not None and bound is not None:
        tiles = TileSchedule(pairs, True, size)
        means = _Bounded.apply(anchors, tiles, temperature, weighting, bound, count)
        return means
    x = anchors if samples is None else samples
    assert weighting.order == 1  # a power mean without a bound is rowwise
    means = _General.apply(anchors, x, TileSchedule(pairs, False, size), temperature, weighting)
    return means


def logit_bound(reach: float, temperature: float, beta: float) -> float | None:
    """Return the largest |logit| of inner products within ±`reach`, if one shift serves them all.

    It does if every e^{(1+β)(s − bound)} is a normal number: no maximum need be kept track of.

    >>> logit_bound(1.0, 0.5, 1.0), logit_bound(1.0, 0.05, 5.0)
    (2.0, None)
    """
    bound = reach / temperature
    return bound if 2 * bound * (1 + beta) < SAFE_RANGE else None


class _Bounded(torch.autograd.Function):
    """η = e^{βs} among the anchors, with logits so bounded that one shift serves all of them."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        plan: TileSchedule,
        temperature: float,
        weighting: Weighting,
        bound: float,
        negatives: Tensor,
    ) -> Tensor:
        beta = weighting.beta
        assert isinstance(beta, float | int)
        a = _sorted(anchors, plan.rows, temperature)
        tilted, weight = a.new_zeros(len(a)), a.new_zeros(len(a))
        if beta == 0:
            weight = negatives[plan.rows].to(a)
        # What fits into the memory of the tiles anyway need not be computed again.
        keep = len(a) ** 2 <= 4 * plan.size**2
        kept = []
        for tile in plan.tiles():
            hard, eta = _exponentials(a, tile, weighting, bound)
            for total, terms in ((tilted, hard), (weight, eta)):
                if terms is None:
                    continue
                total[tile.rows] += terms.sum(1)
                if tile.rows != tile.columns:
                    total[tile.columns] += terms.sum(0)
            if keep:
                kept.append((tile, hard, eta))
        ctx.save_for_backward(anchors, tilted, weight)
        ctx.settings = plan, temperature, weighting, bound
        ctx.kept = kept if keep else None
        log_mean = (tilted.log() - weight.log()) / weighting.order
        return _unsorted(log_mean + bound, plan.rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, tilted, weight = ctx.saved_tensors
        plan, temperature, weighting, bound = ctx.settings
        beta = weighting.beta
        if torch.is_grad_enabled():

            def again(a: Tensor) -> Tensor:
                return log_mean_dense(a, a, plan.pairs, temperature, weighting)

            return (
                *gradients_again(again, (anchors,), ctx.needs_input_grad, gradient),
                *[None] * 5,
            )
        a = _sorted(anchors, plan.rows, temperature)
        g = gradient[plan.rows]
        pull, push = weighting.slopes(beta)
        up = torch.where(g == 0, 0, g * pull / tilted)
        down = torch.where(g == 0, 0, g * push / weight)
        d_a = torch.zeros_like(a)
        computed = ((tile, *_exponentials(a, tile, weighting, bound)) for tile in plan.tiles())
        for tile, hard, eta in computed if ctx.kept is None else ctx.kept:
            slope = hard * (up[tile.rows, None] + up[tile.columns])
            if eta is not None and not weighting.detached:
                slope -= eta * (down[tile.rows, None] + down[tile.columns])
            d_a[tile.rows].addmm_(slope, a[tile.columns])
            if tile.rows != tile.columns:
                d_a[tile.columns].addmm_(slope.t(), a[tile.rows])
        return (_gradient(d_a, plan.rows, temperature), *[None] * 5)


def _exponentials(
    a: Tensor, tile: Tile, weighting: Weighting, bound: float
) -> tuple[Tensor, Tensor | None]:
    """Return e^{(1+β)(s − bound)} and e^{β(s − bound)} of a tile, 0 where there is no negative.

    The second is None for β = 0, where it is the mask alone.
    """
    shift = a.new_full((1,), bound)
    s = torch.addmm(shift, a[tile.rows], a[tile.columns].t(), beta=-1)
    assert isinstance(weighting.beta, float | int)
    hard, eta = exponentials(s, weighting.beta, weighting.order)
    if tile.mask is not None:
        mask = tile.mask.to(s)
        hard, eta = hard.mul_(mask), None if eta is None else eta.mul_(mask)
    return hard, eta


class _General(torch.autograd.Function):
    """Any elementwise log η, any range of logits."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor,
        plan: TileSchedule,
        temperature: float,
        weighting: Weighting,
    ) -> Tensor:
        a = _sorted(anchors, plan.rows, temperature)
        x = _sorted(samples, plan.columns, temperature)
        tilted, weight, hardest = (a.new_full((len(a),), -math.inf) for _ in range(3))
        ties = a.new_zeros(len(a))
        for tile in plan.tiles():
            s = _logits(a, x, tile)
            eta = _masked(weighting.log_eta(s), tile)
            rows, top = tile.rows, s.amax(1)
            tied = (s == top[:, None]).sum(1) * (top > -math.inf)
            kept = torch.where(hardest[rows] >= top, ties[rows], 0)
            ties[rows] = kept + torch.where(top >= hardest[rows], tied, 0)
            hardest[rows] = torch.maximum(hardest[rows], top)
            tilted[rows] = torch.logaddexp(tilted[rows], (s + eta).logsumexp(1))
            weight[rows] = torch.logaddexp(weight[rows], eta.logsumexp(1))
        ctx.save_for_backward(anchors, samples, tilted, weight, hardest, ties)
        ctx.settings = plan, temperature, weighting
        return _unsorted(torch.where(weight == -math.inf, hardest, tilted - weight), plan.rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, tilted, weight, hardest, ties = ctx.saved_tensors
        plan, temperature, weighting = ctx.settings
        if torch.is_grad_enabled():

            def again(a: Tensor, x: Tensor) -> Tensor:
                return log_mean_dense(a, x, plan.pairs, temperature, weighting)

            inputs = (anchors, samples)
            return (*gradients_again(again, inputs, ctx.needs_input_grad, gradient), *[None] * 3)
        a = _sorted(anchors, plan.rows, temperature)
        x = _sorted(samples, plan.columns, temperature)
        g, empty = gradient[plan.rows], weight == -math.inf
        d_a, d_x = torch.zeros_like(a), torch.zeros_like(x)
        both = ctx.needs_input_grad[1]
        for tile in plan.tiles():
            rows, s = tile.rows, _logits(a, x, tile)
            eta, incline = _log_eta_and_slope(weighting, s)
            eta = _masked(eta, tile)
            none = empty[rows]
            safe = torch.where(none, 0, tilted[rows])[:, None]
            slope = (s + eta - safe).exp_()
            if incline is not None:
                tilt = (eta - torch.where(none, 0, weight[rows])[:, None]).exp_()
                slope = slope + (slope - tilt) * incline
            if bool(none.any()):
                alone = (s == hardest[rows, None]) / ties[rows, None].clamp_min(1)
                slope = torch.where(none[:, None], alone, slope)
            slope = torch.where(g[rows, None] == 0, 0, slope * g[rows, None])
            d_a[rows].addmm_(slope, x[tile.columns])
            if both:
                d_x[tile.columns].addmm_(slope.t(), a[rows])
        slopes = (
            _gradient(d, order, temperature) for d, order in ((d_a, plan.rows), (d_x, plan.columns))
        )
        return (*slopes, *[None] * 3)


def _log_eta_and_slope(weighting: Weighting, s: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return log η(s) and its derivative, None where it is 0; η acts on each logit alone."""
    if isinstance(weighting.function, NoHardening):
        return torch.zeros_like(s), None
    with torch.enable_grad():
        leaf = s.detach().masked_fill(s == -math.inf, 0.0).requires_grad_()
        eta = weighting.log_eta(leaf)
        if not eta.requires_grad:
            return eta, None
        total = eta.masked_fill(eta == -math.inf, 0.0).sum()
    return eta.detach(), torch.autograd.grad(total, leaf, allow_unused=True)[0]


def _logits(a: Tensor, x: Tensor, tile: Tile) -> Tensor:
    return _masked(a[tile.rows] @ x[tile.columns].t(), tile)


def _masked(values: Tensor, tile: Tile) -> Tensor:
    return values if tile.mask is None else values.masked_fill(~tile.mask, -math.inf)


def _sorted(values: Tensor, order: Tensor, temperature: float) -> Tensor:
    """Return sorted rows, scaled by 1/√T, so that products are logits."""
    scale: float = temperature**-0.5
    return values[order] * scale


def _unsorted(values: Tensor, order: Tensor) -> Tensor:
    return torch.empty_like(values).index_copy_(0, order, values)


def _gradient(d: Tensor, order: Tensor, temperature: float) -> Tensor:
    return _unsorted(d * temperature**-0.5, order)
