"""Baselines and tests that say whether a difference means something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from graph_hcl.errors import UserError


def majority_accuracy(labels: ArrayLike) -> float:
    """Return the accuracy of always saying the most frequent class.

    >>> majority_accuracy([0, 1, 1, 1])
    0.75
    """
    _, counts = np.unique(np.asarray(labels), return_counts=True)
    return float(counts.max() / counts.sum())


@dataclass(frozen=True)
class PairedDifference:
    """A mean difference of paired scores with its test: t, two-sided p, and an interval."""

    mean: float
    t: float
    p: float
    low: float
    high: float


def corrected_resampled_t_test(
    first: ArrayLike, second: ArrayLike, test_share: float, confidence: float = 0.95
) -> PairedDifference:
    """Return the paired difference of scores on the same folds with the corrected variance.

    t = mean(d) / sqrt((1/n + n_test/n_train) · var(d)), n − 1 degrees of freedom (Nadeau & Bengio
    2003, Machine Learning 52, section 5): folds share training graphs, so that the plain paired
    test finds differences too often. `test_share` is n_test/n_train, 1/9 for ten folds.

    Raises `UserError` for scores that are not paired or fewer than two.

    >>> found = corrected_resampled_t_test([0.9, 0.8, 0.9], [0.8, 0.8, 0.7], test_share=0.5)
    >>> round(found.mean, 3), round(found.t, 3), round(found.p, 3)
    (0.1, 1.095, 0.388)
    """
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        raise UserError(
            f"Expected two equally long lists of scores, but got {one.shape} and {other.shape}."
        )
    difference = one - other
    error = np.sqrt((1 / len(difference) + test_share) * difference.var(ddof=1))
    mean = float(difference.mean())
    if error == 0:
        return PairedDifference(mean, np.inf * np.sign(mean), float(mean == 0), mean, mean)
    freedom = len(difference) - 1
    t = mean / error
    half = stats.t.ppf((1 + confidence) / 2, freedom) * error
    return PairedDifference(
        mean,
        float(t),
        float(2 * stats.t.sf(abs(t), freedom)),
        float(mean - half),
        float(mean + half),
    )
