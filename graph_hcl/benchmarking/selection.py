"""Scores of a method on a data set, with candidates selected on validation parts only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.errors import UserError
from graph_hcl.probes import MetricScores, ResultTable
from graph_hcl.probes.metric_scores import least_step, repeated_tests
from graph_hcl.probes.metrics import greater_is_better
from graph_hcl.probes.probe import selects
from graph_hcl.registries import PROBES

Key = tuple[int, int]
"""Seed and fold."""
Folds = dict[Key, Mapping[str, Any]]
"""The records of one candidate by seed and fold."""


@dataclass(frozen=True)
class Scores:
    """The scores of a method by metric, and the candidates that were selected.

    Attributes:
        metrics: Scores by seed and fold of each metric.
        selected: How many folds selected each candidate.
        candidates: Number of candidates that each fold selects from; None for features and kernels
            that need no training.
        complete: Whether each repetition that is counted has all its candidates.
        unfinished: Whether trials are missing: candidates, or whole repetitions.
        selected_on: Data sets that the settings were chosen on.
        leaked: Whether the data set is one of these.
        lower: Metrics of which lower is better.
        tested: What tells the test graphs of each seed and fold, as far as its record has it.
    """

    metrics: dict[str, MetricScores]
    selected: dict[str, int]
    candidates: int | None
    complete: bool
    unfinished: bool
    selected_on: tuple[str, ...] = ()
    leaked: bool = False
    lower: tuple[str, ...] = ()
    tested: dict[Key, str] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> MetricScores:
        """Return the scores of a metric by seed and fold."""
        return self.metrics[metric]

    @property
    def seeds(self) -> int:
        """Number of repetitions."""
        return len({seed for seed, _ in next(iter(self.metrics.values())).values})


def select(candidates: Mapping[str, Folds], sign: float = 1.0) -> dict[Key, str]:
    """Return for each seed and fold the candidate with the best validation score there.

    `sign` is −1 where lower scores are better. Of equals the first is selected, and NaN is worst. A
    single candidate needs no validation scores. Raises `UserError` where one of several has none,
    or lacks a fold.

    >>> one = {(0, 0): {"validation_score": 0.5}, (0, 1): {"validation_score": 0.7}}
    >>> two = {(0, 0): {"validation_score": 0.6}, (0, 1): {"validation_score": 0.7}}
    >>> select({"a": one, "b": two})
    {(0, 0): 'b', (0, 1): 'a'}
    """
    names = list(candidates)
    selected = {}
    for key in candidates[names[0]]:
        if len(names) == 1:
            selected[key] = names[0]
            continue
        folds = [candidates[name].get(key, {}) for name in names]
        scores = [fold.get("validation_score") for fold in folds]
        if None in scores:
            raise without_validation(folds[scores.index(None)].get("probe", "one"))
        selected[key] = names[int(np.argmax(goodness(np.array(scores, dtype=float), sign)))]
    return selected


def goodness(scores: np.ndarray, sign: float | np.ndarray) -> np.ndarray:
    """Return scores times their signs, so that greater is better; NaN is worst.

    >>> goodness(np.array([0.5, np.nan]), -1.0).tolist()
    [-0.5, -inf]
    """
    values = sign * scores
    return np.where(np.isnan(values), -np.inf, values)


def without_validation(probe: str, development: bool = False) -> UserError:
    """Return the error for a probe that gives no validation scores where these choose.

    >>> str(without_validation("class-mean"))[:80]
    'Expected a probe with validation scores for several candidates, but class-mean g'
    """
    why = "a table of validation scores" if development else "several candidates"
    too_few = probe in PROBES.names() and selects(PROBES.get(probe))
    remedy = "take more graphs of each class" if too_few else "choose another probe, such as svm"
    return UserError(
        f"Expected a probe with validation scores for {why}, but {probe} gives none: {remedy}"
        f"{'' if development else ', or give one candidate'}."
    )


def score(trials: Sequence[tuple[Trial, Record | None]]) -> Scores | None:
    """Return the scores of a method on one data set from its trials, None before any is finished.

    In each seed and fold, the candidate (a point of the grid or a restart, at an epoch) with the
    best score on the validation part gives the test scores; test scores select nothing. Repetitions
    with an unfinished trial are left out, unless all have one: then the finished trials are used.
    """
    repetitions: dict[int, dict[str, Folds]] = {}
    unfinished: set[int] = set()
    for trial, record in trials:
        if record is None:
            unfinished.add(trial.config.seed)
            continue
        for fold in record["records"]:
            candidates = repetitions.setdefault(fold["seed"], {})
            folds = candidates.setdefault(label(trial, fold["epoch"]), {})
            folds[fold["seed"], fold["fold"]] = fold
    finished = {seed: found for seed, found in repetitions.items() if seed not in unfinished}
    selected: Counter[str] = Counter()
    rows: list[Mapping[str, Any]] = []
    for candidates in (finished or repetitions).values():
        sign = _sign(candidates) if len(candidates) > 1 else 1.0
        for key, name in select(candidates, sign).items():
            selected[name] += 1
            rows.append(candidates[name][key])
    if not rows:
        return None
    table, one = ResultTable(rows), trials[0][0]
    return Scores(
        {name: metric_scores(name, table.scores(name), rows, one) for name in rows[0]["scores"]},
        dict(selected.most_common()),
        candidates=None if one.baseline is not None else _candidates(trials),
        complete=bool(finished),
        unfinished=bool(unfinished),
        selected_on=one.selected_on,
        leaked=one.dataset in one.selected_on,
        lower=tuple(name for name in rows[0]["scores"] if is_lower(name, rows[0])),
        tested=tests_of(rows),
    )


def metric_scores(
    name: str, values: Mapping[Key, float], rows: Iterable[Mapping[str, Any]], trial: Trial
) -> MetricScores:
    """Return the scores of a metric in records of folds, which say what repeats the same data."""
    rows = list(rows)
    ratio = float(np.mean([row["test"] / (row.get("pool") or row["train"]) for row in rows]))
    # One number that stands for the test graphs is as good as the list of them.
    if trial.config.probe.splits is not None:  # that of the fold, which records of before have, too
        tests = {key: [key[1]] for key in values}
    else:
        tests = {key: [int(part, 16)] for key, part in tests_of(rows).items()}
    step = least_step(name, (row["test"] for row in rows))
    return MetricScores(values, ratio, repeated_tests(tests), step)


def tests_of(rows: Iterable[Mapping[str, Any]]) -> dict[Key, str]:
    """Return what tells the test graphs of each seed and fold; records of before have it not."""
    return {(row["seed"], row["fold"]): row["tested"] for row in rows if "tested" in row}


def same_tests(one: Mapping[Key, str], other: Mapping[Key, str]) -> bool:
    """Tell whether seeds and folds that are in both have the same test graphs, as far as is known.

    >>> same_tests({(0, 0): "a"}, {(0, 0): "a", (1, 0): "b"}), same_tests({(0, 0): "a"}, {})
    (True, True)
    """
    return all(other.get(key, part) == part for key, part in one.items())


def _candidates(trials: Sequence[tuple[Trial, Record | None]]) -> int:
    """Return the number of candidates that each fold selects from once all are finished."""
    return len({label(trial, epoch) for trial, _ in trials for epoch in trial.epochs})


def _sign(candidates: Mapping[str, Folds]) -> float:
    return metric_sign(next(iter(next(iter(candidates.values())).values())))


def is_lower(metric: str, record: Mapping[str, Any]) -> bool:
    """Tell whether lower is better of a metric of a fold's record, as far as that is known.

    >>> is_lower("rmse", {}), is_lower("kappa", {})
    (True, False)
    """
    return greater_is_better(metric, record.get("settings", {})) is False


def metric_sign(record: Mapping[str, Any]) -> float:
    """Return the direction of the first metric, which validation scores are of.

    Raises `UserError` for a metric of one's own whose direction the record does not tell.

    >>> metric_sign({"scores": {"accuracy": 0.5}})
    1.0
    """
    name = next(iter(record["scores"]))
    greater = greater_is_better(name, record.get("settings", {}))
    if greater is None:
        raise UserError(
            f"Expected records that tell whether a greater {name} is better, but got one of an "
            "earlier version without it: run these trials again in another folder."
        )
    return 1.0 if greater else -1.0


ONLY = "the only one"
"""Label of a method's single candidate."""


def label(trial: Trial, epoch: int) -> str:
    """Return the label of a candidate: what distinguishes it from the others of its method."""
    parts = [f"{name}={value}" for name, value in trial.point.items()]
    if len(trial.epochs) > 1:
        parts.append(f"epoch={epoch}")
    return ", ".join(parts) or ONLY
