"""JSON-lines files: one graph a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch_geometric.data import Data

from graph_hcl.data.convert import from_fields
from graph_hcl.data.fields import Categorical
from graph_hcl.data.groups import group_names
from graph_hcl.data.names import is_lines
from graph_hcl.data.naming import naming_graphs
from graph_hcl.data.number_columns import NumberColumns, number_array
from graph_hcl.data.sources import Request
from graph_hcl.data.store import GraphStore
from graph_hcl.data.tables import open_text, read_lines
from graph_hcl.data.targets import graph_targets, names_of
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.registry import closest, did_you_mean
from graph_hcl.sealed import parse_json
from graph_hcl.warn import warn_user

FREE_NODES = 10_000_000
"""Nodes that a file may have beyond one for each of its characters: more would be a bomb."""
COLUMNS = ("x", "edge_attr")
FIELDS = (*COLUMNS, "edge_weight", "pos")
KEYS = ("edges", "num_nodes", *FIELDS, "y", "id")
NETWORKX = {
    "edges": ("node_link_data", 'node_link_graph(json.loads(line), edges="edges")'),
    "links": ("node_link_data", 'node_link_graph(json.loads(line), edges="links")'),
    "adjacency": ("adjacency_data", "adjacency_graph(json.loads(line))"),
}
"""What of NetworkX writes nodes beside these keys, and what reads them."""


class Lines:
    """A file with one JSON object a line, of which all entries but `edges` are optional.

    `{"edges": [[u, v], …], "num_nodes": n, "x": [[…]], "edge_attr": [[…]], "edge_weight": […],
    "pos": [[…]], "y": …, "id": …}`. Edges join nodes numbered from 0 and lead one way, as PyG's
    edge_index. A column of x or edge_attr whose numbers are whole in all lines holds categories,
    one with a point in any of them quantities.
    y is a class (a word or a whole number), a real target, or a list of tasks in which null is a
    missing entry. A further entry that `groups` names is the group.
    """

    what = "a JSON-lines file"
    takes = frozenset({"groups", "labels"})

    def recognises(self, name: str) -> bool:
        """Tell whether a name ends as that of a JSON-lines file does."""
        return is_lines(name)

    def read(self, request: Request) -> GraphStore:
        """Return the graphs; raise `UserError`, with the line, for one that cannot be read."""
        file = as_path(request.name, "dataset")
        if not file.is_file():
            raise UserError(f"Expected a file at {file}, but there is none.")
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        graphs, labels, ids, places, groups = [], [], [], [], []
        unread: dict[str, int] = {}
        nodes_left = FREE_NODES
        columns = {name: NumberColumns(name) for name in COLUMNS}
        with open_text(file) as stream:
            for line, text in enumerate(read_lines(stream, file), 1):
                if not text.strip():
                    continue
                place = f"line {line}"
                entry = _parse(text, f"{place} of {file}")
                for key in entry.keys() - {*KEYS, request.groups}:
                    unread.setdefault(key, line)
                graph = _graph(entry, columns, f"{place} of {file}")
                nodes_left += len(text) - _nodes(graph)
                if nodes_left < 0:
                    raise UserError(
                        f"Expected about as many nodes as {file} has text for, but {place} makes "
                        f"it over {FREE_NODES:,} more: number its nodes from 0 without gaps."
                    )
                graphs.append(graph)
                labels.append(entry.get("y"))
                ids.append(entry.get("id"))
                groups.append(entry.get(str(request.groups)))
                places.append(place)
        if not graphs:
            raise UserError(f"Expected a graph on each line of {file}, but it has none.")
        grouped = None
        if request.groups is not None:
            _check_key(request.groups, groups, unread, file)
            grouped = group_names(groups, request.groups, [f"{p} of {file}" for p in places])
        for key, line in unread.items():
            warn_user(
                f"'{key}' is not read in {file} (first in line {line}).{did_you_mean(key, KEYS)}"
            )
        _fill_empty(graphs)
        with naming_graphs(places, str(file)):
            store = _store(graphs, columns)
        targets = graph_targets(labels, request.labels, "y", [f"{p} of {file}" for p in places])
        return replace(store, **targets, ids=names_of(ids), groups=grouped, sha256=sha256)


def _check_key(name: str, groups: list[Any], others: Collection[str], file: Path) -> None:
    """Raise `UserError` for groups that no line has, or that are no names."""
    if all(group is None for group in groups):
        near = did_you_mean(name, others)
        raise UserError(
            f"Expected the group of each graph as '{name}' in {file}, but none has it.{near}"
        )
    wrong = next((group for group in groups if isinstance(group, list | dict)), None)
    if wrong is not None:
        raise UserError(
            f"Expected '{name}' as a word or a number in each line of {file}, but got "
            f"{json.dumps(wrong)[:60]}."
        )


def _parse(text: str, place: str) -> dict[str, Any]:
    try:
        entry = parse_json(text.encode())
    except ValueError as error:
        raise UserError(
            "Expected a graph as JSON, like '{\"edges\": [[0, 1]]}', but "
            f"{place} is not: {error}."
        ) from error
    if isinstance(entry, dict):
        _refuse_networkx(entry, place)
    if not isinstance(entry, dict) or "edges" not in entry:
        shown = f"has {', '.join(entry)}" if isinstance(entry, dict) and entry else "has none"
        unknown = set(entry) - {*KEYS, "nodes"} if isinstance(entry, dict) else set()
        near = closest("edges", unknown)
        remedy = f": rename {near[0]} to edges" if near else ""
        raise UserError(f"Expected 'edges' in each graph, but {place} {shown}{remedy}.")
    return entry


def _refuse_networkx(entry: dict[str, Any], place: str) -> None:
    """Raise `UserError` for a graph as NetworkX writes it, with names and attributes of nodes."""
    key = next((key for key in NETWORKX if isinstance(entry.get(key), list)), None)
    nodes = entry.get("nodes")
    if key is None or not isinstance(nodes, list):
        return
    if key != "edges" or any(isinstance(edge, dict) for edge in entry[key][:1]):
        writer, reader = NETWORKX[key]
        raise UserError(
            f"Expected edges as pairs of node numbers, like [[0, 1], [1, 2]], but {place} has "
            f"nodes and {key} as networkx.{writer} writes them: read each line with "
            f"networkx.{reader}, and give the graphs to GraphStore.from_networkx."
        )


def _graph(entry: dict[str, Any], columns: Mapping[str, NumberColumns], place: str) -> Data:
    """Return a JSON object as a graph without its label."""
    edges = torch.from_numpy(number_array(entry["edges"], "edges", place))
    if not edges.numel():
        edges = torch.empty(0, 2, dtype=torch.long)
    if edges.dim() != 2 or edges.shape[1] != 2 or edges.dtype != torch.long:
        raise UserError(
            f"Expected edges as pairs of node numbers, like [[0, 1], [1, 2]], but {place} has "
            f"{json.dumps(entry['edges'])[:60]}."
        )
    graph = Data(edge_index=edges.t().contiguous())
    count = entry.get("num_nodes")
    if count is not None:
        if type(count) is not int or not 0 < count < 2**63:
            raise UserError(
                f"Expected num_nodes of 1 or more, a whole number below 2⁶³, but {place} has "
                f"{json.dumps(count):.40}."
            )
        graph.num_nodes = count
    for name in FIELDS:
        if entry.get(name) is not None:
            if name in columns:
                value = columns[name].read(entry[name], place)
            else:
                value = torch.from_numpy(number_array(entry[name], name, place)).float()
            graph[name] = value[:, None] if name == "x" and value.dim() == 1 else value
    return graph


def _store(graphs: list[Data], columns: Mapping[str, NumberColumns]) -> GraphStore:
    """Return the graphs as a store; the columns have seen them all."""
    fields = [graph.to_dict() for graph in graphs]
    categorical: dict[str, Categorical | Sequence[bool]] = {}
    for name, column in columns.items():
        having = [one for one in fields if one.get(name) is not None]
        tensors, categorical[name] = column.settled([one[name] for one in having])
        for one, tensor in zip(having, tensors, strict=True):
            one[name] = tensor
    return from_fields(fields, categorical)


def _nodes(graph: Data) -> int:
    """Return the number of nodes that a graph names or counts, before any memory is theirs."""
    if "num_nodes" in graph:
        return int(graph.num_nodes)
    return int(graph.edge_index.max()) + 1 if graph.num_edges else 0


def _fill_empty(graphs: list[Data]) -> None:
    """Give graphs without edges the edge fields of the others, with no rows."""
    for name in ("edge_attr", "edge_weight"):
        present = [g[name] for g in graphs if g.num_edges and g.get(name) is not None]
        for graph in graphs if present else []:
            if not graph.num_edges:
                graph[name] = present[0].new_empty(0, *present[0].shape[1:])
