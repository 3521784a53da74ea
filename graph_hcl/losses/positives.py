"""Sums over positive pairs: gathered while they are few, tile by tile when they are many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from graph_hcl.losses.again import gradients_again
from graph_hcl.losses.pairs import Pairs


@dataclass(frozen=True)
class PairLoss:
    """ℓ_ip of log n_i, s_ip and log Q_i, elementwise: softplus(log n − s), or log n − s if `joint`.

    With `tau_plus`, log n is debiased first: log max((n − τ⁺ Q e^{s_p}) / (1 − τ⁺), Q e^{−1/T}).

    >>> PairLoss(True, 0.0, 1.0)(torch.tensor(2.0), torch.tensor(0.5), torch.tensor(0.0))
    tensor(1.5000)
    """

    joint: bool
    tau_plus: float
    temperature: float

    def __call__(self, log_n: Tensor, s: Tensor, log_q: Tensor) -> Tensor:
        """Return ℓ."""
        if self.tau_plus:
            _share, floor, log_n = self._debiased(log_n, s, log_q)
            log_n = torch.maximum(log_n, floor)
        return log_n - s if self.joint else _softplus(log_n - s)

    def slopes(self, log_n: Tensor, s: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return ℓ, ∂ℓ/∂log n and ∂ℓ/∂s."""
        gain, pull = None, None
        if self.tau_plus:
            share, floor, log_n = self._debiased(log_n, s, log_q)
            gain = torch.where(log_n > floor, 1 / (1 - share), 0)
            pull = -gain * torch.where(log_n > floor, share, 0)
            log_n = torch.maximum(log_n, floor)
        u = log_n - s
        chance = torch.ones_like(u) if self.joint else u.sigmoid()
        loss = u if self.joint else _softplus(u)
        if gain is None or pull is None:
            return loss, chance, -chance
        return loss, chance * gain, chance * (pull - 1)

    def _debiased(self, log_n: Tensor, s: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the positives' share in n, the floor, and the estimate above it, in logs."""
        # Above 1 the floor holds anyway, and the slope of an overflow would be no number.
        share = (math.log(self.tau_plus) + log_q + s - log_n).clamp_max(0.0).exp()
        left = (1 - share).clamp_min(torch.finfo(share.dtype).tiny)
        floor = log_q - 1 / self.temperature
        return share, floor, log_n + left.log() - math.log1p(-self.tau_plus)


def sum_over_positives(
    anchors: Tensor,
    samples: Tensor | None,
    log_n: Tensor,
    log_q: Tensor,
    share: Tensor,
    pairs: Pairs,
    count: Tensor,
    pair_loss: PairLoss,
    *,
    size: int,
) -> Tensor:
    """Return Σ_i share_i Σ_{p∈P(i)} ℓ(log n_i, s_ip, log Q_i) [] in tiles of `size` × `size`.

    `count` [A] is |P(i)|. Anchors with share 0 add nothing, whatever their log n is.

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> sum_over_positives(z, None, torch.zeros(4), torch.zeros(4), torch.ones(4),
    ...     Pairs.among(key, key), torch.ones(4), PairLoss(True, 0.0, 1.0), size=64)
    tensor(-4.)
    """
    x = anchors if samples is None else samples
    if int(count.sum()) <= 8 * (len(anchors) + len(x)):
        row, column = pairs.positive_pairs()
        row, column = _counted(row, column, share)
        s = (anchors[row] * x[column]).sum(1) / pair_loss.temperature
        return (pair_loss(log_n[row], s, log_q[row]) * share[row]).sum()
    total: Tensor = _Sum.apply(anchors, x, log_n, log_q, share, pairs, pair_loss, size)
    return total


def pair_sums(
    logits: Tensor, log_n: Tensor, log_q: Tensor, positives: Tensor, pair_loss: PairLoss
) -> Tensor:
    """Return Σ_{p∈P(i)} ℓ(log n_i, s_ip, log Q_i) of each anchor [A], from all logits [A, S].

    >>> s, mask = torch.zeros(1, 2), torch.tensor([[True, False]])
    >>> pair_sums(s, torch.ones(1), torch.zeros(1), mask, PairLoss(True, 0.0, 1.0))
    tensor([1.])
    """
    # Elsewhere s is log n, where ℓ is harmless: what is not taken must be differentiable too.
    s = torch.where(positives, logits, log_n.detach()[:, None])
    losses = pair_loss(log_n[:, None], s, log_q[:, None])
    return torch.where(positives, losses, 0.0).sum(1)


def _softplus(u: Tensor) -> Tensor:
    # From torch's own threshold of 20 on, the value would be off by 2e-9.
    return F.softplus(u, threshold=40.0)


def _counted(row: Tensor, column: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    kept = share[row] > 0
    return row[kept], column[kept]


class _Sum(torch.autograd.Function):
    """The sum and, in the same pass over the tiles, its gradient: the backward pass only scales."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor,
        log_n: Tensor,
        log_q: Tensor,
        share: Tensor,
        pairs: Pairs,
        pair_loss: PairLoss,
        size: int,
    ) -> Tensor:
        left, right = pairs.positive
        temperature = pair_loss.temperature
        row_keys, rows = left.sort(stable=True)
        column_keys, columns = right.sort(stable=True)
        own = None if pairs.self_index is None else pairs.self_index[rows]
        a, x = anchors[rows], samples[columns]
        n, q, weight = log_n[rows], log_q[rows], share[rows]
        d_a, d_x, d_n = torch.zeros_like(a), torch.zeros_like(x), torch.zeros_like(n)
        total = a.new_zeros(())
        firsts = torch.searchsorted(column_keys, row_keys).tolist()
        ends = torch.searchsorted(column_keys, row_keys, right=True).tolist()
        for top in range(0, len(a), size):
            bottom = min(top + size, len(a))
            for start in range(firsts[top], ends[bottom - 1], size):
                stop = min(start + size, ends[bottom - 1])
                i, j = slice(top, bottom), slice(start, stop)
                mask = row_keys[i, None] == column_keys[j]
                if own is not None:
                    mask &= own[i, None] != columns[j]
                s = a[i] @ x[j].t() / temperature
                loss, d_base, d_s = pair_loss.slopes(n[i, None], s, q[i, None])
                share_of = mask * weight[i, None]
                total += loss.mul_(share_of).sum()
                d_s = d_s * share_of
                d_a[i].addmm_(d_s, x[j], alpha=1 / temperature)
                d_x[j].addmm_(d_s.t(), a[i], alpha=1 / temperature)
                d_n[i] += (d_base * share_of).sum(1)
        ctx.settings = pairs, pair_loss
        ctx.save_for_backward(
            anchors,
            samples,
            log_n,
            log_q,
            share,
            *(
                torch.empty_like(values).index_copy_(0, order, values)
                for values, order in ((d_a, rows), (d_x, columns), (d_n, rows))
            ),
        )
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, log_n, log_q, share, *slopes = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return (*(gradient * slope for slope in slopes), *[None] * 5)
        pairs, pair_loss = ctx.settings

        def again(a: Tensor, x: Tensor, n: Tensor) -> Tensor:
            logits = a @ x.t() / pair_loss.temperature
            return (pair_sums(logits, n, log_q, pairs.masks()[0], pair_loss) * share).sum()

        found = gradients_again(again, (anchors, samples, log_n), ctx.needs_input_grad, gradient)
        return (*found, *[None] * 5)


def shares(positives: Tensor, counted: Tensor, average: str, like: Tensor) -> Tensor:
    """Return the weight of each pair of an anchor [A]: 1/(anchors · positives) or 1/pairs.

    >>> shares(torch.tensor([1, 2, 5]), torch.tensor([True, True, False]), "anchor", torch.ones(1))
    tensor([0.5000, 0.2500, 0.0000])
    """
    if average == "pair":
        all_of = (positives * counted).sum()
    else:
        all_of = positives * counted.sum()
    return counted.to(like) / all_of.clamp_min(1)


def log_count(negatives: Tensor, prefactor: str, like: Tensor) -> Tensor:
    """Return log Q_i [A]: the log number of negatives ("sum") or 0 ("mean").

    >>> log_count(torch.tensor([1, 0]), "mean", torch.zeros(1))
    tensor([0., 0.])
    """
    if prefactor == "mean":
        return like.new_zeros(len(negatives))
    return negatives.to(like).log().clamp_min(-math.log(2))
