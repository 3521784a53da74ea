"""The optional files of a TU data set: labels and attributes of its nodes, edges and graphs."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from graph_hcl.data.tu_text import numbered_lines, read_table
from graph_hcl.errors import UserError
from graph_hcl.warn import warn_user

KINDS = ("labels", "attributes")
_ADVICE = {
    "graph_labels": "give each graph one class; real targets belong in …_graph_attributes.txt",
    "graph_attributes": "give each graph the same number of finite targets",
    "node_labels": "give each node whole numbers; real ones belong in …_node_attributes.txt",
    "node_attributes": "give each node the same number of finite values",
    "edge_labels": "give each edge whole numbers; real ones belong in …_edge_attributes.txt",
    "edge_attributes": "give each edge the same number of finite values",
}


def _table(files: dict[str, Path], suffix: str) -> Tensor | None:
    """Return the rows [R, columns] of a file of labels or attributes, or None without the file."""
    if suffix not in files:
        return None
    whole = suffix.endswith("labels")
    columns = 1 if suffix == "graph_labels" else None
    try:
        table = read_table(files[suffix], whole=whole, columns=columns, advice=_ADVICE[suffix])
    except UserError:
        if suffix == "node_labels":
            _refuse_labels_over_time(files[suffix])
        raise
    return table.t().contiguous() if len(table) else None


def _refuse_labels_over_time(file: Path) -> None:
    """Raise `UserError` if all lines are time, label, time, label, … of different lengths."""
    lengths = set()
    for _, line in numbered_lines(file):
        fields = line.split(",")
        if len(fields) % 2 or not all(field.strip().isdecimal() for field in fields):
            return
        lengths.add(len(fields))
    if len(lengths) > 1:
        raise UserError(
            f"Expected one label per node in {file}, but its lines list time, label, time, label, "
            "… as the temporal TU sets do, and graphs that change over time are not supported: "
            "keep one label per line, such as the last, or remove the file."
        )


def element_rows(files: dict[str, Path], suffix: str, count: int) -> Tensor | None:
    """Return the rows [count, columns] of a file of nodes or edges, or None without the file."""
    table = _table(files, suffix)
    lines = 0 if table is None else len(table)
    if suffix in files and lines != count:
        other = files["A" if suffix.startswith("edge") else "graph_indicator"]
        raise UserError(
            f"Expected {count} lines in {files[suffix]}, as in {other.name}, but got {lines}: "
            "complete the file or remove it."
        )
    return table


def graph_rows(files: dict[str, Path], kept: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the rows `kept` [G] of graph_labels and graph_attributes; warn of dropped graphs."""
    labels, targets = (_table(files, f"graph_{kind}") for kind in KINDS)
    tables = {"graph_labels": labels, "graph_attributes": targets}
    lengths = {s: 0 if t is None else len(t) for s, t in tables.items() if s in files}
    graphs = max(int(kept[-1]) + 1, *lengths.values(), 0)
    for suffix, length in lengths.items():
        if length != graphs:
            gaps = f"number the graphs 1 … {length} without gaps, " if length == len(kept) else ""
            raise UserError(
                f"Expected {graphs} lines in {files[suffix]}, one per graph number, but got "
                f"{length}: {gaps}complete the file or remove it."
            )
    if missing := graphs - len(kept):
        it = "it is dropped{}" if missing == 1 else "they are dropped{}"
        warn_user(
            f"{missing} of {graphs} graphs have no nodes in {files['graph_indicator']}: "
            f"{it.format(' with label and targets' if lengths else '')}, and the others move up."
        )
    return None if labels is None else labels[kept], None if targets is None else targets[kept]
