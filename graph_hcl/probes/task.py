"""What a probe is given, what it returns, and the exact search for C that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.splits import Indices
from graph_hcl.registry import Registry

Floats = NDArray[np.float64]

C_GRID = tuple(10.0**power for power in range(-3, 4))
"""Inverse regularisation strengths 1e-3 … 1e3 that the probes choose from."""


@dataclass(frozen=True)
class Task:
    """All that a probe may see of one outer fold; labels of test graphs are not among it.

    Attributes:
        x: Embeddings [N, D] of the graphs that are not tested.
        y: Their labels [N], the user's own values.
        parts: Pairs (rows to fit, rows to score) that choose C; none where nothing is to be chosen
            or too few graphs make selection impossible. A pair may lack a rare class on either
            side, and fits on two classes at least.
        train: Rows that the chosen probe is fitted on.
        queries: Embeddings [Q, D] of the test graphs.

    >>> Task(np.zeros((2, 3)), np.array([0, 1]), [], np.arange(2), np.ones((4, 3))).queries.shape
    (4, 3)
    """

    x: Floats
    y: Labels
    parts: list[tuple[Indices, Indices]]
    train: Indices
    queries: Floats


class Answer(NamedTuple):
    """Predicted labels [Q] of the queries, and the chosen C where the probe has one.

    `validation` is the mean accuracy of the chosen C over the parts that it was chosen on.

    >>> Answer(np.array([1, 0]), 10.0).C
    10.0
    """

    predictions: Labels
    C: float | None = None
    validation: float | None = None


Probe = Callable[[Task], Answer]
Predictor = Callable[[float], Labels]
Solver = Callable[[Floats, Labels, Floats], Predictor]
"""(x [n, D], y [n], queries [Q, D]) -> predictions of the queries for a C, sharing work over C."""

PROBES: Registry[Probe] = Registry("probe")


def without_selection(probe: Probe) -> Probe:
    """Mark a probe that chooses nothing: its tasks have no parts, and nothing is needed for them.

    >>> selects(without_selection(lambda task: Answer(task.y[:1])))
    False
    """
    probe.selects = False  # type: ignore[attr-defined]
    return probe


def selects(probe: Probe) -> bool:
    """Tell whether a probe has something to choose; any does that is not marked otherwise.

    >>> selects(lambda task: Answer(task.y[:1]))
    True
    """
    return getattr(probe, "selects", True)


def find_probe(probe: str | Probe) -> Probe:
    """Return the probe called so, or the callable itself.

    Raises `UserError` for an unknown name, and for an estimator of scikit-learn.

    >>> find_probe(len) is len
    True
    """
    found = PROBES.get(probe) if isinstance(probe, str) else probe
    if hasattr(found, "fit"):
        raise UserError(
            f"Expected a probe, a function of one task that returns an answer, but got the "
            f"estimator {probe!r}: call it inside a function of your own."
        )
    return found


def probe_name(probe: str | Probe) -> str:
    """Return the name that results bear.

    >>> probe_name("svm"), probe_name(len)
    ('svm', 'len')
    """
    return probe if isinstance(probe, str) else getattr(probe, "__name__", type(probe).__name__)


def scale(x: Floats, queries: Floats) -> tuple[Floats, Floats]:
    """Return both standardised by the mean and standard deviation of `x` alone.

    >>> scale(np.array([[0.0], [2.0]]), np.array([[5.0]]))[1]
    array([[4.]])
    """
    scaler = StandardScaler().fit(x)
    return scaler.transform(x), scaler.transform(queries)


def classes_to_fit(y: Labels) -> Labels:
    """Return the classes of the labels that a machine is fitted on, in order.

    Raises `UserError` for one class alone: a machine needs something to tell apart.

    >>> classes_to_fit(np.array([7, 3, 7]))
    array([3, 7])
    """
    classes: Labels = np.unique(y)
    if len(classes) < 2:
        raise UserError(
            f"Expected two classes or more to fit a probe on, but all {len(y)} graphs are of class "
            f"{classes[0]}: give parts that hold another."
        )
    return classes


def search(task: Task, solver: Solver) -> Answer:
    """Choose C by mean accuracy over the parts, refit on the training rows, predict the queries.

    Chooses what scikit-learn's `GridSearchCV` chooses: the first C of the grid with the best mean.
    A C whose accuracy would not suffice if it made no further mistake is not tried any longer.
    Without parts, where too few graphs make selection impossible, C is 1.

    >>> x, y, rows = np.zeros((4, 1)), np.array([0, 1, 1, 1]), np.arange(4)
    >>> task = Task(x, y, [(rows, rows)], rows, queries=x[:1])
    >>> search(task, lambda x, y, queries: lambda C: np.full(len(queries), int(C >= 0.1)))
    Answer(predictions=array([1]), C=0.1, validation=0.75)
    """
    if not task.parts:
        return Answer(solver(task.x[task.train], task.y[task.train], task.queries)(1.0), 1.0)
    accuracy = np.zeros((len(C_GRID), len(task.parts)))
    alive = np.full(len(C_GRID), True)
    for number, (fit, score) in enumerate(task.parts):
        predict = solver(task.x[fit], task.y[fit], task.x[score])
        remaining = len(task.parts) - number
        leader = accuracy.sum(1).argmax()
        for index in sorted(range(len(C_GRID)), key=lambda index: index != leader):
            total = accuracy.sum(1)
            # The margin keeps ties, which floating-point sums may tell apart either way.
            alive[index] &= total[index] + remaining > total.max() - 1e-9
            if alive[index]:
                hits = predict(C_GRID[index]) == task.y[score]
                accuracy[index, number] = np.mean(hits)
    means = np.where(alive, np.mean(accuracy, axis=1), -1.0)
    best = C_GRID[means.argmax()]
    predictions = solver(task.x[task.train], task.y[task.train], task.queries)(best)
    return Answer(predictions, best, float(means.max()))
