"""How long cells will take, by what finished ones took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from graph_hcl.data import card, known
from graph_hcl.sweep.cells import Cell
from graph_hcl.sweep.select import Record

PER_STEP = 9e-7
"""Seconds of training per epoch and node or edge; a start until cells are finished here."""
PER_PAIR = 3e-6
"""Seconds of evaluation per pair of graphs and measured epoch; likewise."""
UNKNOWN = (1000.0, 100_000.0)
"""Graphs, and nodes and edges, of a data set without a card."""


def raw_estimate(cell: Cell) -> float:
    """Return seconds by the size of the data set alone.

    Training goes with epochs × (nodes + edges), the probe with the square of the graphs.
    """
    graphs, size = UNKNOWN
    if cell.dataset in known():
        of = card(cell.dataset)
        graphs = float(of.graphs)
        size = graphs * (of.average_nodes + 2 * of.average_edges)
    inductive = cell.protocol == "inductive"
    models = cell.config.probe.folds if inductive else 1
    training = 0.0 if cell.control else models * cell.config.epochs * size * PER_STEP
    return training + len(cell.epochs) * graphs**2 * PER_PAIR * (0.2 if inductive else 1.0)


def estimate(todo: Sequence[Cell], done: Sequence[tuple[Cell, Record]]) -> float:
    """Return seconds for `todo` in one process, scaled by what finished cells took.

    >>> estimate([], [])
    0
    """
    ratios: dict[str, list[float]] = {}
    for cell, record in done:
        took = sum(record["seconds"].values())
        ratios.setdefault(cell.dataset, []).append(took / raw_estimate(cell))
    every = [ratio for found in ratios.values() for ratio in found]
    general = statistics.median(every) if every else 1.0
    scales = {name: statistics.median(found) for name, found in ratios.items()}
    return sum(raw_estimate(cell) * scales.get(cell.dataset, general) for cell in todo)
