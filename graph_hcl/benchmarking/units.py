"""Directions of metrics, as the tables of a benchmark tell them."""

from __future__ import annotations

from collections.abc import Iterable

from graph_hcl.benchmarking.trials import Trial
from graph_hcl.probes import find_metric
from graph_hcl.probes.metrics import title


def of_lower(metrics: Iterable[str]) -> str:
    """Return the sentence of a caption on the metrics of which lower is better, '' for none.

    >>> of_lower(["rmse", "mae", "rmse"]), of_lower([])
    (' Lower is better of RMSE, MAE.', '')
    """
    names = ", ".join(dict.fromkeys(map(title, metrics)))
    return f" Lower is better of {names}." if names else ""


def know_metrics(trials: Iterable[Trial]) -> None:
    """Import the metrics of the user's own that trials measure, which tell their units.

    Raises `UserError` for a path to none.
    """
    for path in {trial.config.probe.metric for trial in trials} - {None}:
        find_metric(str(path))
