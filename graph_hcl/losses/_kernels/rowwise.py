"""Value and gradient in one pass over blocks of whole rows, for η = 1, η = e^{βs} and power means.

Each logit is computed once: a block has all negatives of its anchors, so their losses and the
slopes of all logits are known before the next block.
A gradient that is to be differentiated again is that of the dense form.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dense import dense_loss
from graph_hcl.losses._kernels.exponentials import exponentials
from graph_hcl.losses._kernels.pair_loss import log_count, pair_slopes, pair_weights
from graph_hcl.losses._kernels.second_order import gradients_again
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import Weighting

TINY = 1e-30
"""Stands for β = 0 where β is one per anchor: 0 · −∞ would be no number."""


class Block(NamedTuple):
    """Some anchors: their positives as flat positions in the block, and who is no negative.

    `excluded` is a mask [rows, S] or flat positions.

    >>> Block(slice(0, 1), torch.tensor([2]), torch.tensor([0, 2])).rows
    slice(0, 1, None)
    """

    rows: slice
    positive: Tensor
    excluded: Tensor


def rowwise_loss(
    anchors: Tensor,
    samples: Tensor | None,
    pairs: Pairs,
    settings: LossSettings,
    weighting: Weighting,
    *,
    bound: float | None = None,
    memory: int,
) -> Tensor:
    """Return the loss [] of `contrastive_loss` for η = e^{βs}; `memory` bounds a block's bytes.

    β may be one number or one per anchor [A]. With a `bound`, that of all |logits|, one shift
    serves all rows, and their largest logits are not looked for.

    >>> from graph_hcl.losses.hardening import NoHardening
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> rowwise_loss(z, None, Pairs.among(key, key), LossSettings(temperature=1.0),
    ...     Weighting.of(NoHardening()), memory=2**20)
    tensor(0.5514)
    """
    total: Tensor = _Rowwise.apply(anchors, samples, pairs, settings, weighting, bound, memory)
    return total


class _Rowwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor | None,
        pairs: Pairs,
        settings: LossSettings,
        weighting: Weighting,
        bound: float | None,
        memory: int,
    ) -> Tensor:
        beta = weighting.beta
        assert beta is not None
        x = anchors if samples is None else samples
        counts = pairs.counts()
        counted = (counts[0] > 0) & (counts[1] > 0)
        log_q = log_count(counts[1], settings, anchors)
        share = pair_weights(counts[0], counted, settings, anchors)
        flat_eta = not isinstance(beta, Tensor) and beta == 0
        height = max(1, memory // (len(x) * anchors.element_size() * (1 if flat_eta else 2)))
        d_a = torch.empty_like(anchors)
        everyone = bool(counted.all())
        # Samples without a gradient, a memory or fixed targets, save one product per block.
        needed = samples is None or ctx.needs_input_grad[1]
        d_x = torch.zeros_like(x) if needed else None
        total = anchors.new_zeros(())
        for rows, positive, excluded in _blocks(pairs, counts, height):
            a = anchors[rows]
            shift = a.new_full((1,), bound or 0.0)
            s = torch.addmm(shift, a / settings.temperature, x.t(), beta=-1)
            row = positive // len(x)
            near = s.view(-1)[positive] + shift
            _exclude(s, excluded, -math.inf)
            if bound is None:
                shift = s.amax(1).clamp_min(torch.finfo(s.dtype).min)
                s -= shift[:, None]
            b = beta[rows].clamp_min(TINY) if isinstance(beta, Tensor) else beta
            hard, eta = exponentials(s, b, weighting.order)
            tilted = hard.sum(1)
            weight = counts[1][rows].to(s) if eta is None else eta.sum(1)
            some = counted[rows]
            log_n = log_q[rows] + shift + (tilted / weight).log() / weighting.order
            if not everyone:
                log_n = torch.where(some, log_n, 0)
                tilted, weight = torch.where(some, tilted, 1), torch.where(some, weight, 1)
            part, d_n, d_near = pair_slopes(settings, log_n[row], near, log_q[rows][row])
            parts = share[rows][row]
            total += torch.dot(part, parts)
            up = torch.zeros_like(log_n).index_add_(0, row, d_n * parts)
            pull, push = weighting.slopes(b)
            slope = hard.mul_((up * pull / tilted)[:, None])
            if eta is not None and not weighting.detached:
                slope.addcmul_(eta, (up * push / weight)[:, None], value=-1)
            slope.view(-1).index_add_(0, positive, d_near * parts)
            torch.mm(slope, x, out=d_a[rows])
            if d_x is not None:
                d_x.addmm_(slope.t(), a)
        if samples is None and d_x is not None:
            d_a += d_x
        ctx.save_for_backward(anchors, samples, d_a, None if samples is None else d_x)
        ctx.settings = pairs, settings, weighting
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, *saved = ctx.saved_tensors
        pairs, settings, weighting = ctx.settings
        if torch.is_grad_enabled():

            def again(a: Tensor, *x: Tensor) -> Tensor:
                return dense_loss(a, x[0] if x else a, pairs, settings, weighting)

            inputs = (anchors,) if samples is None else (anchors, samples)
            slopes = gradients_again(again, inputs, ctx.needs_input_grad, gradient)
            return (*slopes, *[None] * (7 - len(slopes)))
        scaled = gradient * (1 / settings.temperature)
        return (*(None if slope is None else slope * scaled for slope in saved), *[None] * 5)


def _exclude(s: Tensor, excluded: Tensor, value: float) -> None:
    if excluded.dtype == torch.bool:
        s.masked_fill_(excluded, value)
    else:
        s.view(-1).index_fill_(0, excluded, value)


def _blocks(pairs: Pairs, counts: tuple[Tensor, Tensor], height: int) -> Iterator[Block]:
    """Yield blocks of `height` rows; pairs come from lists where they are few, else from masks."""
    anchors, columns = len(pairs.positive[0]), len(pairs.positive[1])
    few = 8 * (anchors + columns)
    if int(counts[0].sum()) > few or int((columns - counts[1]).sum()) > few:
        for top in range(0, anchors, height):
            rows = slice(top, min(top + height, anchors))
            positives, negatives = pairs.masks(rows)
            yield Block(rows, positives.view(-1).nonzero().squeeze(1), ~negatives)
        return
    lists = [pairs.positive_pairs(), pairs.excluded_pairs()]
    tops = torch.arange(0, anchors + height, height, device=counts[0].device)
    ends = [torch.searchsorted(row, tops).tolist() for row, _ in lists]
    for k, top in enumerate(range(0, anchors, height)):
        first, second = (
            (row[end[k] : end[k + 1]] - top) * columns + column[end[k] : end[k + 1]]
            for (row, column), end in zip(lists, ends, strict=True)
        )
        yield Block(slice(top, min(top + height, anchors)), first, second)
