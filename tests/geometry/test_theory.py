"""What anchors see, against loops; the four losses against the objectives; published floors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.geometry import (
    collapse_point,
    loss_floor,
    negative_statistics,
    negative_weights,
    simplex,
)
from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    EffectiveSampleSize,
    Exponential,
    PowerMean,
    Threshold,
    Triplet,
)


def rows(seed: int, graphs: int = 9, classes: int = 3):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * 2, 4, generator=generator, dtype=torch.float64), dim=1)
    label = torch.arange(graphs) % classes
    return z, torch.arange(graphs).repeat(2), label.repeat(2)


@pytest.mark.parametrize(
    ("classes", "floor", "ucl"),
    [(2, 0.1269, 0.4496), (3, 0.2014, 0.3935), (6, 0.2633, 0.3490), (100, 0.3106, 0.3152)],
)
def test_published_floors(classes, floor, ucl) -> None:
    assert round(loss_floor(classes), 4) == floor
    assert round(collapse_point(classes)[0], 4) == ucl


@pytest.mark.parametrize(
    ("classes", "beta", "mass"),
    [
        *[(2, 0.5, 0.73), (2, 1, 0.88), (2, 2, 0.98), (6, 1, 0.40), (6, 2, 0.69)],
        *[(100, 2, 0.07), (100, 5, 0.61), (100, 10, 0.996)],
    ],
)
def test_mass_at_collapse(classes, beta, mass) -> None:
    assert math.isclose(collapse_point(classes, beta=beta)[1], mass, abs_tol=0.006)


def test_the_collapse_point_is_the_limit_of_large_balanced_batches() -> None:
    label = torch.arange(3).repeat_interleave(200)
    z = simplex(3).double()[label]
    seen = negative_statistics(
        z, torch.arange(600), label, temperature=1.0, hardening=Exponential(1.0), positives="label"
    )
    assert math.isclose(seen.losses()["h-ucl"], collapse_point(3, beta=1.0)[0], abs_tol=5e-3)
    assert math.isclose(seen.losses()["scl"], loss_floor(3), abs_tol=1e-6)
    assert math.isclose(seen.losses()["h-scl"], loss_floor(3), abs_tol=1e-6)
    assert math.isclose(
        float(seen.same_class_mass().mean()), collapse_point(3, beta=1.0)[1], abs_tol=5e-3
    )


def test_floor_of_another_psi_and_of_the_sum() -> None:
    assert loss_floor(2, psi=Triplet(3.0)) == pytest.approx(1.0)
    assert loss_floor(2, temperature=0.5, negatives=7) == pytest.approx(
        math.log(1 + 7 * math.exp(-4))
    )


ETAS = {
    "exponential": Exponential(1.7),
    "power": PowerMean(1.7),
    "threshold": Threshold(1.4),
    "none above": Threshold(1e9),
    "callable": lambda s: F.logsigmoid(3 * s),
}


@pytest.mark.parametrize("positives", ["views", "label"])
@pytest.mark.parametrize("name", ETAS)
def test_four_losses_are_the_objectives(name, positives) -> None:
    z, graph, label = rows(0)
    eta = ETAS[name]
    seen = negative_statistics(z, graph, label, temperature=0.7, hardening=eta, positives=positives)
    found = seen.losses()
    shared = {"temperature": 0.7, "negative_reduction": "mean"}
    both = shared | {"positives": positives}
    assert found["scl"] == pytest.approx(SCL(**both)(z, graph=graph, label=label).item())
    assert found["h-scl"] == pytest.approx(
        HSCL(hardening=eta, **both)(z, graph=graph, label=label).item()
    )
    if positives == "views":
        assert found["ucl"] == pytest.approx(UCL(**shared)(z, graph=graph).item())
        assert found["h-ucl"] == pytest.approx(HUCL(hardening=eta, **shared)(z, graph=graph).item())
        summed = UCL(temperature=0.7)(z, graph=graph).item()
        assert seen.losses(negative_reduction="sum")["ucl"] == pytest.approx(summed)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 5))
def test_anchors_equal_loops(seed, beta) -> None:
    z, graph, label = rows(seed)
    seen = negative_statistics(z, graph, label, hardening=Exponential(beta))
    holds, mass, size = [], [], []
    for i in range(len(z)):
        s = {j: float(z[i] @ z[j]) / 0.5 for j in range(len(z)) if graph[j] != graph[i]}
        weight = {j: math.exp(beta * v) for j, v in s.items()}

        def mean(chosen, s=s, weight=weight):
            return sum(weight[j] * math.exp(s[j]) for j in chosen) / sum(weight[j] for j in chosen)

        same = [j for j in s if label[j] == label[i]]
        holds.append(mean(same) >= mean([j for j in s if label[j] != label[i]]))
        mass.append(sum(weight[j] for j in same) / sum(weight.values()))
        squares = sum(w * w for w in weight.values())
        size.append(sum(weight.values()) ** 2 / squares / len(s))
    assert seen.assumption_1().tolist() == holds
    torch.testing.assert_close(seen.same_class_mass(), torch.tensor(mass, dtype=torch.float64))
    torch.testing.assert_close(
        seen.effective_sample_size(), torch.tensor(size, dtype=torch.float64)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 5), st.floats(0.1, 2))
def test_orderings_of_both_papers(seed, beta, noise) -> None:
    generator = torch.Generator().manual_seed(seed)
    _, graph, label = rows(0)
    centre = torch.randn(3, 4, generator=generator, dtype=torch.float64)[label]
    z = centre + noise * torch.randn(18, 4, generator=generator, dtype=torch.float64)
    seen = negative_statistics(F.normalize(z, dim=1), graph, label, hardening=Exponential(beta))
    found = seen.losses()
    assert found["ucl"] <= found["h-ucl"] + 1e-12
    assert found["scl"] <= found["h-scl"] + 1e-12
    if seen.assumption_1().all():
        assert found["h-scl"] <= found["h-ucl"] + 1e-12


def test_blocks_and_self_setting_hardness(monkeypatch) -> None:
    from graph_hcl.geometry import theory

    z, graph, label = rows(1)
    whole = negative_statistics(z, graph, label, hardening=EffectiveSampleSize(0.4))
    torch.testing.assert_close(
        whole.effective_sample_size(),
        torch.full((18,), 0.4, dtype=torch.float64),
        rtol=1e-3,
        atol=0,
    )
    monkeypatch.setattr(theory, "BLOCK", 40)
    blocks = negative_statistics(z, graph, label, hardening=EffectiveSampleSize(0.4))
    torch.testing.assert_close(blocks.same, whole.same)
    torch.testing.assert_close(blocks.other, whole.other)


def test_anchors_without_another_label_are_left_out() -> None:
    z, graph, _ = rows(2)
    seen = negative_statistics(z, graph, torch.zeros_like(graph))
    assert math.isnan(seen.losses()["h-ucl"])
    assert len(seen.assumption_1()) == 0
    assert torch.equal(seen.same_class_mass(), torch.ones(18, dtype=torch.float64))


@pytest.mark.parametrize("eta", [*ETAS.values(), EffectiveSampleSize(0.4)], ids=[*ETAS, "adaptive"])
def test_weights_of_pairs_sum_to_what_anchors_see(eta) -> None:
    z, graph, label = rows(3)
    weight = negative_weights(z, graph, label, temperature=0.7, hardening=eta)
    torch.testing.assert_close(weight.sum(1), torch.ones(18, dtype=torch.float64))
    assert not weight[graph[:, None] == graph].any()
    if eta is not ETAS["none above"]:  # there, η is 0 and only the hardest negative counts
        mass = (weight * (label[:, None] == label)).sum(1)
        seen = negative_statistics(z, graph, label, temperature=0.7, hardening=eta)
        torch.testing.assert_close(mass, seen.same_class_mass())
    other = negative_weights(z, graph, label, temperature=0.7, hardening=eta, negatives="label")
    assert not other[label[:, None] == label].any()
    torch.testing.assert_close(other.sum(1), torch.ones(18, dtype=torch.float64))
    alone = negative_weights(z, graph, torch.zeros_like(label), hardening=eta, negatives="label")
    assert not alone.any()


def test_labels_that_differ_between_views_of_a_graph_are_no_negatives() -> None:
    z, graph, _ = rows(4)
    label = torch.arange(18) % 4
    seen = negative_statistics(z, graph, label, hardening=Exponential(1.0))
    number = torch.stack([seen.same.number.exp(), seen.other.number.exp()]).sum(0)
    torch.testing.assert_close(number, torch.full((18,), 16.0, dtype=torch.float64))
    mass = (negative_weights(z, graph, label) * (label[:, None] == label)).sum(1)
    torch.testing.assert_close(seen.same_class_mass(), mass)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda z, g, y: negative_statistics(z, g, y, positives="view"),
        lambda z, g, y: negative_statistics(z, g, y).losses("count"),
        lambda z, g, y: negative_weights(z, g, y, negatives="labels"),
        lambda z, g, y: negative_statistics(z, g, y, temperature=0.0),
        lambda z, g, y: negative_statistics(z * math.nan, g, y),
        lambda z, g, y: negative_statistics(z[:0], g[:0], y[:0]),
        lambda z, g, y: negative_statistics(z, g, y + 0.5),
        lambda z, g, y: negative_statistics(z, g.float(), y),
    ],
)
def test_what_would_be_silently_another_number_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"^Expected"):
        wrong(*rows(4))


def test_labels_and_features_of_other_types() -> None:
    z, graph, label = rows(5)
    expected = negative_statistics(z, graph, label, positives="label").losses()
    for kind in (torch.float32, torch.uint8):
        assert negative_statistics(z, graph, label.to(kind), positives="label").losses() == expected
    half = negative_statistics(z.half(), graph, label, positives="label").losses()
    assert half == pytest.approx(expected, rel=1e-2)
