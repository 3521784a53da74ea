"""Metrics by name or import path, and those that are usual for a kind of targets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.splits import Fold
from graph_hcl.probes.targets import Kind, Targets
from graph_hcl.registry import Registry, unknown_name

DECIDED: tuple[Kind, ...] = ("binary", "multilabel")
"""The kinds of targets that have decision values [Q] for each task."""


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
            kinds=DECIDED,
            best=1.0,
            worst=0.0,
            title="ROC-AUC",
            of_decision=True,
            usual=False,
        ),
        Metric(
            "average_precision",
            average_precision_score,
            kinds=DECIDED,
            best=1.0,
            worst=0.0,
            title="average precision",
            of_decision=True,
            usual=False,
        ),
        Metric(
            "rmse",
            root_mean_squared_error,
            kinds=("regression",),
            greater_is_better=False,
            best=0.0,
            title="RMSE",
        ),
        Metric(
            "mae",
            mean_absolute_error,
            kinds=("regression",),
            greater_is_better=False,
            best=0.0,
            title="MAE",
        ),
        Metric("r2", r2_score, kinds=("regression",), best=1.0, title="R²", needs_spread=True),
    )
}
"""The metrics by name."""
"""All metrics, the first of each kind of targets being the one that a mean is of by default.

Names that scikit-learn has, too, mean what they mean there.
"""


_PATHS: Registry[Any] = Registry("metric")
_OTHERS: dict[str, Metric] = {}


def known_metric(name: str) -> Metric | None:
    """Return the metric of a name in results: one of `METRICS`, or one's own used in this process.

    >>> known_metric("rmse").greater_is_better, known_metric("kappa")
    (False, None)
    """
    return METRICS.get(name) or _OTHERS.get(name)


def own_directions(metrics: Sequence[Metric]) -> dict[str, bool]:
    """Return by name whether greater is better, of those that are not in `METRICS`.

    Results keep it, since a later process knows the name alone.

    >>> own_directions([METRICS["rmse"], Metric("cost", len, greater_is_better=False)])
    {'cost': False}
    """
    return {one.name: one.greater_is_better for one in metrics if one.name not in METRICS}


def greater_is_better(name: str, settings: Mapping[str, Any]) -> bool | None:
    """Return the direction of a metric in results with these settings; None where none is known.

    >>> greater_is_better("rmse", {}), greater_is_better("kappa", {})
    (False, None)
    >>> greater_is_better("kappa", {"greater_is_better": {"kappa": True}})
    True
    """
    recorded = settings.get("greater_is_better", {})
    if name not in METRICS and name in recorded:
        return bool(recorded[name])
    known = known_metric(name)
    return None if known is None else known.greater_is_better


def find_metric(name: str | Metric) -> Metric:
    """Return the metric of that name, or at an import path 'package.module:name', or itself.

    Raises `UserError` for an unknown name, and for a path to anything else.

    >>> find_metric("acuracy")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a metric of accuracy, macro_f1, balanced_accuracy, \
roc_auc, average_precision, rmse, mae, r2, but got 'acuracy'. Did you mean accuracy?
    """
    if isinstance(name, str) and name in METRICS:
        return METRICS[name]
    if isinstance(name, str) and ":" not in name:
        raise unknown_name("metric", name, METRICS)
    metric = _PATHS.get(name) if isinstance(name, str) else name
    if not isinstance(metric, Metric):
        raise UserError(
            f"Expected a graph_hcl.probes.Metric, or its name or import path, but got {name!r:.60}."
        )
    if METRICS.get(metric.name, metric) != metric:
        raise UserError(
            f"Expected another name than {metric.name} for a metric of one's own: it is taken."
        )
    if metric.name not in METRICS:
        _OTHERS[metric.name] = metric
    return metric


def metric_name(metric: str | Metric) -> str:
    """Return the name of a metric in results, which a name is itself.

    Raises `UserError` for anything else.

    >>> metric_name(METRICS["roc_auc"]), metric_name("accuracy")
    ('roc_auc', 'accuracy')
    """
    if isinstance(metric, str):
        return metric
    return find_metric(metric).name


def choose_metrics(targets: Targets, names: Sequence[str | Metric] | None = None) -> list[Metric]:
    """Return the metrics of these names, or the usual ones for the targets, the default first.

    They are accuracy and macro-F1 of classes, ROC-AUC and average precision of several tasks, and
    RMSE, MAE and R² of real targets.

    Raises `UserError` for an unknown name, none, one twice, and one that does not serve the kind of
    the targets.

    >>> [metric.name for metric in choose_metrics(Targets.of([0, 1, 1]))]
    ['accuracy', 'macro_f1']
    """
    if names is None:
        several = targets.kind == "multilabel"
        return [m for m in METRICS.values() if (m.usual or several) and targets.kind in m.kinds]
    listed = isinstance(names, Collection) and not isinstance(names, str)
    if not listed or not names or len(set(names)) < len(names):
        raise UserError(f"Expected a list of different metrics, but got {names!r}.")
    chosen = [find_metric(name) for name in names]
    for metric in chosen:
        check_kind(metric, targets.kind)
    return chosen


def with_usual_metrics(targets: Targets, first: str | None) -> list[str]:
    """Return the names of the usual metrics of the targets, behind the one that is asked for.

    Raises `UserError` as `choose_metrics` does.

    >>> with_usual_metrics(Targets.of([0, 1, 1]), "roc_auc")
    ['roc_auc', 'accuracy', 'macro_f1']
    """
    usual = [metric.name for metric in choose_metrics(targets)]
    if first is None:
        return usual
    choose_metrics(targets, [first])
    return [first, *(name for name in usual if name != first)]


def check_kind(metric: Metric, kind: Kind) -> None:
    """Raise `UserError` for a metric that does not serve a kind of targets.

    >>> check_kind(METRICS["roc_auc"], "binary")
    """
    if kind not in metric.kinds:
        others = [m.name for m in METRICS.values() if kind in m.kinds]
        raise UserError(
            f"Expected metrics of {kind} targets, but {metric.name} serves "
            f"{' and '.join(metric.kinds)} ones: take one of {', '.join(others)}."
        )


def check_test_parts(targets: Targets, metrics: Sequence[Metric], folds: Sequence[Fold]) -> None:
    """Raise `UserError` for test graphs that a metric is not defined for.

    >>> check_test_parts(Targets.of([0, 1]), [METRICS["accuracy"]], [])
    """
    for metric in metrics:
        for fold in folds if metric.of_decision or metric.needs_spread else ():
            metric.check_defined(targets.values[fold.test])


def title(metric: str) -> str:
    """Return the name of a metric in tables and figures.

    >>> title("macro_f1"), title("kappa")
    ('macro-F1', 'kappa')
    """
    known = known_metric(metric)
    return metric if known is None else known.title
