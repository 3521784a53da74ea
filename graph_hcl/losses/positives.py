"""Sums over positive pairs: gathered while they are few, tile by tile when they are many."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graph_hcl.losses.pairs import Pairs

PairLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(log n_i, s_ip, log Q_i) -> ℓ_ip, elementwise."""


def sum_over_positives(
    anchors: Tensor,
    samples: Tensor | None,
    log_n: Tensor,
    log_q: Tensor,
    share: Tensor,
    pairs: Pairs,
    count: Tensor,
    pair_loss: PairLoss,
    temperature: float,
    size: int,
) -> Tensor:
    """Return Σ_i share_i Σ_{p∈P(i)} ℓ(log n_i, s_ip, log Q_i) [] in tiles of `size` × `size`.

    `count` [A] is |P(i)|. Anchors with share 0 add nothing, whatever their log n is.

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> sum_over_positives(z, None, torch.zeros(4), torch.zeros(4), torch.ones(4),
    ...     Pairs.among(key, key), torch.ones(4), lambda n, s, q: s - n, 1.0, 64)
    tensor(4.)
    """
    x = anchors if samples is None else samples
    if int(count.sum()) <= 8 * (len(anchors) + len(x)):
        row, column = pairs.positive_pairs()
        row, column = _counted(row, column, share)
        s = (anchors[row] * x[column]).sum(1) / temperature
        return (pair_loss(log_n[row], s, log_q[row]) * share[row]).sum()
    total: Tensor = _Sum.apply(anchors, x, log_n, log_q, share, pairs, pair_loss, temperature, size)
    return total


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
        temperature: float,
        size: int,
    ) -> Tensor:
        left, right = pairs.positive
        row_keys, rows = left.sort(stable=True)
        column_keys, columns = right.sort(stable=True)
        own = None if pairs.self_index is None else pairs.self_index[rows]
        a, x = anchors[rows], samples[columns]
        n, q, weight = log_n[rows], log_q[rows], share[rows]
        n = torch.where(weight > 0, n, 0)
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
                with torch.enable_grad():
                    leaf, base = s.requires_grad_(), n[i, None].clone().requires_grad_()
                    losses = pair_loss(base, leaf, q[i, None]) * weight[i, None]
                    part = losses.masked_fill(~mask, 0.0).sum()
                d_s, d_base = torch.autograd.grad(part, (leaf, base))
                total += part.detach()
                d_a[i].addmm_(d_s, x[j], alpha=1 / temperature)
                d_x[j].addmm_(d_s.t(), a[i], alpha=1 / temperature)
                d_n[i] += d_base[:, 0]
        ctx.save_for_backward(
            *(
                torch.empty_like(values).index_copy_(0, order, values)
                for values, order in ((d_a, rows), (d_x, columns), (d_n, rows))
            )
        )
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return (*(gradient * slope for slope in ctx.saved_tensors), *[None] * 6)


def shares(positives: Tensor, counted: Tensor, average: str) -> Tensor:
    """Return the weight of each pair of an anchor [A]: 1/(anchors · positives) or 1/pairs.

    >>> shares(torch.tensor([1, 2, 5]), torch.tensor([True, True, False]), "anchor")
    tensor([0.5000, 0.2500, 0.0000], dtype=torch.float64)
    """
    count = positives.double()
    if average == "pair":
        share = torch.ones_like(count) / count[counted].sum()
    else:
        share = 1 / (count.clamp_min(1) * counted.sum())
    return torch.where(counted, share, 0)


def log_count(negatives: Tensor, prefactor: str, like: Tensor) -> Tensor:
    """Return log Q_i [A]: the log number of negatives ("sum") or 0 ("mean").

    >>> log_count(torch.tensor([1, 0]), "mean", torch.zeros(1))
    tensor([0., 0.])
    """
    if prefactor == "mean":
        return like.new_zeros(len(negatives))
    return negatives.to(like).log().clamp_min(-math.log(2))
