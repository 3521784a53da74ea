"""Majority accuracy, and the corrected resampled t-test for cross-validated scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from graph_hcl.errors import UserError
from graph_hcl.probes.targets import Targets


def majority_accuracy(labels: Any) -> float:
    """Return the accuracy of always predicting the most frequent class; labels [G] or `Targets`.

    Raises `UserError` for labels of one class.

    >>> majority_accuracy([0, 1, 1, 1])
    0.75
    """
    strata = Targets.of(labels).strata()
    return float(np.bincount(strata).max() / len(strata))


@dataclass(frozen=True)
class PairedDifference:
    """Mean of first − second with its confidence interval, t statistic and two-sided p-value.

    >>> PairedDifference(0.02, (-0.01, 0.05), 1.4, 0.19).difference
    0.02
    """

    difference: float
    interval: tuple[float, float]
    t: float
    p_value: float


def corrected_t_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    test_to_train: float = 1 / 9,
    confidence: float = 0.95,
) -> PairedDifference:
    """Compare two methods by their scores on the same J folds or resamplings.

    t = d̄ / sqrt((1/J + n_test/n_train) s²), with J − 1 degrees of freedom and s² the variance of
    the differences with ddof 1: Nadeau and Bengio, "Inference for the Generalization Error"
    (Machine Learning 52, 2003), the corrected resampled t-test. The plain paired t-test omits
    the second term; because training sets overlap, it rejects equality far too often.
    `test_to_train` is n_test/n_train: 1/9 for 10-fold cross-validation.

    Raises `UserError` for scores of different length, fewer than two of them, or NaN.

    >>> result = corrected_t_test([0.8, 0.7, 0.9, 0.8], [0.7, 0.7, 0.8, 0.7], test_to_train=1 / 3)
    >>> round(result.difference, 4), round(result.t, 4), round(result.p_value, 4)
    (0.075, 1.964, 0.1443)
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise UserError(
            f"Expected two or more paired scores of each method, but got shapes {a.shape} and "
            f"{b.shape}: give both methods' scores on the same folds."
        )
    if not np.isfinite(a - b).all():
        raise UserError("Expected finite scores, but some are NaN or infinite.")
    if test_to_train <= 0 or not 0 < confidence < 1:
        raise UserError(
            f"Expected test_to_train above 0 and confidence in (0, 1), but got {test_to_train} and "
            f"{confidence}."
        )
    difference = float((a - b).mean())
    error = float(np.sqrt((1 / len(a) + test_to_train) * (a - b).var(ddof=1)))
    freedom = len(a) - 1
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    t = difference / error if error > 0 else float(np.copysign(np.inf, difference))
    t = t if difference != 0 else 0.0
    p_value = float(2 * stats.t.sf(abs(t), freedom))
    return PairedDifference(difference, (difference - half, difference + half), t, p_value)
