"""The same value and gradient as the dense form in O(rows · tile) memory.

Logits are computed tile by tile and never kept: the forward pass reduces each tile to the sums of
its rows, the backward pass computes it again. Rows are sorted by key first, so that a tile of one
class is skipped and only tiles on a border of classes need a mask. First derivatives only: a second
backward pass raises.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graph_hcl.losses.hardening import Exponential, LogEta, NoHardening
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.plan import Plan, Tile, tile_size

SAFE_RANGE = 60.0
"""Widest range of exponents for which sums need no running maximum in float32 (of 87)."""


def log_mean_tiled(
    anchors: Tensor,
    samples: Tensor | None,
    pairs: Pairs,
    temperature: float,
    log_eta: LogEta,
    *,
    count: Tensor,
    detach_weights: bool,
    memory: int,
) -> Tensor:
    """Return LSE_N(s + log η) − LSE_N(log η) of each anchor [A]; −∞ or NaN without negatives.

    `samples` None contrasts the anchors with each other; `count` [A] is |N(i)|. An anchor for which
    η is 0 everywhere takes its hardest negative alone.

    >>> z, key = torch.eye(3), torch.arange(3)
    >>> log_mean_tiled(z, None, Pairs.among(key, key), 1.0, Exponential(1.0),
    ...                count=torch.full((3,), 2), detach_weights=False, memory=2**20).abs() < 1e-6
    tensor([True, True, True])
    """
    symmetric = samples is None
    x = anchors if samples is None else samples
    # Inside this bound every e^{(1+β)(s − bound)} is a normal number: no maximum to keep track of.
    bound = float(anchors.detach().norm(dim=1).max() * x.detach().norm(dim=1).max()) / temperature
    beta = 0.0 if isinstance(log_eta, NoHardening) else getattr(log_eta, "beta", math.inf)
    plain = isinstance(log_eta, NoHardening | Exponential)
    size = tile_size(memory, anchors.element_size())
    if plain and 2 * bound * (1 + beta) < SAFE_RANGE:
        plan = Plan(pairs, symmetric, size)
        return _Bounded.apply(
            anchors, samples, plan, temperature, beta, bound, detach_weights, count
        )
    plan = Plan(pairs, False, size)
    return _General.apply(anchors, x, plan, temperature, log_eta, detach_weights)


class _Bounded(torch.autograd.Function):
    """η = e^{βs} with logits so bounded that one shift serves all of them."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor | None,
        plan: Plan,
        temperature: float,
        beta: float,
        bound: float,
        detach: bool,
        negatives: Tensor,
    ) -> Tensor:
        a, x = _sorted(anchors, samples, plan, temperature)
        tilted, weight = a.new_zeros(len(a)), a.new_zeros(len(a))
        if beta == 0:
            weight = negatives[plan.rows].to(a)
        # What fits into the memory of the tiles anyway need not be computed again.
        keep = len(a) * len(x) <= 4 * plan.size**2
        kept = []
        for tile in plan.tiles():
            hard, eta = _exponentials(a, x, tile, beta, bound)
            for total, terms in ((tilted, hard), (weight, eta)):
                if terms is None:
                    continue
                total[tile.rows] += terms.sum(1)
                if plan.symmetric and tile.rows != tile.columns:
                    total[tile.columns] += terms.sum(0)
            if keep:
                kept.append((tile, hard, eta))
        ctx.save_for_backward(anchors, samples, tilted, weight)
        ctx.settings = plan, temperature, beta, bound, detach
        ctx.kept = kept if keep else None
        return _unsorted(tilted.log() - weight.log() + bound, plan.rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, tilted, weight = ctx.saved_tensors
        plan, temperature, beta, bound, detach = ctx.settings
        a, x = _sorted(anchors, samples, plan, temperature)
        g = gradient[plan.rows]
        up = torch.where(g == 0, 0, g * (1 if detach else 1 + beta) / tilted)
        down = torch.where(g == 0, 0, g * (0 if detach else beta) / weight)
        d_a = torch.zeros_like(a)
        d_x = d_a if plan.symmetric else torch.zeros_like(x)
        again = ((tile, *_exponentials(a, x, tile, beta, bound)) for tile in plan.tiles())
        for tile, hard, eta in again if ctx.kept is None else ctx.kept:
            if plan.symmetric:
                slope = hard * (up[tile.rows, None] + up[tile.columns])
                if eta is not None and not detach:
                    slope -= eta * (down[tile.rows, None] + down[tile.columns])
                d_a[tile.rows].addmm_(slope, x[tile.columns])
                if tile.rows != tile.columns:
                    d_a[tile.columns].addmm_(slope.t(), x[tile.rows])
            else:
                slope = hard * up[tile.rows, None]
                if eta is not None and not detach:
                    slope -= eta * down[tile.rows, None]
                d_a[tile.rows].addmm_(slope, x[tile.columns])
                d_x[tile.columns].addmm_(slope.t(), a[tile.rows])
        return (*_gradients(d_a, None if plan.symmetric else d_x, plan, temperature), *[None] * 6)


def _exponentials(
    a: Tensor, x: Tensor, tile: Tile, beta: float, bound: float
) -> tuple[Tensor, Tensor | None]:
    """Return e^{(1+β)(s − bound)} and e^{β(s − bound)} of a tile, 0 where there is no negative.

    The second is None for β = 0, where it is the mask alone.
    """
    shift = a.new_full((1,), bound)
    s = torch.addmm(shift, a[tile.rows], x[tile.columns].t(), beta=-1)
    mask = None if tile.mask is None else tile.mask.to(s)
    if beta == 0:
        hard = s.exp_()
        return (hard if mask is None else hard.mul_(mask)), None
    eta = s.exp_() if beta == 1 else (s * beta).exp_()
    if mask is not None:
        eta = eta.mul_(mask)
    return (eta * eta if beta == 1 else s.exp_().mul_(eta)), eta


class _General(torch.autograd.Function):
    """Any elementwise log η, any range of logits."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor,
        plan: Plan,
        temperature: float,
        log_eta: LogEta,
        detach: bool,
    ) -> Tensor:
        a, x = _sorted(anchors, samples, plan, temperature)
        tilted, weight, hardest = (a.new_full((len(a),), -math.inf) for _ in range(3))
        ties = a.new_zeros(len(a))
        for tile in plan.tiles():
            s = _logits(a, x, tile)
            eta = _masked(log_eta(s), tile)
            rows, top = tile.rows, s.amax(1)
            tied = (s == top[:, None]).sum(1) * (top > -math.inf)
            kept = torch.where(hardest[rows] >= top, ties[rows], 0)
            ties[rows] = kept + torch.where(top >= hardest[rows], tied, 0)
            hardest[rows] = torch.maximum(hardest[rows], top)
            tilted[rows] = torch.logaddexp(tilted[rows], (s + eta).logsumexp(1))
            weight[rows] = torch.logaddexp(weight[rows], eta.logsumexp(1))
        ctx.save_for_backward(anchors, samples, tilted, weight, hardest, ties)
        ctx.settings = plan, temperature, log_eta, detach
        return _unsorted(torch.where(weight == -math.inf, hardest, tilted - weight), plan.rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, tilted, weight, hardest, ties = ctx.saved_tensors
        plan, temperature, log_eta, detach = ctx.settings
        a, x = _sorted(anchors, samples, plan, temperature)
        g, empty = gradient[plan.rows], weight == -math.inf
        d_a, d_x = torch.zeros_like(a), torch.zeros_like(x)
        for tile in plan.tiles():
            rows, s = tile.rows, _logits(a, x, tile)
            eta, incline = _log_eta_and_slope(log_eta, s)
            eta = _masked(eta, tile)
            none = empty[rows]
            safe = torch.where(none, 0, tilted[rows])[:, None]
            slope = (s + eta - safe).exp_()
            if not detach and incline is not None:
                tilt = (eta - torch.where(none, 0, weight[rows])[:, None]).exp_()
                slope = slope + (slope - tilt) * incline
            if bool(none.any()):
                alone = (s == hardest[rows, None]) / ties[rows, None].clamp_min(1)
                slope = torch.where(none[:, None], alone, slope)
            slope = torch.where(g[rows, None] == 0, 0, slope * g[rows, None])
            d_a[rows].addmm_(slope, x[tile.columns])
            d_x[tile.columns].addmm_(slope.t(), a[rows])
        return (*_gradients(d_a, d_x, plan, temperature), *[None] * 4)


def _log_eta_and_slope(log_eta: LogEta, s: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return log η(s) and its derivative, None where it is 0; η acts on each logit alone."""
    if isinstance(log_eta, NoHardening):
        return torch.zeros_like(s), None
    with torch.enable_grad():
        leaf = s.detach().masked_fill(s == -math.inf, 0.0).requires_grad_()
        eta = log_eta(leaf)
        if not eta.requires_grad:
            return eta, None
        total = eta.masked_fill(eta == -math.inf, 0.0).sum()
    return eta.detach(), torch.autograd.grad(total, leaf, allow_unused=True)[0]


def _logits(a: Tensor, x: Tensor, tile: Tile) -> Tensor:
    return _masked(a[tile.rows] @ x[tile.columns].t(), tile)


def _masked(values: Tensor, tile: Tile) -> Tensor:
    return values if tile.mask is None else values.masked_fill(~tile.mask, -math.inf)


def _sorted(
    anchors: Tensor, samples: Tensor | None, plan: Plan, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return sorted rows and columns, each scaled by 1/√T, so that products are logits."""
    scale = temperature**-0.5
    a = anchors[plan.rows] * scale
    return a, a if samples is None else samples[plan.columns] * scale


def _unsorted(values: Tensor, order: Tensor) -> Tensor:
    return torch.empty_like(values).index_copy_(0, order, values)


def _gradients(
    d_a: Tensor, d_x: Tensor | None, plan: Plan, temperature: float
) -> tuple[Tensor, Tensor | None]:
    scale = temperature**-0.5
    to_samples = None if d_x is None else _unsorted(d_x * scale, plan.columns)
    return _unsorted(d_a * scale, plan.rows), to_samples
