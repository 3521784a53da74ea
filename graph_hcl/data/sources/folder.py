"""Folders of GraphML, GEXF and edge-list files, one graph each."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from graph_hcl.data.graph_files import read_graph_file
from graph_hcl.data.groups import group_names
from graph_hcl.data.names import (
    GRAPH_FILES,
    LABELS,
    is_folder,
    is_graph_file,
    is_place,
    suffix_of,
)
from graph_hcl.data.naming import naming_graphs
from graph_hcl.data.networkx import from_networkx
from graph_hcl.data.numerals import parse_number
from graph_hcl.data.sources import Request, check_place, other_files
from graph_hcl.data.store import GraphStore
from graph_hcl.data.tables import find_column, read_header, read_rows, warn_unread
from graph_hcl.data.targets import as_text, graph_targets
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.missing import is_missing
from graph_hcl.registry import did_you_mean
from graph_hcl.warn import warn_user


class Folder:
    """A folder of graph files, in the order of their names, which become `ids`.

    Its labels are in a file labels.csv with the columns file and label, or in the attribute y of
    each graph, which holds where labels.csv has no column of labels or none for this graph; where
    any label differs from y, those of labels.csv alone are read, with a warning. `groups` is
    another column of labels.csv. `options` are the arguments of `GraphStore.from_networkx`, such as
    `node_attrs`, and an edge list's third column is the edge weight.
    """

    what = "a folder of graphs"
    takes = frozenset({"groups", "labels", "options"})

    def recognises(self, name: str) -> bool:
        """Tell whether a name is that of a folder, or of a file that no other source reads."""
        return is_folder(name) or is_place(name)

    def read(self, request: Request) -> GraphStore:
        """Return the graphs; raise `UserError`, with the file, for one that cannot be read."""
        folder = as_path(request.name, "dataset")
        check_place(request.name)
        files = graph_files(folder)
        names = [file.name for file in files]
        graphs = [read_graph_file(file) for file in files]
        options = dict(request.options)
        weighted = [any("weight" in d for *_, d in graph.edges(data=True)) for graph in graphs]
        if any(weighted) and all(suffix_of(name) == ".edgelist" for name in names):
            options.setdefault("weight", "weight")
        table = folder / LABELS if (folder / LABELS).is_file() else None
        own = [graph.graph.pop("y", None) for graph in graphs]
        labels = own if table is None else _labels(table, names, own, request.groups)
        groups = _read_groups(request.groups, table, names, folder)
        places = [f"{name} in {folder if table is None else table}" for name in names]
        targets = graph_targets(labels, request.labels, "label", places)
        with naming_graphs(names, str(folder)):
            try:
                store = from_networkx(graphs, **options)
            except TypeError as error:
                raise UserError(
                    f"Expected --data.options as arguments of from_networkx, but got "
                    f"{', '.join(options)}: {error}."
                ) from error
        hashed = hashlib.sha256(str(sorted(request.options.items())).encode())
        for file in [*files, *([] if table is None else [table])]:
            hashed.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return replace(store, **targets, ids=names, groups=groups, sha256=hashed.hexdigest())


def graph_files(folder: Path) -> list[Path]:
    """Return the graph files in a folder by name, with a warning for what else there is.

    That is files of another kind, and folders, whose files are not read. Raises `UserError` if
    there are none.
    """
    present = sorted(file for file in folder.iterdir() if file.is_file() or file.is_dir())
    files = [f for f in present if f.is_file() and is_graph_file(f.name)]
    others = [
        f"{file.name}/" if file.is_dir() else file.name
        for file in present
        if file not in files
        and file.name != LABELS
        and not file.name.upper().startswith((".", "README", "LICENSE"))
    ]
    shown = ", ".join(others[:5]) + (f", … ({len(others)} in all)" if len(others) > 5 else "")
    remedy = ""
    if any(name.endswith("/") for name in others):
        remedy = f": folders within are not read, so put all graphs in one, with a {LABELS}"
    if not files:
        raise UserError(
            f"Expected {', '.join(GRAPH_FILES)} files in the folder {folder}, but it has "
            f"{shown or 'none'}{remedy or other_files(others)}."
        )
    if others:
        warn_user(f"Not read in the folder {folder}: {shown}{remedy}.")
    return files


def _read_groups(
    column: str | None, table: Path | None, names: list[str], folder: Path
) -> list[str] | None:
    """Return the group of each graph file, if a column of them is asked for."""
    if column is None:
        return None
    if table is None:
        raise UserError(
            f"Expected {LABELS} with the columns file and {column} in {folder}, but there "
            "is none: write it, or leave out the groups."
        )
    places = [f"{name} in {table}" for name in names]
    return group_names(read_labels(table, names, column), column, places)


def _labels(table: Path, names: list[str], own: list[Any], groups: str | None) -> list[Any]:
    """Return the labels in a table and, where it has none, those that the graphs have as y.

    One warning names the columns that nothing reads.
    """
    header = read_header(table)
    listed = own
    if "label" in header or all(value is None for value in own):
        listed = _filled(read_labels(table, names), own, names, table)
    read = ("file", "label", str(groups))
    warn_unread(header, read, table, "groups= (--data.groups) names one to read")
    return listed


def _filled(labels: list[str], own: list[Any], names: list[str], table: Path) -> list[Any]:
    """Return labels with those of the graphs themselves where there is none, if the others agree.

    A warning tells where the graphs' own labels are taken, or that they differ.
    """
    pairs = [(label, as_text(value)) for label, value in zip(labels, own, strict=True)]
    known = [row for row, (_, text) in enumerate(pairs) if not is_missing(text)]
    absent = {row for row in known if is_missing(labels[row])}
    differing = [row for row in known if row not in absent and not _alike(*pairs[row])]
    if differing:
        row = differing[0]
        warn_user(
            f"The labels in {table} are read, not the attribute y of the graphs, which differs: "
            f"{names[row]} has '{labels[row]:.60}' there and y='{pairs[row][1]:.60}'."
        )
        return labels
    if absent:
        warn_user(
            f"Of {len(names):,} graphs, {len(absent):,} have no label in {table}, such as "
            f"{names[min(absent)]}: their attribute y is read."
        )
    return [own[row] if row in absent else label for row, label in enumerate(labels)]


def _alike(first: str, second: str) -> bool:
    """Tell whether two texts are one word or one number."""
    number = parse_number(first)
    return first == second or (number is not None and number == parse_number(second))


def read_labels(file: Path, names: list[str], column: str = "label") -> list[str]:
    """Return the label of each graph file, or '' without one, from a table of file and label.

    Raises `UserError` for a missing column, and a file that is not there or is listed twice.
    """
    header = read_header(file)
    columns = [find_column(name, header, file) for name in ("file", column)]
    labels: dict[str, str] = {}
    for line, (name, label) in read_rows(file, header, columns):
        if name not in names or name in labels:
            problem = "it is listed before" if name in labels else "there is no such graph file"
            raise UserError(
                f"Expected each graph file once in {file}, but line {line} has '{name}', and "
                f"{problem}.{'' if name in labels else _meant(name, names)}"
            )
        labels[name] = label
    return [labels.get(name, "") for name in names]


def _meant(name: str, names: list[str]) -> str:
    """Return the graph file that a name without its ending stands for, or close ones, as a hint."""
    whole = [file for file in names if file.startswith(f"{name}.")] if name else []
    if len(whole) == 1:
        return f" Write the ending, too: {whole[0]}."
    return did_you_mean(name, names)
