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
    steps = graph.diff(prepend=graph.new_tensor([-1]))
    if nodes == 0 or int(steps[0]) != 1 or bool(((steps != 0) & (steps != 1)).any()):
        raise UserError(
            f"Expected {files['graph_indicator']} to list graphs 1, 2, … in ascending order with "
            "no number left out."
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
        _attributes(files, "node_attributes", nodes),
        edge_attr,
    )


def _edges(files: dict[str, Path], graph: Tensor) -> tuple[Tensor, Tensor | None]:
    edge_index = _table(files["A"], np.int64)
    if edge_index.shape[0] != 2:
        raise UserError(f"Expected two columns in {files['A']}, but got {edge_index.shape[0]}.")
    edge_index -= 1
    nodes, count = len(graph), edge_index.shape[1]
    if count and (int(edge_index.min()) < 0 or int(edge_index.max()) >= nodes):
        raise UserError(f"Expected node numbers 1 … {nodes} in {files['A']}, but another is there.")
    if not torch.equal(graph[edge_index[0]], graph[edge_index[1]]):
        raise UserError(f"Expected edges inside graphs in {files['A']}, but one joins two graphs.")
    attributes = _attributes(files, "edge_attributes", count)
    labels = _one_hot(_rows(files, "edge_labels", count))
    parts = [part for part in (attributes, labels) if part is not None]
    edge_attr = torch.cat(parts, dim=1) if parts else None
    if bool((edge_index[0] == edge_index[1]).any()):
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


def _table(file: Path, kind: type[np.generic]) -> Tensor:
    """Return the columns of a comma-separated file of numbers, [columns, rows]."""
    with file.open("rb") as stream:
        columns = stream.readline(1 << 16).count(b",") + 1
    # Types are named, for the default guesses them from the first block alone.
    names = [str(number) for number in range(columns)]
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.from_numpy_dtype(kind)), null_values=[]
    )
    try:
        table = pyarrow.csv.read_csv(
            file, pyarrow.csv.ReadOptions(column_names=names), convert_options=convert
        )
    except pyarrow.ArrowInvalid as error:
        what = "whole numbers" if kind is np.int64 else "numbers"
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"Expected {columns} {'column' if columns == 1 else 'columns'} of {what} in {file}, "
            f"but reading failed: {reason}."
        ) from error
    numbers = np.empty((columns, table.num_rows), kind)
    for row, column in zip(numbers, table.columns, strict=True):
        row[:] = column.to_numpy()
    del table, column
    pyarrow.default_memory_pool().release_unused()  # or as much again stays taken
    return torch.from_numpy(numbers)


def _column(file: Path, what: str) -> Tensor:
    table = _table(file, np.int64)
    if table.shape[0] != 1:
        raise UserError(f"Expected one column of {what} in {file}, but got {table.shape[0]}.")
    return table[0]


def _rows(files: dict[str, Path], suffix: str, count: int) -> Tensor | None:
    """Return the rows [count, columns] of an optional file: whole labels or real attributes."""
    if suffix not in files:
        return None
    table = _table(files[suffix], np.int64 if suffix.endswith("labels") else np.float64)
    if table.shape[1] != count:
        other = "A" if suffix.startswith("edge") else "graph_indicator"
        raise UserError(
            f"Expected {count} lines in {files[suffix]}, as in {files[other].name}, but got "
            f"{table.shape[1]}."
        )
    if not bool(table.isfinite().all()):
        raise UserError(f"Expected finite numbers in {files[suffix]}, but some are not.")
    return table.t().contiguous()


def _attributes(files: dict[str, Path], suffix: str, count: int) -> Tensor | None:
    rows = _rows(files, suffix, count)
    return None if rows is None else rows.float()


def _one_hot(labels: Tensor | None) -> Tensor | None:
    """Return the columns of labels one-hot, each counted from its minimum."""
    if labels is None:
        return None
    shifted = labels - labels.min(dim=0).values
    return torch.cat([F.one_hot(column) for column in shifted.unbind(1)], dim=1).float()
