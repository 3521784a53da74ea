"""PyG graphs as a store: every attribute is kept, named in a warning, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graph_hcl.data.assemble import both_ways, finish, uncapped
from graph_hcl.data.containers import data_list
from graph_hcl.data.fields import (
    Categorical,
    edge_weights,
    encode_columns,
    ends,
    is_whole,
    join,
    owner,
    real,
)
from graph_hcl.data.labels import choose_labels
from graph_hcl.data.levels import EDGE, GRAPH, LEVELS, NODE
from graph_hcl.data.meaning import Meaning, common_meaning, restored, unchanged
from graph_hcl.data.store import GraphStore
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.warn import warn_user

KEPT = ("x", "edge_index", *(name for name in LEVELS if name not in ("x", "y")), "y")

MATRICES = {"adj_t": "ToSparseTensor", "adj": "ToDense"}
"""Attributes that hold the edges otherwise, with PyG's transforms that make them."""


def from_data(
    graphs: Iterable[Data] | GraphStore,
    *,
    y: Any = None,
    categorical: Categorical = "auto",
    undirected: bool = False,
    ignored_attrs: str | Iterable[str] | None = None,
) -> GraphStore:
    """Return the store of a PyG data set, a batch, or any iterable of `Data` with the same fields.

    A store keeps x [n, columns] (node degrees if no graph has it), edge_index [2, e], edge_attr [e,
    columns] or [e], edge_weight [e], pos [n, …] and y (one number or word for each graph, or [1,
    tasks] with NaN for missing entries). One warning names all other attributes.

    Columns of integer types are categories, one-hot in every batch; floats and bools are
    quantities, in float32. Repeated edges and self-loops are kept.

    Graphs and batches that were taken out of a store, and views of them, make a store of the same
    columns and classes again: what their x, edge_attr and y mean goes with them, also in copies and
    pickles, as long as all of them hold bit for bit what the store or the view gave. A field that
    was edited is read as that of new graphs, and computed degrees follow edited edges.
    `categorical=False` reads x and edge_attr of graphs of a store as new numbers, too, and
    `store[[0]]` takes graphs as a store, of which nothing is to be read.

    Args:
        graphs: a PyG data set, a batch, or any iterable of `Data` with the same fields.
        y: labels (a list, array, Series or tensor, None or NaN where one is missing) that replace
            the graphs' own.
        categorical: True makes categories of floats with integer values, too; False makes
            quantities of all.
        undirected: adds missing reverse edges with the same attributes; otherwise one warning
            counts them.
        ignored_attrs: names of attributes that are meant not to be read, so that no warning names
            them.

    Raises `UserError` for changed graphs of a store whose quantities are standardised, and, with
    the number of the graph, for NaN, edges to missing nodes, fields that only some graphs have,
    shapes that differ between graphs, and other containers.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> store = from_data([Data(x=torch.tensor([[6], [8]]), edge_index=edges, y="toxic")])
    >>> store.x.tolist(), store.vocabulary.node.names(), store.classes
    ([[0], [1]], ['x[0]=6', 'x[0]=8'], ['toxic'])
    """
    if categorical not in (True, False, "auto"):
        raise UserError(f"Expected categorical as 'auto', True or False, but got {categorical!r}.")
    ignored = {ignored_attrs} if isinstance(ignored_attrs, str) else {*(ignored_attrs or ())}
    if kept := sorted(ignored.intersection(KEPT)):
        raise UserError(
            f"Expected attributes that are not read in ignored_attrs, but '{kept[0]}' is: leave it "
            "out there."
        )
    if isinstance(graphs, GraphStore):
        if categorical != "auto":
            raise UserError(
                "Expected graphs whose columns have no meaning yet for categorical, but got a "
                "GraphStore: leave it out."
            )
        store = graphs
        if y is not None:
            store = replace(store, **choose_labels(y, None, len(store)), sha256="")
        return both_ways(store) if undirected else store
    items = data_list(graphs)
    fields = [data.to_dict() for data in items]
    _name_dropped(fields, ignored)
    kinds = dict.fromkeys(("x", "edge_attr"), categorical)
    meaning = common_meaning(items)
    as_given = set() if meaning is None else unchanged(items, meaning)
    return from_fields(
        fields, kinds, y=y, undirected=undirected, meaning=meaning, as_given=as_given
    )


def from_fields(
    fields: list[dict[str, Any]],
    categorical: Mapping[str, Categorical | Sequence[bool]],
    *,
    y: Any = None,
    undirected: bool = False,
    meaning: Meaning | None = None,
    as_given: Set[str] = frozenset(),
) -> GraphStore:
    """Return the store of graphs that are dictionaries of the fields of `from_data`.

    `categorical` says for x and edge_attr which columns are categories, as that of
    `encode_columns`; `meaning` is that of the store that they are graphs of, and `as_given` are the
    fields that they have as that gave them. Raises `UserError` as `from_data` does.

    >>> path = {"edge_index": torch.tensor([[0, 1], [1, 0]]), "x": torch.tensor([[6, 1], [8, 2]])}
    >>> from_fields([path], {"x": [True, False]}).x.tolist()
    [[0.0, 1.0], [1.0, 2.0]]
    """
    taken = {name: _field(fields, name) for name in KEPT if name != "y" or y is None}
    edge_index, edge_sizes = _edges(taken.pop("edge_index"), fields)
    labels_of_each = taken.pop("y", None)
    tensors: dict[str, Any] = {}
    sizes: dict[str, Tensor] = {}
    for name, parts in taken.items():
        if parts is not None:
            mixed = categorical.get(name) != "auto"
            tensors[name], sizes[name] = join(parts, name, mixed=mixed)
    if "x" in tensors and tensors["x"].dim() == 1:
        raise UserError(
            f"Expected x [nodes, features] in graph 0, but got [{int(sizes['x'][0])}]: give one "
            "feature of each node as x[:, None]."
        )
    node_sizes = _node_sizes(fields, sizes, edge_index, ends(edge_sizes))
    graph_sizes = torch.ones(len(fields), dtype=torch.long)
    _check_sizes(sizes, {NODE: node_sizes, EDGE: edge_sizes, GRAPH: graph_sizes})
    labels = choose_labels(y, labels_of_each, len(fields))
    if meaning is not None and y is None and "y" in as_given:
        labels |= {"classes": list(meaning.classes), "tasks": list(meaning.tasks)}
    degrees = meaning is not None and meaning.vocabulary.node.are_degrees
    if degrees and "x" in as_given and "edge_index" not in as_given:
        del tensors["x"]  # computed anew of the edges as they are
    node_ptr, edge_ptr = ends(node_sizes), ends(edge_sizes)
    _check_inside(edge_index, node_sizes, edge_sizes, edge_ptr)
    ptrs = {NODE: node_ptr, EDGE: edge_ptr, GRAPH: ends(graph_sizes)}
    features: dict[str, Features] = {}
    for name, values in tensors.items():
        ptr = ptrs[LEVELS[name]]
        if name in ("x", "edge_attr"):
            kind, own = categorical[name], None
            if meaning is not None:
                known = name in as_given and kind == "auto"
                own = restored(values, name, ptr, meaning, as_given=known)
            tensors[name], features[name] = own or encode_columns(values, name, ptr, kind)
        elif name == "edge_weight":
            tensors[name] = edge_weights(values, ptr)
        else:
            tensors[name] = real(values, name, ptr)
    tensors.setdefault("x", torch.empty(int(node_ptr[-1]), 0))
    store = GraphStore(
        **tensors,
        edge_index=edge_index,
        node_ptr=node_ptr,
        edge_ptr=edge_ptr,
        **labels,
        vocabulary=Vocabulary(features.get("x", Features()), features.get("edge_attr", Features())),
    )
    return finish(store if meaning is None else uncapped(store), undirected=undirected)


def _name_dropped(fields: list[dict[str, Any]], ignored: set[str]) -> None:
    names = {name for one in fields for name, value in one.items() if value is not None}
    dropped = sorted(names - {*KEPT, *ignored, "num_nodes", "_num_nodes"})
    refused = "edge_index" not in names and not {*MATRICES}.isdisjoint(dropped)
    if dropped and not refused:
        warn_user(
            f"Of these graphs, {', '.join(dropped)} {'is' if len(dropped) == 1 else 'are'} not "
            f"read: a store keeps {', '.join(KEPT[:-1])} and y; ignored_attrs takes those "
            "meant to be left out."
        )


def _field(fields: list[dict[str, Any]], name: str) -> list[Any] | None:
    """Return a field of all graphs, None if no graph has it; raise if only some have it."""
    parts = [one.get(name) for one in fields]
    absent = [number for number, part in enumerate(parts) if part is None]
    if len(absent) == len(parts):
        return None
    if absent:
        present = next(number for number, part in enumerate(parts) if part is not None)
        raise UserError(
            f"Expected '{name}' in all graphs or in none, but graph {absent[0]} has none and graph "
            f"{present} has it{': set NaN where it is not known' if name == 'y' else ''}."
        )
    return parts


def _edges(parts: list[Any] | None, fields: list[dict[str, Any]]) -> tuple[Tensor, Tensor]:
    """Return all edges [2, E], with local node numbers, and the edges per graph [G]."""
    if parts is None:
        advice = "set torch.empty(2, 0, dtype=torch.long) for graphs without edges"
        for name, transform in MATRICES.items():
            if fields[0].get(name) is not None:
                advice = f"it has {name} instead, so leave out the transform {transform}"
        raise UserError(f"Expected edge_index [2, edges], but graph 0 has none: {advice}.")
    for number, part in enumerate(parts):
        shape = list(getattr(part, "shape", ()))
        if isinstance(part, Tensor) and (len(shape) != 2 or shape[0] != 2):
            raise UserError(
                f"Expected edge_index [2, edges], but graph {number} has {shape}"
                + (": transpose it." if len(shape) == 2 and shape[1] == 2 else ".")
            )
        if isinstance(part, Tensor) and shape[1] and not is_whole(part.dtype):
            raise UserError(
                f"Expected edge_index of whole numbers, but graph {number} has {part.dtype}: "
                "use .long()."
            )
    edges, sizes = join(parts, "edge_index", axis=1)
    return edges.long(), sizes


def _node_sizes(
    fields: list[dict[str, Any]], sizes: dict[str, Tensor], edges: Tensor, edge_ptr: Tensor
) -> Tensor:
    """Return the nodes per graph [G], from a node field, num_nodes or the largest node number."""
    counts = [one.get("num_nodes") for one in fields]
    node_fields = [name for name in LEVELS if LEVELS[name] == NODE]
    name = next((name for name in node_fields if name in sizes), None)
    if name is not None:
        for number, (size, count) in enumerate(zip(sizes[name].tolist(), counts, strict=True)):
            if count is not None and int(count) != size:
                raise UserError(
                    f"Expected {int(count)} rows of {name} in graph {number} as num_nodes says, "
                    f"but got {size}."
                )
        return sizes[name]
    inferred = [number for number, count in enumerate(counts) if count is None]
    if inferred:
        warn_user(
            f"Neither {', '.join(node_fields)} nor num_nodes tells how many nodes graph "
            f"{inferred[0]} has: the largest node number in its edges is taken as the last."
        )
    node_sizes = [0 if count is None else int(count) for count in counts]
    for number in inferred:
        part = edges[:, edge_ptr[number] : edge_ptr[number + 1]]
        node_sizes[number] = int(part.max()) + 1 if part.numel() else 0
    return torch.tensor(node_sizes)


def _check_sizes(sizes: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Raise unless every graph has nodes, and every field one row per node, edge or graph."""
    empty = (expected["node"] < 1).nonzero()
    if len(empty):
        raise UserError(
            f"Expected at least one node in graph {int(empty[0])}, but it is empty: leave it out."
        )
    for name, rows in sizes.items():
        wrong = (rows != expected[LEVELS[name]]).nonzero()
        if len(wrong):
            number = int(wrong[0])
            raise UserError(
                f"Expected {int(expected[LEVELS[name]][number])} rows of {name} in graph {number}, "
                f"one per {LEVELS[name]}, but got {int(rows[number])}."
            )


def _check_inside(edges: Tensor, nodes: Tensor, edge_sizes: Tensor, edge_ptr: Tensor) -> None:
    """Raise if an edge refers to a node that its graph does not have."""
    limit = nodes.repeat_interleave(edge_sizes)
    wrong = (edges < 0) | (edges >= limit)
    if wrong.any():
        end, edge = wrong.nonzero()[0].tolist()
        number = owner(edge_ptr, edge)
        raise UserError(
            f"Expected node numbers 0 … {int(nodes[number]) - 1} in graph {number}, but an edge "
            f"names {int(edges[end, edge])}."
        )
