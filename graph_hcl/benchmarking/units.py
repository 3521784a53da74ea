"""Differences and directions of metrics, as the tables of a benchmark tell them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from graph_hcl.benchmarking.trials import Trial
from graph_hcl.probes import PairedDifference, find_metric
from graph_hcl.probes.metrics import title


def told_difference(found: PairedDifference) -> tuple[str, str]:
    """Return a difference and its interval: of shares in percentage points.

    >>> told_difference(PairedDifference(0.02, (-0.01, 0.05), 1.4, 0.19))
    ('+2.00', '-1.00 … +5.00')
    >>> told_difference(PairedDifference(-2.5, (-4, -1), -3.6, 0.006, percent=False))
    ('-2.5', '-4 … -1')
    >>> told_difference(PairedDifference(0.0, (-math.inf, math.inf), 0.0, 1.0))
    ('+0.00', 'the same in all folds')
    """
    numbers = (found.difference, *found.interval)
    mean, low, high = (f"{100 * x:+.2f}" if found.percent else f"{x:+.4g}" for x in numbers)
    finite = math.isfinite(found.interval[1])
    return mean, f"{low} … {high}" if finite else "the same in all folds"


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
