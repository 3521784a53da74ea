"""PyG's convolutions with an inner network, which pass the graph of each node to its norms."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch_geometric.nn import conv as pyg
from torch_geometric.typing import OptTensor

from graph_hcl.nn.norms import per_graph


class GINConv(pyg.GINConv):
    """PyG's `GINConv`, whose network may normalise per graph.

    >>> from torch import nn
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> GINConv(nn.Identity())(torch.tensor([[1.0], [3.0]]), edges).tolist()
    [[4.0], [4.0]]
    """

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return nn(Σ_u x_u + (1 + ε) x_v) for each node v [n, D]."""
        # propagate_type: (x: OptPairTensor)
        total = self.propagate(edge_index, x=(x, x), size=None)
        return per_graph(self.nn, total + (1 + self.eps) * x, batch, batch_size)


class GINEConv(pyg.GINEConv):
    """PyG's `GINEConv`, whose network may normalise per graph.

    Without edge attributes, e_uv is 0.

    >>> from torch import nn
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> GINEConv(nn.Identity())(torch.tensor([[-1.0], [3.0]]), edges).tolist()
    [[2.0], [3.0]]
    """

    def __init__(self, nn: Any, edge_dim: int | None = None, **options: Any) -> None:
        super().__init__(nn, edge_dim=edge_dim, **options)
        self.edge_dim = edge_dim

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return nn(Σ_u ReLU(x_u + e_uv) + (1 + ε) x_v) for each node v [n, D]."""
        # propagate_type: (x: OptPairTensor, edge_attr: OptTensor)
        total = self.propagate(edge_index, x=(x, x), edge_attr=edge_attr, size=None)
        return per_graph(self.nn, total + (1 + self.eps) * x, batch, batch_size)

    def message(self, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:  # noqa: D102
        if edge_attr is None:
            return x_j.relu()
        message: Tensor = super().message(x_j, edge_attr)
        return message


class SAGEConv(pyg.SAGEConv):
    """PyG's `SAGEConv`, whose messages are multiplied by edge weights where there are any.

    x_v' = W₁ mean_u(w_uv x_u) + W₂ x_v: the mean is over the number of neighbours, as in PyG's
    `GraphConv`, so that weights of 0 are edges without a message and weights of 1 change nothing.

    >>> edges, x = torch.tensor([[0, 1], [2, 2]]), torch.tensor([[1.0], [3.0], [0.0]])
    >>> conv = SAGEConv(1, 1, bias=False)
    >>> conv.lin_l.weight.data.fill_(1.0).item()
    1.0
    >>> conv(x, edges)[2].item(), conv(x, edges, torch.tensor([1.0, 0.0]))[2].item()
    (2.0, 0.5)
    """

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Return W₁ mean_u(w_uv x_u) + W₂ x_v + b for each node v [n, D]."""
        own = x
        if self.project:
            x = self.lin(x).relu()
        # propagate_type: (x: OptPairTensor, edge_weight: OptTensor)
        total = self.propagate(edge_index, x=(x, own), edge_weight=edge_weight, size=None)
        out: Tensor = self.lin_l(total)
        if self.root_weight:
            out = out + self.lin_r(own)
        return functional.normalize(out, dim=-1) if self.normalize else out

    def message(self, x_j: Tensor, edge_weight: OptTensor) -> Tensor:  # noqa: D102
        return x_j if edge_weight is None else edge_weight.view(-1, 1) * x_j


class EdgeConv(pyg.EdgeConv):
    """PyG's `EdgeConv`, whose network may normalise the edges per graph.

    >>> from torch import nn
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> EdgeConv(nn.Identity())(torch.tensor([[1.0], [3.0]]), edges).tolist()
    [[1.0, 2.0], [3.0, -2.0]]
    """

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return max_u nn(x_v, x_u − x_v) for each node v [n, D]."""
        owner = None if batch is None else batch.index_select(0, edge_index[1])
        # propagate_type: (x: PairTensor, owner: OptTensor, batch_size: Optional[int])
        out: Tensor = self.propagate(edge_index, x=(x, x), owner=owner, batch_size=batch_size)
        return out

    def message(  # noqa: D102
        self, x_i: Tensor, x_j: Tensor, owner: Tensor | None, batch_size: int | None
    ) -> Tensor:
        return per_graph(self.nn, torch.cat([x_i, x_j - x_i], dim=-1), owner, batch_size)
