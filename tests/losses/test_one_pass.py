"""One symmetric matrix, or blocks of whole rows, give the dense form's value and gradient."""

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.losses import (
    Exponential,
    LossSettings,
    NoHardening,
    Pairs,
    PowerMean,
    Threshold,
    contrastive_loss,
)
from graph_hcl.losses._kernels import dispatch, symmetric
from graph_hcl.losses._kernels.pair_loss import pair_loss, pair_slopes

KEYS = {
    "views": lambda graph, label: (graph, graph),
    "labels": lambda graph, label: (label, label),
    "views against labels": lambda graph, label: (graph, label),
    "latent classes": lambda graph, label: (graph, None),
    "one class": lambda graph, label: (graph, graph * 0),
}


def rows(seed: int, graphs: int, views: int = 2):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * views, 5, generator=generator, dtype=torch.float64), dim=1)
    label = torch.randint(4, (graphs,), generator=generator).repeat(views)
    return z, torch.arange(graphs).repeat(views), label


def both(*leaves, pairs, **options):
    found = []
    for mode in ("dense", "auto"):
        fresh = [leaf.detach().clone().requires_grad_() for leaf in leaves]
        with patch.object(dispatch, "dense_loss", wraps=dispatch.dense_loss) as dense:
            value = contrastive_loss(fresh[0], pairs, *fresh[1:], mode=mode, **options)
        assert dense.called == (mode == "dense")
        found.append((value.detach(), torch.autograd.grad(value, fresh)))
    return found


@pytest.mark.parametrize("few", [0, 8])
@pytest.mark.parametrize("way", ["symmetric", "rows", "blocks"])
@pytest.mark.parametrize("beta", [None, 1.0, 0.5, 90.0, "power"])
@pytest.mark.parametrize("name", KEYS)
def test_equals_dense(name, beta, way, few, monkeypatch) -> None:
    monkeypatch.setattr(symmetric, "FEW", few)
    if way != "symmetric":
        monkeypatch.setattr(dispatch, "logit_bound", lambda *_: None)
    if way == "blocks":
        monkeypatch.setattr(dispatch, "ROWWISE_MEMORY", 8 * 42 * 5)
    z, graph, label = rows(0, graphs=21)
    log_eta = NoHardening() if beta is None else Exponential(1.0 if beta == "power" else beta)
    if beta == "power":
        log_eta = PowerMean(1.5)
    pairs = Pairs.among(*KEYS[name](graph, label))
    for options in (
        {"tau_plus": 0.1},
        {"average": "pair", "negative_reduction": "mean"},
        {"detach_weights": beta != "power", "temperature": 0.2},
        {"denominator": "negatives", "negative_reduction": 17.5},
    ):
        dense, found = both(z, pairs=pairs, hardening=log_eta, **options)
        torch.testing.assert_close(found, dense, rtol=1e-12, atol=1e-12)
        assert name == "one class" or dense[0].abs() > 0.1


def test_pairs_with_a_direction_are_not_taken_for_symmetric() -> None:
    z, graph, label = rows(2, graphs=9)
    for pairs in (
        Pairs((graph, label), (label, graph)),
        Pairs((graph, graph), None, self_index=torch.arange(18).roll(9)),
        Pairs((graph, graph), (label, label.clone())),
    ):
        dense, found = both(z, pairs=pairs, hardening=Exponential(1.0))
        torch.testing.assert_close(found, dense, rtol=1e-12, atol=1e-12)
        tiled = contrastive_loss(z, pairs, hardening=Exponential(1.0), mode="tiled")
        torch.testing.assert_close(tiled, dense[0], rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 30),
    st.integers(2, 9),
    st.integers(1, 9),
    st.booleans(),
)
def test_rectangular_equals_dense(seed, nodes, graphs, height, every) -> None:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(nodes, 3, generator=generator, dtype=torch.float64)
    x = torch.randn(graphs, 3, generator=generator, dtype=torch.float64)
    owner, names = torch.randint(graphs + 1, (nodes,), generator=generator), torch.arange(graphs)
    pairs = Pairs((owner, names), None if every else (owner, names))
    with patch.object(dispatch, "ROWWISE_MEMORY", 16 * graphs * height):
        dense, found = both(a, x, pairs=pairs, hardening=Exponential(1.5))
    torch.testing.assert_close(found, dense, rtol=1e-10, atol=1e-12)


def test_equals_dense_at_full_size_in_float32() -> None:
    z, graph, label = rows(1, graphs=600)
    for key in (graph, label):
        pairs = Pairs.among(key, key)
        _, found = both(z.float(), pairs=pairs, hardening=Exponential(1.0))
        exact, _ = both(z, pairs=pairs, hardening=Exponential(1.0))
        torch.testing.assert_close(found[0].double(), exact[0], rtol=1e-5, atol=0)
        torch.testing.assert_close(found[1][0].double(), exact[1][0], rtol=1e-4, atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(
    st.booleans(),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.floats(-5, 5),
    st.floats(-2, 2),
    st.floats(0, 5),
)
def test_slopes_of_a_pair_are_its_derivatives(joint, tau_plus, log_n, s, log_q) -> None:
    denominator = "negatives" if joint else "positive-and-negatives"
    chosen = LossSettings(denominator=denominator, tau_plus=tau_plus)
    n, near, q = (
        torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (log_n, s, log_q)
    )
    value = pair_loss(chosen, n, near, q)
    expected = torch.autograd.grad(value, (n, near), allow_unused=True, materialize_grads=True)
    found = pair_slopes(chosen, n.detach(), near.detach(), q.detach())
    torch.testing.assert_close(found[0], value.detach())
    torch.testing.assert_close(found[1:], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("log_eta", [Exponential(1.0), Threshold(1.1)])
def test_fixed_samples_leave_the_gradient_of_the_anchors_as_it_is(log_eta) -> None:
    torch.manual_seed(0)
    a, x = torch.randn(7, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    keys = torch.tensor([0, 1, 2, 3, 4, 0, 1]), torch.arange(5)
    pairs = Pairs(keys, keys)
    both = a.clone().requires_grad_(), x.clone().requires_grad_()
    alone = a.clone().requires_grad_()
    contrastive_loss(both[0], pairs, both[1], hardening=log_eta).backward()
    contrastive_loss(alone, pairs, x, hardening=log_eta).backward()
    torch.testing.assert_close(alone.grad, both[0].grad)
    assert both[1].grad is not None
    assert both[1].grad.abs().sum() > 0
