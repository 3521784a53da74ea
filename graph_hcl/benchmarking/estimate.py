"""How long trials will take, by what finished ones took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from graph_hcl.benchmarking.selection import Record
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.data import find_card

PER_STEP = 9e-7
"""Seconds of training per epoch and node or edge; a start until trials are finished here."""
PER_PAIR = 3e-6
"""Seconds of evaluation per pair of graphs and measured epoch; likewise."""
UNKNOWN = (1000.0, 100_000.0)
"""Graphs, and nodes and edges, of a data set without a card."""


def raw_estimate(trial: Trial) -> float:
    """Return seconds by the size of the data set alone.

    Training goes with epochs × (nodes + edges), the probe with the square of the graphs.
    """
    graphs, size = UNKNOWN
    of = find_card(trial.dataset)
    if of is not None:
        graphs = float(of.graphs)
        size = graphs * (of.average_nodes + 2 * of.average_edges)
    inductive = trial.protocol == "inductive"
    models = trial.config.probe.folds if inductive else 1
    training = 0.0 if trial.control else models * trial.config.epochs * size * PER_STEP
    return training + len(trial.epochs) * graphs**2 * PER_PAIR * (0.2 if inductive else 1.0)


def estimate(todo: Sequence[Trial], done: Sequence[tuple[Trial, Record]]) -> float:
    """Return seconds for `todo` in one process, scaled by what finished trials took.

    >>> estimate([], [])
    0
    """
    ratios: dict[str, list[float]] = {}
    for trial, record in done:
        took = sum(record["seconds"].values())
        ratios.setdefault(trial.dataset, []).append(took / raw_estimate(trial))
    every = [ratio for found in ratios.values() for ratio in found]
    general = statistics.median(every) if every else 1.0
    scales = {name: statistics.median(found) for name, found in ratios.items()}
    return sum(raw_estimate(trial) * scales.get(trial.dataset, general) for trial in todo)
