"""NetworkX graphs as a store: attributes are read by name, and a warning names the others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from graph_hcl.data.assemble import finish
from graph_hcl.data.attributes import attribute_columns
from graph_hcl.data.fields import Categorical, edge_weights, ends
from graph_hcl.data.labels import choose_labels
from graph_hcl.data.levels import EDGE, GRAPH, LEVELS, NODE
from graph_hcl.data.store import GraphStore
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.warn import warn_user

Names = str | Iterable[Hashable] | None


def from_networkx(
    graphs: Iterable[Any],
    *,
    node_attrs: Names = None,
    edge_attrs: Names = None,
    weight: Hashable | None = None,
    fields: Mapping[str, Hashable] | None = None,
    ignored_attrs: Names = None,
    y: Any = None,
    categorical: Categorical = "auto",
    undirected: bool = False,
) -> GraphStore:
    """Return the store of NetworkX graphs, whose nodes may have any names.

    A list, array or tensor named "x", as PyG's `to_networkx` writes features, becomes columns
    "x[0]", "x[1]", …, and is the one attribute that is read unasked: a single number or word "x"
    may be a position in a drawing and is read where `node_attrs` names it. Words and whole numbers
    are categories, one-hot in every batch; other numbers and bools are quantities (see
    `categorical` of `from_data`). One warning names the attributes that are not read.

    Edges are sorted. An undirected edge is stored in both directions, a self-loop once. A DiGraph
    keeps its directions unless `undirected`, and a MultiGraph its parallel edges, each with its own
    attributes. A key of a MultiGraph that is no whole number is the edge attribute "key".

    Args:
        graphs: NetworkX graphs of any kind.
        node_attrs: names of the node attributes that become the columns of x; by default those
            of "x" where it is a list, array or tensor, and else the degree.
        edge_attrs: names of the edge attributes that become the columns of edge_attr.
        weight: name of the edge attribute for edge_weight.
        fields: names of the attributes for the store's other fields, as in {"pos": "coordinates"}.
        ignored_attrs: names of the node, edge and graph attributes that are meant not to be read,
            so that no warning names them.
        y: labels of the graphs, None where one is missing; by default graph.graph["y"].
        categorical: that of `from_data`.
        undirected: stores a directed edge in both directions.

    Raises `UserError`, with the number of the graph, for empty graphs and for attributes that are
    missing on some or all elements, ragged, NaN, or numbers in one place and words in another, and
    for one that is ignored and read.

    >>> import networkx
    >>> graph = networkx.path_graph(3)
    >>> networkx.set_node_attributes(graph, {0: "C", 1: "O", 2: "C"}, "element")
    >>> networkx.set_edge_attributes(graph, 1.5, "length")
    >>> store = from_networkx([graph], node_attrs=["element"], edge_attrs=["length"], y=[1.0])
    >>> store.x.tolist(), store.edge_attr.tolist(), store.vocabulary.node.names()
    ([[0], [1], [0]], [[1.5], [1.5], [1.5], [1.5]], ['element=C', 'element=O'])
    """
    items = _graphs(graphs)
    named = _named_fields(fields, weight)
    node_names, edge_names = _names(node_attrs, "node_attrs"), _names(edge_attrs, "edge_attrs")
    nodes = [[attributes for _, attributes in graph.nodes(data=True)] for graph in items]
    if node_attrs is None and any(_is_vector(one.get("x")) for one in chain.from_iterable(nodes)):
        node_names = ["x"]
    node_ptr = ends([len(graph) for graph in items])
    edge_index, edges, edge_ptr = _edges(items, node_ptr)
    own = None if y is not None else _own_labels(items)
    carriers = {
        NODE: list(chain.from_iterable(nodes)),
        EDGE: edges,
        GRAPH: [graph.graph for graph in items],
    }
    ptrs = {NODE: node_ptr, EDGE: edge_ptr, GRAPH: torch.arange(len(items) + 1)}
    used: dict[str, set[Hashable]] = {NODE: {*node_names}, EDGE: {*edge_names}, GRAPH: {"y"}}
    for name, attribute in named.items():
        used[LEVELS[name]].add(attribute)
    _name_dropped(carriers, used, _names(ignored_attrs, "ignored_attrs"))

    labels = choose_labels(y, own, len(items))
    x, meaning = attribute_columns(carriers[NODE], node_names, "node", node_ptr, categorical)
    edge_attr, edge_meaning = attribute_columns(edges, edge_names, "edge", edge_ptr, categorical)
    more: dict[str, Any] = {
        name: _field(name, attribute, carriers[LEVELS[name]], ptrs[LEVELS[name]])
        for name, attribute in named.items()
    }
    store = GraphStore(
        x=x,
        edge_index=edge_index,
        node_ptr=node_ptr,
        edge_ptr=edge_ptr,
        edge_attr=edge_attr if edge_names else None,
        **more,
        **labels,
        vocabulary=Vocabulary(meaning, edge_meaning),
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


def _is_vector(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0


def _names(names: Names, argument: str) -> list[Hashable]:
    if not isinstance(names, str | Iterable | None):
        raise UserError(f"Expected {argument} to be a list of names, but got {names!r}.")
    listed: list[Hashable] = [names] if isinstance(names, str) else list(names or ())
    for name in listed:
        if listed.count(name) > 1:
            raise UserError(f"Expected each attribute once in {argument}, but got '{name}' twice.")
    return listed


def _named_fields(
    fields: Mapping[str, Hashable] | None, weight: Hashable | None
) -> dict[str, Hashable]:
    """Return the attribute of each field that has one, edge_weight among them."""
    elsewhere = ("x", "edge_attr", "edge_weight", "y")  # fields with an argument of their own
    allowed = [name for name in LEVELS if name not in elsewhere]
    named = dict(fields or {})
    for name in named:
        if name not in allowed:
            raise UserError(f"Expected fields among {', '.join(allowed)}, but got '{name}'.")
    return named if weight is None else {"edge_weight": weight} | named


def _field(name: str, attribute: Hashable, carriers: list[dict[Any, Any]], ptr: Tensor) -> Tensor:
    """Return a field of numbers: [n] for a single number, [n, k] for a list, array or tensor."""
    level = LEVELS[name]
    values, meaning = attribute_columns(carriers, [attribute], level, ptr, False)
    if any(column.values is not None for column in meaning.columns):
        argument = "weight" if name == "edge_weight" else f"the field {name}"
        remedy = "" if level == GRAPH else f": name it in {level}_attrs"
        raise UserError(
            f"Expected numbers in '{attribute}' of {level}s for {argument}, but they are "
            f"words{remedy}."
        )
    if name == "edge_weight":
        return edge_weights(values, ptr)
    return values[:, 0] if meaning.columns[0].name == str(attribute) else values


def _edges(items: list[Any], node_ptr: Tensor) -> tuple[Tensor, list[dict[Any, Any]], Tensor]:
    """Return sorted edges [2, E] with local node numbers, their attributes, and edge_ptr."""
    pairs: list[tuple[int, int]] = []
    attributes: list[dict[Any, Any]] = []
    for first, graph in zip(node_ptr.tolist(), items, strict=False):
        place = {node: number for number, node in enumerate(graph, first)}
        both = not graph.is_directed()
        for source, target, values in _edges_of(graph):
            u, v = place[source], place[target]
            pairs.append((u, v))
            attributes.append(values)
            if both and u != v:
                pairs.append((v, u))
                attributes.append(values)
    edges = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).t()
    order = (edges[0] * int(node_ptr[-1]) + edges[1]).argsort(stable=True)
    edges = edges[:, order]
    edge_ptr = torch.searchsorted(edges[0].contiguous(), node_ptr)
    edges = edges - torch.repeat_interleave(node_ptr[:-1], edge_ptr.diff())
    return edges, [attributes[number] for number in order.tolist()], edge_ptr


def _edges_of(graph: Any) -> Iterator[tuple[Hashable, Hashable, dict[Any, Any]]]:
    """Yield the edges with their attributes, to which a key that is no number belongs, too."""
    if not graph.is_multigraph():
        yield from graph.edges(data=True)
        return
    for source, target, key, values in graph.edges(keys=True, data=True):
        # Whole numbers are those that NetworkX counts parallel edges by.
        yield source, target, values if isinstance(key, int) else {"key": key} | values


def _own_labels(items: list[Any]) -> list[Any] | None:
    labels = [graph.graph.get("y") for graph in items]
    if all(label is None for label in labels):
        return None
    absent = [number for number, graph in enumerate(items) if "y" not in graph.graph]
    if absent:
        raise UserError(
            f"Expected the graph attribute 'y' in all graphs or in none, but graph {absent[0]} has "
            "none: add it, as None if it is not known, or give y=."
        )
    return labels


def _name_dropped(
    carriers: Mapping[str, list[dict[Any, Any]]],
    used: Mapping[str, set[Hashable]],
    ignored: list[Hashable],
) -> None:
    """Warn, once, of attributes that no argument names; raise if one that is read is ignored."""
    arguments = {NODE: "node_attrs", EDGE: "edge_attrs, weight", GRAPH: "y"}
    listed = []
    unread = {
        # Graph attributes of None are what readers of files leave behind.
        level: {
            name
            for attributes in dictionaries
            for name, value in attributes.items()
            if value is not None or level != GRAPH
        }
        - used[level]
        for level, dictionaries in carriers.items()
    }
    for name in ignored:
        read = any(name in names for names in used.values())
        if read and not any(name in names for names in unread.values()):
            raise UserError(
                f"Expected attributes that are not read in ignored_attrs, but '{name}' is: leave "
                "it out there."
            )
    for level, names in unread.items():
        if left := names.difference(ignored):
            shown = ", ".join(sorted(map(repr, left)))
            listed.append(f"of {level}s {shown} ({arguments[level]})")
    if listed:
        warn_user(
            f"These graphs have attributes that are not read unless an argument names them: "
            f"{'; '.join(listed)}; ignored_attrs takes those meant to be left out."
        )
