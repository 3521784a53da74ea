"""Estimates of how long trials take, from the times of finished ones."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.data import find_card
from graph_hcl.registries import PROTOCOLS

PER_STEP = 9e-7
"""Seconds of training per epoch and node or edge, until finished trials give the scale."""
PER_PAIR = 3e-6
"""Seconds of evaluation per pair of graphs and measured epoch, likewise."""
UNKNOWN = (1000.0, 100_000.0)
"""Number of graphs, and of nodes and edges, assumed for a data set without a card."""


def raw_estimate(trial: Trial) -> float:
    """Return seconds from the size of the data set alone.

    Training is proportional to epochs × (nodes + edges), the probe to the square of the graphs.
    """
    graphs, size = UNKNOWN
    if (info := find_card(trial.dataset)) is not None:
        graphs = float(info.graphs)
        size = graphs * (info.average_nodes + 2 * info.average_edges)
    per_fold = not PROTOCOLS.get(trial.protocol).trains_on_test_graphs
    models = trial.config.probe.folds if per_fold else 1
    training = 0.0 if trial.baseline else models * trial.config.epochs * size * PER_STEP
    return training + len(trial.epochs) * graphs**2 * PER_PAIR * (0.2 if per_fold else 1.0)


def estimate(todo: Sequence[Trial], done: Sequence[tuple[Trial, Record]]) -> float:
    """Return seconds for `todo` in one process, scaled by the times of finished trials.

    >>> estimate([], [])
    0
    """
    ratios: dict[str, list[float]] = {}
    for trial, record in done:
        took = sum(record["seconds"].values())
        ratios.setdefault(trial.dataset, []).append(took / raw_estimate(trial))
    pooled = [ratio for each in ratios.values() for ratio in each]
    general = statistics.median(pooled) if pooled else 1.0
    scales = {name: statistics.median(each) for name, each in ratios.items()}
    return sum(raw_estimate(trial) * scales.get(trial.dataset, general) for trial in todo)
