"""Two one-sided tests: what shows that two methods are equal, which no large p-value does."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from graph_hcl.errors import UserError
from graph_hcl.probes import MetricScores, PairedDifference, corrected_t_test, paired_difference

MARGIN = 0.01


def upper_tail(t: float, degrees: int) -> float:
    """Return P(T > t) of Student's t, by integrating its density."""
    log_c = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    c = math.exp(log_c) / math.sqrt(degrees * math.pi)

    def density(x: float) -> float:
        return c * (1 + x * x / degrees) ** (-(degrees + 1) / 2)

    if t < 0:
        return 1 - upper_tail(-t, degrees)
    return integrate.quad(density, t, math.inf)[0]


def by_loops(a: list[float], b: list[float], margin: float, ratio: float) -> float:
    """Return the larger p-value of the two one-sided tests."""
    d = [x - y for x, y in zip(a, b, strict=True)]
    mean = sum(d) / len(d)
    variance = sum((x - mean) ** 2 for x in d) / (len(d) - 1)
    error = math.sqrt((1 / len(d) + ratio) * variance)
    above = upper_tail((mean + margin) / error, len(d) - 1)  # of no more than −margin
    below = upper_tail((margin - mean) / error, len(d) - 1)  # of no less than margin
    return max(above, below)


@pytest.mark.parametrize("ratio", [1 / 9, 0.25, 1e-9])
@pytest.mark.parametrize("shift", [0.0, 0.004, -0.009, 0.02, -0.3])
@pytest.mark.parametrize("folds", [2, 5, 50])
def test_it_is_the_larger_of_two_one_sided_tests(folds: int, shift: float, ratio: float) -> None:
    rng = np.random.default_rng([folds, round(1000 * abs(shift))])
    a = rng.uniform(0.5, 0.9, folds)
    b = a - shift + rng.normal(0, 0.01, folds)
    found = corrected_t_test(a, b, test_to_train=ratio)
    for margin in (0.001, MARGIN, 0.05):
        expected = by_loops(list(a), list(b), margin, ratio)
        assert found.equivalence_p(margin) == pytest.approx(expected, abs=1e-8)
    assert found.equivalence_p() == found.equivalence_p(MARGIN)


@given(st.lists(st.floats(-0.03, 0.03), min_size=2, max_size=8), st.floats(0.001, 0.1))
def test_equal_at_alpha_is_the_interval_within_the_margin(d: list[float], margin: float) -> None:
    found = corrected_t_test(np.array(d) + 0.5, np.full(len(d), 0.5), confidence=0.9)
    inside = -margin < found.interval[0] and found.interval[1] < margin
    p = found.equivalence_p(margin)
    assert 0 <= p <= 1
    if abs(p - 0.05) > 1e-9:
        assert inside == (p < 0.05)
    mirrored = corrected_t_test(np.full(len(d), 0.5), np.array(d) + 0.5)
    assert mirrored.equivalence_p(margin) == pytest.approx(p, abs=1e-9)


def rejections(shift: float, spread: float, draw: Callable[..., np.ndarray]) -> float:
    """Return how often equality is found in 1000 comparisons of ten folds."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        difference = shift + spread * draw(rng, 10)
        found = corrected_t_test(0.8 + difference, np.full(10, 0.8), test_to_train=1 / 9)
        hits += found.equivalence_p(MARGIN) < 0.05
    return hits / 1000


def independent(rng: np.random.Generator, folds: int) -> np.ndarray:
    return rng.standard_normal(folds)


def overlapping(rng: np.random.Generator, folds: int) -> np.ndarray:
    """Return folds with the correlation .1 that the correction is made for."""
    return math.sqrt(0.9) * rng.standard_normal(folds) + math.sqrt(0.1) * rng.standard_normal()


@pytest.mark.parametrize("draw", [independent, overlapping])
@pytest.mark.parametrize("spread", [0.002, 0.01, 0.05])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_at_the_margin_passes_for_equal_in_five_percent(sign, spread, draw) -> None:
    rate = rejections(sign * MARGIN, spread, draw)
    assert 1000 * rate <= stats.binom.ppf(0.999, 1000, 0.05)
    if spread < 0.01 and draw is overlapping:  # where the error is known, the level is used up
        assert 1000 * rate >= stats.binom.ppf(0.001, 1000, 0.04)


def test_equality_is_found_where_it_is_and_not_where_the_folds_say_nothing() -> None:
    assert rejections(0.0, 0.002, overlapping) > 0.99
    assert rejections(0.0, 0.05, overlapping) < 0.01
    assert rejections(0.005, 0.002, overlapping) > 0.9
    assert rejections(0.02, 0.002, overlapping) == 0


def test_scores_beside_themselves_are_not_tested() -> None:
    one = MetricScores({(0, k): 0.5 + k / 10 for k in range(4)})
    found = paired_difference(one, one)
    assert (found.difference, found.error, found.equivalence_p(0.25)) == (0.0, math.inf, 1.0)


@pytest.mark.parametrize("margin", [0.0, -0.01, math.nan, math.inf])
def test_a_margin_is_above_zero(margin: float) -> None:
    with pytest.raises(UserError, match="finite margin above 0"):
        corrected_t_test([0.5, 0.6], [0.5, 0.7]).equivalence_p(margin)


def test_a_difference_without_its_error_is_refused() -> None:
    with pytest.raises(UserError, match="they are not known"):
        PairedDifference(0.0, (-0.1, 0.1), 0.0, 1.0).equivalence_p()


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.002])
def test_the_same_difference_in_all_folds_is_not_certain(shift: float) -> None:
    """The sample's variance is 0 then, which says nothing of the true one."""
    a = np.array([0.9, 0.8, 0.7])
    found = corrected_t_test(a, a - shift)
    assert found.difference == pytest.approx(shift)
    assert (found.p_value, found.equivalence_p()) == (1.0, 1.0)
    assert found.interval == (-math.inf, math.inf)
    assert "not tested: the same in all folds" in str(found)


def test_a_step_gives_the_least_variance_that_scores_can_show() -> None:
    a, step = np.array([0.9, 0.8, 0.7, 0.6]), 1 / 40
    found = corrected_t_test(a, a - step, step=step)
    once = corrected_t_test(a, a - step + np.array([step, 0, 0, 0]), step=step)
    assert found.error == pytest.approx(once.error)  # of one fold that differs by a step
    assert once == corrected_t_test(a, a - step + np.array([step, 0, 0, 0]))
    assert found.t == pytest.approx(step / (math.sqrt(1 / 4 + 1 / 9) * step / 2))
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UserError, match="Expected a finite step above 0"):
            corrected_t_test(a, a, step=wrong)


@pytest.mark.parametrize("differences", [[2 / 390, 0.005128], [2 / 390, 2 / 391]])
def test_differences_within_a_hundredth_of_a_step_are_the_same(differences) -> None:
    """Scores that were rounded, and parts that differ by a graph, are no sign of certainty."""
    found = corrected_t_test(np.array(differences) + 0.5, [0.5, 0.5], step=1 / 390)
    assert found.error == pytest.approx(math.sqrt(1 / 2 + 1 / 9) / 390 / math.sqrt(2))
    assert found.p_value > 0.1


@pytest.mark.parametrize("disagree", [0.02, 0.08])
def test_small_test_parts_that_agree_by_chance_show_nothing(disagree: float) -> None:
    """Two equal methods on three splits of 39 graphs; without the step 1 to 15 % had p of 0."""
    rng, graphs, tests = np.random.default_rng(0), 39, 2000
    flips = rng.binomial(graphs, disagree, (tests, 3))
    better = rng.binomial(flips, 0.5)
    found = [
        corrected_t_test(0.8 + (2 * up - down) / graphs, [0.8] * 3, test_to_train=0.25, step=1 / 39)
        for up, down in zip(better, flips, strict=True)
    ]
    assert sum(one.p_value < 0.05 for one in found) < 0.06 * tests
    assert min(one.p_value for one in found) > 1e-6
    assert min(one.equivalence_p(0.01) for one in found) > 1e-6
