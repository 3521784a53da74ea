"""Value and gradient from one symmetric matrix of exponentials, for η = 1 and η = e^{βs}.

Among the anchors themselves, with logits so bounded that one shift serves all of them, the
exponentials are symmetric, and so is the slope of the loss: no pass over a transposed matrix.
A gradient that is to be differentiated again is that of the dense form.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses.again import gradients_again
from graph_hcl.losses.dense import dense_loss
from graph_hcl.losses.hardening import Exponential, exponentials
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.positives import PairLoss, log_count, shares

FEW = 8
"""Pairs that are no negatives, per anchor, up to which a list of them is faster than a mask."""


def symmetric_loss(
    anchors: Tensor,
    pairs: Pairs,
    pair_loss: PairLoss,
    *,
    beta: float,
    bound: float,
    prefactor: str,
    average: str,
    detach_weights: bool,
) -> Tensor:
    """Return the loss [] of `contrastive_loss` for η = e^{βs} and logits within ±`bound`.

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> symmetric_loss(z, Pairs.among(key, key), PairLoss(False, 0.0, 1.0), beta=0.0, bound=1.0,
    ...     prefactor="sum", average="anchor", detach_weights=False)
    tensor(0.5514)
    """
    total: Tensor = _Symmetric.apply(
        anchors, pairs, pair_loss, beta, bound, prefactor, average, detach_weights
    )
    return total


class _Symmetric(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        pairs: Pairs,
        pair_loss: PairLoss,
        beta: float,
        bound: float,
        prefactor: str,
        average: str,
        detach: bool,
    ) -> Tensor:
        same, others = pairs.counts()
        positive, excluded = _who(pairs, others)
        row = positive // len(a)
        counted = (same > 0) & (others > 0)
        log_q, share = log_count(others, prefactor, a), shares(same, counted, average, a)
        s = torch.addmm(a.new_full((1,), bound), a / pair_loss.temperature, a.t(), beta=-1)
        near = s.view(-1)[positive]
        hard, eta = exponentials(s, beta)
        for terms in (hard,) if eta is None else (hard, eta):
            if excluded.dtype == torch.bool:
                terms.masked_fill_(excluded, 0)
            else:
                terms.view(-1).index_fill_(0, excluded, 0)
        # Anchors without negatives have an empty sum, and a share of 0.
        tilted = hard.sum(1).clamp_min_(torch.finfo(a.dtype).tiny)
        weight = (others.to(a) if eta is None else eta.sum(1)).clamp_min_(torch.finfo(a.dtype).tiny)
        log_n = log_q + (tilted / weight).log()
        part, d_n, d_near = pair_loss.slopes(log_n[row] + bound, near + bound, log_q[row])
        parts = share[row]
        total = torch.dot(part, parts)
        up = torch.zeros_like(log_n).index_add_(0, row, d_n * parts)
        u = up * (1 if detach else 1 + beta) / tilted
        both = u[:, None] + u
        slope = hard.mul_(both)
        if eta is not None and not detach:
            v = up * beta / weight
            slope -= torch.add(v[:, None], v, out=both).mul_(eta)
        pull, transposed = d_near * parts, (positive - row * len(a)) * len(a) + row
        slope.view(-1).index_add_(0, positive, pull).index_add_(0, transposed, pull)
        ctx.save_for_backward(a, slope @ a)
        ctx.scale = 1 / pair_loss.temperature
        ctx.settings = pairs, pair_loss, beta, prefactor, average, detach
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, slope = ctx.saved_tensors
        if torch.is_grad_enabled():
            pairs, pair_loss, beta, prefactor, average, detach = ctx.settings

            def again(a: Tensor) -> Tensor:
                return dense_loss(
                    a,
                    a,
                    pairs,
                    pair_loss,
                    Exponential(beta),
                    prefactor=prefactor,
                    average=average,
                    detach_weights=detach,
                )

            return (*gradients_again(again, (a,), ctx.needs_input_grad, gradient), *[None] * 7)
        return (slope * (gradient * ctx.scale), *[None] * 7)


def _who(pairs: Pairs, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return flat positions [P] of the positive pairs, and who is no negative of whom.

    The latter is a mask [A, A], or flat positions where they are few; `others` [A] is |N(i)|.
    """
    size = len(others)
    if size**2 - int(others.sum()) > FEW * size:
        positives, excluded = pairs.masks_among()
        return positives.view(-1).nonzero().squeeze(1), excluded
    row, column = pairs.excluded_pairs()
    excluded = row * size + column
    if pairs.one_key:
        return (excluded if pairs.self_index is None else excluded[row != column]), excluded
    row, column = pairs.positive_pairs()
    return row * size + column, excluded
