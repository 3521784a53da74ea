"""Hardness that sets itself: what it promises holds for every anchor."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.losses import HSCL, HUCL, ClassMass, EffectiveSampleSize, Pairs, contrastive_loss
from graph_hcl.losses.adaptive import mean_positive, solve_betas


def rows(seed: int, graphs: int = 12):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * 2, 4, generator=generator, dtype=torch.float64), dim=1)
    label = torch.randint(3, (graphs,), generator=generator).repeat(2)
    return z, torch.arange(graphs).repeat(2), label


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.15, 1.0), st.booleans())
def test_effective_sample_size_is_the_share_of_the_negatives(seed, share, labelled) -> None:
    z, graph, label = rows(seed)
    key = label if labelled else graph
    betas = solve_betas(EffectiveSampleSize(share), z, z, Pairs.among(key, key), 0.5)
    for i, beta in enumerate(betas.tolist()):
        s = [float(z[i] @ z[j]) / 0.5 for j in range(len(z)) if key[j] != key[i]]
        if not s:
            assert beta == 0
            continue
        weights = [math.exp(beta * (v - max(s))) for v in s]
        size = sum(weights) ** 2 / sum(w * w for w in weights)
        if 0 < beta < 100:
            assert math.isclose(size, share * len(s), rel_tol=1e-3)
        else:
            assert size >= share * len(s) - 1e-6


def log_mass(beta, s, near, prior):
    """Return log m(β) of several β [N], in float64 and by its definition."""
    s = np.asarray(s, dtype=np.float64)
    top = s.max()
    mean = np.exp(np.multiply.outer(beta, s - top)).mean(-1)
    return math.log(prior) + np.asarray(beta) * (near - top) - np.log(mean)


def first_crossing(s, near, prior, bound, beta_max, also=()):
    """Return where a fine scan, 20 000 β and some more, first finds the mass above its bound."""
    beta = np.sort(
        np.concatenate(
            [
                np.linspace(0, beta_max, 10001),
                beta_max * np.logspace(-7, 0, 10000),
                np.asarray(also),
            ]
        )
    )
    over = log_mass(beta, s, near, prior) > math.log(bound)
    if not over.any():
        return beta_max
    if over[0]:
        return 0.0
    low, high = beta[over.argmax() - 1], beta[over.argmax()]
    for _ in range(80):
        middle = (low + high) / 2
        if log_mass(middle, s, near, prior) > math.log(bound):
            high = middle
        else:
            low = middle
    return low


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.floats(0.05, 0.9),
    st.floats(0.05, 0.9),
    st.sampled_from([3.0, 100.0]),
    st.sampled_from([0.05, 0.5, 2.0]),
)
def test_class_mass_is_the_first_crossing(seed, bound, prior, beta_max, temperature) -> None:
    z, graph, _ = rows(seed)
    hardening = ClassMass(bound, prior, beta_max)
    betas = solve_betas(hardening, z, z, Pairs.among(graph, graph), temperature)
    for i in range(0, 24, 5):
        beta, near = float(betas[i]), float(z[i] @ z[(i + 12) % 24]) / temperature
        s = [float(z[i] @ z[j]) / temperature for j in range(len(z)) if graph[j] != graph[i]]
        expected = first_crossing(s, near, prior, bound, beta_max)
        assert math.isclose(beta, expected, rel_tol=1e-7, abs_tol=1e-7)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 10**6),
    st.floats(-4.0, 4.0),
    st.floats(0.1, 8.0),
    st.sampled_from([1e-2, 1e-4, 1e-7]),
    st.booleans(),
)
def test_class_mass_finds_a_peak_however_narrow(seed, log_beta, spread, excess, above) -> None:
    """A mass that rises to a planted peak just above, or just below, its bound, and falls again."""
    generator = np.random.default_rng(seed)
    peak, prior = math.exp(log_beta), 0.1
    s = generator.normal(0, spread, 12)
    weights = np.exp(peak * (s - s.max()))
    near = float((weights * s).sum() / weights.sum())
    highest = float(log_mass(peak, s, near, prior))
    bound = math.exp(highest + (-excess if above else excess))
    if not (prior * 1.001 < bound < 0.999):
        return
    logits = torch.as_tensor(s)[None]
    (beta,) = (
        ClassMass(bound, prior)
        .betas(logits, logits == logits, torch.tensor([near], dtype=torch.float64))
        .tolist()
    )
    if not above:
        assert beta == 100
        return
    expected = first_crossing(s, near, prior, bound, 100.0, also=[peak])
    assert math.isclose(beta, expected, rel_tol=1e-6, abs_tol=1e-6)
    assert beta <= peak


def test_class_mass_at_its_corners() -> None:
    s, yes = torch.full((1, 4), 0.3), torch.ones(1, 4, dtype=torch.bool)
    same = torch.full((1,), 0.3)
    assert ClassMass(0.5, 0.1).betas(s, yes, same) == 100  # collapse: m is the prior throughout
    assert ClassMass(0.1, 0.5).betas(s, yes, same) == 0  # the prior is above the bound
    assert ClassMass(0.3, 0.3).betas(s, yes, same - 0.2) == 100  # it falls from the bound
    assert ClassMass(0.3, 0.3).betas(s, yes, same + 0.2) < 1e-6  # it rises from it
    for hardening in (ClassMass(), EffectiveSampleSize()):
        assert hardening.betas(s, ~yes, same) == 0  # no negatives


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.95), st.floats(0.1, 20.0))
def test_effective_sample_size_is_the_only_crossing(seed, share, spread) -> None:
    s = np.random.default_rng(seed).normal(0, spread, 15)
    beta = np.concatenate([np.linspace(0, 100, 5001), 100 * np.logspace(-7, 0, 5000)])
    weights = np.exp(np.multiply.outer(np.sort(beta), s - s.max()))
    size = weights.sum(1) ** 2 / (weights**2).sum(1)
    assert (np.diff(size) <= 1e-9).all()  # it falls, so that bisection finds its only crossing
    logits = torch.as_tensor(s)[None]
    (found,) = EffectiveSampleSize(share).betas(logits, logits == logits, logits[:, 0]).tolist()
    below = np.sort(beta)[size < share * 15]
    expected = below[0] if len(below) else 100.0
    before = np.sort(beta)[size >= share * 15].max()
    assert before - 1e-7 <= found <= expected + 1e-7


def test_the_loss_is_that_of_the_chosen_betas() -> None:
    z, graph, label = rows(0)
    for key in (graph, label):
        pairs, hardening = Pairs.among(key, key), EffectiveSampleSize(0.4)
        betas = solve_betas(hardening, z, z, pairs, 0.5)
        value = {}
        for mode in ("auto", "dense"):
            leaf = z.clone().requires_grad_()
            loss = contrastive_loss(leaf, pairs, hardening=hardening, mode=mode)
            value[mode] = loss.detach(), torch.autograd.grad(loss, leaf)[0]
        torch.testing.assert_close(value["auto"], value["dense"], rtol=1e-12, atol=1e-12)
        losses = []
        for i in range(len(z)):
            s = z @ z[i] / 0.5
            n = s[key != key[i]]
            weights = (betas[i] * n).softmax(0)
            log_n = (len(n) * (weights * n.exp()).sum()).log()
            positives = (key == key[i]) & (torch.arange(len(z)) != i)
            losses.append(F.softplus(log_n - s[positives]).mean())
        torch.testing.assert_close(value["auto"][0], torch.stack(losses).mean())


def test_hardened_more_than_plain_by_each_road() -> None:
    z, graph, label = rows(1)
    plain = HUCL(beta=0.0)(z, graph=graph)
    for name, options in (
        ("effective-sample-size", {"share": 0.3}),
        ("class-mass", {"bound": 0.5, "prior": 0.1}),
    ):
        assert HUCL(hardening=name, hardening_options=options)(z, graph=graph) > plain + 0.01
        assert HSCL(hardening=name, hardening_options=options)(
            z, graph=graph, label=label
        ).isfinite()


def test_large_batches_estimate_beta_from_some_columns() -> None:
    z, graph, _ = rows(2, graphs=1200)
    pairs = Pairs.among(graph, graph)
    some = solve_betas(EffectiveSampleSize(0.3), z, z, pairs, 0.5)
    s = z[:20] @ z.t() / 0.5
    near = mean_positive(z, z, pairs)[:20]
    exact = EffectiveSampleSize(0.3).betas(s, pairs.masks()[1][:20], near)
    torch.testing.assert_close(some[:20], exact, rtol=0.1, atol=0)


def test_large_batches_whose_labels_take_turns_have_negatives_of_all() -> None:
    z, _, _ = rows(3, graphs=400)
    for classes in (2, 3, 4, 7):
        label = torch.arange(len(z)) % classes  # every k-th row would have one label
        some = solve_betas(EffectiveSampleSize(0.3), z, z, Pairs.among(label, label), 0.5)
        s = z[:20] @ z.t() / 0.5
        exact = EffectiveSampleSize(0.3).betas(s, label[:20, None] != label, s[:, 0])
        torch.testing.assert_close(some[:20], exact, rtol=0.15, atol=0)


def test_rare_negatives_of_a_large_batch_are_found() -> None:
    z, _, _ = rows(4, graphs=400)
    label = torch.zeros(len(z), dtype=torch.long)
    label[[1, 300, 701]] = 1
    some = solve_betas(EffectiveSampleSize(0.6), z, z, Pairs.among(label, label), 0.5)
    common = label == 0
    s = z[common] @ z[~common].t() / 0.5
    exact = EffectiveSampleSize(0.6).betas(s, s == s, s[:, 0])
    assert (exact > 0).all()
    torch.testing.assert_close(some[common], exact)


@pytest.mark.parametrize("make", [lambda: EffectiveSampleSize(0.0), lambda: ClassMass(1.0, 0.1)])
def test_mistakes(make) -> None:
    with pytest.raises(ValueError, match="Expected"):
        make()
