"""The exact grid search that selects the parameters of every probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graph_hcl.keywords import names_arguments
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metrics import find_metric
from graph_hcl.probes.probe import Floats, ProbeInput, ProbeResult
from graph_hcl.probes.returned import for_each_graph
from graph_hcl.probes.splits import Split

C_GRID = tuple(10.0**power for power in range(-3, 4))
"""Inverse regularisation strengths 1e-3 … 1e3 that the probes select from."""


class Prediction(NamedTuple):
    """Labels [Q] of the test graphs, and their decision values as in `ProbeResult`.

    >>> Prediction(np.array([0, 1])).decision is None
    True
    """

    labels: Labels
    decision: Floats | None = None


Predictor = Callable[..., Prediction]
"""Parameters by name -> prediction."""
Solver = Callable[[ProbeInput], Predictor]
"""Prepares what all parameters share, such as a kernel matrix, and returns the predictor."""


def over_c(values: Sequence[float] = C_GRID) -> list[dict[str, Any]]:
    """Return the grid of one parameter, C.

    >>> over_c([0.1, 1.0])
    [{'C': 0.1}, {'C': 1.0}]
    """
    return [{"C": value} for value in values]


@names_arguments()
def search(
    given: ProbeInput,
    solver: Solver,
    *,
    grid: Sequence[Mapping[str, Any]],
    default: Mapping[str, Any],
    metric: str | Metric | None = None,
) -> ProbeResult:
    """Select from `grid` by the mean metric over the inner splits, refit, and predict.

    Selects what scikit-learn's `GridSearchCV` selects: the first parameters of the grid with the
    best mean. Where the metric is bounded, parameters that could not win even with the best
    possible score in all remaining splits are not tried any longer. Without inner splits, where too
    few graphs make selection impossible, it takes `default`. A metric of decision values leaves out
    splits that score graphs of one class alone. Parameters with a score that is NaN are never
    selected; where all have one, it takes `default`, too.

    Args:
        given: the input of the probe.
        solver: called with the input; returns a function that maps parameters to a `Prediction`.
        grid: the parameters to choose from.
        default: the parameters where nothing selects.
        metric: name of the metric, or a metric; that of the input unless given.

    >>> given = ProbeInput(np.zeros((4, 1)), np.array([0, 1, 1, 1]), np.zeros((1, 1)),
    ...                    splits=[(np.arange(4), np.arange(4))])
    >>> def solver(given):
    ...     return lambda C: Prediction(np.full(len(given.x_test), int(C >= 0.1)))
    >>> search(given, solver, grid=over_c(), default={"C": 1.0})
    ProbeResult(predictions=array([1]), decision=None, params={'C': 0.1}, validation_score=0.75)
    """
    metric = given.metric if metric is None else metric
    metric = find_metric(metric) if isinstance(metric, str) else metric
    classes = np.unique(given.y_train)
    splits = selecting_splits(given, metric)
    if not splits:
        return _result(given, solver, default, None)
    scores = np.zeros((len(grid), len(splits)))
    gains = np.zeros((len(grid), len(splits)))  # above the worst score, where there is one
    worst, span = _bounds(metric)
    alive = np.full(len(grid), True)
    for number, (fit, score) in enumerate(splits):
        predict = solver(given.inner(fit, score))
        remaining = len(splits) - number
        leader = gains.sum(1).argmax()
        for index in sorted(np.flatnonzero(alive).tolist(), key=lambda index: index != leader):
            total = gains.sum(1)
            # The margin keeps ties, which floating-point sums may tell apart either way.
            alive[index] = total[index] + remaining * span > total.max() - 1e-9
            if alive[index]:
                labels, decision = predict(**grid[index])
                labels = for_each_graph(labels, len(score))
                value = metric(given.y_train[score], labels, decision, classes)
                scores[index, number], gains[index, number] = value, metric.sign * value - worst
            if np.isnan(scores[index, number]):
                alive[index], gains[index] = False, -np.inf
    if not alive.any():
        return _result(given, solver, default, None)
    means = np.mean(scores, axis=1)
    best = int(np.where(alive, metric.sign * means, -np.inf).argmax())
    return _result(given, solver, grid[best], float(means[best]))


def selecting_splits(given: ProbeInput, metric: Metric) -> list[Split]:
    """Return the inner splits of an input that a metric is defined for.

    >>> given = ProbeInput(np.zeros((2, 1)), np.array([0, 1]), np.zeros((1, 1)),
    ...                    splits=[(np.arange(2), np.array([1])), (np.arange(2), np.arange(2))])
    >>> len(selecting_splits(given, find_metric("roc_auc")))
    1
    """
    return [
        (fit, score)
        for fit, score in given.splits
        if len(score) and metric.is_defined(given.y_train[score])
    ]


def _bounds(metric: Metric) -> tuple[float, float]:
    """Return the worst gain and how far the best is above it; infinitely far where unbounded."""
    if metric.best is None or metric.worst is None:
        return 0.0, np.inf
    return metric.sign * metric.worst, metric.sign * (metric.best - metric.worst)


def _result(
    given: ProbeInput, solver: Solver, params: Mapping[str, Any], score: float | None
) -> ProbeResult:
    labels, decision = solver(given.final())(**params)
    return ProbeResult(labels, decision, dict(params), score)
