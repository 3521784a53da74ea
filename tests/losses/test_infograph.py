"""InfoGraph's loss against loops; hard negatives gain weight and positives are attracted."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.losses import (
    Exponential,
    HInfoGraph,
    InfoGraph,
    ObjectiveTags,
    Pairs,
    Threshold,
    jensen_shannon_loss,
)


def inputs(seed: int = 0, nodes: int = 9, graphs: int = 3):
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(nodes, 4, generator=generator, dtype=torch.float64)
    g = torch.randn(graphs, 4, generator=generator, dtype=torch.float64)
    owner, names = torch.arange(nodes) % graphs, torch.arange(graphs)
    return h, g, Pairs((owner, names), (owner, names))


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_shares_of_several_positives_are_of_the_features_type() -> None:
    h, g, _ = inputs(graphs=6)
    owner, names = torch.arange(9) % 2, torch.arange(6) % 2
    found = jensen_shannon_loss(h, g, Pairs((owner, names), (owner, names)))
    total = 0.0
    for i in range(9):
        s = [float(h[i] @ each) for each in g]
        near = [softplus(-s[j]) for j in range(6) if names[j] == owner[i]]
        far = [softplus(s[j]) for j in range(6) if names[j] != owner[i]]
        total += sum(near) / 3 + sum(far) / 3 - 2 * math.log(2)
    assert float(found) == pytest.approx(total / 9, rel=1e-13)


@pytest.mark.parametrize("tau_plus", [0.0, 0.2, 0.9])
@pytest.mark.parametrize("beta", [0.0, 1.5])
def test_equals_loops(beta, tau_plus) -> None:
    h, g, pairs = inputs()
    total = []
    for i in range(len(h)):
        s = [float(h[i] @ g[j]) / 0.8 for j in range(len(g))]
        own = i % 3
        others = [j for j in range(3) if j != own]
        weights = [math.exp(beta * s[j]) for j in others]
        far = sum(w * softplus(s[j]) for w, j in zip(weights, others, strict=True)) / sum(weights)
        if tau_plus:
            far = max((far - tau_plus * softplus(s[own])) / (1 - tau_plus), 0.0)
        total.append(softplus(-s[own]) + far)
    found = jensen_shannon_loss(
        h, g, pairs, temperature=0.8, hardening=Exponential(beta), tau_plus=tau_plus
    )
    assert math.isclose(float(found), sum(total) / len(total) - 2 * math.log(2), rel_tol=1e-12)


def test_plain_is_the_published_infograph_loss() -> None:
    """E_neg − E_pos with E_pos = log 2 − softplus(−s), E_neg = softplus(−s) + s − log 2."""
    h, g, pairs = inputs(1)
    s = h @ g.t()
    positive, negative = pairs.masks()
    e_pos = (math.log(2) - F.softplus(-s))[positive].mean()
    e_neg = (F.softplus(-s) + s - math.log(2))[negative].mean()
    torch.testing.assert_close(jensen_shannon_loss(h, g, pairs), e_neg - e_pos)


def pulls(beta: float, tau_plus: float):
    """Return d loss / d s of one node against its own graph and two others, of s = 1, 2, −2."""
    s = torch.tensor([1.0, 2.0, -2.0], dtype=torch.float64, requires_grad=True)
    owner, names = torch.tensor([0]), torch.arange(3)
    loss = jensen_shannon_loss(
        torch.ones(1, 1, dtype=torch.float64),
        s[:, None],
        Pairs((owner, names), (owner, names)),
        hardening=Exponential(beta),
        tau_plus=tau_plus,
        detach_weights=True,
    )
    return torch.autograd.grad(loss, s)[0].tolist()


def test_hard_negatives_gain_weight() -> None:
    _, plain_hard, plain_easy = pulls(0.0, 0.0)
    _, hard, easy = pulls(1.0, 0.0)
    assert hard > plain_hard > 0
    assert 0 < easy < plain_easy
    # The published graph code weighs by exp(−2βq / max|q|): there the easy negative gains instead.
    published = torch.tensor([2.0, -2.0]).mul(-2.0 / 2.0).softmax(0)
    assert published[1] > published[0]


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 5), st.floats(0, 0.9))
def test_positives_are_attracted_whatever_the_debiasing(beta, tau_plus) -> None:
    own, *_ = pulls(beta, tau_plus)
    plain, *_ = pulls(beta, 0.0)
    assert plain < -0.2
    assert own <= plain + 1e-12  # debiasing never weakens the pull


def test_gradient_and_corners() -> None:
    h, g, pairs = inputs(2)
    for options in ({}, {"hardening": Exponential(1.0), "tau_plus": 0.1}):
        assert torch.autograd.gradcheck(
            lambda h, g, o=options: jensen_shannon_loss(h, g, pairs, **o),
            (h.requires_grad_(), g.requires_grad_()),
        )
    hardest = jensen_shannon_loss(h, g, pairs, hardening=Threshold(1e30))
    limit = jensen_shannon_loss(h, g, pairs, hardening=Exponential(500.0))
    torch.testing.assert_close(hardest, limit, rtol=1e-3, atol=1e-3)
    one = torch.zeros(1, dtype=torch.long)
    alone = jensen_shannon_loss(h[:1], g[:1], Pairs((one, one), (one, one)))
    assert alone.item() == 0
    alone.backward()
    with pytest.raises(ValueError, match="nodes"):
        jensen_shannon_loss(h, g[:, :2], pairs)


def test_objectives() -> None:
    h, g, pairs = inputs(3)
    owner, names = pairs.positive
    torch.testing.assert_close(
        InfoGraph()(g, graph=names, nodes=h, node_graph=owner), jensen_shannon_loss(h, g, pairs)
    )
    hard = HInfoGraph(beta=2.0, tau_plus=0.1)(g, graph=names, nodes=h, node_graph=owner)
    expected = jensen_shannon_loss(h, g, pairs, hardening=Exponential(2.0), tau_plus=0.1)
    torch.testing.assert_close(hard, expected)
    assert InfoGraph().tags == ObjectiveTags(nodes=True)
