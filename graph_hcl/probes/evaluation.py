"""The result of an evaluation: scores by metric for each seed and fold, and what they sum up to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.registry import unknown_name

Record = dict[str, Any]
"""One seed and fold as plain JSON values."""


@dataclass(frozen=True)
class FoldScore:
    """One outer fold of one seed: its scores, the selected parameters, and what was predicted.

    Attributes:
        seed: The seed of the repetition.
        fold: The number of the outer fold.
        scores: Test score by name of the metric.
        params: Selected parameters of the probe by name.
        validation_score: Score of the selected parameters on the graphs that selected them; None
            where nothing was selected.
        train: Number of graphs that the probe was fitted on.
        validation: Number of graphs set aside for selection; 0 where inner folds of the training
            part select.
        test: Numbers of the test graphs in the data set.
        labels: Labels of the test graphs in the user's own values, in the order of `test`.
        predictions: Predicted labels of the test graphs.
        decision: Decision values of the test graphs as in `ProbeResult`; None where the probe has
            none, or was fitted without a class of the data set.

    >>> FoldScore(0, 0, {"accuracy": 0.5}, {}, None, 8, 0, [3, 5], [0, 1], [0, 0]).scores
    {'accuracy': 0.5}
    """

    seed: int
    fold: int
    scores: dict[str, float]
    params: dict[str, Any]
    validation_score: float | None
    train: int
    validation: int
    test: list[int]
    labels: list[Any]
    predictions: list[Any]
    decision: list[Any] | None = None


@dataclass(frozen=True)
class MetricScores:
    """The scores of one metric by (seed, fold).

    >>> scores = MetricScores({(0, 0): 0.5, (0, 1): 0.75, (1, 0): 1.0, (1, 1): 1.0})
    >>> scores.mean, scores.std, scores.std_seeds
    (0.8125, 0.0625, 0.1875)
    """

    values: Mapping[tuple[int, int], float]

    def by_seed(self) -> list[np.ndarray]:
        """Return the scores of the folds [folds] of each seed."""
        seeds = dict.fromkeys(seed for seed, _ in self.values)
        return [np.array([v for (s, _), v in self.values.items() if s == seed]) for seed in seeds]

    @property
    def mean(self) -> float:
        """Mean over seeds of the means over folds."""
        return float(np.mean([scores.mean() for scores in self.by_seed()]))

    @property
    def std(self) -> float:
        """Mean over seeds of the standard deviations over folds, with ddof 0 as is usual."""
        return float(np.mean([scores.std() for scores in self.by_seed()]))

    @property
    def std_seeds(self) -> float:
        """Standard deviation over seeds of the means over folds, with ddof 0."""
        return float(np.std([scores.mean() for scores in self.by_seed()]))


@dataclass(frozen=True)
class Evaluation:
    """The folds of one or several seeds under one protocol with one probe.

    `settings` are the protocol's. `evaluation["macro_f1"]` are the scores of one metric; `mean` and
    `std` are those of the first.

    >>> folds = [FoldScore(0, k, {"accuracy": a}, {}, None, 8, 0, [], [], [])
    ...          for k, a in enumerate((0.5, 0.75))]
    >>> evaluation = Evaluation("transductive", "svm", {"folds": 2}, folds)
    >>> evaluation.mean, evaluation["accuracy"].std
    (0.625, 0.125)
    """

    protocol: str
    probe: str
    settings: dict[str, Any]
    folds: list[FoldScore]

    def __getitem__(self, metric: str) -> MetricScores:
        """Return the scores of a metric; raises `UserError` for one that was not measured."""
        if metric not in self.metrics:
            raise unknown_name("metric", metric, self.metrics)
        return MetricScores({(f.seed, f.fold): f.scores[metric] for f in self.folds})

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return list(self.folds[0].scores)

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order of appearance."""
        return list(dict.fromkeys(fold.seed for fold in self.folds))

    @property
    def mean(self) -> float:
        """Mean of the first metric over seeds and folds."""
        return self[self.metrics[0]].mean

    @property
    def std(self) -> float:
        """Standard deviation of the first metric over folds, as `MetricScores.std`."""
        return self[self.metrics[0]].std

    def records(self) -> list[Record]:
        """Return one record of plain JSON values for each seed and fold."""
        about = {"protocol": self.protocol, "probe": self.probe, "settings": self.settings}
        return [about | dataclasses.asdict(fold) for fold in self.folds]

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Evaluation:
        """Return the evaluation of such records; columns that it does not know are left out.

        Raises `UserError` for no records, for records of several protocols, probes or settings, and
        for two of the same seed and fold.

        >>> fold = FoldScore(0, 3, {"accuracy": 0.5}, {}, None, 8, 0, [1], [0], [0])
        >>> evaluation = Evaluation("transductive", "svm", {"folds": 9}, [fold])
        >>> Evaluation.from_records(evaluation.records()) == evaluation
        True
        """
        names = [field.name for field in dataclasses.fields(FoldScore)]
        return cls.concat(
            cls(
                record["protocol"],
                record["probe"],
                dict(record["settings"]),
                [FoldScore(**{name: record[name] for name in names})],
            )
            for record in records
        )

    @classmethod
    def concat(cls, evaluations: Iterable[Evaluation]) -> Evaluation:
        """Return one evaluation with the folds of several, such as those of several seeds.

        Raises `UserError` as `from_records` does.
        """
        parts = list(evaluations)
        if not parts:
            raise UserError("Expected evaluations of one protocol and probe, but got none.")
        one = parts[0]
        for part in parts[1:]:
            for name in ("protocol", "probe", "settings"):
                mine, other = getattr(one, name), getattr(part, name)
                if mine != other:
                    raise UserError(
                        f"Expected evaluations with the same {name}, but got {mine} and {other}: "
                        "summarize them apart."
                    )
        folds = [fold for part in parts for fold in part.folds]
        if len({(fold.seed, fold.fold) for fold in folds}) < len(folds):
            raise UserError(
                "Expected each seed and fold once, but some appear twice: summarize the "
                "evaluations apart."
            )
        return cls(one.protocol, one.probe, one.settings, folds)


def summarize(evaluations: Evaluation | Sequence[Evaluation]) -> dict[str, dict[str, float]]:
    """Return mean and deviations of each metric over one evaluation, or over those of many seeds.

    `mean` is over seeds of the means over folds, `std_folds` the mean over seeds of the deviations
    over folds, `std_seeds` the deviation over seeds of the means over folds; all with ddof 0.

    Raises `UserError` as `Evaluation.concat` does.

    >>> def one(seed, *values):
    ...     folds = [FoldScore(seed, k, {"accuracy": a}, {}, None, 8, 0, [], [], [])
    ...              for k, a in enumerate(values)]
    ...     return Evaluation("transductive", "svm", {}, folds)
    >>> summarize([one(0, 0.5, 0.75), one(1, 1.0, 1.0)])
    {'accuracy': {'mean': 0.8125, 'std_folds': 0.0625, 'std_seeds': 0.1875}}
    """
    if not isinstance(evaluations, Evaluation):
        evaluations = Evaluation.concat(evaluations)
    return {
        metric: {
            "mean": evaluations[metric].mean,
            "std_folds": evaluations[metric].std,
            "std_seeds": evaluations[metric].std_seeds,
        }
        for metric in evaluations.metrics
    }
