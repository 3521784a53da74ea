"""Value and gradient from one symmetric matrix of exponentials.

η is 1 or e^{βs}, or n a power mean. Among the anchors themselves, with logits so bounded that one
shift serves all of them, the exponentials are symmetric, and so is the slope of the loss: no pass
over a transposed matrix.
A gradient that is to be differentiated again is that of the dense form.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dense import dense_loss
from graph_hcl.losses._kernels.exponentials import exponentials
from graph_hcl.losses._kernels.pair_loss import log_count, pair_slopes, pair_weights
from graph_hcl.losses._kernels.second_order import gradients_again
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import Weighting

FEW = 8
"""Pairs that are no negatives, per anchor, up to which a list of them is faster than a mask."""


def symmetric_loss(
    anchors: Tensor, pairs: Pairs, settings: LossSettings, weighting: Weighting, *, bound: float
) -> Tensor:
    """Return the loss [] of `contrastive_loss` for η = e^{βs} and logits within ±`bound`.

    >>> from graph_hcl.losses.hardening import NoHardening
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> settings = LossSettings(temperature=1.0)
    >>> symmetric_loss(z, Pairs.among(key, key), settings, Weighting.of(NoHardening()), bound=1.0)
    tensor(0.5514)
    """
    total: Tensor = _Symmetric.apply(anchors, pairs, settings, weighting, bound)
    return total


class _Symmetric(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        pairs: Pairs,
        settings: LossSettings,
        weighting: Weighting,
        bound: float,
    ) -> Tensor:
        beta = weighting.beta
        assert isinstance(beta, float | int)
        same, others = pairs.counts()
        positive, excluded = positive_and_excluded_indices(pairs, others)
        row = positive // len(a)
        counted = (same > 0) & (others > 0)
        log_q, share = log_count(others, settings, a), pair_weights(same, counted, settings, a)
        s = torch.addmm(a.new_full((1,), bound), a / settings.temperature, a.t(), beta=-1)
        near = s.view(-1)[positive]
        hard, eta = exponentials(s, beta, weighting.order)
        for terms in (hard,) if eta is None else (hard, eta):
            if excluded.dtype == torch.bool:
                terms.masked_fill_(excluded, 0)
            else:
                terms.view(-1).index_fill_(0, excluded, 0)
        # Anchors without negatives have an empty sum, and a share of 0.
        tilted = hard.sum(1).clamp_min_(torch.finfo(a.dtype).tiny)
        weight = (others.to(a) if eta is None else eta.sum(1)).clamp_min_(torch.finfo(a.dtype).tiny)
        log_n = log_q + (tilted / weight).log() / weighting.order
        part, d_n, d_near = pair_slopes(settings, log_n[row] + bound, near + bound, log_q[row])
        parts = share[row]
        total = torch.dot(part, parts)
        up = torch.zeros_like(log_n).index_add_(0, row, d_n * parts)
        pull, push = weighting.slopes(beta)
        u = up * pull / tilted
        both = u[:, None] + u
        slope = hard.mul_(both)
        if eta is not None and push:
            v = up * push / weight
            slope -= torch.add(v[:, None], v, out=both).mul_(eta)
        d_pair, transposed = d_near * parts, (positive - row * len(a)) * len(a) + row
        slope.view(-1).index_add_(0, positive, d_pair).index_add_(0, transposed, d_pair)
        ctx.save_for_backward(a, slope @ a)
        ctx.settings = pairs, settings, weighting
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, slope = ctx.saved_tensors
        pairs, settings, weighting = ctx.settings
        if torch.is_grad_enabled():

            def again(a: Tensor) -> Tensor:
                return dense_loss(a, a, pairs, settings, weighting)

            return (*gradients_again(again, (a,), ctx.needs_input_grad, gradient), *[None] * 4)
        return (slope * (gradient * (1 / settings.temperature)), *[None] * 4)


def positive_and_excluded_indices(pairs: Pairs, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return flat indices [P] of the positive pairs, and of the pairs that are no negatives.

    The latter are a mask [A, A], or flat indices where they are few; `others` [A] is |N(i)|.

    >>> pairs = Pairs.among(torch.tensor([0, 0]), torch.tensor([0, 0]))
    >>> positive_and_excluded_indices(pairs, pairs.counts()[1])
    (tensor([1, 2]), tensor([0, 1, 2, 3]))
    """
    size = len(others)
    few = size**2 - int(others.sum()) if pairs.copies is None else pairs.copies * size
    if few > FEW * size:
        positives, excluded = pairs.masks_among()
        return positives.view(-1).nonzero().squeeze(1), excluded
    row, column = pairs.excluded_pairs()
    excluded = row * size + column
    if pairs.one_key and pairs.copies is None:
        return (excluded if pairs.self_index is None else excluded[row != column]), excluded
    row, column = pairs.positive_pairs()
    return row * size + column, excluded
