"""Sums over positive pairs: gathered while they are few, tile by tile when they are many."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses._kernels.pair_loss import pair_loss, pair_slopes
from graph_hcl.losses._kernels.second_order import gradients_again
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.settings import LossSettings


def sum_over_positives(
    anchors: Tensor,
    samples: Tensor | None,
    log_n: Tensor,
    log_q: Tensor,
    weight: Tensor,
    pairs: Pairs,
    count: Tensor,
    settings: LossSettings,
    *,
    size: int,
) -> Tensor:
    """Return Σ_i weight_i Σ_{p∈P(i)} ℓ(log n_i, s_ip, log Q_i) [] in tiles of `size` × `size`.

    `count` [A] is |P(i)|. Anchors with weight 0 add nothing, whatever their log n is.

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> sum_over_positives(z, None, torch.zeros(4), torch.zeros(4), torch.ones(4),
    ...     Pairs.among(key, key), torch.ones(4),
    ...     LossSettings(temperature=1.0, denominator="negatives"), size=64)
    tensor(-4.)
    """
    x = anchors if samples is None else samples
    if int(count.sum()) <= 8 * (len(anchors) + len(x)):
        row, column = pairs.positive_pairs()
        row, column = _counted(row, column, weight)
        s = (anchors[row] * x[column]).sum(1) / settings.temperature
        return (pair_loss(settings, log_n[row], s, log_q[row]) * weight[row]).sum()
    total: Tensor = _Sum.apply(anchors, x, log_n, log_q, weight, pairs, settings, size)
    return total


def pair_sums(
    logits: Tensor, log_n: Tensor, log_q: Tensor, positives: Tensor, settings: LossSettings
) -> Tensor:
    """Return Σ_{p∈P(i)} ℓ(log n_i, s_ip, log Q_i) of each anchor [A], from all logits [A, S].

    >>> s, mask = torch.zeros(1, 2), torch.tensor([[True, False]])
    >>> decoupled = LossSettings(denominator="negatives")
    >>> pair_sums(s, torch.ones(1), torch.zeros(1), mask, decoupled)
    tensor([1.])
    """
    # Elsewhere s is log n, where ℓ is finite: values that are masked out must have gradients, too.
    s = torch.where(positives, logits, log_n.detach()[:, None])
    losses = pair_loss(settings, log_n[:, None], s, log_q[:, None])
    return torch.where(positives, losses, 0.0).sum(1)


def _counted(row: Tensor, column: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    kept = weight[row] > 0
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
        weight: Tensor,
        pairs: Pairs,
        settings: LossSettings,
        size: int,
    ) -> Tensor:
        left, right = pairs.positive
        temperature = settings.temperature
        row_keys, rows = left.sort(stable=True)
        column_keys, columns = right.sort(stable=True)
        own = None if pairs.self_index is None else pairs.self_index[rows]
        a, x = anchors[rows], samples[columns]
        n, q, w = log_n[rows], log_q[rows], weight[rows]
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
                loss, d_base, d_s = pair_slopes(settings, n[i, None], s, q[i, None])
                weights = mask * w[i, None]
                total += loss.mul_(weights).sum()
                d_s = d_s * weights
                d_a[i].addmm_(d_s, x[j], alpha=1 / temperature)
                d_x[j].addmm_(d_s.t(), a[i], alpha=1 / temperature)
                d_n[i] += (d_base * weights).sum(1)
        ctx.settings = pairs, settings
        ctx.save_for_backward(
            anchors,
            samples,
            log_n,
            log_q,
            weight,
            *(
                torch.empty_like(values).index_copy_(0, order, values)
                for values, order in ((d_a, rows), (d_x, columns), (d_n, rows))
            ),
        )
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, log_n, log_q, weight, *slopes = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return (*(gradient * slope for slope in slopes), *[None] * 5)
        pairs, settings = ctx.settings

        def again(a: Tensor, x: Tensor, n: Tensor) -> Tensor:
            logits = a @ x.t() / settings.temperature
            total: Tensor = pair_sums(logits, n, log_q, pairs.masks()[0], settings) * weight
            return total.sum()

        slopes = gradients_again(again, (anchors, samples, log_n), ctx.needs_input_grad, gradient)
        return (*slopes, *[None] * 5)
