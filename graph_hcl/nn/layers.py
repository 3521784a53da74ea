"""PyG's GIN, GCN and GraphSAGE with the same parameters, which are faster given `Neighbours`.

Given `Neighbours` instead of an `edge_index`, they sum contiguous rows, apply a linear map before
the sum where it narrows the features, skip the bias that batch normalisation cancels, and apply
ReLU in place. Values and gradients are PyG's up to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import MLP, BatchNorm, Linear, aggr, models
from torch_geometric.nn.conv import GCNConv

from graph_hcl.nn.convs import GINConv, SAGEConv
from graph_hcl.nn.fused import linear, normalize_and_activate
from graph_hcl.nn.neighbours import Neighbours
from graph_hcl.nn.networks import Network, gin_mlp
from graph_hcl.nn.unmodified import is_unmodified


class FastNetwork(Network, ABC):
    """A network that takes `Neighbours` in place of an `edge_index`, and then is faster."""

    @abstractmethod
    def expects(self, conv: Any) -> bool:
        """Tell whether `before_norm` is what this convolution computes."""

    @abstractmethod
    def before_norm(
        self, conv: Any, x: Tensor, neighbours: Neighbours
    ) -> tuple[Tensor, Tensor | None]:
        """Return a layer's output before its normalisation, and a bias that is still to be added.

        The output may be overwritten: it is newly allocated, and no gradient needs its values.
        """

    @property
    def accepts_neighbours(self) -> bool:
        """Whether `Neighbours` give the same result as an `edge_index`.

        Not once a part has been replaced or has a hook or a parametrisation, which the fast path
        would bypass.
        """
        return (
            type(self) in (GIN, GCN, GraphSAGE)
            and not self.act_first
            and all(map(self.expects, self.convs))
            and all(type(norm) in (BatchNorm, nn.Identity) for norm in self.norms)
            and is_unmodified(self)  # type: ignore[arg-type]
        )

    def layers(self, x: Tensor, neighbours: Neighbours) -> list[Tensor]:
        """Return the node embeddings [n, hidden] of each layer."""
        outputs = []
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), 1):
            x, bias = self.before_norm(conv, x, neighbours)
            plain = number == len(self.convs) and self.jk_mode is None
            x = normalize_and_activate(x, bias, norm, None if plain else self.act)
            x = x if plain else self.dropout(x)
            outputs.append(x)
        return outputs

    def column_blocks(self, x: Tensor, neighbours: Neighbours) -> list[Tensor]:
        """Return blocks of columns [n, …] that make the network's output when concatenated."""
        layers = self.layers(x, neighbours)
        if self.jk_mode == "cat" and isinstance(self.output_map, nn.Identity):
            return layers
        return [self.output(layers)]

    def forward(
        self,
        x: Tensor,
        edge_index: Any,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return node embeddings [n, D]; given `Neighbours`, other arguments are not read."""
        if isinstance(edge_index, Neighbours):
            return torch.cat(self.column_blocks(x, edge_index), dim=1)
        return super().forward(x, edge_index, edge_weight, edge_attr, batch, batch_size)


class GIN(FastNetwork, models.GIN):
    """PyG's `GIN`, which takes `Neighbours` as well as an `edge_index`.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GIN(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    passes = ("batch", "batch_size")

    def init_conv(self, in_channels: int, out_channels: int, **options: Any) -> GINConv:
        """Return one layer."""
        return GINConv(gin_mlp(self, in_channels, out_channels), **options)

    def expects(self, conv: Any) -> bool:
        """Tell whether this is a GIN layer with an MLP of two linear maps and batch norm or none.

        >>> net = GIN(4, 8, 2)
        >>> net.expects(net.convs[0]), net.expects(GCN(4, 8, 2).convs[0])
        (True, False)
        """
        mlp: Any = getattr(conv, "nn", None)
        return (
            type(conv) is GINConv
            and type(conv.aggr_module) is aggr.SumAggregation
            and type(mlp) is MLP
            and [type(lin) for lin in mlp.lins] == [Linear, Linear]
            and [type(norm) in (BatchNorm, nn.Identity) for norm in mlp.norms] == [True]
            and not mlp.act_first
            and not any(mlp.dropout)
        )

    def before_norm(
        self, conv: GINConv, x: Tensor, neighbours: Neighbours
    ) -> tuple[Tensor, Tensor | None]:
        """Return W₂ act(norm(W₁ (Σ_u x_u + (1 + ε) x_v) + b₁)) and b₂."""
        mlp, self_weight = conv.nn, 1 + conv.eps
        first, second = mlp.lins
        if first.in_channels > first.out_channels:
            x = neighbours.sum(linear(x, first.weight), self_weight)
        else:
            x = linear(neighbours.sum(x, self_weight), first.weight)
        x = normalize_and_activate(x, first.bias, mlp.norms[0], mlp.act)
        return linear(x, second.weight), second.bias


class GCN(FastNetwork, models.GCN):
    """PyG's `GCN`, which takes `Neighbours` as well as an `edge_index`.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GCN(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    passes = ("edge_weight",)

    def expects(self, conv: Any) -> bool:
        """Tell whether this is a GCN layer with the usual normalisation and self-loops.

        >>> GCN(4, 8, 2).accepts_neighbours, GCN(4, 8, 2, improved=True).accepts_neighbours
        (True, False)
        """
        return (
            type(conv) is GCNConv
            and type(conv.aggr_module) is aggr.SumAggregation
            and type(conv.lin) is Linear
            and conv.normalize
            and conv.add_self_loops
            and not conv.improved
            and not conv.cached
        )

    def before_norm(
        self, conv: GCNConv, x: Tensor, neighbours: Neighbours
    ) -> tuple[Tensor, Tensor | None]:
        """Return the sum of x_u W / √((d_u + 1)(d_v + 1)) over u = v and its neighbours, and b."""
        scale = (neighbours.degree() + 1).to(x.dtype).rsqrt()[:, None]
        x = linear(x, conv.lin.weight) * scale
        return neighbours.sum(x, scale.new_ones(1)) * scale, conv.bias


class GraphSAGE(FastNetwork, models.GraphSAGE):
    """PyG's `GraphSAGE`, which reads edge weights, and takes `Neighbours` where it averages them.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GraphSAGE(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    supports_edge_weight = True
    passes = ("edge_weight",)

    def init_conv(self, in_channels: int, out_channels: int, **options: Any) -> SAGEConv:
        """Return one layer."""
        return SAGEConv(in_channels, out_channels, **options)

    def expects(self, conv: Any) -> bool:
        """Tell whether this is a GraphSAGE layer that averages neighbours, and does nothing else.

        >>> GraphSAGE(4, 8, 2).accepts_neighbours, GraphSAGE(4, 8, 2, aggr="max").accepts_neighbours
        (True, False)
        """
        return (
            type(conv) is SAGEConv
            and type(conv.aggr_module) is aggr.MeanAggregation
            and type(conv.lin_l) is Linear
            and (not conv.root_weight or type(conv.lin_r) is Linear)
            and not conv.normalize
            and not conv.project
        )

    def before_norm(
        self, conv: SAGEConv, x: Tensor, neighbours: Neighbours
    ) -> tuple[Tensor, Tensor | None]:
        """Return W₁ times the mean of the neighbours plus W₂ x_v, and b."""
        mean = neighbours.sum(x) / neighbours.degree().clamp_min(1).to(x.dtype)[:, None]
        out = linear(mean, conv.lin_l.weight)
        out = out + linear(x, conv.lin_r.weight) if conv.root_weight else out
        return out, conv.lin_l.bias
