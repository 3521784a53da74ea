"""Collapse metrics on constructions whose values are known, and against loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from graph_hcl import geometry as g
from graph_hcl.geometry import distances


def noisy(classes: int, noise: float, per_class: int = 50):
    generator = torch.Generator().manual_seed(classes)
    label = torch.arange(classes).repeat_interleave(per_class)
    z = g.simplex(classes).double()[label]
    return z + noise * torch.randn(z.shape, generator=generator, dtype=z.dtype), label


@pytest.mark.parametrize("classes", [2, 3, 6, 30])
def test_neural_collapse_has_all_metrics_at_their_ends(classes) -> None:
    z, label = noisy(classes, 0.0)
    means = g.class_means(z, label)
    for metric in (g.zero_sum(means), g.unit_norm(means), g.equal_inner_product(means)):
        assert metric < 1e-6
    assert g.within_class(z, label) < 1e-6
    assert g.nearest_class_mean(z, label) == 1
    spectrum = g.class_mean_spectrum(z, label)
    assert len(spectrum) == classes - 1
    torch.testing.assert_close(
        spectrum, torch.full_like(spectrum, 1 / (classes - 1)), rtol=1e-5, atol=0
    )
    assert g.live_dimensions(spectrum) == classes - 1
    assert math.isclose(g.effective_rank(spectrum), classes - 1, rel_tol=1e-5)


def test_away_from_collapse_each_metric_grows_with_what_it_measures() -> None:
    z, label = noisy(4, 0.0)
    assert math.isclose(g.unit_norm(g.class_means(0.5 * z, label)), 0.5, rel_tol=1e-6)
    shifted = z + torch.tensor([3.0, 0, 0, 0])
    assert math.isclose(g.zero_sum(g.class_means(shifted, label)), 3.0, rel_tol=1e-6)
    assert g.within_class(noisy(4, 0.3)[0], label) > g.within_class(noisy(4, 0.1)[0], label) > 0.1
    orthogonal = torch.eye(4)
    assert math.isclose(g.equal_inner_product(orthogonal), 1 / 3, rel_tol=1e-6)


def test_collapse_to_a_point_and_to_a_line() -> None:
    point = torch.ones(20, 5, dtype=torch.float64) / 5**0.5
    label = torch.arange(20) % 4
    assert g.feature_std(point) < 1e-15
    assert abs(g.uniformity(point)) < 1e-15
    assert math.isclose(g.rankme(point), 1, rel_tol=1e-3)
    line = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None] * torch.ones(1, 5)
    assert g.live_dimensions(g.covariance_spectrum(line)) == 1
    assert g.live_dimensions(g.class_mean_spectrum(line, label)) == 1
    assert math.isclose(g.effective_rank(g.covariance_spectrum(line)), 1, rel_tol=1e-6)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_rank_of_low_rank_data(rank) -> None:
    generator = torch.Generator().manual_seed(rank)
    basis = torch.linalg.qr(torch.randn(10, rank, generator=generator, dtype=torch.float64))[0]
    z = torch.randn(500, rank, generator=generator, dtype=torch.float64) @ basis.t()
    assert g.live_dimensions(g.covariance_spectrum(z)) == rank
    assert rank - 0.5 < g.rankme(z) <= rank + 0.01


def test_isotropic_gaussian() -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(20_000, 8, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(
        g.covariance_spectrum(z), torch.ones(8, dtype=z.dtype), atol=0.05, rtol=0
    )
    assert abs(g.feature_std(z) - 1) < 0.02
    assert abs(g.effective_rank(g.covariance_spectrum(z)) - 8) < 0.01
    sphere = torch.nn.functional.normalize(z, dim=1)
    assert abs(g.feature_std(sphere) - 1 / 8**0.5) < 0.01
    # ‖x − y‖² of two Gaussians is 2 χ²_8: E e^{−t·2χ²} = (1 + 4t)^{−4}.
    assert abs(g.uniformity(z[:3000], t=0.1) + 4 * math.log(1.4)) < 0.02


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(5, 20))
def test_equal_loops(seed, classes, rows) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    label = torch.cat(
        [torch.arange(classes), torch.randint(classes, (rows,), generator=generator)]
    )[:rows]
    label = label[: len(z)] * 10  # labels need not be 0 … C−1
    names = sorted(set(label.tolist()))
    means = [z[label == c].mean(0) for c in names]
    torch.testing.assert_close(g.class_means(z, label), torch.stack(means))
    within = [
        sum(float((row - m).norm()) for row in z[label == c]) / int((label == c).sum())
        for c, m in zip(names, means, strict=True)
    ]
    assert math.isclose(g.within_class(z, label), sum(within) / len(names), rel_tol=1e-9)
    cosines = [
        abs(float(torch.cosine_similarity(a, b, dim=0)) + 1 / (len(names) - 1))
        for i, a in enumerate(means)
        for j, b in enumerate(means)
        if i != j
    ]
    found = float(g.equal_inner_product(torch.stack(means)))
    assert math.isclose(found, sum(cosines) / len(cosines), rel_tol=1e-9)
    right = sum(
        names[max(range(len(names)), key=lambda c: float(row @ means[c]))] == y
        for row, y in zip(z, label.tolist(), strict=True)
    )
    assert math.isclose(g.nearest_class_mean(z, label), right / len(z), rel_tol=1e-9)
    squares = [
        math.exp(-2 * float((z[i] - z[j]).square().sum())) for i in range(len(z)) for j in range(i)
    ]
    assert math.isclose(g.uniformity(z), math.log(sum(squares) / len(squares)), rel_tol=1e-9)


def test_class_means_of_other_graphs_decide() -> None:
    z, label = torch.eye(2), torch.tensor([0, 1])
    assert g.nearest_class_mean(z, label, fitted=(z.flip(0), label)) == 0
    assert g.nearest_class_mean(z, label, fitted=(z, label)) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: g.class_means(torch.ones(3), torch.zeros(3)),
        lambda: g.class_means(torch.ones(3, 2), torch.zeros(2)),
        lambda: g.equal_inner_product(torch.ones(1, 2)),
        lambda: g.uniformity(torch.ones(1, 2)),
        lambda: g.loss_floor(1),
        lambda: g.negative_statistics(torch.ones(2, 2), torch.arange(3), torch.arange(2)),
    ],
)
def test_mistakes(call) -> None:
    with pytest.raises(ValueError, match="Expected"):
        call()


WITH_LABELS = ("class_means", "within_class", "nearest_class_mean", "class_mean_spectrum")
ALONE = ("covariance_spectrum", "rankme", "uniformity", "feature_std", "spread", "zero_sum",
         "unit_norm", "equal_inner_product")  # fmt: skip


@pytest.mark.parametrize("name", [*WITH_LABELS, *ALONE])
def test_arrays_and_whole_numbers_are_named(name: str) -> None:
    measure, label = getattr(g, name), [torch.arange(4)] if name in WITH_LABELS else []
    with pytest.raises(ValueError, match=r"^Expected (z|means) to be a tensor, but got ndarray"):
        measure(torch.eye(4).numpy(), *label)
    with pytest.raises(ValueError, match=r"^Expected (z|means) to hold floats, but got torch.int"):
        measure(torch.eye(4).long(), *label)
    with pytest.raises(ValueError, match=r"^Expected (z|means) \[M, d\] of .* or more, but got"):
        measure(torch.eye(4)[0], *label)
    for other in label:
        with pytest.raises(ValueError, match=r"^Expected label to be a tensor, but got list"):
            measure(torch.eye(4), other.tolist())


@pytest.mark.parametrize("name", ["live_dimensions", "effective_rank"])
def test_a_spectrum_is_a_tensor(name: str) -> None:
    with pytest.raises(ValueError, match=r"^Expected spectrum to be a tensor, but got list"):
        getattr(g, name)([1.0, 0.5])


def test_half_precision_is_computed_in_single() -> None:
    z = 300 * torch.randn(12, 3, generator=torch.Generator().manual_seed(0)).half()
    label = torch.arange(12) % 3
    for measure in (g.covariance_spectrum, g.rankme, g.uniformity, g.feature_std):
        torch.testing.assert_close(measure(z), measure(z.float()))
    for measure in (g.class_means, g.within_class, g.nearest_class_mean, g.class_mean_spectrum):
        torch.testing.assert_close(measure(z, label), measure(z.float(), label.float()))
    with pytest.raises(ValueError, match="whole numbers"):
        g.class_means(z, label / 0)


LABELS = torch.arange(8) % 3
MEASURES = {
    "uniformity": g.uniformity,
    "alignment": lambda z: g.alignment(z, z.flip(0)),
    "effective rank": lambda z: g.effective_rank(g.covariance_spectrum(z)),
    "rankme": g.rankme,
    "covariance": g.covariance_spectrum,
    "class covariance": lambda z: g.class_mean_spectrum(z, LABELS),
    "feature std": g.feature_std,
    "spread": g.spread,
    "zero sum": lambda z: g.zero_sum(g.class_means(z, LABELS)),
    "unit norm": lambda z: g.unit_norm(g.class_means(z, LABELS)),
    "angles": lambda z: g.equal_inner_product(g.class_means(z, LABELS)),
    "within class": lambda z: g.within_class(z, LABELS),
}


@pytest.mark.parametrize("columns", [3, 16])
@pytest.mark.parametrize("name", MEASURES)
def test_derivatives_are_those_of_central_differences(name: str, columns: int) -> None:
    generator = torch.Generator().manual_seed(columns)
    z = torch.randn(8, columns, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(MEASURES[name], (z,))


@pytest.mark.parametrize("name", MEASURES)
def test_derivatives_at_collapse_are_finite(name: str) -> None:
    z = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    dead = torch.cat([z, torch.zeros(8, 1)], 1)
    opposite = torch.cat([z[:3], z[3:6], -z[:2]])
    opposite[6] -= z[3]
    for collapsed in (dead, opposite, z[:2].repeat(4, 1), torch.ones(8, 4)):
        leaf = collapsed.clone().requires_grad_()
        MEASURES[name](leaf).sum().backward()
        assert leaf.grad.isfinite().all()


def test_the_effective_rank_of_single_precision_has_the_derivative_of_double() -> None:
    z = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
    slopes = []
    for kind in (torch.float32, torch.float64):
        leaf = z.to(kind, copy=True).requires_grad_()
        g.effective_rank(g.covariance_spectrum(leaf)).backward()
        slopes.append(leaf.grad)
    torch.testing.assert_close(slopes[0].double(), slopes[1], rtol=1e-4, atol=1e-5)


def test_uniformity_can_be_transformed() -> None:
    z = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(0))
    each = torch.stack([g.uniformity(one) for one in z])
    torch.testing.assert_close(torch.func.vmap(g.uniformity)(z), each)
    leaf = z[0].clone().requires_grad_()
    g.uniformity(leaf).backward()
    torch.testing.assert_close(torch.func.grad(g.uniformity)(z[0]), leaf.grad)


def test_rankme_without_an_epsilon_counts_no_empty_dimension() -> None:
    z = torch.cat([torch.eye(3), torch.zeros(3, 2)], 1)
    assert g.rankme(torch.cat([z, torch.zeros(2, 5)]), epsilon=0.0) == pytest.approx(3)


FAR = {
    "two rows": torch.tensor([[10.0], [-10.0]]),
    "many dimensions": torch.randn(100, 64, generator=torch.Generator().manual_seed(0)),
    "two clusters": torch.randn(100, 2, generator=torch.Generator().manual_seed(1))
    + torch.tensor([500.0, -500.0]).repeat_interleave(50)[:, None],
    "a large sphere": 100
    * F.normalize(torch.randn(100, 3, generator=torch.Generator().manual_seed(2)), dim=1),
}


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("t", [1.0, 2.0])
def test_uniformity_off_the_unit_sphere(name: str, t: float) -> None:
    z = FAR[name]
    square = torch.pdist(z.double()).square()
    expected = float(torch.logsumexp(-t * square, 0)) - math.log(len(square))
    assert g.uniformity(z, t) == pytest.approx(expected, rel=1e-6)
    leaf = z.clone().requires_grad_()
    g.uniformity(leaf, t).backward()
    exact = z.double().requires_grad_()
    torch.logsumexp(-t * torch.pdist(exact).square(), 0).backward()
    torch.testing.assert_close(leaf.grad.double(), exact.grad, rtol=1e-4, atol=1e-4)
    assert g.uniformity(z).dtype == z.dtype


class Largest(TorchDispatchMode):
    """Keeps the number of values of the largest tensor that is computed."""

    values = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else [out]:
            if isinstance(one, torch.Tensor):
                self.values = max(self.values, one.numel())
        return out


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_uniformity_takes_a_tile_at_a_time(kind: torch.dtype, monkeypatch) -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(150, 4, generator=generator, dtype=kind).repeat(2, 1)  # with equal rows
    slope = torch.randn(z.shape, generator=generator, dtype=kind)
    found = []
    for tile in (2**20, 2000, 1):
        monkeypatch.setattr(distances, "TILE", tile)
        leaf = z.clone().requires_grad_()
        with Largest() as largest:
            value = g.uniformity(leaf)
            (first,) = torch.autograd.grad(value, leaf, create_graph=True)
            (second,) = torch.autograd.grad((first * slope).sum(), leaf)
        assert largest.values <= max(tile, z.numel()) or tile == 2**20
        assert g.uniformity(z) == value
        found.append((value.detach(), first.detach(), second))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0])
