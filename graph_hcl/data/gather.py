"""Graphs of a store: one as `Data`, several as a store or as a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from graph_hcl.data.batch import index_edges, make_batch
from graph_hcl.data.indexing import segment_rows
from graph_hcl.data.levels import EDGE, GRAPH, LEVELS, NODE
from graph_hcl.data.meaning import give_to_batch, give_to_graph

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore


def _fields(store: GraphStore, by_level: Mapping[str, Any]) -> Iterator[tuple[str, Any, Tensor]]:
    """Yield name, `by_level` of its level, and tensor of each field that is not None."""
    for name, level in LEVELS.items():
        value = getattr(store, name)
        if value is not None:
            yield name, by_level[level], value


def one_graph(store: GraphStore, number: int) -> Data:
    """Return a graph of a store by its number; raise `IndexError` if out of range."""
    if not -len(store) <= number < len(store):
        raise IndexError(f"Expected a graph from 0 to {len(store) - 1}, but got {number}.")
    number %= len(store)
    nodes, edges = (
        slice(*ptr[number : number + 2].tolist()) for ptr in (store.node_ptr, store.edge_ptr)
    )
    level = {NODE: nodes, EDGE: edges, GRAPH: slice(number, number + 1)}
    taken: dict[str, Tensor] = {}
    for name, part, value in _fields(store, level):
        taken[name] = store.encoded(name, value[part])
        if name == "x":
            taken["edge_index"] = store.edge_index[:, edges]
    graph = Data()
    for name, value in taken.items():
        taken[name] = graph[name] = value.clone()  # so that changing it leaves the store alone
    give_to_graph(graph, store.meaning, taken)
    return graph


def some_graphs(store: GraphStore, indices: Tensor) -> GraphStore:
    """Return the store of the graphs with the numbers `indices` [B], in that order."""
    nodes, _, node_ptr = segment_rows(store.node_ptr, indices)
    edges, _, edge_ptr = segment_rows(store.edge_ptr, indices)
    level = {NODE: nodes, EDGE: edges, GRAPH: indices}
    taken: dict[str, Any] = {
        name: value.index_select(0, rows) for name, rows, value in _fields(store, level)
    }
    taken |= {
        "edge_index": index_edges(store.edge_index, edges),
        "node_ptr": node_ptr,
        "edge_ptr": edge_ptr,
    }
    numbers = indices.tolist()
    for name in ("ids", "groups"):
        names = getattr(store, name)
        taken[name] = None if names is None else [names[number] for number in numbers]
    some = replace(store, sha256="", **taken)
    return some._edges_as_in(store) if store.__dict__.get("is_sorted_undirected") else some


def batch_of(
    store: GraphStore, indices: Tensor, totals: tuple[int, int] | tuple[None, None] = (None, None)
) -> Batch:
    """Return the batch of the graphs with the numbers `indices` [B], in that order.

    `totals` are their numbers of nodes and edges, where the host knows them.
    """
    nodes, node_sizes, node_ptr = segment_rows(store.node_ptr, indices, totals[0])
    edges, edge_sizes, _ = segment_rows(store.edge_ptr, indices, totals[1])
    shift = torch.repeat_interleave(node_ptr[:-1], edge_sizes, output_size=len(edges))
    graph = torch.arange(len(indices), device=store.x.device)
    level = {NODE: nodes, EDGE: edges, GRAPH: indices}
    taken = {
        name: store.encoded(name, value.index_select(0, rows))
        for name, rows, value in _fields(store, level)
    }
    taken = {
        "x": taken.pop("x"),
        "edge_index": index_edges(store.edge_index, edges).add_(shift),
        **taken,
    }
    batch = make_batch(
        len(indices),
        store.is_sorted_undirected,
        **taken,
        batch=torch.repeat_interleave(graph, node_sizes, output_size=len(nodes)),
        ptr=node_ptr,
    )
    give_to_batch(batch, store.meaning, taken)
    return batch
