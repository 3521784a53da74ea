"""The general class ψ: against loops, its limits, and the floor at a simplex."""

import math

import pytest
import torch
from torch.nn import functional as F

from graph_hcl.losses import (
    HSCL,
    SCL,
    Exponential,
    InfoNCE,
    Logistic,
    Pairs,
    Threshold,
    Triplet,
    contrastive_loss,
    psi_loss,
)
from graph_hcl.losses._kernels import dense


def rows(seed: int, graphs: int = 5):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * 2, 4, generator=generator, dtype=torch.float64), dim=1)
    label = torch.randint(3, (graphs,), generator=generator).repeat(2)
    return z, torch.arange(graphs).repeat(2), label


def quadratic(t, q):
    """A user's ψ: convex, non-decreasing, in one batched expression."""
    return (q * (t + 3).clamp_min(0) ** 2).sum(1)


def weighted(f):
    return lambda t, q: sum(b * f(a) for a, b in zip(t, q, strict=True))


SCALAR = {
    "infonce": (InfoNCE(0.5), lambda t, q: math.log(0.5 + weighted(math.exp)(t, q))),
    "triplet": (Triplet(0.7), weighted(lambda a: max(0, a + 0.7))),
    "logistic": (Logistic(), weighted(lambda a: math.log1p(math.exp(a)))),
    "user": (quadratic, weighted(lambda a: max(0, a + 3) ** 2)),
}


@pytest.mark.parametrize("average", ["anchor", "pair"])
@pytest.mark.parametrize("q", ["sum", "mean"])
@pytest.mark.parametrize("name", SCALAR)
def test_equals_loops(name, q, average) -> None:
    psi, scalar = SCALAR[name]
    z, _, label = rows(0)
    temperature, beta = 0.7, 1.3
    anchors, every = [], []
    for i in range(len(z)):
        s = [float(z[i] @ z[j]) / temperature for j in range(len(z))]
        negatives = [j for j in range(len(z)) if label[j] != label[i]]
        weights = [math.exp(beta * s[j]) for j in negatives]
        scale = (len(negatives) if q == "sum" else 1) / sum(weights)
        losses = [
            scalar([s[j] - s[p] for j in negatives], [scale * w for w in weights])
            for p in range(len(z))
            if label[p] == label[i] and p != i
        ]
        anchors.append(sum(losses) / len(losses))
        every += losses
    chosen = anchors if average == "anchor" else every
    found = psi_loss(
        z,
        Pairs.among(label, label),
        psi=psi,
        temperature=temperature,
        hardening=Exponential(beta),
        negative_reduction=q,
        average=average,
    )
    assert math.isclose(float(found), sum(chosen) / len(chosen), rel_tol=1e-12)


@pytest.mark.parametrize(
    "psi",
    [InfoNCE(), Triplet(5.0), Logistic(), quadratic],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_gradient_and_chunks(psi, monkeypatch) -> None:
    z, graph, _ = rows(1)
    pairs = Pairs.among(graph, graph)

    def loss(z):
        return psi_loss(z, pairs, psi=psi, hardening=Exponential(1.0))

    z.requires_grad_()
    assert torch.autograd.gradcheck(loss, (z,))
    whole = loss(z)
    monkeypatch.setattr(dense, "CHUNK", 30)
    torch.testing.assert_close(loss(z), whole)
    torch.testing.assert_close(torch.autograd.grad(loss(z), z), torch.autograd.grad(whole, z))


@pytest.mark.parametrize("q", ["sum", "mean"])
def test_infonce_is_the_closed_form(q) -> None:
    z, graph, label = rows(2)
    for positive, negative in ((graph, graph), (label, label), (label, None)):
        for eta in (Exponential(0.0), Exponential(2.0), Threshold(1.2), Threshold(1e9)):
            pairs = Pairs.among(positive, negative)
            torch.testing.assert_close(
                psi_loss(z, pairs, psi=InfoNCE(), hardening=eta, negative_reduction=q),
                contrastive_loss(z, pairs, hardening=eta, negative_reduction=q),
            )


def test_sampled_negatives_have_the_mean_of_all() -> None:
    z, graph, _ = rows(3)
    pairs, psi = Pairs.among(graph, graph), Triplet(1.0)  # linear in q, so sampling has no bias
    exact = psi_loss(z, pairs, psi=psi, hardening=Exponential(1.0))
    torch.manual_seed(0)
    sampled = psi_loss(z, pairs, psi=psi, hardening=Exponential(1.0), num_negatives=20_000)
    torch.testing.assert_close(sampled, exact, rtol=0.01, atol=0)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_floor_at_the_simplex(classes) -> None:
    """ψ(−C/(C−1)) with mean weights, by arXiv 2311.05139, theorem 2."""
    centred = torch.eye(classes, dtype=torch.float64) - 1 / classes
    z = F.normalize(centred, dim=1).repeat_interleave(3, 0)
    label = torch.arange(classes).repeat_interleave(3)
    graph, gap = torch.arange(len(z)), -classes / (classes - 1)
    for psi, value in (
        ("triplet", max(0, gap + 2.5)),
        ("logistic", math.log1p(math.exp(gap))),
        ("infonce", math.log1p(math.exp(gap))),
    ):
        options = {"margin": 2.5} if psi == "triplet" else None
        shared = {
            "temperature": 1.0,
            "negative_reduction": "mean",
            "psi": psi,
            "psi_options": options,
        }
        for objective in (SCL(**shared), HSCL(beta=5.0, **shared)):
            assert math.isclose(float(objective(z, graph=graph, label=label)), value, abs_tol=1e-6)


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="tau_plus 0 with psi"):
        SCL(psi="triplet", tau_plus=0.1)
    with pytest.raises(ValueError, match="alpha"):
        InfoNCE(-1.0)
