"""Scores of a method on a data set, its candidates chosen on validation parts only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph_hcl.benchmarking.trials import Trial

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Scores:
    """What a method scored: accuracy and macro-F1 [repetitions, folds], and what was chosen.

    `choices` counts in how many folds each candidate was chosen; `complete` tells whether every
    candidate was there to choose from. `test_to_train` is the ratio of sizes.
    """

    accuracy: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    choices: dict[str, int]
    complete: bool
    test_to_train: float

    @property
    def mean(self) -> float:
        """Mean over repetitions and folds."""
        return float(self.accuracy.mean())

    @property
    def over_repetitions(self) -> float:
        """Deviation over repetitions of the means over folds, ddof 0."""
        return float(self.accuracy.mean(1).std())

    @property
    def over_folds(self) -> float:
        """Mean over repetitions of the deviation over folds, ddof 0."""
        return float(self.accuracy.std(1).mean())


def choose(candidates: Sequence[tuple[str, Record]]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return for each fold the number of the candidate with the best validation accuracy there.

    Each candidate is a name and its record: lists over folds under "validation_accuracy". The
    first of equals is taken. The second array are the validation accuracies [candidates, folds].
    With one candidate there is nothing to choose, and no validation accuracy is asked for. Raises
    `ValueError` where several were measured by a probe that chooses nothing itself.

    >>> one, two = {"validation_accuracy": [0.5, 0.7]}, {"validation_accuracy": [0.6, 0.7]}
    >>> choose([("a", one), ("b", two)])[0]
    array([1, 0])
    """
    rows = [record["validation_accuracy"] for _, record in candidates]
    if len(rows) == 1:
        return np.zeros(len(rows[0]), dtype=np.int64), np.array(rows, dtype=float)
    if any(value is None for row in rows for value in row):
        raise ValueError("Expected a validation accuracy of every candidate in every fold.")
    validation = np.array(rows, dtype=float)
    return validation.argmax(0), validation


def score(trials: Sequence[tuple[Trial, Record | None]]) -> Scores | None:
    """Return the scores of a method on one data set from its trials, or None while there are none.

    In each repetition, each fold takes the test score of the candidate (a point of the grid at an
    epoch) that is best on that fold's validation part; test scores decide nothing. Repetitions of
    which a trial is missing are left out, unless all are: then what is there is taken.
    """
    repetitions: dict[int, list[tuple[str, Record]]] = {}
    lacking: set[int] = set()
    for trial, record in trials:
        seed = trial.config.seed
        if record is None:
            lacking.add(seed)
            continue
        for epoch, found in record["epochs"].items():
            repetitions.setdefault(seed, []).append((_label(trial, epoch), found))
    whole = {seed: found for seed, found in repetitions.items() if seed not in lacking}
    accuracy, macro_f1, choices, ratio = [], [], Counter[str](), 1 / 9
    for candidates in (whole or repetitions).values():
        chosen, _ = choose(candidates)
        picked = [candidates[k] for k in chosen]
        accuracy.append([record["accuracy"][fold] for fold, (_, record) in enumerate(picked)])
        macro_f1.append([record["macro_f1"][fold] for fold, (_, record) in enumerate(picked)])
        choices.update(name for name, _ in picked)
        first = candidates[0][1]
        ratio = float(np.mean(np.array(first["test"]) / np.array(first["train"])))
    if not accuracy:
        return None
    counted = dict(choices.most_common())
    return Scores(np.array(accuracy), np.array(macro_f1), counted, bool(whole), ratio)


def _label(trial: Trial, epoch: str) -> str:
    parts = [f"{name}={value}" for name, value in trial.point.items()]
    if len(trial.epochs) > 1:
        parts.append(f"epoch={epoch}")
    return ", ".join(parts) or "the only one"
