"""Hardness that sets itself: what it promises holds for every anchor."""

import math

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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_class_mass_stays_under_its_bound(seed, bound, prior) -> None:
    z, graph, _ = rows(seed)
    betas = solve_betas(ClassMass(bound, prior), z, z, Pairs.among(graph, graph), 0.5)
    for i, beta in enumerate(betas.tolist()):
        near = float(z[i] @ z[(i + 12) % 24]) / 0.5
        s = [float(z[i] @ z[j]) / 0.5 for j in range(len(z)) if graph[j] != graph[i]]

        def log_mass(beta, near=near, s=s):
            top = max(s)
            mean = sum(math.exp(beta * (v - top)) for v in s) / len(s)
            return math.log(prior) + beta * (near - top) - math.log(mean)

        if prior > bound:
            assert beta == 0
            continue
        for x in (0.1, 0.5, 0.9, 1.0):
            assert log_mass(x * beta) <= math.log(bound) + 1e-3
        if beta < 99:  # it is the largest: just above, the bound is passed
            assert log_mass(beta * 1.01 + 1e-4) > math.log(bound) - 1e-3


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


@pytest.mark.parametrize("make", [lambda: EffectiveSampleSize(0.0), lambda: ClassMass(1.0, 0.1)])
def test_mistakes(make) -> None:
    with pytest.raises(ValueError, match="Expected"):
        make()
