"""The text files of a TU data set, column by column, to the tensors that PyG reads from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import coalesce, remove_self_loops

from graph_hcl.errors import UserError


@dataclass(frozen=True)
class RawGraphs:
    """A data set as read: flat tensors with node numbers local to each graph."""

    edge_index: Tensor
    node_ptr: Tensor
    edge_ptr: Tensor
    y: Tensor
    node_labels: Tensor | None
    node_attributes: Tensor | None
    edge_attr: Tensor | None

    def degree(self) -> Tensor:
        """Return the out-degree of each node [N]."""
        first = self.node_ptr[:-1].repeat_interleave(self.edge_ptr.diff())
        return torch.bincount(self.edge_index[0] + first, minlength=int(self.node_ptr[-1]))


def read(files: dict[str, Path]) -> RawGraphs:
    """Return the graphs in the raw files of a TU data set, given by suffix.

    As PyG's `TUDataset` does: node and edge labels one-hot per column from the column's minimum,
    graph labels as consecutive integers, self-loops removed, duplicate edges merged with their
    attributes added (https://chrsmrrs.github.io/datasets/docs/format/).

    Raises `UserError`, naming the file, for files that are not numbers, of different lengths, or
    that contradict each other.
    """
    graph = _column(files["graph_indicator"], "graph numbers") - 1
    nodes = len(graph)
    if nodes == 0 or graph[0] != 0 or bool((graph.diff() < 0).any()):
        raise UserError(
            f"Expected {files['graph_indicator']} to list graphs 1, 2, … in ascending order."
        )
    labels = _column(files["graph_labels"], "graph labels")
    graphs = int(graph[-1]) + 1
    if len(labels) != graphs:
        raise UserError(
            f"Expected {graphs} lines in {files['graph_labels']}, one per graph of "
            f"{files['graph_indicator'].name}, but got {len(labels)}."
        )
    edge_index, edge_attr = _edges(files, graph)
    node_ptr = _ptr(torch.bincount(graph, minlength=graphs))
    edge_ptr = _ptr(torch.bincount(graph[edge_index[0]], minlength=graphs))
    edge_index -= node_ptr[:-1].repeat_interleave(edge_ptr.diff())
    return RawGraphs(
        edge_index,
        node_ptr,
        edge_ptr,
        labels.unique(return_inverse=True)[1],
        _one_hot(_rows(files, "node_labels", nodes)),
        _rows(files, "node_attributes", nodes),
        edge_attr,
    )


def _edges(files: dict[str, Path], graph: Tensor) -> tuple[Tensor, Tensor | None]:
    table = _table(files["A"])
    if table.shape[0] != 2:
        raise UserError(f"Expected two columns in {files['A']}, but got {table.shape[0]}.")
    edge_index = _integers(table, files["A"]) - 1
    nodes, count = len(graph), edge_index.shape[1]
    if count and (int(edge_index.min()) < 0 or int(edge_index.max()) >= nodes):
        raise UserError(f"Expected node numbers 1 … {nodes} in {files['A']}, but another is there.")
    if not torch.equal(graph[edge_index[0]], graph[edge_index[1]]):
        raise UserError(f"{files['A']} has an edge between two graphs of {nodes} nodes in all.")
    attributes = _rows(files, "edge_attributes", count)
    labels = _one_hot(_rows(files, "edge_labels", count))
    parts = [part for part in (attributes, labels) if part is not None]
    edge_attr = torch.cat(parts, dim=1) if parts else None
    edge_index, edge_attr = remove_self_loops(edge_index, edge_attr)
    key = edge_index[0] * nodes + edge_index[1]
    if bool((key.diff() > 0).all()):  # already sorted and unique: spare the sort
        return edge_index, edge_attr
    del key
    if edge_attr is None:
        return coalesce(edge_index, num_nodes=nodes), None
    merged: tuple[Tensor, Tensor] = coalesce(edge_index, edge_attr, num_nodes=nodes)
    return merged


def _ptr(sizes: Tensor) -> Tensor:
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


def _table(file: Path) -> np.ndarray:
    """Return the columns of a comma-separated file of numbers, [columns, rows]."""
    if file.stat().st_size == 0:
        raise UserError(f"Expected lines of numbers in {file}, but it is empty.")
    try:
        table = pyarrow.csv.read_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
            convert_options=pyarrow.csv.ConvertOptions(null_values=[]),
        )
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"{file} is not a table of numbers ({_first_line(error)}).") from error
    for column in table.columns:
        kind = column.type
        if not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
            bad = next((v for v in column.to_pylist()[:1000] if not _is_number(v)), "another value")
            raise UserError(f"Expected numbers in {file}, but got '{bad}'.")
    return np.stack([column.to_numpy() for column in table.columns])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _integers(table: np.ndarray, file: Path) -> Tensor:
    if table.dtype.kind == "f" and not np.array_equal(table, np.trunc(table)):
        raise UserError(f"Expected whole numbers in {file}, but some have a fraction.")
    return torch.from_numpy(np.ascontiguousarray(table.astype(np.int64, copy=False)))


def _column(file: Path, what: str) -> Tensor:
    table = _table(file)
    if table.shape[0] != 1:
        raise UserError(f"Expected one column of {what} in {file}, but got {table.shape[0]}.")
    return _integers(table, file)[0]


def _rows(files: dict[str, Path], suffix: str, count: int) -> Tensor | None:
    """Return the float rows [count, columns] of an optional file."""
    if suffix not in files:
        return None
    table = _table(files[suffix])
    if table.shape[1] != count:
        other = "A" if suffix.startswith("edge") else "graph_indicator"
        raise UserError(
            f"Expected {count} lines in {files[suffix]}, as in {files[other].name}, but got "
            f"{table.shape[1]}."
        )
    return torch.from_numpy(np.ascontiguousarray(table.T.astype(np.float32)))


def _one_hot(labels: Tensor | None) -> Tensor | None:
    """Return the columns of labels one-hot, each counted from its minimum."""
    if labels is None:
        return None
    shifted = labels.long() - labels.long().min(dim=0).values
    return torch.cat([F.one_hot(column) for column in shifted.unbind(1)], dim=1).float()
