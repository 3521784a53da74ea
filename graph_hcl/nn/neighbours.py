"""Sums over neighbours without scattering, where a batch's edges come sorted and both ways.

With edges sorted by source and each edge present in both directions, the neighbours of a node are
one contiguous run of targets: their sum is a bag of rows, and so is its gradient, since the
adjacency is its own transpose. The layers below are PyG's, parameters and all; only this sum is
taken differently, and only when they are given `Neighbours` instead of an `edge_index`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GCNConv, GINConv, SAGEConv, models


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
        degree = torch.bincount(edge_index[0], minlength=num_nodes)
        return cls(edge_index[1], torch.cat([degree.new_zeros(1), degree.cumsum(0)]))

    def degree(self) -> Tensor:
        """Return the number of neighbours of each node [n]."""
        return self.ptr.diff()

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x [n, F] over the neighbours of each node [n, F]."""
        total: Tensor = _Sum.apply(x, self.target, self.ptr)
        return total


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, ptr: Tensor) -> Tensor:
        ctx.save_for_backward(target, ptr)
        return F.embedding_bag(target, x, ptr, mode="sum", include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Sum.apply(gradient.contiguous(), *ctx.saved_tensors), None, None


class _GINConv(GINConv):
    def forward(self, x: Tensor, edge_index: Any, size: Any = None) -> Tensor:
        if not isinstance(edge_index, Neighbours):
            return super().forward(x, edge_index, size)
        total: Tensor = self.nn(edge_index.sum(x) + (1 + self.eps) * x)
        return total


class _GCNConv(GCNConv):
    def forward(self, x: Tensor, edge_index: Any, edge_weight: Tensor | None = None) -> Tensor:
        plain = self.normalize and self.add_self_loops and not self.improved
        if not isinstance(edge_index, Neighbours) or edge_weight is not None or not plain:
            return super().forward(x, edge_index, edge_weight)
        scale = (edge_index.degree() + 1).to(x.dtype).rsqrt()[:, None]
        x = self.lin(x) * scale
        out = (edge_index.sum(x) + x) * scale
        return out if self.bias is None else out + self.bias


class _SAGEConv(SAGEConv):
    def forward(self, x: Tensor, edge_index: Any, size: Any = None) -> Tensor:
        plain = not (self.project or self.normalize)
        if not isinstance(edge_index, Neighbours) or not plain:
            return super().forward(x, edge_index, size)
        mean = edge_index.sum(x) / edge_index.degree().clamp_min(1).to(x.dtype)[:, None]
        out: Tensor = self.lin_l(mean)
        return out + self.lin_r(x) if self.root_weight else out


class GIN(models.GIN):
    """PyG's `GIN`, which takes `Neighbours` as well as an `edge_index`.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GIN(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    takes_neighbours = True

    def init_conv(self, *sizes: Any, **options: Any) -> GINConv:
        """Return PyG's layer with the faster sum."""
        conv = super().init_conv(*sizes, **options)
        conv.__class__ = _GINConv
        return conv


class GCN(models.GCN):
    """PyG's `GCN`, which takes `Neighbours` as well as an `edge_index`.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GCN(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    def __init__(self, *sizes: Any, **options: Any) -> None:
        plain = options.get("normalize", True) and options.get("add_self_loops", True)
        self.takes_neighbours = plain and not options.get("improved", False)
        super().__init__(*sizes, **options)

    def init_conv(self, *sizes: Any, **options: Any) -> GCNConv:
        """Return PyG's layer with the faster sum."""
        return _GCNConv(*sizes, **options)


class GraphSAGE(models.GraphSAGE):
    """PyG's `GraphSAGE`, which takes `Neighbours` too when it averages them.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GraphSAGE(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    def __init__(self, *sizes: Any, **options: Any) -> None:
        plain = options.get("aggr", "mean") == "mean" and not options.get("normalize", False)
        self.takes_neighbours = plain and not options.get("project", False)
        super().__init__(*sizes, **options)

    def init_conv(self, *sizes: Any, **options: Any) -> SAGEConv:
        """Return PyG's layer with the faster sum."""
        return _SAGEConv(*sizes, **options)
