"""Sums over neighbours without scattering, for edges that are sorted and run both ways.

With edges sorted by source and each edge present in both directions, the neighbours of a node are
one contiguous run of targets: their sum is a bag of rows, and so is its gradient, since the
adjacency is its own transpose.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Neighbours(NamedTuple):
    """The neighbours of node v: `target[ptr[v] : ptr[v + 1]]`; ptr [n + 1], target [E].

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> Neighbours.of(edges, 3)
    Neighbours(target=tensor([1, 0, 2, 1]), ptr=tensor([0, 1, 3, 4]))
    """

    target: Tensor
    ptr: Tensor

    @classmethod
    def of(cls, edge_index: Tensor, num_nodes: int) -> Neighbours:
        """Return the neighbours by edges [2, E] that are sorted by source and run both ways."""
        source, target = edge_index
        # `bincount` would wait for the device to tell the largest number.
        degree = source.new_zeros(num_nodes)
        degree.scatter_add_(0, source, source.new_ones(1).expand(len(source)))
        return cls(target, torch.cat([degree.new_zeros(1), degree.cumsum(0)]))

    def degree(self) -> Tensor:
        """Return the number of neighbours of each node [n]."""
        return self.ptr.diff()

    def sum(self, x: Tensor, self_weight: Tensor | None = None) -> Tensor:
        """Return the sum of x [n, F] over each node's neighbours, plus `self_weight` [1] times x.

        >>> Neighbours.of(torch.tensor([[0, 1], [1, 0]]), 2).sum(torch.tensor([[1.0], [5.0]]))
        tensor([[5.],
                [1.]])
        """
        if self_weight is not None and self_weight.requires_grad:
            return self.sum(x) + self_weight * x
        total: Tensor = _Sum.apply(x, self.target, self.ptr, self_weight)
        return total


def _segment_sums(rows: Tensor, x: Tensor, ptr: Tensor) -> Tensor:
    """Return the sum of the rows `rows[ptr[k] : ptr[k + 1]]` of x for each k."""
    # For a tensor that requires a gradient, embedding_bag saves more than we need.
    return F.embedding_bag(rows, x.detach(), ptr, mode="sum", include_last_offset=True)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, target: Tensor, ptr: Tensor, self_weight: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(target, ptr, self_weight)
        total = _segment_sums(target, x, ptr)
        return total if self_weight is None else total.addcmul_(x, self_weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _Sum.apply(gradient.contiguous(), *ctx.saved_tensors), None, None, None


def sum_of_graphs(x: Tensor, ptr: Tensor, batch: Tensor) -> Tensor:
    """Return the sum of node rows x [n, F] over each graph [B, F], with nodes sorted by graph.

    Nodes `ptr[g] : ptr[g + 1]` are those of graph g, and `batch` [n] names each node's graph.

    >>> x = torch.tensor([[1.0], [2.0], [3.0]])
    >>> sum_of_graphs(x, torch.tensor([0, 2, 3]), torch.tensor([0, 0, 1]))
    tensor([[3.],
            [3.]])
    """
    total: Tensor = _GraphSum.apply(x, ptr, batch)
    return total


class _GraphSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, ptr: Tensor, batch: Tensor) -> Tensor:
        ctx.save_for_backward(batch)
        rows = torch.arange(len(x), device=x.device)
        return _segment_sums(rows, x, ptr)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(0, *ctx.saved_tensors), None, None
