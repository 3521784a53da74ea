"""Metrics by name: what they compute, which way is better, and which targets they serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.splits import Fold
from graph_hcl.probes.targets import Kind, Targets
from graph_hcl.registry import unknown_name

CLASSES: tuple[Kind, ...] = ("binary", "multiclass")


@dataclass(frozen=True)
class Metric:
    """A score of predictions [Q], or of decision values [Q], against the labels [Q].

    Attributes:
        name: The name in results.
        function: (labels, predictions) -> score; of decision values (second class?, decision).
        kinds: The kinds of targets that it serves.
        greater_is_better: The direction.
        best: Best possible value; None where there is none.
        worst: Worst possible value; None where there is none.
        title: The name in tables and figures; that in results unless given.
        of_decision: Whether it reads decision values, which need graphs of both classes.
        usual: Whether it is measured unless metrics are named.

    >>> METRICS["accuracy"](np.array([0, 1]), np.array([0, 0]))
    0.5
    """

    name: str
    function: Callable[[Any, Any], float]
    kinds: tuple[Kind, ...] = CLASSES
    greater_is_better: bool = True
    best: float | None = None
    worst: float | None = None
    title: str = ""
    of_decision: bool = False
    usual: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name)

    def __call__(
        self,
        labels: Labels,
        predictions: Labels,
        decision: Any = None,
        classes: Labels | None = None,
    ) -> float:
        """Return the score.

        A metric of decision values needs them, as in `ProbeResult`, and the two classes in order.
        Raises `UserError` where a probe has none.

        >>> labels, classes = np.array(["a", "b", "b"]), np.array(["a", "b"])
        >>> METRICS["roc_auc"](labels, labels, np.array([0.1, -0.3, 0.4]), classes)
        0.5
        """
        if not self.of_decision:
            return float(self.function(labels, predictions))
        if decision is None or classes is None:
            raise UserError(
                f"Expected a probe with decision values for {self.name}, but it has none: take "
                "another probe or another metric."
            )
        self.check_defined(labels)
        return float(self.function(labels == classes[1], decision))

    def is_defined(self, labels: Labels) -> bool:
        """Return whether there are labels enough for it: of both classes, for decision values.

        >>> METRICS["roc_auc"].is_defined(np.ones(3)), METRICS["accuracy"].is_defined(np.ones(3))
        (False, True)
        """
        return not self.of_decision or len(np.unique(labels)) == 2

    def check_defined(self, labels: Labels) -> None:
        """Raise `UserError` for labels that it is not defined for."""
        if not self.is_defined(labels):
            raise UserError(
                f"Expected test graphs of both classes in every fold for {self.name}, but one has "
                f"class {labels[0]} alone: take fewer folds or another metric."
            )

    @property
    def sign(self) -> float:
        """1 where greater is better, else −1."""
        return 1.0 if self.greater_is_better else -1.0

    @property
    def is_share(self) -> bool:
        """Whether its values are in [0, 1], so that they are told in percent."""
        return self.worst == 0.0 and self.best == 1.0


def _accuracy(labels: Labels, predictions: Labels) -> float:
    return float(np.mean(labels == predictions))


def _balanced_accuracy(labels: Labels, predictions: Labels) -> float:
    """Return the mean recall of the classes of the labels, as scikit-learn does."""
    _, codes = np.unique(labels, return_inverse=True)
    return float(np.mean(np.bincount(codes, weights=labels == predictions) / np.bincount(codes)))


def _macro_f1(labels: Labels, predictions: Labels) -> float:
    """Return the mean F1 of all classes of labels or predictions, as scikit-learn does, faster."""
    classes, codes = np.unique(np.concatenate([labels, predictions]), return_inverse=True)
    truth, guess = codes[: len(labels)], codes[len(labels) :]
    right = np.bincount(truth[truth == guess], minlength=len(classes))
    return float(np.average(2 * right / np.bincount(codes)))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", _accuracy, best=1.0, worst=0.0),
        Metric("macro_f1", _macro_f1, best=1.0, worst=0.0, title="macro-F1"),
        Metric(
            "balanced_accuracy",
            _balanced_accuracy,
            best=1.0,
            worst=0.0,
            title="balanced accuracy",
            usual=False,
        ),
        Metric(
            "roc_auc",
            roc_auc_score,
            kinds=("binary",),
            best=1.0,
            worst=0.0,
            title="ROC-AUC",
            of_decision=True,
            usual=False,
        ),
        Metric(
            "average_precision",
            average_precision_score,
            kinds=("binary",),
            best=1.0,
            worst=0.0,
            title="average precision",
            of_decision=True,
            usual=False,
        ),
    )
}
"""All metrics, the first of each kind of targets being the one that a mean is of by default.

Names that scikit-learn has, too, mean what they mean there.
"""


def find_metric(name: str) -> Metric:
    """Return the metric of that name.

    Raises `UserError` for an unknown name.

    >>> find_metric("acuracy")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a metric of accuracy, macro_f1, balanced_accuracy, \
roc_auc, average_precision, but got 'acuracy'. Did you mean accuracy?
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    return METRICS[name]


def choose_metrics(targets: Targets, names: Sequence[str] | None = None) -> list[Metric]:
    """Return the metrics of these names, or the usual ones for the targets.

    Raises `UserError` for an unknown name, none, one twice, and one that does not serve the kind of
    the targets.

    >>> [metric.name for metric in choose_metrics(Targets.of([0, 1, 1]))]
    ['accuracy', 'macro_f1']
    """
    if names is None:
        return [m for m in METRICS.values() if m.usual and targets.kind in m.kinds]
    if isinstance(names, str) or not names or len(set(names)) < len(names):
        raise UserError(f"Expected a list of different metrics, but got {names!r}.")
    chosen = [find_metric(name) for name in names]
    for metric in chosen:
        check_kind(metric, targets.kind)
    return chosen


def check_kind(metric: Metric, kind: Kind) -> None:
    """Raise `UserError` for a metric that does not serve a kind of targets.

    >>> check_kind(METRICS["roc_auc"], "binary")
    """
    if kind not in metric.kinds:
        raise UserError(
            f"Expected metrics of {kind} targets, but {metric.name} serves "
            f"{' and '.join(metric.kinds)} ones: leave it out."
        )


def check_test_parts(targets: Targets, metrics: Sequence[Metric], folds: Sequence[Fold]) -> None:
    """Raise `UserError` for test graphs that a metric is not defined for.

    >>> check_test_parts(Targets.of([0, 1]), [METRICS["accuracy"]], [])
    """
    for metric in metrics:
        for fold in folds if metric.of_decision else ():
            metric.check_defined(targets.values[fold.test])
