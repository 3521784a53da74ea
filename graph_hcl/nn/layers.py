"""PyG's GIN, GCN and GraphSAGE, parameters and all, that take `Neighbours` and then cost less.

Given `Neighbours` instead of an `edge_index`, they sum over bags of rows, map features linearly
before the sum where that narrows them, spare the bias that batch normalisation takes away again,
and rectify in place. Values and gradients are PyG's up to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import MLP, BatchNorm, Linear, aggr, models
from torch_geometric.nn.conv import GCNConv, SAGEConv

from graph_hcl.nn.convs import GINConv
from graph_hcl.nn.neighbours import Neighbours
from graph_hcl.nn.networks import Network, gin_mlp
from graph_hcl.nn.untouched import untouched


class FastNetwork(Network, ABC):
    """What our three networks add: the same function of `Neighbours`, at less cost."""

    @abstractmethod
    def expects(self, conv: Any) -> bool:
        """Tell whether `before_norm` is what this convolution computes."""

    @abstractmethod
    def before_norm(
        self, conv: Any, x: Tensor, neighbours: Neighbours
    ) -> tuple[Tensor, Tensor | None]:
        """Return a layer's output before its normalisation, and a bias that is still to be added.

        The output is new memory, and its gradient is computed without it.
        """

    @property
    def takes_neighbours(self) -> bool:
        """Whether `Neighbours` give what an `edge_index` does: all parts are those it was made of.

        Not so after a user has put other parts in their place, or hooks or parametrisations on
        them, which the short cuts would pass by.
        """
        return (
            type(self) in (GIN, GCN, GraphSAGE)
            and not self.act_first
            and all(map(self.expects, self.convs))
            and all(type(norm) in (BatchNorm, nn.Identity) for norm in self.norms)
            and untouched(self)  # type: ignore[arg-type]
        )

    def layers(self, x: Tensor, neighbours: Neighbours) -> list[Tensor]:
        """Return the node embeddings [n, hidden] of each layer."""
        found = []
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), 1):
            x, bias = self.before_norm(conv, x, neighbours)
            plain = number == len(self.convs) and self.jk_mode is None
            x = normalized(x, bias, norm, None if plain else self.act)
            x = x if plain else self.dropout(x)
            found.append(x)
        return found

    def blocks(self, x: Tensor, neighbours: Neighbours) -> list[Tensor]:
        """Return blocks of columns [n, …] that side by side are the network's output."""
        layers = self.layers(x, neighbours)
        if self.jk_mode == "cat" and isinstance(getattr(self, "lin", None), nn.Identity):
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
        """Return node embeddings [n, D]; `Neighbours` say what the edges are, and no more."""
        if isinstance(edge_index, Neighbours):
            return torch.cat(self.blocks(x, edge_index), dim=1)
        return super().forward(x, edge_index, edge_weight, edge_attr, batch, batch_size)


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """Return x Wᵀ [n, H] for x [n, F] and a weight W [H, F].

    Of a weight that is laid out the other way, PyTorch computes the gradient as xᵀ g instead of
    gᵀ x: up to twice as fast, unless W is square.

    >>> linear(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[11.]])
    """
    square = weight.shape[0] == weight.shape[1]
    return F.linear(x, weight) if square else x @ weight.t().contiguous()


def normalized(x: Tensor, bias: Tensor | None, norm: nn.Module, act: nn.Module | None) -> Tensor:
    """Return act(norm(x + bias)); x [n, F] may be overwritten.

    Batch normalisation takes the mean away, and the bias with it: only the running mean needs it.

    >>> from torch_geometric.nn import BatchNorm
    >>> normalized(torch.tensor([[1.0], [3.0]]), torch.ones(1), BatchNorm(1), nn.ReLU()).round()
    tensor([[0.],
            [1.]], grad_fn=<RoundBackward0>)
    """
    batch_norm: Any = getattr(norm, "module", None)
    if not _is_plain(batch_norm) or getattr(norm, "allow_single_element", False):
        x = norm(x if bias is None else x + bias)
        return x if act is None else act(x)
    shift, momentum = batch_norm.bias, batch_norm.momentum
    if bias is not None:
        shift = torch.add(shift, bias, alpha=0)  # gives the bias its gradient, which is 0
    mean, variance = batch_norm.running_mean, batch_norm.running_var
    x = F.batch_norm(x, mean, variance, batch_norm.weight, shift, True, momentum, batch_norm.eps)
    batch_norm.num_batches_tracked.add_(1)
    if bias is not None:
        # Past the version counter, as batch normalisation does: no gradient reads this mean.
        mean.data.add_(bias.detach(), alpha=momentum)
    if type(act) is nn.ReLU:
        return x.relu_()
    return x if act is None else act(x)


def _is_plain(norm: Any) -> bool:
    """Tell whether this is batch normalisation with all its parts, in training."""
    return (
        type(norm) is nn.BatchNorm1d
        and norm.training
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
    )


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
        mlp, own = conv.nn, 1 + conv.eps
        first, second = mlp.lins
        if first.in_channels > first.out_channels:
            x = neighbours.sum(linear(x, first.weight), own)
        else:
            x = linear(neighbours.sum(x, own), first.weight)
        x = normalized(x, first.bias, mlp.norms[0], mlp.act)
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

        >>> GCN(4, 8, 2).takes_neighbours, GCN(4, 8, 2, improved=True).takes_neighbours
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
    """PyG's `GraphSAGE`, which takes `Neighbours` too when it averages them.

    >>> edges, x = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.randn(3, 4)
    >>> net = GraphSAGE(4, 8, 2)
    >>> torch.allclose(net(x, edges), net(x, Neighbours.of(edges, 3)), atol=1e-5)
    True
    """

    def expects(self, conv: Any) -> bool:
        """Tell whether this is a GraphSAGE layer that averages neighbours, and no more than that.

        >>> GraphSAGE(4, 8, 2).takes_neighbours, GraphSAGE(4, 8, 2, aggr="max").takes_neighbours
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
