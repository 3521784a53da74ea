"""What a view changes of a batch, as masks that combine and are applied once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch


@dataclass(frozen=True)
class Edit:
    """Nodes and edges that stay, features that stay, and edges that are new.

    `nodes` [n] and `edges` [E] are masks of what stays, `features` [n, F] (or broadcastable to it)
    of the entries that are not set to zero; None leaves all. `new_edges` [2, A] are added, in node
    numbers of the batch, with zeros as attributes. `first & second` makes both changes.

    >>> a = Edit(nodes=torch.tensor([True, True, False]))
    >>> b = Edit(nodes=torch.tensor([False, True, True]))
    >>> (a & b).nodes
    tensor([False,  True, False])
    """

    nodes: Tensor | None = None
    edges: Tensor | None = None
    features: Tensor | None = None
    new_edges: Tensor | None = None

    def __and__(self, other: Edit) -> Edit:
        added = [e for e in (self.new_edges, other.new_edges) if e is not None]
        return Edit(
            _both(self.nodes, other.nodes),
            _both(self.edges, other.edges),
            _both(self.features, other.features),
            torch.cat(added, dim=1) if added else None,
        )

    def within(self, graphs: Tensor, batch: Any) -> Edit:
        """Return the edit restricted to the graphs of a mask [B]; the others stay as they are."""
        node = graphs[batch.batch]
        edge = node[batch.edge_index[0]]
        return Edit(
            None if self.nodes is None else self.nodes | ~node,
            None if self.edges is None else self.edges | ~edge,
            None if self.features is None else self.features | ~node[:, None],
            None if self.new_edges is None else self.new_edges[:, node[self.new_edges[0]]],
        )


def _both(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        return first if second is None else second
    return first & second


def apply(batch: Any, edit: Edit) -> Batch:
    """Return a new batch with the edit made; the given one is not changed.

    Nodes are numbered anew once, whatever was combined. A graph of which no node would stay keeps
    its first, so that no graph is emptied; `y` and the number of graphs never change.

    >>> from torch_geometric.data import Data
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> batch = Batch.from_data_list([Data(x=torch.ones(3, 2), edge_index=edges)])
    >>> apply(batch, Edit(nodes=torch.tensor([False, True, True]))).edge_index
    tensor([[0, 1],
            [1, 0]])
    """
    x, edge_index, edge_attr = batch.x, batch.edge_index, batch.edge_attr
    graph, ptr = batch.batch, batch.ptr
    if edit.features is not None:
        x = x * edit.features.to(x.dtype)
    if edit.edges is not None:
        chosen = edit.edges.nonzero().squeeze(1)
        edge_index = edge_index[:, chosen]
        edge_attr = None if edge_attr is None else edge_attr[chosen]
    if edit.new_edges is not None:
        edge_index = torch.cat([edge_index, edit.new_edges], dim=1)
        if edge_attr is not None:
            zeros = edge_attr.new_zeros(edit.new_edges.shape[1], *edge_attr.shape[1:])
            edge_attr = torch.cat([edge_attr, zeros])
    if edit.nodes is not None:
        keep = _never_empty(edit.nodes, graph, ptr)
        number = keep.cumsum(0) - 1
        chosen = (keep[edge_index[0]] & keep[edge_index[1]]).nonzero().squeeze(1)
        edge_index = number[edge_index[:, chosen]]
        edge_attr = None if edge_attr is None else edge_attr[chosen]
        rows = keep.nonzero().squeeze(1)
        x, graph = x[rows], graph[rows]
        before = torch.cat([number.new_zeros(1), number + 1])
        ptr = before[ptr]
    view = Batch(x=x, edge_index=edge_index, batch=graph, ptr=ptr)
    if edge_attr is not None:
        view.edge_attr = edge_attr
    if batch.y is not None:
        view.y = batch.y
    view._num_graphs = batch.num_graphs
    return view


def _never_empty(keep: Tensor, graph: Tensor, ptr: Tensor) -> Tensor:
    before = torch.cat([ptr.new_zeros(1), keep.cumsum(0)])[ptr]
    empty = before.diff() == 0
    first = torch.arange(len(keep), device=keep.device) == ptr[graph]
    return keep | (empty[graph] & first)
