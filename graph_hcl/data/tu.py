"""Read the text files of a TU data set into flat tensors, with the same result as PyG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch_geometric.utils import coalesce

from graph_hcl.data.codes import one_hot, one_hot_columns
from graph_hcl.data.tu_tables import KINDS, element_rows, graph_rows
from graph_hcl.data.tu_text import line_of_row, read_table
from graph_hcl.errors import UserError


@dataclass(frozen=True)
class RawGraphs:
    """A data set as read: flat tensors with node numbers local to each of G graphs.

    `edge_index` [2, E] sorted, without self-loops and duplicates; `node_ptr`, `edge_ptr` [G + 1];
    `y` [G] numbers `classes`, the sorted labels in the file, from 0, or is None; `targets` [G, T],
    `node_attributes` [N, A] and `edge_attributes` [E, A] are float32 or None; `node_labels` and
    `edge_labels` [·, C] are the integers in the file or None.

    If edges are repeated, `edge_labels` is None and `edge_attributes` has sums of one-hot labels;
    `edge_attribute_names` names its columns.
    """

    edge_index: Tensor
    node_ptr: Tensor
    edge_ptr: Tensor
    y: Tensor | None
    classes: tuple[int, ...]
    targets: Tensor | None
    node_labels: Tensor | None
    node_attributes: Tensor | None
    edge_labels: Tensor | None
    edge_attributes: Tensor | None
    edge_attribute_names: tuple[str, ...]

    def degree(self) -> Tensor:
        """Return the out-degree of each node [N]."""
        first = self.node_ptr[:-1].repeat_interleave(self.edge_ptr.diff())
        return torch.bincount(self.edge_index[0] + first, minlength=int(self.node_ptr[-1]))


def read(files: dict[str, Path]) -> RawGraphs:
    """Return the graphs in the raw files of a TU data set, a path for each suffix.

    The format is https://chrsmrrs.github.io/datasets/docs/format/. As PyG's `TUDataset` does, it
    removes self-loops, merges duplicate edges by adding their attributes and one-hot labels, and
    numbers the classes from 0. Graphs without nodes are dropped with one warning, and the nodes of
    each graph are moved together.

    Raises `UserError`, naming file and line, for text that is not numbers, files of inconsistent
    length or content, and labels that change over time.
    """
    indicator = files["graph_indicator"]
    number = read_table(indicator, whole=True, columns=1)[0]
    nodes = len(number)
    if nodes == 0:
        raise UserError(
            f"Expected the graph of each node in {indicator}, but it is empty: add a line per node."
        )
    if int(number.min()) < 1:
        row = int((number < 1).nonzero()[0])
        raise UserError(
            f"Expected graphs to be numbered from 1 in {indicator}, but line "
            f"{line_of_row(indicator, row)} has {int(number[row])}: shift all numbers."
        )
    order = None
    if bool((number.diff() < 0).any()):
        order = number.argsort(stable=True)
        number = number[order]
    begins = number.diff(prepend=number.new_zeros(1)) != 0
    graph = begins.cumsum(0) - 1
    kept = number[begins] - 1
    labels, targets = graph_rows(files, kept)
    edge_index, edge_labels, edge_attributes, names = _edges(files, graph, order)
    node_ptr = _ptr(torch.bincount(graph, minlength=len(kept)))
    edge_ptr = _ptr(torch.bincount(graph[edge_index[0]], minlength=len(kept)))
    edge_index -= node_ptr[:-1].repeat_interleave(edge_ptr.diff())
    classes, y = (None, None) if labels is None else labels[:, 0].unique(return_inverse=True)
    node_labels, node_attributes = (element_rows(files, f"node_{s}", nodes) for s in KINDS)
    return RawGraphs(
        edge_index,
        node_ptr,
        edge_ptr,
        y,
        () if classes is None else tuple(classes.tolist()),
        targets,
        node_labels if node_labels is None or order is None else node_labels[order],
        node_attributes if node_attributes is None or order is None else node_attributes[order],
        edge_labels,
        edge_attributes,
        names,
    )


def _ptr(sizes: Tensor) -> Tensor:
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


def _edges(
    files: dict[str, Path], graph: Tensor, order: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None, tuple[str, ...]]:
    """Return edges sorted and merged, with global node numbers, their labels and attributes."""
    edge_index = read_table(
        files["A"], whole=True, columns=2, advice="list two nodes per edge, numbered from 1"
    )
    edge_index -= 1
    nodes, count = len(graph), edge_index.shape[1]
    if count and (int(edge_index.min()) < 0 or int(edge_index.max()) >= nodes):
        wrong = (edge_index < 0) | (edge_index >= nodes)
        _refuse_edge(files, edge_index, wrong.any(0), f"node numbers 1 … {nodes}")
    if order is not None:
        place = torch.empty_like(order)
        place[order] = torch.arange(nodes)
        edge_index = place[edge_index]
    joined = graph[edge_index[0]] != graph[edge_index[1]]
    if bool(joined.any()):
        shown = edge_index if order is None else order[edge_index]
        _refuse_edge(files, shown, joined, "edges between nodes of one graph")
    del joined
    labels, attributes = (element_rows(files, f"edge_{s}", count) for s in KINDS)
    columns = [] if labels is None else one_hot_columns(labels)
    loops = edge_index[0] == edge_index[1]
    if bool(loops.any()):
        edge_index = edge_index[:, ~loops]
        labels, attributes = (None if t is None else t[~loops] for t in (labels, attributes))
    names = [] if attributes is None else _names("edge_attributes", attributes.shape[1])
    merged, merged_labels, merged_attributes = _coalesced(edge_index, labels, attributes, nodes)
    codes = merged.shape[1] == edge_index.shape[1]  # merged edges have no single label
    if merged_labels is None or (codes and one_hot_columns(merged_labels) == columns):
        return merged, merged_labels, merged_attributes, tuple(names)
    assert labels is not None
    parts = [part for part in (attributes, one_hot(labels, columns)) if part is not None]
    merged, _, summed = _coalesced(edge_index, None, torch.cat(parts, dim=1), nodes)
    for name, values in zip(_names("edge_labels", len(columns)), columns, strict=True):
        names += [f"{name}={value}" for value in values]
    return merged, None, summed, tuple(names)


def _names(of: str, columns: int) -> list[str]:
    return [of] if columns == 1 else [f"{of}[{column}]" for column in range(columns)]


def _coalesced(
    edge_index: Tensor, labels: Tensor | None, attributes: Tensor | None, nodes: int
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return sorted edges with duplicates merged, and the sums of their labels and attributes."""
    key = edge_index[0] * nodes + edge_index[1]
    if bool((key.diff() > 0).all()):  # sorted already
        return edge_index, labels, attributes
    del key
    rows = [part for part in (labels, attributes) if part is not None]
    if not rows:
        return coalesce(edge_index, num_nodes=nodes), None, None
    edge_index, merged = coalesce(edge_index, rows, num_nodes=nodes)
    return (
        edge_index,
        None if labels is None else merged[0],
        None if attributes is None else merged[-1],
    )


def _refuse_edge(files: dict[str, Path], edges: Tensor, wrong: Tensor, expected: str) -> None:
    row = int(wrong.nonzero()[0])
    one, other = (edges[:, row] + 1).tolist()
    raise UserError(
        f"Expected {expected} in {files['A']}, but line {line_of_row(files['A'], row)} has "
        f"{one}, {other}: compare it with {files['graph_indicator'].name}."
    )
