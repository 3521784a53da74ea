"""The scores of one metric by seed and fold: their mean, deviations and interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graph_hcl.probes.statistics import corrected_interval


@dataclass(frozen=True)
class MetricScores:
    """The scores of one metric by (seed, fold).

    Attributes:
        values: One score for each seed and fold; an average where labels were drawn repeatedly.
        test_to_train: n_test/n_train, which the corrected interval and tests need.
        fixed_folds: Whether all seeds have the same folds. Repetitions on fixed folds are no new
            data, so intervals and tests average them within each fold first.

    >>> scores = MetricScores({(0, 0): 0.5, (0, 1): 0.75, (1, 0): 1.0, (1, 1): 1.0})
    >>> scores.mean, scores.std, scores.std_seeds
    (0.8125, 0.0625, 0.1875)
    """

    values: Mapping[tuple[int, int], float]
    test_to_train: float = 1 / 9
    fixed_folds: bool = False

    def by_seed(self) -> list[np.ndarray]:
        """Return the scores of the folds [folds] of each seed."""
        seeds = dict.fromkeys(seed for seed, _ in self.values)
        return [np.array([v for (s, _), v in self.values.items() if s == seed]) for seed in seeds]

    def resamplings(self) -> dict[tuple[int, int] | int, float]:
        """Return the scores that intervals and tests are made of: by fold alone if folds are fixed.

        >>> MetricScores({(0, 0): 0.5, (0, 1): 0.75, (1, 0): 1.0, (1, 1): 1.0},
        ...              fixed_folds=True).resamplings()
        {0: 0.75, 1: 0.875}
        """
        if not self.fixed_folds:
            return dict(self.values)
        folds: dict[tuple[int, int] | int, list[float]] = {}
        for (_, fold), value in self.values.items():
            folds.setdefault(fold, []).append(value)
        return {fold: float(np.mean(values)) for fold, values in folds.items()}

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
