"""Metrics by name: what they compute, which way is better, and which targets they serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import f1_score

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.targets import Kind, Targets
from graph_hcl.registry import unknown_name

CLASSES: tuple[Kind, ...] = ("binary", "multiclass")


@dataclass(frozen=True)
class Metric:
    """A score of predictions [Q] against the labels [Q].

    Attributes:
        name: The name in results.
        function: (labels, predictions) -> score.
        kinds: The kinds of targets that it serves.
        greater_is_better: The direction.
        best: Best possible value; None where there is none.
        worst: Worst possible value; None where there is none.
        title: The name in tables and figures; that in results unless given.

    >>> METRICS["accuracy"](np.array([0, 1]), np.array([0, 0]))
    0.5
    """

    name: str
    function: Callable[[Labels, Labels], float]
    kinds: tuple[Kind, ...] = CLASSES
    greater_is_better: bool = True
    best: float | None = None
    worst: float | None = None
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name)

    def __call__(self, labels: Labels, predictions: Labels) -> float:
        """Return the score."""
        return float(self.function(labels, predictions))

    @property
    def sign(self) -> float:
        """1 where greater is better, else −1."""
        return 1.0 if self.greater_is_better else -1.0


def _accuracy(labels: Labels, predictions: Labels) -> float:
    return float(np.mean(labels == predictions))


def _macro_f1(labels: Labels, predictions: Labels) -> float:
    return float(f1_score(labels, predictions, average="macro", zero_division=0))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", _accuracy, best=1.0, worst=0.0),
        Metric("macro_f1", _macro_f1, best=1.0, worst=0.0, title="macro-F1"),
    )
}
"""All metrics, the first of each kind of targets being the one that a mean is of by default."""


def find_metric(name: str) -> Metric:
    """Return the metric of that name.

    Raises `UserError` for an unknown name.

    >>> find_metric("acuracy")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a metric of accuracy, macro_f1, but got 'acuracy'. Did \
you mean accuracy?
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    return METRICS[name]


def metrics_of(targets: Targets) -> list[Metric]:
    """Return the metrics that serve the kind of the targets.

    >>> [metric.name for metric in metrics_of(Targets.of([0, 1, 1]))]
    ['accuracy', 'macro_f1']
    """
    return [metric for metric in METRICS.values() if targets.kind in metric.kinds]
