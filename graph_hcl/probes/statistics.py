"""Majority accuracy, and tests and intervals for scores of overlapping training sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.checks import check_real
from graph_hcl.probes.labels import on_host
from graph_hcl.probes.targets import Targets

ROUNDING = 1e-12
"""Relative difference of two scores up to which they count as equal."""


def majority_accuracy(labels: Any) -> float:
    """Return the accuracy of always predicting the most frequent class; labels [G] or `Targets`.

    Raises `UserError` for labels of one class, real targets and several tasks.

    >>> majority_accuracy([0, 1, 1, 1])
    0.75
    """
    targets = Targets.of(labels)
    if targets.kind == "regression" or targets.tasks > 1:
        raise UserError(
            f"Expected class labels to find the most frequent one of, but got {targets.kind} "
            "targets: give one column of classes."
        )
    strata = targets.strata()[targets.rows]
    return float(np.bincount(strata).max() / len(strata))


@dataclass(frozen=True)
class PairedDifference:
    """Mean of first − second with its confidence interval, t statistic and two-sided p-value.

    Attributes:
        difference: mean of first − second.
        interval: its confidence interval.
        t: the t statistic.
        p_value: two-sided p-value.
        confidence: confidence of the interval, in (0, 1).
        percent: prints percentage points, as of a share such as accuracy, instead of the metric's
            own unit.
        lower_is_better: prints that it is so, as of errors.
        error: corrected standard error of the difference, ∞ where it is not known.
        degrees: degrees of freedom of t.

    >>> print(PairedDifference(0.02, (-0.01, 0.05), 1.4, 0.19))
    +2.00 percentage points (95 % interval -1.00 … +5.00, p = .190)
    >>> print(PairedDifference(-2.5, (-4, -1), -3.6, 0.006, percent=False, lower_is_better=True))
    -2.5 (lower is better; 95 % interval -4 … -1, p = .006)
    """

    difference: float
    interval: tuple[float, float]
    t: float
    p_value: float
    confidence: float = 0.95
    percent: bool = True
    lower_is_better: bool = False
    error: float = math.nan
    degrees: int = 0

    def equivalence_p(self, margin: float = 0.01) -> float:
        """Return the p-value of two one-sided tests for a true difference within ±margin.

        p = P(T > (margin − |d̄|) / error), of Student's t with J − 1 degrees of freedom and the
        corrected error of `corrected_t_test`; Schuirmann, "A Comparison of the Two One-Sided Tests
        Procedure and the Power Approach" (J. Pharmacokinet. Biopharm. 15, 1987). Below α the two
        methods are equal within the margin, which a large p of a difference does not show; then
        the interval of confidence 1 − 2α is inside ±margin. The margin is of the metric's unit:
        .01 is a percentage point of accuracy.

        1 where the error is infinite. Raises `UserError` for a margin that is not above 0, and for
        a difference without an error.

        >>> alike = corrected_t_test([0.8, 0.7, 0.9, 0.8], [0.8, 0.71, 0.9, 0.8])
        >>> round(alike.equivalence_p(margin=0.02), 4), round(alike.equivalence_p(0.003), 4)
        (0.005, 0.4392)
        """
        check_real(margin=margin)
        if not 0 < margin < math.inf:
            raise UserError(f"Expected a finite margin above 0, but got {margin}.")
        if self.degrees < 1 or math.isnan(self.error):
            raise UserError(
                "Expected a difference with its error and degrees of freedom, but they are not "
                "known: take one of corrected_t_test or compare."
            )
        room = margin - abs(self.difference)
        if not math.isfinite(self.error):
            return 1.0
        return float(stats.t.sf(room / self.error, self.degrees))

    @property
    def is_tested(self) -> bool:
        """Whether the error is known, so that the interval is finite and p says something.

        >>> PairedDifference(0.0, (-math.inf, math.inf), 0.0, 1.0).is_tested
        False
        """
        return math.isfinite(self.interval[1])

    def told(self) -> tuple[str, str]:
        """Return difference and interval as text: of shares in percentage points.

        >>> PairedDifference(0.02, (-0.01, 0.05), 1.4, 0.19).told()
        ('+2.00', '-1.00 … +5.00')
        >>> PairedDifference(-2.5, (-4, -1), -3.6, 0.006, percent=False).told()
        ('-2.5', '-4 … -1')
        >>> PairedDifference(0.0, (-math.inf, math.inf), 0.0, 1.0).told()
        ('+0.00', 'the same in all folds')
        """
        numbers = self.difference, *self.interval
        mean, low, high = (f"{100 * x:+.2f}" if self.percent else f"{x:+.4g}" for x in numbers)
        return mean, f"{low} … {high}" if self.is_tested else "the same in all folds"

    def __str__(self) -> str:
        (mean, interval), p = self.told(), p_text(self.p_value)
        tested = (
            f"{100 * self.confidence:g} % interval {interval}, "
            f"p {p if p.startswith('<') else f'= {p}'}"
        )
        return (
            f"{mean}{' percentage points' if self.percent else ''} "
            f"({'lower is better; ' if self.lower_is_better else ''}"
            f"{tested if self.is_tested else f'not tested: {interval}'})"
        )


def p_text(p: float) -> str:
    """Return a p-value with three decimals.

    >>> p_text(0.0312), p_text(0.00049), p_text(1.0)
    ('.031', '< .001', '1')
    """
    return "< .001" if p < 0.0005 else f"{p:.3f}".lstrip("0") if p < 0.9995 else "1"


@names_arguments()
def corrected_interval(
    scores: ArrayLike, *, test_to_train: float = 1 / 9, confidence: float = 0.95
) -> tuple[float, float]:
    """Return a confidence interval of the mean of the scores of J folds or resamplings.

    x̄ ± t · sqrt((1/J + n_test/n_train) s²) with J − 1 degrees of freedom, as in
    `corrected_t_test`, which has the reasons. Scores that are all the same have s = 0, and an
    interval of no width, which is no evidence of certainty.

    Args:
        scores: one score [J] for each fold or resampling.
        test_to_train: n_test/n_train: 1/9 for 10-fold cross-validation.
        confidence: confidence of the interval, in (0, 1).

    Raises `UserError` for fewer than two scores, for NaN, and for values out of range.

    >>> [round(end, 3) for end in corrected_interval([0.8, 0.7, 0.9, 0.8], test_to_train=1 / 3)]
    [0.602, 0.998]
    """
    values = _as_scores(scores)
    mean, error, quantile = _mean_and_error(values, test_to_train, confidence)
    return mean - quantile * error, mean + quantile * error


@names_arguments()
def corrected_t_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    test_to_train: float = 1 / 9,
    confidence: float = 0.95,
    step: float | None = None,
) -> PairedDifference:
    """Compare two methods by their scores on the same J folds or resamplings.

    t = d̄ / sqrt((1/J + n_test/n_train) s²), with J − 1 degrees of freedom and s² the variance of
    the differences with ddof 1: Nadeau and Bengio, "Inference for the Generalization Error"
    (Machine Learning 52, 2003), the corrected resampled t-test. The plain paired t-test omits the
    second term; because training sets overlap, it rejects equality far too often.

    Where the difference is the same in all folds, s = 0 would make it certain, though scores of
    small test parts, which move in steps, often agree by chance. Then s² is step² / J, which is its
    least value above 0: one fold differs by one step. Differences within a hundredth of a step are
    the same: scores may be rounded, or large test parts differ by a graph. Without a step the
    difference is not tested: p is 1, and error and interval are infinite.

    Args:
        first: scores [J] of one method.
        second: scores [J] of the other, in the same order of folds.
        test_to_train: n_test/n_train: 1/9 for 10-fold cross-validation. n_train are the graphs that
            training sets are drawn from and share: with few labels, the whole training part.
        confidence: confidence of the interval, in (0, 1).
        step: the least change of one fold's score, where there is one: of accuracies, 1 over the
            number of graphs in a test part.

    Raises `UserError` for scores of different length, fewer than two of them, NaN, and a step that
    is not above 0.

    >>> result = corrected_t_test([0.8, 0.7, 0.9, 0.8], [0.7, 0.7, 0.8, 0.7], test_to_train=1 / 3)
    >>> round(result.difference, 4), round(result.t, 4), round(result.p_value, 4)
    (0.075, 1.964, 0.1443)
    """
    a, b = _as_scores(first), _as_scores(second)
    if a.shape != b.shape:
        raise UserError(
            f"Expected two or more paired scores of each method, but got shapes {a.shape} and "
            f"{b.shape}: give both methods' scores on the same folds."
        )
    if step is not None:
        check_real(step=step)
        if not 0 < step < math.inf:
            raise UserError(f"Expected a finite step above 0, but got {step}.")
    differences = a - b
    # Averages of equal scores may differ by rounding, which would pass for a constant difference.
    differences[np.abs(differences) <= ROUNDING * np.maximum(np.abs(a), np.abs(b))] = 0.0
    difference, error, quantile = _mean_and_error(differences, test_to_train, confidence)
    same = ROUNDING * max(np.abs(a).max(), np.abs(b).max()) if step is None else step / 100
    if np.ptp(differences) <= same:
        least = math.inf if step is None else step / math.sqrt(len(a))
        error = math.sqrt(1 / len(a) + test_to_train) * least
    half = quantile * error
    t = difference / error
    p_value = float(2 * stats.t.sf(abs(t), len(a) - 1))
    interval = difference - half, difference + half
    return PairedDifference(
        difference, interval, t, p_value, confidence, error=error, degrees=len(a) - 1
    )


def _as_scores(scores: Any) -> np.ndarray:
    """Return scores of any container as numbers; raise `UserError` for what has none.

    >>> _as_scores([1, 0.5])
    array([1. , 0.5])
    """
    try:
        return np.asarray(on_host(scores), dtype=float)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"Expected one score [J] as a number for each fold, but got {type(scores).__name__} "
            "without such numbers: compare and evaluation.interval take those of evaluations."
        ) from error


def _mean_and_error(
    values: np.ndarray, test_to_train: float, confidence: float
) -> tuple[float, float, float]:
    """Return the mean, its corrected standard error, and the quantile of Student's t."""
    if values.ndim != 1 or len(values) < 2:
        raise UserError(
            "Expected scores of two or more folds, but got an array of shape "
            f"{list(values.shape)}: one score has no deviation."
        )
    if not np.isfinite(values).all():
        raise UserError("Expected finite scores, but some are NaN or infinite.")
    check_real(test_to_train=test_to_train, confidence=confidence)
    if not 0 < test_to_train < math.inf or not 0 < confidence < 1:
        raise UserError(
            f"Expected a finite test_to_train above 0 and confidence in (0, 1), but got "
            f"{test_to_train} and {confidence}."
        )
    error = float(np.sqrt((1 / len(values) + test_to_train) * values.var(ddof=1)))
    return float(values.mean()), error, float(stats.t.ppf((1 + confidence) / 2, len(values) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order.

    The k-th smallest of m becomes the largest of (m − j + 1) p_j over j ≤ k, at most 1. Rejecting
    those below α keeps the probability of any false rejection below α, whatever the dependence:
    Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (Scand. J. Statist. 6, 1979).
    Raises `UserError` for anything but numbers from 0 to 1.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    try:
        p = np.asarray(p_values, dtype=float)
    except (TypeError, ValueError):
        p = np.array(np.nan)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise UserError(f"Expected p-values [m] from 0 to 1, but got {p_values!r:.60}.")
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(raised, 1.0)
    return [float(value) for value in corrected]
