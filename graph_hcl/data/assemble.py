"""Finish a store of checked tensors: degrees if there is no x, and reverse edges on request."""

from __future__ import annotations

from dataclasses import replace

import torch

from graph_hcl.data.columns import degree_column
from graph_hcl.data.indexing import lacks_reverse
from graph_hcl.data.levels import EDGE, LEVELS
from graph_hcl.data.store import GraphStore
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.warn import warn_user


def finish(store: GraphStore, *, undirected: bool, directed: bool = False) -> GraphStore:
    """Return the store with node degrees as x if x has no columns, and with reverse edges.

    Missing reverse edges are added if `undirected`. Otherwise one warning counts them, unless the
    graphs are `directed` by type.

    >>> edges, ends = torch.tensor([[0], [1]]), torch.tensor([0, 1])
    >>> bare = GraphStore(torch.empty(2, 0), edges, 2 * ends, ends)
    >>> finish(bare, undirected=True)[0]
    Data(x=[2, 2], edge_index=[2, 2])
    """
    if undirected:
        store = both_ways(store)
    elif not directed and store.one_way:
        warn_user(
            f"{store.one_way:,} of {int(store.edge_ptr[-1]):,} edges have no reverse "
            "edge, so messages pass along them one way only: undirected=True adds it."
        )
    return store if store.vocabulary.node.columns else with_degrees(store)


def with_degrees(store: GraphStore) -> GraphStore:
    """Return the store with the degree of each node as the only column of x."""
    degree = store.degree()
    column = degree_column(int(degree.max())).seen_in(degree)
    meaning = Vocabulary(Features((column,)), store.vocabulary.edge)
    return replace(store, x=degree[:, None], vocabulary=meaning)._edges_as_in(store)


def uncapped(store: GraphStore) -> GraphStore:
    """Return a store whose x are degrees up to the last column, "or more", with the degrees."""
    features, degree = store.vocabulary.node, store.degree()[:, None]
    if _names_degrees(store) and torch.equal(features.clamped(degree), store.x):
        return replace(store, x=degree)
    return store


def both_ways(store: GraphStore) -> GraphStore:
    """Return the store with all missing reverse edges, and with its edges sorted.

    A reverse edge has the attributes and weight of the original.

    >>> edges = torch.tensor([[0, 1, 2], [1, 0, 1]])
    >>> both_ways(GraphStore(torch.ones(3, 1), edges, torch.tensor([0, 3]), torch.tensor([0, 3])))
    GraphStore(1 graphs, 1 node features, 4 edges)
    """
    if not store.one_way:
        return store
    nodes = int(store.node_ptr[-1])
    edges = store.edge_index + store._shift()
    unpaired = lacks_reverse(edges, nodes).nonzero().squeeze(1)
    rows = torch.cat([torch.arange(edges.shape[1], device=edges.device), unpaired])
    edges = torch.cat([edges, edges[:, unpaired].flip(0)], dim=1)
    order = (edges[0] * nodes + edges[1]).argsort(stable=True)
    rows, edges = rows[order], edges[:, order]
    edge_ptr = torch.searchsorted(edges[0].contiguous(), store.node_ptr)
    shift = torch.repeat_interleave(store.node_ptr[:-1], edge_ptr.diff())
    changed = {
        name: getattr(store, name)[rows]
        for name, level in LEVELS.items()
        if level == EDGE and getattr(store, name) is not None
    }
    changed |= {"edge_index": edges - shift, "edge_ptr": edge_ptr}
    completed = replace(store, sha256="", **changed)
    # Degrees as features are those of the completed graph.
    return with_degrees(completed) if _names_degrees(store) and _are_degrees(store) else completed


def _names_degrees(store: GraphStore) -> bool:
    return [column.name for column in store.vocabulary.node.columns] == ["degree"]


def _are_degrees(store: GraphStore) -> bool:
    return torch.equal(store.x, store.degree()[:, None])
