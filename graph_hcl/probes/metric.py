"""One metric: what it computes, which way is better, and which targets it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.targets import CLASSES, Kind


@names_arguments()
@dataclass(frozen=True)
class Metric:
    """A score of predictions [Q], or of decision values [Q], against the labels [Q].

    Of several tasks [Q, T] it is the mean over those that it is defined for, each on its graphs
    with a label.

    Attributes:
        name: The name in results.
        function: (labels, predictions) -> score; of decision values (second class?, decision).
        kinds: The kinds of targets that it serves.
        greater_is_better: The direction.
        best: Best possible value; None where there is none.
        worst: Worst possible value; None where there is none.
        title: The name in tables and figures; that in results unless given.
        of_decision: Whether it reads decision values, which need graphs of both classes.
        needs_spread: Whether it needs graphs with different targets.
        usual: Whether it is measured unless metrics are named.

    >>> from graph_hcl.probes import METRICS
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
    needs_spread: bool = False
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

        >>> from graph_hcl.probes import METRICS
        >>> labels, classes = np.array(["a", "b", "b"]), np.array(["a", "b"])
        >>> METRICS["roc_auc"](labels, labels, np.array([0.1, -0.3, 0.4]), classes)
        0.5
        """
        if self.of_decision and (decision is None or classes is None):
            raise self.undecided()
        self.check_defined(labels)
        if labels.ndim == 2:
            return self._mean(labels, predictions, decision, classes)
        if not self.of_decision:
            return self._number(self.function(labels, predictions))
        assert classes is not None
        return self._number(self.function(labels == classes[1], decision))

    def _number(self, score: Any) -> float:
        try:
            return float(score)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"Expected the metric {self.name} to return a number, but got "
                f"{type(score).__name__}."
            ) from error

    def _mean(
        self, labels: Labels, predictions: Labels, decision: Any, classes: Labels | None
    ) -> float:
        """Return the mean over the tasks that it is defined for."""
        scores = []
        for task in np.flatnonzero(self.defined_tasks(labels)):
            known = ~np.isnan(labels[:, task])
            values = None if decision is None else np.asarray(decision)[known, task]
            scores.append(self(labels[known, task], predictions[known, task], values, classes))
        return float(np.mean(scores))

    def defined_tasks(self, labels: Labels) -> np.ndarray:
        """Return for which tasks [T] of labels [Q, T] it is defined.

        >>> from graph_hcl.probes import METRICS
        >>> METRICS["roc_auc"].defined_tasks(np.array([[0, 1, 1], [1, 1, np.nan]])).tolist()
        [True, False, False]
        """
        columns = [column[~np.isnan(column)] for column in np.asarray(labels, dtype=float).T]
        return np.array([len(column) > 0 and self.is_defined(column) for column in columns])

    def is_defined(self, labels: Labels) -> bool:
        """Return whether there are labels enough for it: of both classes, for decision values.

        Of several tasks, one must have enough.

        >>> from graph_hcl.probes import METRICS
        >>> METRICS["roc_auc"].is_defined(np.ones(3)), METRICS["accuracy"].is_defined(np.ones(3))
        (False, True)
        """
        if labels.ndim == 2:
            return bool(self.defined_tasks(labels).any())
        if self.of_decision:
            return len(np.unique(labels)) == 2
        return not self.needs_spread or len(np.unique(labels)) > 1

    def check_defined(self, labels: Labels) -> None:
        """Raise `UserError` for labels that it is not defined for."""
        if self.is_defined(labels):
            return
        if labels.ndim == 2:
            raise UserError(
                f"Expected test graphs of both classes of some task in every fold for {self.name}, "
                "but one has none: take fewer folds or another metric."
                if self.of_decision
                else f"Expected test graphs with targets in every fold for {self.name}, but one "
                "has too few: take fewer folds."
            )
        if self.needs_spread:
            raise UserError(
                f"Expected test graphs with different targets in every fold for {self.name}, but "
                "one has a single value: take fewer folds or another metric."
            )
        raise UserError(
            f"Expected test graphs of both classes in every fold for {self.name}, but one has "
            f"class {labels[0]} alone: take fewer folds or another metric."
        )

    def undecided(self) -> UserError:
        """Return the error for a probe without the decision values that it reads."""
        return UserError(
            f"Expected a probe with decision values for {self.name}, but it has none: take "
            "another probe or another metric."
        )

    @property
    def sign(self) -> float:
        """1 where greater is better, else −1."""
        return 1.0 if self.greater_is_better else -1.0

    @property
    def is_share(self) -> bool:
        """Whether its values are in [0, 1], so that they are told in percent."""
        return self.worst == 0.0 and self.best == 1.0
