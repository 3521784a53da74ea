"""The result of an evaluation: scores by metric for each seed and fold, and what they sum up to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.fold_score import FoldScore
from graph_hcl.probes.frame import data_frame
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metric_scores import Key, MetricScores, least_step, repeated_tests
from graph_hcl.probes.metrics import METRICS, check_kind, known_metric, metric_name, title
from graph_hcl.probes.targets import CLASSES, Kind
from graph_hcl.probes.telling import is_share, told, told_value
from graph_hcl.registry import unknown_name

Record = dict[str, Any]
"""One seed and fold as plain JSON values."""


@dataclass(frozen=True)
class Evaluation:
    """The folds of one or several seeds under one protocol with one probe.

    `evaluation["macro_f1"]` are the scores of one metric; `mean`, `std` and `interval` are those of
    the first, and `print(evaluation)` shows all metrics. With few labels, `folds` holds every draw
    of the labelled graphs, and the score of a fold is the mean over its draws.

    Attributes:
        protocol: name of the protocol.
        probe: name of the probe.
        settings: settings of the protocol by name.
        folds: one score for each outer fold, seed and draw of labelled graphs.

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

    def __repr__(self) -> str:
        """Return what was measured, without the graphs of each fold.

        >>> fold = FoldScore(0, 0, {"accuracy": 0.5}, {}, None, 8, 0, [3, 5], [], [])
        >>> Evaluation("transductive", "svm", {"folds": 2}, [fold])
        Evaluation(transductive, svm, 1 fold: accuracy 50.00 %)
        """
        count = len({(fold.seed, fold.fold) for fold in self.folds})
        scores = f": {self}" if self.folds else ""
        folds = f"{count} fold{'s' * (count != 1)}"
        return f"Evaluation({self.protocol}, {self.probe}, {folds}{scores})"

    def __str__(self) -> str:
        """Return mean, deviation and 95 % interval of each metric, shares in percent as in tables.

        There is no interval of a single fold.

        >>> def fold(number, accuracy):
        ...     scores = {"accuracy": accuracy, "mae": 2.0}
        ...     return FoldScore(0, number, scores, {}, None, 8, 0, [3, 5], [], [])
        >>> print(Evaluation("transductive", "svm", {}, [fold(0, 0.5)]))
        accuracy 50.00 %, MAE 2
        >>> print(Evaluation("transductive", "svm", {}, [fold(0, 0.5), fold(1, 0.6)]))
        accuracy 55.00 ± 5.00 % (0.00 … 100.00), MAE 2 ± 0 (2 … 2)
        """
        parts = []
        for name in self.metrics:
            scores = self[name]
            part = f"{title(name)} {told(scores, name)}{' %' * is_share(name)}"
            with suppress(UserError):  # of one fold, or of folds without a score
                low, high = scores.interval
                if is_share(name):
                    low, high = max(0.0, low), min(1.0, high)
                part += f" ({' … '.join(told_value(end, name) for end in (low, high))})"
            parts.append(part)
        return ", ".join(parts)

    def __getitem__(self, metric: str | Metric) -> MetricScores:
        """Return the scores of a metric that was measured, or follows from what was predicted.

        Raises `UserError` for an unknown one, or one that does not serve the labels or the probe.

        >>> fold = FoldScore(0, 0, {"accuracy": 0.5}, {}, None, 8, 0, [3, 5], [0, 1], [0, 0])
        >>> Evaluation("transductive", "svm", {}, [fold])["balanced_accuracy"].mean
        0.5
        """
        name = metric_name(metric)
        scores = self._scores(name)
        draws: dict[tuple[int, int], list[float]] = {}
        for fold, score in zip(self.folds, scores, strict=True):
            draws.setdefault((fold.seed, fold.fold), []).append(score)
        values = {key: float(np.mean(scores)) for key, scores in draws.items()}
        ratio = float(np.mean([fold.test_to_train for fold in self.folds]))
        step = least_step(name, (len(fold.test) for fold in self.folds))
        return MetricScores(values, ratio, self.repeated, step)

    def _scores(self, name: str) -> list[float]:
        if name in self.metrics:
            return [fold.scores[name] for fold in self.folds]
        metric, kind = known_metric(name), self.kind
        if metric is None or not all(fold.labels for fold in self.folds):
            raise unknown_name("metric", name, dict.fromkeys([*self.metrics, *METRICS]))
        check_kind(metric, kind)
        labels, predictions = (self._arrays(column) for column in ("labels", "predictions"))
        classes = np.array([0, 1])
        if kind in CLASSES:
            classes = np.unique(np.concatenate(labels))
        decisions = [fold.decision for fold in self.folds]
        return [
            metric(truth, guess, decision, classes)
            for truth, guess, decision in zip(labels, predictions, decisions, strict=True)
        ]

    def _arrays(self, name: str) -> list[np.ndarray]:
        """Return labels or predictions of each fold; of tasks [Q, T], NaN where there is none."""
        lists = [getattr(fold, name) for fold in self.folds]
        tasks = any(isinstance(entry, list) for entries in lists for entry in entries[:1])
        return [np.array(entries, dtype=float if tasks else None) for entries in lists]

    @property
    def kind(self) -> Kind:
        """The kind of the targets, by the metric that selected parameters and the labels.

        >>> fold = FoldScore(0, 0, {"rmse": 0.5}, {}, None, 8, 0, [3, 5], [1.0, 2.0], [1.0, 1.5])
        >>> Evaluation("transductive", "ridge", {}, [fold]).kind
        'regression'
        """
        first = known_metric(self.metrics[0]) if self.metrics else None
        if first is not None and first.kinds == ("regression",):
            return "regression"
        labels = self._arrays("labels")
        if labels[0].ndim == 2:
            known = np.concatenate([part[~np.isnan(part)] for part in labels])
            return "multilabel" if np.isin(known, (0, 1)).all() else "regression"
        values = np.unique(np.concatenate(labels))
        if values.dtype.kind == "f" and (values != np.floor(values)).any():
            return "regression"
        # Test parts may lack a class that is predicted, or has a column of decision values.
        seen = {value for fold in self.folds for value in (*fold.labels, *fold.predictions)}
        columns = any(np.ndim(fold.decision or []) == 2 for fold in self.folds)
        return "binary" if len(values) == len(seen) == 2 and not columns else "multiclass"

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that were measured, the one that selected parameters first."""
        return list(self.folds[0].scores)

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order of appearance."""
        return list(dict.fromkeys(fold.seed for fold in self.folds))

    @property
    def draws(self) -> int:
        """Number of draws of labelled graphs in each fold; 1 where all are labelled."""
        return len({fold.draw for fold in self.folds})

    @property
    def repeated(self) -> dict[Key, Key]:
        """The first seed and fold with the same test graphs, by each that repeats them.

        >>> folds = [FoldScore(s, k, {"accuracy": 1.0}, {}, None, 8, 0, [(s + k) % 2], [], [])
        ...          for s in range(2) for k in range(2)]
        >>> Evaluation("transductive", "svm", {}, folds).repeated
        {(1, 0): (0, 1), (1, 1): (0, 0)}
        """
        return repeated_tests({(fold.seed, fold.fold): fold.test for fold in self.folds})

    @property
    def fixed_folds(self) -> bool:
        """Whether several seeds all have the same test parts, in any order."""
        seeds, repeated = self.seeds, self.repeated
        others = {(fold.seed, fold.fold) for fold in self.folds if fold.seed != min(seeds)}
        return len(seeds) > 1 and others == set(repeated)

    @property
    def mean(self) -> float:
        """Mean of the first metric over seeds and folds."""
        return self[self.metrics[0]].mean

    @property
    def std(self) -> float:
        """Standard deviation of the first metric over folds, as `MetricScores.std`."""
        return self[self.metrics[0]].std

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the mean, corrected for training sets that overlap."""
        return self[self.metrics[0]].interval

    def records(self) -> list[Record]:
        """Return one record of plain JSON values for each seed, fold and draw of labels."""
        about = {"protocol": self.protocol, "probe": self.probe, "settings": self.settings}
        return [about | dataclasses.asdict(fold) for fold in self.folds]

    def to_frame(self) -> Any:
        """Return a pandas data frame with a row for each record: its numbers and parameters.

        Each metric is a column, each parameter one such as `params.C`; train, validation and test
        are numbers of graphs. Raises `ImportError` where pandas is not installed.

        >>> fold = FoldScore(0, 3, {"accuracy": 0.5}, {"C": 1.0}, None, 8, 0, [1], [0], [0])
        >>> Evaluation("transductive", "svm", {"folds": 9}, [fold]).to_frame().columns.tolist()
        ['seed', 'fold', 'draw', 'accuracy', 'params.C', 'validation_score', 'train', 'pool',
         'validation', 'test']
        """
        return data_frame(
            {
                "seed": fold.seed,
                "fold": fold.fold,
                "draw": fold.draw,
                "scores": fold.scores,
                "params": fold.params,
                "validation_score": fold.validation_score,
                "train": fold.train,
                "pool": fold.pool,
                "validation": fold.validation,
                "test": len(fold.test),
            }
            for fold in self.folds
        )

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Evaluation:
        """Return the evaluation of such records; columns that it does not know are left out.

        Raises `UserError` for no records, for what is no record, for records of several protocols,
        probes, settings or lists of metrics, and for two of the same seed, fold and draw.

        >>> fold = FoldScore(0, 3, {"accuracy": 0.5}, {}, None, 8, 0, [1], [0], [0])
        >>> evaluation = Evaluation("transductive", "svm", {"folds": 9}, [fold])
        >>> Evaluation.from_records(evaluation.records()) == evaluation
        True
        """
        if isinstance(records, str | Mapping) or not isinstance(records, Iterable):
            raise UserError(
                f"Expected a list of records, as Evaluation.records returns them, but got "
                f"{type(records).__name__}."
            )
        return cls.concat(_of_record(record) for record in records)

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
            for name in ("protocol", "probe", "settings", "metrics"):
                mine, other = getattr(one, name), getattr(part, name)
                if mine != other:
                    raise UserError(
                        f"Expected evaluations with the same {name}, but got {mine} and {other}: "
                        "summarize them apart."
                    )
        folds = [fold for part in parts for fold in part.folds]
        if len({(fold.seed, fold.fold, fold.draw) for fold in folds}) < len(folds):
            raise UserError(
                "Expected each seed and fold once, but some appear twice: summarize the "
                "evaluations apart."
            )
        return cls(one.protocol, one.probe, one.settings, folds)


def _of_record(record: Mapping[str, Any]) -> Evaluation:
    """Return the evaluation of one record; raise `UserError` for one that lacks a value."""
    names = [field.name for field in dataclasses.fields(FoldScore)]
    try:
        fold = FoldScore(**{name: record[name] for name in names})
        return Evaluation(record["protocol"], record["probe"], dict(record["settings"]), [fold])
    except (TypeError, KeyError) as error:
        missing = f"one without {error}" if isinstance(error, KeyError) else repr(record)[:60]
        raise UserError(
            f"Expected records as Evaluation.records returns them, but got {missing}."
        ) from error


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
