"""NetworkX graphs as a store: attributes by name are kept, others named in a warning."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from graph_hcl.data.assemble import finish
from graph_hcl.data.attributes import attribute_columns
from graph_hcl.data.fields import Categorical, edge_weights, ends
from graph_hcl.data.labels import choose_labels
from graph_hcl.data.store import GraphStore
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError

Names = str | Iterable[Hashable] | None


def from_networkx(
    graphs: Iterable[Any],
    *,
    node_attrs: Names = None,
    edge_attrs: Names = None,
    weight: Hashable | None = None,
    y: Any = None,
    categorical: Categorical = "auto",
    undirected: bool = False,
) -> GraphStore:
    """Return the store of NetworkX graphs, of nodes with any names.

    `node_attrs` and `edge_attrs` name the attributes that become columns of x and edge_attr, of the
    same names ("x[0]", "x[1]", … for a list, array or tensor); `weight` that of edge_weight. Words
    and whole numbers are categories, one-hot in every batch, other numbers and bools quantities
    (see `categorical` of `from_data`). Without `node_attrs`, x is the attribute "x" or, where no
    node has it, the degree. y comes from the argument or else from graph.graph["y"]. Attributes
    that are not read are named in a warning.

    Edges are sorted; those of undirected graphs run both ways, a self-loop once; of a DiGraph they
    stay as they are unless `undirected`; parallel edges of a MultiGraph stay, each with its own
    attributes.

    Raises `UserError`, with the number of the graph, for attributes that are not there, on a part
    only, ragged, of mixed kinds or NaN, and for empty graphs.

    >>> import networkx
    >>> graph = networkx.path_graph(3)
    >>> networkx.set_node_attributes(graph, {0: "C", 1: "O", 2: "C"}, "element")
    >>> networkx.set_edge_attributes(graph, 1.5, "length")
    >>> store = from_networkx([graph], node_attrs=["element"], edge_attrs=["length"], y=[1.0])
    >>> store.x.tolist(), store.edge_attr.tolist(), store.vocabulary.node.names()
    ([[0], [1], [0]], [[1.5], [1.5], [1.5], [1.5]], ['element=C', 'element=O'])
    """
    items = _graphs(graphs)
    node_names, edge_names = _names(node_attrs, "node_attrs"), _names(edge_attrs, "edge_attrs")
    nodes = [[attributes for _, attributes in graph.nodes(data=True)] for graph in items]
    if node_attrs is None and any("x" in one for one in chain.from_iterable(nodes)):
        node_names = ["x"]
    node_ptr = ends([len(graph) for graph in items])
    edge_index, edges, edge_ptr = _edges(items, node_ptr)
    own = None if y is not None else _own_labels(items)
    weights = [] if weight is None else [weight]
    _name_dropped(items, nodes, edges, node_names, [*edge_names, *weights])

    label, classes = choose_labels(y, own, len(items))
    flat = list(chain.from_iterable(nodes))
    x, meaning = attribute_columns(flat, node_names, "node", node_ptr, categorical)
    edge_attr, edge_meaning = attribute_columns(edges, edge_names, "edge", edge_ptr, categorical)
    edge_weight = None
    if weights:
        found, numbers = attribute_columns(edges, weights, "edge", edge_ptr, False)
        if any(column.values is not None for column in numbers.columns):
            raise UserError(
                f"Expected numbers in '{weight}' of edges for weight, but they are words: name it "
                "in edge_attrs."
            )
        edge_weight = edge_weights(found, edge_ptr)
    store = GraphStore(
        x=x,
        edge_index=edge_index,
        node_ptr=node_ptr,
        edge_ptr=edge_ptr,
        edge_attr=edge_attr if edge_names else None,
        edge_weight=edge_weight,
        y=label,
        vocabulary=Vocabulary(meaning, edge_meaning),
        classes=classes,
    )
    directed = any(graph.is_directed() for graph in items)
    return finish(store, undirected=undirected, directed=directed)


def _graphs(graphs: Any) -> list[Any]:
    if hasattr(graphs, "to_directed"):
        raise UserError("Expected a list of NetworkX graphs, but got one graph: write [graph].")
    if isinstance(graphs, str | bytes | Mapping | Tensor) or not isinstance(graphs, Iterable):
        raise UserError(f"Expected a list of NetworkX graphs, but got {type(graphs).__name__}.")
    items = list(graphs)
    if not items:
        raise UserError("Expected at least one graph, but got none.")
    for number, item in enumerate(items):
        if not hasattr(item, "to_directed"):
            advice = (
                "GraphStore.from_data takes PyG's graphs" if hasattr(item, "edge_index") else ""
            )
            raise UserError(
                f"Expected NetworkX graphs, but graph {number} is {type(item).__name__}"
                f"{': ' if advice else ''}{advice}."
            )
        if not len(item):
            raise UserError(
                f"Expected at least one node in graph {number}, but it is empty: leave it out."
            )
    return items


def _names(names: Names, argument: str) -> list[Hashable]:
    listed: list[Hashable] = [names] if isinstance(names, str) else list(names or ())
    for name in listed:
        if listed.count(name) > 1:
            raise UserError(f"Expected each attribute once in {argument}, but got '{name}' twice.")
    return listed


def _edges(items: list[Any], node_ptr: Tensor) -> tuple[Tensor, list[dict[Any, Any]], Tensor]:
    """Return edges [2, E] in order, with local node numbers, their attributes, and [G + 1] ends."""
    pairs: list[tuple[int, int]] = []
    attributes: list[dict[Any, Any]] = []
    for first, graph in zip(node_ptr.tolist(), items, strict=False):
        place = {node: number for number, node in enumerate(graph, first)}
        both = not graph.is_directed()
        for source, target, found in graph.edges(data=True):
            u, v = place[source], place[target]
            pairs.append((u, v))
            attributes.append(found)
            if both and u != v:
                pairs.append((v, u))
                attributes.append(found)
    edges = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).t()
    order = (edges[0] * int(node_ptr[-1]) + edges[1]).argsort(stable=True)
    edges = edges[:, order]
    edge_ptr = torch.searchsorted(edges[0].contiguous(), node_ptr)
    edges = edges - torch.repeat_interleave(node_ptr[:-1], edge_ptr.diff())
    return edges, [attributes[number] for number in order.tolist()], edge_ptr


def _own_labels(items: list[Any]) -> list[Any] | None:
    labels = [graph.graph.get("y") for graph in items]
    absent = [number for number, label in enumerate(labels) if label is None]
    if len(absent) == len(labels):
        return None
    if absent:
        raise UserError(
            f"Expected the graph attribute 'y' in all graphs or in none, but graph {absent[0]} has "
            "none: add it, or give y=."
        )
    return labels


def _name_dropped(
    items: list[Any],
    nodes: list[list[dict[Any, Any]]],
    edges: list[dict[Any, Any]],
    node_names: list[Hashable],
    edge_names: list[Hashable],
) -> None:
    """Warn, once, of attributes that nobody asked for."""
    levels = {
        "node": ("node_attrs", set().union(*chain.from_iterable(nodes)) - set(node_names)),
        "edge": ("edge_attrs, weight", set().union(*edges) - set(edge_names)),
        # Readers of files leave empty ones.
        "graph": ("y", {k for g in items for k, v in g.graph.items() if v is not None} - {"y"}),
    }
    listed = [
        f"of {level}s {', '.join(sorted(map(repr, names)))} ({argument})"
        for level, (argument, names) in levels.items()
        if names
    ]
    if listed:
        warnings.warn(
            f"These graphs carry attributes that are not read unless asked for: "
            f"{'; '.join(listed)}.",
            stacklevel=4,
        )
