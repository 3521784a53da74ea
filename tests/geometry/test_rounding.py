"""At collapse nothing is decided by rounding: no order, no tie, no rank, no angle."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl import geometry as g
from graph_hcl.geometry.rounding import ROUNDINGS, difference, scaled, tolerance
from graph_hcl.geometry.theory import AnchorStatistics, NegativeStatistics
from graph_hcl.losses import Exponential, Threshold

DTYPES = [torch.float32, torch.float64]
KINDS = st.sampled_from(DTYPES)


def point(seed: int, rows: int, width: int, dtype: torch.dtype, scale: float = 1.0, ulps: int = 0):
    """Equal rows of length `scale`, each entry moved by so many units in the last place."""
    generator = torch.Generator().manual_seed(seed)
    row = F.normalize(torch.randn(width, generator=generator, dtype=torch.float64), dim=0) * scale
    z = row.to(dtype).repeat(rows, 1)
    for _ in range(ulps):
        towards = torch.where(torch.rand(z.shape, generator=generator) < 0.5, -math.inf, math.inf)
        z = torch.nextafter(z, towards.to(dtype))
    return z


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    dtype=KINDS,
    width=st.integers(1, 200),
    classes=st.integers(2, 5),
    size=st.integers(2, 20),
    scale=st.floats(-3, 1).map(lambda e: 10**e),
    ulps=st.integers(0, 1),
    beta=st.floats(0, 10),
    temperature=st.floats(0.1, 2),
)
def test_assumption_1_holds_at_complete_collapse(
    seed, dtype, width, classes, size, scale, ulps, beta, temperature
) -> None:
    z = point(seed, 2 * classes * size, width, dtype, scale, ulps)
    graph = torch.arange(classes * size).repeat(2)
    for eta in (Exponential(beta), Threshold(1.0), Threshold(1e30)):
        seen = g.negative_statistics(
            z, graph, graph % classes, temperature=temperature, hardening=eta
        )
        assert seen.assumption_1().all()
        assert seen.rounding().isfinite().all()
        assert (seen.effective_sample_size() <= 1).all()


@settings(max_examples=60, deadline=None)
@given(dtype=KINDS, level=st.floats(-20, 20), beta=st.floats(0, 5), seed=st.integers(0, 10**6))
def test_the_tolerance_is_sharp_and_of_the_dtype(dtype, level, beta, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    n = torch.tensor([7])
    equal = torch.full((1, 7), level, dtype=dtype)
    scale = torch.tensor([abs(level)], dtype=dtype)
    none = torch.empty(0, dtype=dtype)

    def seen(lower: float) -> AnchorStatistics:
        same, other = equal - lower, equal + 0 * torch.rand(1, 7, generator=generator).to(dtype)
        sides = (NegativeStatistics.of(s, beta * s, n) for s in (same, other))
        return AnchorStatistics(*sides, none.long(), none, scale)

    rounding = float(seen(0).rounding())
    eps = torch.finfo(dtype).eps
    assert ROUNDINGS * eps <= rounding <= ROUNDINGS * eps * (1 + (5 + 4 * beta) * 20 + 10)
    assert seen(0).assumption_1().all()
    assert seen(rounding / 4).assumption_1().all()
    assert seen(-4 * rounding).assumption_1().all()
    assert not seen(4 * rounding).assumption_1().any()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    dtype=KINDS,
    width=st.integers(1, 100),
    classes=st.integers(2, 5),
    size=st.integers(1, 20),
    scale=st.floats(-6, 6).map(lambda e: 10**e),
    ulps=st.integers(0, 1),
)
def test_metrics_at_complete_collapse(seed, dtype, width, classes, size, scale, ulps) -> None:
    z = point(seed, classes * size, width, dtype, scale, ulps)
    label = torch.arange(classes * size) % classes
    for spectrum in (g.covariance_spectrum(z), g.class_mean_spectrum(z, label)):
        assert not spectrum.any()
        assert g.live_dimensions(spectrum) == 0
        assert g.effective_rank(spectrum) == 0
    assert g.feature_std(z) == 0
    assert g.within_class(z, label) == 0
    assert abs(g.uniformity(z)) <= 1e-6
    assert math.isclose(g.nearest_class_mean(z, label), 1 / classes, rel_tol=1e-6)
    means = g.class_means(z, label)
    assert math.isclose(g.equal_inner_product(means), 1 + 1 / (classes - 1), rel_tol=1e-5)
    assert math.isclose(g.rankme(z), 1, rel_tol=2e-3)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    dtype=KINDS,
    width=st.integers(1, 50),
    scale=st.floats(-6, 6).map(lambda e: 10**e),
)
def test_class_means_that_are_zero_have_no_angle(seed, dtype, width, scale) -> None:
    half = point(seed, 30, width, dtype, scale, 1)
    z, label = torch.cat([half, -half]), torch.arange(30).repeat(2) % 3
    means = g.class_means(z, label)
    assert not means.any()
    assert math.isclose(g.equal_inner_product(means), 1 / 2, rel_tol=1e-6)
    assert math.isclose(g.nearest_class_mean(z, label), 1 / 3, rel_tol=1e-6)
    assert g.live_dimensions(g.class_mean_spectrum(z, label)) == 0
    assert g.live_dimensions(g.covariance_spectrum(z)) == 1


@pytest.mark.parametrize("dtype", [torch.float16, *DTYPES])
def test_features_that_are_zero_give_numbers(dtype) -> None:
    z, label, graph = torch.zeros(12, 3, dtype=dtype), torch.arange(12) % 3, torch.arange(12)
    means = g.class_means(z, label)
    values = [g.zero_sum(means), g.within_class(z, label), g.uniformity(z), g.feature_std(z)]
    assert values == [0, 0, 0, 0]
    assert g.unit_norm(means) == 1
    assert g.equal_inner_product(means) == 0.5
    assert math.isclose(g.nearest_class_mean(z, label), 1 / 3, rel_tol=1e-6)
    assert g.effective_rank(g.covariance_spectrum(z)) == 0
    seen = g.negative_statistics(z, graph, label, positives="label")
    assert seen.assumption_1().all()
    assert all(map(math.isfinite, seen.losses().values()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", [1e-3, 1e-2])
def test_small_spreads_are_no_collapse(dtype, spread) -> None:
    generator = torch.Generator().manual_seed(0)
    z = point(0, 60, 8, dtype) + spread * torch.randn(60, 8, generator=generator).to(dtype)
    label = torch.arange(60) % 6
    assert g.live_dimensions(g.covariance_spectrum(z)) == 8
    assert g.live_dimensions(g.class_mean_spectrum(z, label)) == 5
    exact = (z - z.mean(0)).double()
    square = (exact[:, None] - exact).square().sum(2)
    apart = (-2 * square[~torch.eye(60, dtype=torch.bool)]).exp().mean().log()
    assert math.isclose(g.uniformity(z), apart, rel_tol=1e-3, abs_tol=1e-6)
    seen = g.negative_statistics(z, torch.arange(60), label, positives="label")
    assert not seen.assumption_1().all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), dtype=KINDS, power=st.integers(-35, 35))
def test_what_a_factor_does_not_change(seed, dtype, power) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(30, 6, generator=generator, dtype=torch.float64).to(dtype)
    z, label, factor = z + 3, torch.arange(30) % 5, 2.0**power  # the factor rounds nothing
    large = z * factor
    first, second = g.covariance_spectrum(z), g.covariance_spectrum(large)
    torch.testing.assert_close(second / factor**2, first)
    assert g.live_dimensions(first) == g.live_dimensions(second)
    torch.testing.assert_close(g.effective_rank(first), g.effective_rank(second))
    assert g.nearest_class_mean(z, label) == g.nearest_class_mean(large, label)
    angles = (g.equal_inner_product(g.class_means(each, label)) for each in (z, large))
    assert math.isclose(*map(float, angles), rel_tol=1e-6)


HUGE_AND_TINY = [2.0**68, 2.0**120, 2.0**-80, 2.0**-120]


@pytest.mark.parametrize("factor", HUGE_AND_TINY)
def test_features_of_any_size_are_measured(factor) -> None:
    generator = torch.Generator().manual_seed(0)
    z, label = torch.randn(40, 6, generator=generator), torch.arange(40) % 4
    with_length = [
        lambda z: g.class_means(z, label),
        lambda z: g.zero_sum(g.class_means(z, label)),
        lambda z: g.within_class(z, label),
        g.feature_std,
        lambda z: g.alignment(z[:20], z[20:], power=1.0),
    ]
    without = [
        lambda z: g.equal_inner_product(g.class_means(z, label)),
        lambda z: g.nearest_class_mean(z, label),
        lambda z: g.nearest_class_mean(z, label, (z / 3, label)),
        g.spread,
    ]
    for measure in with_length:
        assert torch.equal(measure(z * factor), measure(z) * factor)
    for measure in without:
        assert torch.equal(measure(z * factor), measure(z))
    length = g.class_means(z, label).norm(dim=1).mean() if factor > 1 else 1 / factor
    assert math.isclose(g.unit_norm(g.class_means(z * factor, label)), length * factor)
    assert g.uniformity(z * factor) == (-math.inf if factor > 1 else 0)


@pytest.mark.parametrize("factor", HUGE_AND_TINY)
def test_a_spectrum_out_of_range_is_refused(factor) -> None:
    z, label = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 4
    for spectrum in (g.covariance_spectrum, lambda z: g.class_mean_spectrum(z, label)):
        with pytest.raises(ValueError, match=r"squares torch.float32 holds.*give z.double\(\)"):
            spectrum(z * factor)
        wide = spectrum((z * factor).double())
        torch.testing.assert_close(wide / factor**2, spectrum(z.double()))
        expected = g.effective_rank(spectrum(z.double()))
        torch.testing.assert_close(g.effective_rank(wide), expected)


def test_a_power_of_two_changes_no_digit() -> None:
    for dtype in DTYPES:
        finest = torch.finfo(dtype)
        for exponent in range(int(math.log2(finest.tiny)), int(math.log2(finest.max))):
            z = torch.tensor([[0.75, -1.5]], dtype=dtype) * 2.0**exponent
            small, size = scaled(z)
            assert torch.equal(small.abs().max(), torch.tensor(1.5, dtype=dtype))
            assert torch.equal(small * size, z)
    for z in (torch.zeros(2, 1), torch.tensor([[math.nan], [1.0]]), torch.tensor([[math.inf]])):
        assert scaled(z)[1] == 1


def test_pairs_far_from_the_origin_are_as_far_apart_as_near_it() -> None:
    pair = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat_interleave(2, 0)
    near = float(g.uniformity(pair))
    assert math.isclose(near, math.log((1 + 2 * math.exp(-8)) / 3), rel_tol=1e-6)
    assert math.isclose(g.uniformity(pair + 4096), near, rel_tol=1e-6)
    assert math.isclose(g.uniformity(4096 * pair), math.log(1 / 3), rel_tol=1e-6)
    for seed in range(5):
        row = 4096 * point(seed, 8, 50, torch.float32, ulps=1)
        two = torch.cat([row[:4], -row[4:]])
        assert math.isclose(g.uniformity(two), math.log(12 / 28), rel_tol=1e-6)


def test_ties_of_class_means_are_shared() -> None:
    z, label = torch.tensor([[1.0, 0.0], [1.0, 1e-9], [0.0, 1.0]]), torch.tensor([0, 1, 2])
    assert math.isclose(g.nearest_class_mean(z, label), (1 / 2 + 1 / 2 + 1) / 3, rel_tol=1e-6)
    backwards = g.nearest_class_mean(z.flip(0), label.flip(0))
    assert math.isclose(backwards, 2 / 3, rel_tol=1e-6)
    other = g.nearest_class_mean(z, label, (z[:2], torch.tensor([7, 8])))
    assert other == 0


def test_one_class_and_one_graph_per_class() -> None:
    z, graph = point(0, 6, 4, torch.float32), torch.arange(3).repeat(2)
    one = g.negative_statistics(z, graph, torch.zeros(6))
    assert len(one.assumption_1()) == 0
    each = g.negative_statistics(z, graph, graph)
    assert len(each.assumption_1()) == 0
    assert each.rounding().isfinite().all()
    assert g.nearest_class_mean(z, torch.zeros(6, dtype=torch.long)) == 1
    assert g.within_class(z[:3], graph[:3]) == 0


def test_all_four_losses_agree_at_complete_collapse() -> None:
    z = point(3, 40, 16, torch.float32, ulps=1)
    seen = g.negative_statistics(z, torch.arange(20).repeat(2), torch.arange(20).repeat(2) % 4)
    losses = seen.losses()
    rounding = float(seen.rounding().max())
    assert max(losses.values()) - min(losses.values()) <= rounding
    assert math.isclose(losses["ucl"], math.log(2), rel_tol=1e-6)


def test_what_the_tolerance_is() -> None:
    one = torch.ones(1)
    assert tolerance(one) == 32 * 2**-23
    assert tolerance(one.double()) == 32 * 2**-52
    z = torch.tensor([[1.0], [1 + 2**-19], [1 + 2**-17]])
    assert difference(z, torch.ones(3, 1)).squeeze(1).tolist() == [0, 0, 2**-17]


def test_collapse_points_of_any_hardness() -> None:
    for classes, temperature, beta in ((2, 1.0, 0.0), (6, 0.7, 2.0), (100, 0.3, 5.0)):
        same, other = 1 / temperature, -1 / ((classes - 1) * temperature)
        near, far = math.exp(beta * same), (classes - 1) * math.exp(beta * other)
        mass = near / (near + far)
        n = mass * math.exp(same) + (1 - mass) * math.exp(other)
        expected = (math.log1p(n * math.exp(-same)), mass)
        assert g.collapse_point(classes, temperature, beta) == pytest.approx(expected)
    assert g.collapse_point(3, 1e-3, 50.0) == (math.log(2), 1.0)
    for call in (g.collapse_point, g.loss_floor):
        with pytest.raises(
            ValueError, match="classes to be a whole number of 2 or more, but got 1"
        ):
            call(1)
        with pytest.raises(ValueError, match="temperature to be above 0 and finite, but got 0"):
            call(2, 0)


def test_the_largest_number_is_scaled_too() -> None:
    for dtype in (torch.float32, torch.float64):
        most = torch.finfo(dtype).max
        z, size = scaled(torch.tensor([[most], [-most]], dtype=dtype))
        assert z.abs().max() < 2
        assert torch.equal(z * size, torch.tensor([[most], [-most]], dtype=dtype))
