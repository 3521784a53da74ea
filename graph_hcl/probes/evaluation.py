"""What an evaluation found: scores per fold, per seed, and over seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graph_hcl.errors import UserError

METRICS = ("accuracy", "macro_f1")


@dataclass(frozen=True)
class FoldScore:
    """One outer fold: its scores, the chosen C, the sizes of its parts, and what was predicted.

    `train`, `validation` and `test` count graphs; under the transductive protocol C is chosen by
    inner cross-validation on the training part, so `validation` is 0. `predictions` and `labels`
    are those of the test graphs, in the order of the fold and in the user's values;
    `validation_accuracy` is that of the chosen C on the graphs that it was chosen on, None where
    nothing was chosen.

    >>> FoldScore(0, 0.5, 0.5, 1.0, 8, 0, 2, [0, 1], [0, 0]).accuracy
    0.5
    """

    fold: int
    accuracy: float
    macro_f1: float
    C: float | None
    train: int
    validation: int
    test: int
    predictions: list[Any]
    labels: list[Any]
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """The folds of one seed under one protocol with one probe.

    `settings` are those that the protocol was given: `folds`, and under the transductive one
    `inner` (None for a probe that chooses nothing) and `fraction`.

    >>> scores = [FoldScore(k, a, a, None, 8, 0, 2, [], []) for k, a in enumerate((0.5, 0.7))]
    >>> found = Evaluation("transductive", "svm", 0, scores)
    >>> round(found.mean, 4), round(found.std, 4)
    (0.6, 0.1)
    """

    protocol: str
    probe: str
    seed: int
    scores: list[FoldScore]
    settings: dict[str, Any] = field(default_factory=dict)

    def of(self, metric: str) -> np.ndarray:
        """Return the fold scores [folds] of `accuracy` or `macro_f1`."""
        return np.array([getattr(score, metric) for score in self.scores])

    @property
    def mean(self) -> float:
        """Mean accuracy over folds."""
        return float(self.of("accuracy").mean())

    @property
    def std(self) -> float:
        """Standard deviation of the accuracy over folds, with ddof 0 as the literature's."""
        return float(self.of("accuracy").std())

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values that JSON takes."""
        return dataclasses.asdict(self)


def summarize(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Return the repetitions with several seeds as one JSON-ready record.

    For each metric: `mean` over seeds of the means over folds, `std_folds` the mean over seeds of
    the deviations over folds, `std_seeds` the deviation over seeds of the means over folds; all
    with ddof 0. `settings` are the protocol's, `seeds` holds the repetitions themselves.

    Raises `UserError` for evaluations with different settings, or for none.

    >>> def one(seed, *values):
    ...     scores = [FoldScore(k, a, a, None, 8, 0, 2, [], []) for k, a in enumerate(values)]
    ...     return Evaluation("transductive", "svm", seed, scores)
    >>> found = summarize([one(0, 0.5, 0.75), one(1, 1.0, 1.0)])
    >>> found["accuracy"]
    {'mean': 0.8125, 'std_folds': 0.0625, 'std_seeds': 0.1875}
    """
    if not evaluations or any(e.settings != evaluations[0].settings for e in evaluations):
        raise UserError(
            f"Expected evaluations with the same settings, but got "
            f"{[evaluation.settings for evaluation in evaluations]}: summarize them apart."
        )
    record: dict[str, Any] = {"settings": evaluations[0].settings}
    for metric in METRICS:
        folds = [evaluation.of(metric) for evaluation in evaluations]
        means = [scores.mean() for scores in folds]
        record[metric] = {
            "mean": float(np.mean(means)),
            "std_folds": float(np.mean([scores.std() for scores in folds])),
            "std_seeds": float(np.std(means)),
        }
    return record | {"seeds": [evaluation.to_dict() for evaluation in evaluations]}
