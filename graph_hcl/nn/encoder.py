"""The graph encoder: a read-out of the node embeddings of a backbone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import global_add_pool

from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.nn.call import ForwardArguments, call_backbone, check_nodes
from graph_hcl.nn.evaluating import POOLINGS
from graph_hcl.nn.layers import FastNetwork
from graph_hcl.nn.neighbours import Neighbours, sum_of_graphs
from graph_hcl.nn.readout import (
    apply_readout,
    graph_of_nodes,
    infer_readout_channels,
    make_readout,
    number_of_graphs,
)
from graph_hcl.ranges import Range
from graph_hcl.setting_checks import check_value


@names_arguments()
class GraphEncoder(nn.Module):
    """A graph's embedding is the read-out of its node embeddings.

    The attribute `out_channels` is the width of the graph embeddings, which the read-out may
    change; `node_channels` is that of the node embeddings; `reads` names the fields of a batch that
    are read.

    Args:
        backbone: returns node embeddings [n, D]: it is called with x, edge_index, and those of
            edge_attr, edge_weight, pos, batch and batch_size that its `forward` names and the batch
            has.
        out_channels: D.
        readout: sum, mean, max, one of PyG's aggregations, as an object, a class or an import path,
            or a callable with the signature of PyG's global pooling functions.
        embedding: map of the node features that comes before the backbone.

    Raises `UserError` for a backbone whose forward requires anything else, for a read-out that does
    not return one row per graph, and when called with a batch that lacks a required field or does
    not fit the weights, or when the backbone does not return [n, D].

    >>> from torch_geometric.data import Batch, Data
    >>> from graph_hcl.nn import make_backbone
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> batch = Batch.from_data_list([Data(x=torch.ones(n, 7), edge_index=edges) for n in (2, 3)])
    >>> encoder = GraphEncoder(make_backbone("gin", 7, 32, 3), 96)
    >>> encoder(batch).shape, encoder.nodes(batch).shape, sorted(encoder.reads)
    (torch.Size([2, 96]), torch.Size([5, 96]), ['edge_index', 'x'])
    """

    def __init__(
        self,
        backbone: nn.Module,
        out_channels: int,
        readout: str | Callable[..., Tensor] = "sum",
        embedding: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(backbone, nn.Module):
            raise UserError(
                f"Expected the backbone to be a module, but got {backbone!r:.60}: make_backbone "
                "makes one by name."
            )
        check_value("out_channels", out_channels, int, Range(1))
        if embedding is not None and not isinstance(embedding, nn.Module):
            raise UserError(
                f"Expected embedding to be a module or None, but got {embedding!r:.60}: write "
                "torch.nn.Linear(columns, width, bias=False)."
            )
        self.node_channels = out_channels
        self.embedding = embedding
        self.backbone = backbone
        given = isinstance(readout, nn.Module)
        self.readout = readout if given else make_readout(readout, out_channels)
        if self.readout not in POOLINGS:
            out_channels = infer_readout_channels(self.readout, out_channels)
        self.out_channels = out_channels
        self._arguments = ForwardArguments.of(backbone)
        self.reads = frozenset({"x", "edge_index", *self._arguments.fields})

    def nodes(self, batch: Any) -> Tensor:
        """Return node embeddings [n, D] of a batch with `x` and `edge_index`."""
        blocks = self._blocks(batch)
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=1)

    def forward(self, batch: Any) -> Tensor:
        """Return graph embeddings [B, D]."""
        if self.readout not in POOLINGS:
            return self.pool(self.nodes(batch), batch)
        # Reading out layer by layer avoids copying all node embeddings side by side.
        return torch.cat([self.pool(block, batch) for block in self._blocks(batch)], dim=1)

    def pool(self, nodes: Tensor, batch: Any) -> Tensor:
        """Return the read-out [B, …] of node embeddings [n, …]."""
        if self.readout is global_add_pool and is_sorted_undirected(batch):
            return sum_of_graphs(nodes, batch.ptr, batch.batch)
        return apply_readout(self.readout, nodes, graph_of_nodes(batch), number_of_graphs(batch))

    def _blocks(self, batch: Any) -> list[Any]:
        """Return blocks of columns that make the node embeddings when concatenated."""
        try:
            blocks = self._computed(batch)
        except (RuntimeError, IndexError) as error:
            if (reason := self._misfit(batch)) is not None:
                raise UserError(reason) from error
            raise
        check_nodes(blocks, len(batch.x), self.node_channels)
        return blocks

    def _misfit(self, batch: Any) -> str | None:
        """Return why the features of a batch do not fit the weights; None where they do."""
        first = self.backbone if self.embedding is None else self.embedding
        width = getattr(first, "in_features", getattr(first, "in_channels", None))
        convs = getattr(self.backbone, "convs", ())
        edge_width = next((dim for conv in convs if (dim := getattr(conv, "edge_dim", None))), None)
        weight = next((one for one in self.parameters() if one.is_floating_point()), batch.x)
        for name, what, form, columns in (
            ("x", "node features x", f"[n, {width}]", [width]),
            ("edge_attr", "edge features edge_attr", f"[E, {edge_width}]", [edge_width]),
            ("edge_weight", "edge_weight", "[E]", []),
        ):
            value = getattr(batch, name, None)
            if value is None or name not in self.reads:
                continue
            found = list(value.shape[1:]) or [1] * (name == "edge_attr")  # [E] is [E, 1]
            if all(isinstance(one, int) for one in columns) and found != columns:
                return (
                    f"Expected {what} {form}, for which the encoder was made, but got "
                    f"{list(value.shape)}."
                )
            for place in ("dtype", "device"):
                own, got = getattr(weight, place), getattr(value, place)
                if own != got:
                    return (
                        f"Expected {what} {'of' if place == 'dtype' else 'on'} {own}, as the "
                        f"weights of the encoder, but got {got}: bring one to the other with `to`."
                    )
        return None

    def _computed(self, batch: Any) -> list[Any]:
        backbone = self.backbone
        if self.embedding is not None:
            batch = copy.copy(batch)
            batch.x = self.embedding(batch.x)
        if (
            isinstance(backbone, FastNetwork)
            and is_sorted_undirected(batch)
            and all(getattr(batch, name, None) is None for name in self._arguments.fields)
            and backbone.accepts_neighbours
        ):
            return backbone.column_blocks(batch.x, Neighbours.of(batch.edge_index, len(batch.x)))
        return [call_backbone(backbone, self._arguments, batch)]
