"""Several tasks [G, T]: one model for each, fitted on the graphs that have its label."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.probe import Probe, ProbeInput, ProbeResult
from graph_hcl.probes.splits import Fold, Indices
from graph_hcl.probes.targets import Kind, Targets

NAMED = 10
"""Most tasks that a warning names."""


def each_task(probe: Probe, kind: Kind) -> Probe:
    """Return the probe of several tasks: a model of `probe` for each, on the graphs with its label.

    Where all labels of a task that is fitted are equal, or none is known, all graphs are predicted
    to have that label (0 if there is none) with the decision value 0. Parameters are lists with one
    entry for each task, and the validation score is the mean over those that select.

    >>> from graph_hcl.probes.neighbours import class_mean
    >>> y = np.array([[1.0, 0.0], [np.nan, 1.0], [1.0, np.nan]])
    >>> x, x_test = np.array([[0.0], [2.0], [9.0]]), np.array([[2.0]])
    >>> each_task(class_mean, "multilabel")(ProbeInput(x, y, x_test))
    ProbeResult(predictions=array([[1., 1.]]), decision=array([[0., 2.]]), params={}, \
validation_score=None)
    """

    def several(given: ProbeInput) -> ProbeResult:
        inputs = [one_task(given, task, kind) for task in range(given.y_train.shape[1])]
        results = [probe(one) if _can_fit(one) else _constant(one) for one in inputs]
        fitted = [r for r, one in zip(results, inputs, strict=True) if _can_fit(one)]
        decided = kind == "multilabel" and all(r.decision is not None for r in fitted)
        decisions = [np.asarray(r.decision) for r in results]
        scores = [r.validation_score for r in results if r.validation_score is not None]
        names = dict.fromkeys(name for r in results for name in r.params)
        return ProbeResult(
            np.stack([r.predictions for r in results], axis=1).astype(float),
            np.stack(decisions, axis=1) if decided else None,
            {name: [r.params.get(name) for r in results] for name in names},
            float(np.mean(scores)) if scores else None,
        )

    return several


def one_task(given: ProbeInput, task: int, kind: Kind) -> ProbeInput:
    """Return the input of one task: the graphs that have its label, and splits of them.

    >>> y, rows = np.array([[1.0], [np.nan], [0.0]]), np.arange(3)
    >>> given = ProbeInput(np.arange(3.0)[:, None], y, np.zeros((1, 1)), splits=[(rows, rows[1:])])
    >>> one = one_task(given, 0, "multilabel")
    >>> one.y_train, [(fit.tolist(), score.tolist()) for fit, score in one.splits]
    (array([1, 0]), [([0, 1], [1])])
    """
    y = given.y_train[:, task]
    known = ~np.isnan(y)
    place = np.cumsum(known) - 1

    def kept(rows: Indices) -> Indices:
        moved: Indices = place[rows[known[rows]]]
        return moved

    values = y[known].astype(np.int64) if kind == "multilabel" else y[known]
    splits = [(kept(fit), kept(score)) for fit, score in given.splits]
    return dataclasses.replace(
        given,
        x_train=given.x_train[known],
        y_train=values,
        splits=[(f, s) for f, s in splits if len(np.unique(values[f])) > 1 and len(s)],
        refit=None if given.refit is None else kept(given.refit),
        indices=None if given.indices is None else given.indices[known],
    )


def _can_fit(given: ProbeInput) -> bool:
    return len(np.unique(given.final().y_train)) > 1


def _constant(given: ProbeInput) -> ProbeResult:
    y, count = given.final().y_train, len(given.x_test)
    return ProbeResult(np.full(count, y[0] if len(y) else 0), np.zeros(count))


class _Problem(NamedTuple):
    """What a part of a fold may lack of a task, and what follows."""

    part: str
    lacks: Callable[[Labels], NDArray[Any]]
    text: str


def _one_class(values: Labels) -> NDArray[Any]:
    return np.array([not {0, 1} <= {*task} for task in values.T])


def _no_target(values: Labels) -> NDArray[Any]:
    return np.array([np.isnan(task).all() for task in values.T])


def _one_target(values: Labels) -> NDArray[Any]:
    return np.array([len(np.unique(task[~np.isnan(task)])) < 2 for task in values.T])


def _one_value(values: Labels) -> NDArray[Any]:
    one: NDArray[Any] = _one_target(values) & ~_no_target(values)
    return one


OTHERS = "in the test part of a fold, whose score is the mean over the others"
PROBLEMS = {
    "multilabel": (
        _Problem("test", _one_class, f"lack a class {OTHERS}"),
        _Problem(
            "train",
            _one_class,
            "lack a class in the training part of a fold, where they get one constant score",
        ),
    ),
    "regression": (
        _Problem("test", _no_target, f"lack targets {OTHERS}"),
        _Problem(
            "train",
            _one_target,
            "lack different targets in the training part of a fold, where they get one constant "
            "prediction",
        ),
    ),
}
"""What `task_warning` tells of, by the kind of the targets."""


def task_warning(
    targets: Targets, folds: Sequence[Sequence[Fold]], metrics: Sequence[Metric] = ()
) -> str | None:
    """Return a warning of tasks that are left out of a fold's score, or that no model is fitted to.

    Each fold is given by all draws of its labelled graphs, which share a test part. None where each
    part has both classes of each task, or targets of each real one, different ones in test parts
    where one of the metrics needs them, and for targets that are not several tasks.

    >>> folds = [Fold(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2, 3]))]
    >>> task_warning(Targets.of([[0, 0], [1, 1], [0, 1], [0, 0]]), [folds])
    'Of 2 tasks, some lack a class in the test part of a fold, whose score is the mean over the \
others: 0 (in 1 of 1 folds).'
    """
    if targets.values.ndim < 2:
        return None
    texts = []
    for part, lacks, problem in (*PROBLEMS[targets.kind], *_of_metrics(targets, metrics)):
        counts = np.zeros(targets.tasks, dtype=np.int64)
        for draws in folds:
            rows = [getattr(fold, part) for fold in (draws[:1] if part == "test" else draws)]
            counts += np.any([lacks(targets.values[some]) for some in rows], axis=0)
        order = [task for task in np.argsort(-counts, kind="stable") if counts[task]]
        if order:
            named = [
                f"{targets.task_name(t)} (in {counts[t]} of {len(folds)} folds)" for t in order
            ]
            more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
            texts.append(f"{problem}: {', '.join(named[:NAMED])}{more}")
    return f"Of {targets.tasks} tasks, some {'; some '.join(texts)}." if texts else None


def _of_metrics(targets: Targets, metrics: Sequence[Metric]) -> list[_Problem]:
    """Return what test parts may lack for metrics of real targets that need different ones."""
    names = [metric.title for metric in metrics if metric.needs_spread]
    if targets.kind != "regression" or not names:
        return []
    text = "in the test part of a fold, whose"
    return [
        _Problem(
            "test",
            _one_value,
            f"have a single target {text} {' and '.join(names)} is the mean over the others",
        )
    ]
