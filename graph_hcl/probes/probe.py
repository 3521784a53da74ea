"""What a probe is given, what it returns, and which targets it serves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.splits import Indices, Split
from graph_hcl.probes.targets import Kind

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProbeInput:
    """All that a probe may see of one outer fold; labels of test graphs are not part of it.

    Attributes:
        x_train: Embeddings [N, D] of the graphs that are not tested.
        y_train: Their labels [N], in the user's own values. Of several tasks a probe is given one
            at a time, with the graphs that have its label.
        x_test: Embeddings [Q, D] of the test graphs.
        splits: Pairs (rows to fit, rows to score) of `x_train` that select the probe's parameters;
            empty where nothing is selected or too few graphs make selection impossible. Either
            side may lack a rare class, but the rows to fit hold two classes at least.
        refit: Rows of `x_train` that the selected probe is fitted on; None takes all.
        indices: Numbers [N] of the training graphs in the data set.
        test_indices: Numbers [Q] of the test graphs.
        metric: The metric, or its name, that the probe selects its parameters by.

    >>> ProbeInput(np.zeros((2, 3)), np.array([0, 1]), np.ones((4, 3))).x_test.shape
    (4, 3)
    """

    x_train: Floats
    y_train: Labels
    x_test: Floats
    splits: Sequence[Split] = ()
    refit: Indices | None = None
    indices: Indices | None = None
    test_indices: Indices | None = None
    metric: str | Metric = "accuracy"

    def inner(self, fit: Indices, score: Indices) -> ProbeInput:
        """Return the input of one inner split: fitted on some training rows, tested on others.

        >>> given = ProbeInput(np.arange(3.0)[:, None], np.array([0, 1, 1]), np.ones((4, 1)))
        >>> given.inner(np.array([0, 1]), np.array([2])).x_test
        array([[2.]])
        """
        chosen = self._fitted_on(fit)
        numbers = None if self.indices is None else self.indices[score]
        return dataclasses.replace(chosen, x_test=self.x_train[score], test_indices=numbers)

    def final(self) -> ProbeInput:
        """Return the input of the selected probe: fitted on the rows to refit, nothing to select.

        >>> rows = np.array([0, 1])
        >>> given = ProbeInput(np.zeros((3, 1)), np.array([0, 1, 1]), np.ones((4, 1)), refit=rows)
        >>> given.final().y_train
        array([0, 1])
        """
        rows = np.arange(len(self.y_train)) if self.refit is None else self.refit
        return self._fitted_on(rows)

    def _fitted_on(self, rows: Indices) -> ProbeInput:
        return dataclasses.replace(
            self,
            x_train=self.x_train[rows],
            y_train=self.y_train[rows],
            splits=(),
            refit=None,
            indices=None if self.indices is None else self.indices[rows],
        )


@names_arguments()
@dataclass(frozen=True, eq=False)
class ProbeResult:
    """What a probe predicts for the test graphs, and what it selected.

    Attributes:
        predictions: Labels or real values [Q].
        decision: Values of the decision function: [Q] for two classes, positive for the second in
            order, else one column per class of the labels fitted on [Q, C]; None for a probe that
            has no decision function.
        params: The selected parameters by name; empty where the probe has none.
        validation_score: Mean score of the selected parameters over the inner splits; None where
            nothing was selected.

    >>> ProbeResult(np.array([1, 0]), params={"C": 10.0}).params
    {'C': 10.0}
    """

    predictions: Labels
    decision: Floats | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    validation_score: float | None = None


Probe = Callable[[ProbeInput], ProbeResult]
"""A function of all that a probe may see of one outer fold."""

P = TypeVar("P", bound=Callable[..., ProbeResult])


def without_selection(probe: Probe) -> Probe:
    """Mark a probe without parameters to select: it is given no inner splits.

    >>> selects(without_selection(lambda given: ProbeResult(given.y_train[:1])))
    False
    """
    probe.selects = False  # type: ignore[attr-defined]
    return probe


def selects(probe: Probe) -> bool:
    """Tell whether a probe selects parameters; every probe does that is not marked otherwise.

    >>> selects(lambda given: ProbeResult(given.y_train[:1]))
    True
    """
    return getattr(probe, "selects", True)


def without_decision(probe: Probe) -> Probe:
    """Mark a probe that returns no decision values, so that metrics of them are refused early.

    >>> decides(without_decision(lambda given: ProbeResult(given.y_train[:1])))
    False
    """
    probe.decides = False  # type: ignore[attr-defined]
    return probe


def decides(probe: Probe) -> bool:
    """Tell whether a probe may return decision values; all may that are not marked."""
    return getattr(probe, "decides", True)


def runs_in_threads(probe: Probe) -> bool:
    """Tell whether fits of a probe may share the process in threads; all may that are not marked.

    >>> runs_in_threads(lambda given: ProbeResult(given.y_train[:1]))
    True
    """
    return getattr(probe, "threads", True)


def serves(*kinds: Kind) -> Callable[[P], P]:
    """Mark a probe with the kinds of targets that it serves; one without a mark serves all.

    >>> kinds_of(serves("regression")(lambda given: ProbeResult(given.y_train[:1])))
    ('regression',)
    """

    def mark(probe: P) -> P:
        probe.kinds = kinds  # type: ignore[attr-defined]
        return probe

    return mark


def kinds_of(probe: Any) -> tuple[Kind, ...]:
    """Return the kinds of targets that a probe serves."""
    kinds: tuple[Kind, ...] = getattr(probe, "kinds", get_args(Kind))
    return kinds


def scale(x_train: Floats, x_test: Floats) -> tuple[Floats, Floats]:
    """Return both standardised by the mean and standard deviation of `x_train` alone.

    To the last bit as scikit-learn's `StandardScaler`, whose checks of its input take ten times as
    long for few graphs; a column that is constant up to rounding is not divided. Columns so small
    that their squares are 0 are none of those. Raises `UserError` for embeddings without columns.

    >>> scale(np.array([[0.0], [2.0]]), np.array([[5.0]]))[1]
    array([[4.]])
    """
    if x_train.shape[1] == 0:
        raise no_columns()
    n = len(x_train)
    mean = x_train.sum(axis=0) / n
    centred = x_train - mean
    # In units of a power of two, which change no bit, so that no square is too small.
    unit = np.ldexp(1.0, np.frexp(np.abs(x_train).max(axis=0))[1])
    part = centred / unit
    variance = ((part**2).sum(axis=0) - part.sum(axis=0) ** 2 / n) / n
    eps = np.finfo(np.float64).eps
    constant = variance <= n * eps * variance + (n * (mean / unit) * eps) ** 2
    deviation = np.where(constant, 1.0, np.sqrt(variance) * unit)
    return centred / deviation, (x_test - mean) / deviation


def no_columns() -> UserError:
    """Return the error for a probe that reads embeddings of width 0."""
    return UserError(
        "Expected embeddings of one column or more, but got a width of 0: there is nothing to fit."
    )


def classes_to_fit(y: Labels) -> Labels:
    """Return the classes of the labels that a classifier is fitted on, in order.

    Raises `UserError` for a single class: there is nothing to tell apart.

    >>> classes_to_fit(np.array([7, 3, 7]))
    array([3, 7])
    """
    classes: Labels = np.unique(y)
    if len(classes) < 2:
        raise UserError(
            f"Expected two classes or more to fit a probe on, but all {len(y)} graphs are of class "
            f"{classes[0]}: fit it on graphs of several classes."
        )
    return classes
