"""GPS: layers of message passing that reads bonds, beside attention among all nodes of a graph."""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.nn import conv as pyg
from torch_geometric.nn.models.basic_gnn import BasicGNN

from graph_hcl.errors import UserError
from graph_hcl.nn.convs import GINEConv
from graph_hcl.nn.networks import Network, gin_mlp
from graph_hcl.nn.norms import make_norm, per_graph

MOST_HEADS = 4


class Group(NamedTuple):
    """Graphs whose nodes attend together, padded to the widest of them.

    Attributes:
        nodes: numbers [m] of their nodes.
        places: where each goes [m] among B · N.
        real: which of these are nodes [B, N].
    """

    nodes: Tensor
    places: Tensor
    real: Tensor


class GPSConv(pyg.GPSConv):
    """PyG's `GPSConv`, whose attention pads a graph to less than twice its size.

    PyG pads all graphs of a batch to its largest: one of 5,000 nodes among 255 molecules costs as
    much as 256 of them. Here graphs of 2^k to 2^(k+1) − 1 nodes attend together; for a performer,
    which sums over padding as well, those of the same size.
    """

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        batch: Tensor | None = None,
        groups: list[Group] | None = None,
        **fields: Any,
    ) -> Tensor:
        """Return x_v' [n, D], see `GPS`; `groups` are those that `grouped` makes of the batch."""
        graph = x.new_zeros(len(x), dtype=torch.long) if batch is None else batch
        dropout = nn.functional.dropout
        local = dropout(self.conv(x, edge_index, **fields), self.dropout, self.training) + x
        far = dropout(self.attend(x, graph, groups), self.dropout, self.training) + x
        both = self._normalize(self.norm1, local, graph) + self._normalize(self.norm2, far, graph)
        return self._normalize(self.norm3, both + self.mlp(both), graph)

    def attend(self, x: Tensor, graph: Tensor, groups: list[Group] | None = None) -> Tensor:
        """Return the attention [n, D] of each node over the nodes of its graph [n]."""
        out = torch.zeros_like(x)
        for nodes, places, real in self.grouped(graph) if groups is None else groups:
            dense = x.new_zeros(real.numel(), x.shape[1])
            dense = dense.index_copy(0, places, x.index_select(0, nodes))
            found = self._attention(dense.view(*real.shape, -1), real).flatten(0, 1)
            out = out.index_copy(0, nodes, found.index_select(0, places))
        return out

    def grouped(self, graph: Tensor) -> list[Group]:
        """Return which graphs attend together, of the graph [n] of each node, in one wait for it.

        >>> nodes, places, real = GPSConv(4, None, heads=2).grouped(torch.tensor([0, 0, 1, 2]))[1]
        >>> nodes.tolist(), places.tolist(), real.tolist()
        ([0, 1], [0, 1], [[True, True]])
        """
        known = graph.cpu()
        size = torch.bincount(known)
        padded = isinstance(self.attn, nn.MultiheadAttention)
        kind = torch.frexp(size.double()).exponent if padded else size
        groups = []
        for each in kind[size > 0].unique().tolist():
            own = (kind == each) & (size > 0)
            widest, count = int(size[own].max()), int(own.sum())
            nodes = own[known].nonzero().squeeze(1)
            row = (own.cumsum(0) - 1)[known[nodes]]
            first = size[own].cumsum(0) - size[own]
            places = row * widest + torch.arange(len(nodes)) - first[row]
            real = torch.zeros(count * widest, dtype=torch.bool).index_fill_(0, places, True)
            there = (nodes, places, real.view(count, widest))
            groups.append(Group(*(part.to(graph.device, non_blocking=True) for part in there)))
        return groups

    def _attention(self, dense: Tensor, real: Tensor) -> Tensor:
        """Return the attention [B, N, D] among the real nodes [B, N] of each graph."""
        found: Tensor
        if isinstance(self.attn, nn.MultiheadAttention):
            # In evaluation mode, torch would hold N × N matrices if the query were the same tensor.
            query = dense if self.training else dense.view_as(dense)
            found, _ = self.attn(query, dense, dense, key_padding_mask=~real, need_weights=False)
        else:
            found = self.attn(dense, mask=real)
        return found

    @staticmethod
    def _normalize(norm: nn.Module | None, x: Tensor, graph: Tensor) -> Tensor:
        return x if norm is None else per_graph(norm, x, graph, None)


class GPSLayer(nn.Module):
    """`GPSConv` around a `GINEConv`, after a linear map where the widths differ.

    >>> layer = GPSLayer(4, 8, nn.Linear(8, 8), heads=2)
    >>> layer(torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        network: nn.Module,
        edge_dim: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.edge_dim = edge_dim
        same = in_channels == out_channels
        self.first = nn.Identity() if same else nn.Linear(in_channels, out_channels)
        local = GINEConv(network, edge_dim=edge_dim)
        self.gps = GPSConv(out_channels, local, norm=None, **options)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        if isinstance(self.first, nn.Linear):
            self.first.reset_parameters()
        self.gps.reset_parameters()

    def give_norm(self, norm: str | None, options: dict[str, Any] | None) -> None:
        """Normalise after message passing, after attention, and after the MLP, by a name."""
        for place in ("norm1", "norm2", "norm3"):
            setattr(self.gps, place, make_norm(norm, self.gps.channels, options))

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        groups: list[Group] | None = None,
    ) -> Tensor:
        """Return x_v' [n, D]; attention is among the nodes of one graph, as `batch` [n] says."""
        out: Tensor = self.gps(self.first(x), edge_index, batch, groups, edge_attr=edge_attr)
        return out


class GPS(Network, BasicGNN):
    """GPS with GINE: message passing along edges, and attention among all nodes of a graph.

    x' = MLP(norm(x + GINE(x, e)) + norm(x + attention(x))), with a residual and a norm around the
    MLP (Rampášek et al. 2022, arXiv 2205.12454, equations 1 to 4; PyG's `GPSConv`), after a linear
    map of the node features. No positional encoding is added: give one as node features. `heads`
    is by default 4, or what divides the width; `attn_type` and `attn_kwargs` are those of
    `GPSConv`. `act`, `dropout` and `norm` act inside the layers, and not between them. The time
    of attention grows with the square of the size of each graph.

    >>> x, edges, bonds = torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]]), torch.eye(2, 3)
    >>> GPS(4, 8, 2, edge_dim=3)(x, edges, edge_attr=bonds).shape
    torch.Size([2, 8])
    """

    supports_edge_weight = False
    supports_edge_attr = True

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_layers: int,
        *rest: Any,
        norm: str | None = None,
        norm_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if options.get("act_first"):
            raise UserError(
                "Expected no option 'act_first' with gps: its layers end in a norm, with no "
                "activation between them."
            )
        super().__init__(in_channels, hidden_channels, num_layers, *rest, **options)
        self.norm, self.norm_kwargs = norm, norm_kwargs
        for conv in self.convs:
            if isinstance(conv, GPSLayer):
                conv.give_norm(norm, norm_kwargs)

    def init_conv(
        self,
        in_channels: int,
        out_channels: int,
        heads: int | None = None,
        edge_dim: int | None = None,
        **options: Any,
    ) -> GPSLayer:
        """Return one layer."""
        return GPSLayer(
            in_channels,
            out_channels,
            gin_mlp(self, out_channels, out_channels),
            edge_dim,
            heads=math.gcd(MOST_HEADS, out_channels) if heads is None else heads,
            dropout=self.dropout.p,
            act=nn.Identity() if self.act is None else copy.deepcopy(self.act),
            **options,
        )

    def forward(
        self,
        x: Tensor,
        edge_index: Any,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return node embeddings [n, D]; without `batch` [n], all nodes are of one graph."""
        graph = x.new_zeros(len(x), dtype=torch.long) if batch is None else batch
        first = self.convs[0]
        assert isinstance(first, GPSLayer)
        layers, groups = [], first.gps.grouped(graph)
        for conv in self.convs:
            x = conv(x, edge_index, edge_attr, batch, groups)
            layers.append(x)
        return self.output(layers)
