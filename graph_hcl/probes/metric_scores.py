"""The scores of one metric by seed and fold: their mean, deviations and interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from graph_hcl.probes.statistics import corrected_interval

Key = tuple[int, int]
"""A seed and a fold."""


def repeated_tests(tests: Mapping[Key, Iterable[int]]) -> dict[Key, Key]:
    """Return the first seed and fold with the same test graphs, by each that repeats them.

    Folds of one seed are no repetitions of each other.

    >>> repeated_tests({(0, 0): [4, 5], (0, 1): [6], (1, 0): [6], (1, 1): [5, 4]})
    {(1, 0): (0, 1), (1, 1): (0, 0)}
    """
    first: dict[Hashable, Key] = {}
    repeated: dict[Key, Key] = {}
    seen: Counter[Hashable] = Counter()
    for seed, fold in sorted(tests):
        test = tuple(sorted(tests[seed, fold]))
        one = first.setdefault((test, seen[seed, test]), (seed, fold))
        seen[seed, test] += 1  # folds of this seed with these test graphs
        if one != (seed, fold):
            repeated[seed, fold] = one
    return repeated


def least_step(metric: str, sizes: Iterable[int]) -> float | None:
    """Return by how much scores of test parts of these sizes change at least; None if not known.

    >>> least_step("accuracy", [40, 50]), least_step("roc_auc", [40, 50])
    (0.025, None)
    """
    least = min(sizes)
    return 1 / least if metric == "accuracy" and least else None


@dataclass(frozen=True)
class MetricScores:
    """The scores of one metric by (seed, fold).

    Attributes:
        values: One score for each seed and fold; an average where labels were drawn repeatedly.
        test_to_train: n_test/n_train, which the corrected interval and tests need.
        repeated: The seed and fold with the same test graphs, by each seed and fold of another seed
            that repeats them under any number. They are no new data: intervals and tests average
            equal test parts first, so that each counts once. Where seeds share some of their test
            parts alone, that may move the middle of an interval away from `mean`.
        step: The least change of one score, as for `corrected_t_test`; None where none is known.

    >>> scores = MetricScores({(0, 0): 0.5, (0, 1): 0.75, (1, 0): 1.0, (1, 1): 1.0})
    >>> scores.mean, scores.std, scores.std_seeds
    (0.8125, 0.0625, 0.1875)
    """

    values: Mapping[Key, float]
    test_to_train: float = 1 / 9
    repeated: Mapping[Key, Key] = field(default_factory=dict)
    step: float | None = None

    def by_seed(self) -> list[np.ndarray]:
        """Return the scores of the folds [folds] of each seed."""
        seeds = dict.fromkeys(seed for seed, _ in self.values)
        return [np.array([v for (s, _), v in self.values.items() if s == seed]) for seed in seeds]

    @property
    def test_parts(self) -> dict[Key, Key]:
        """What tells the test part of each seed and fold from others: equal ones have the same.

        >>> MetricScores({(0, 0): 0.5, (1, 2): 1.0}, repeated={(1, 2): (0, 0)}).test_parts
        {(0, 0): (0, 0), (1, 2): (0, 0)}
        """
        return {key: self.repeated.get(key, key) for key in self.values}

    def resamplings(self, parts: Mapping[Key, Hashable] | None = None) -> dict[Hashable, float]:
        """Return the scores that intervals and tests are made of: one for each test part.

        Args:
            parts: which seeds and folds have equal test parts, as `test_parts` unless given.

        >>> MetricScores({(0, 0): 0.5, (0, 1): 0.75, (1, 0): 1.0, (1, 1): 1.0},
        ...              repeated={(1, 0): (0, 0), (1, 1): (0, 1)}).resamplings()
        {(0, 0): 0.75, (0, 1): 0.875}
        """
        parts = self.test_parts if parts is None else parts
        averaged: dict[Hashable, list[float]] = {}
        for key, value in self.values.items():
            averaged.setdefault(parts[key], []).append(value)
        return {part: float(np.mean(values)) for part, values in averaged.items()}

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

    @property
    def over(self) -> Literal["folds", "seeds"] | None:
        """What `deviation` is over: folds, or seeds where each has one fold, if there are several.

        >>> MetricScores({(0, 0): 0.5, (1, 0): 1.0}).over
        'seeds'
        """
        seeds = self.by_seed()
        if max(map(len, seeds)) > 1:
            return "folds"
        return "seeds" if len(seeds) > 1 else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation that is told beside the mean; None of a single score."""
        return {"folds": self.std, "seeds": self.std_seeds}.get(self.over or "")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the mean, as `corrected_interval`.

        Raises `UserError` for one fold, which has none, however often it is repeated.
        """
        return corrected_interval(
            list(self.resamplings().values()), test_to_train=self.test_to_train
        )
