"""Value and gradient of every member against loops in float64; the decided corners; overflow."""

import math
import subprocess
import sys

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    Bell,
    Exponential,
    NoHardening,
    NTXent,
    Pairs,
    PowerMean,
    SupCon,
    Threshold,
    contrastive_loss,
)

ETAS = {
    "none": (NoHardening(), lambda s: 1.0),
    "exponential": (Exponential(1.5), lambda s: torch.exp(1.5 * s)),
    "threshold": (Threshold(1.2), lambda s: float(torch.exp(s) >= 1.2)),
    "callable": (lambda s: F.logsigmoid(3 * s), lambda s: torch.sigmoid(3 * s)),
    "bell": (Bell(0.3, 0.8), lambda s: torch.exp(-((s - 0.3) ** 2) / (2 * 0.8**2))),
    "power": (PowerMean(1.5), lambda s: 1.0),
}
ORDERS = {"power": 2.5}


def rows(seed: int, graphs: int = 5, views: int = 2, dim: int = 4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * views, dim, generator=generator, dtype=dtype), dim=1)
    graph = torch.arange(graphs).repeat(views)
    label = torch.randint(3, (graphs,), generator=generator).repeat(views)
    return z, graph, label


KEYS = {
    "views": lambda graph, label: (graph, graph),
    "labels": lambda graph, label: (label, label),
    "views against labels": lambda graph, label: (graph, label),
    "latent classes": lambda graph, label: (label, None),
}


def value_and_gradient(loss, *tensors):
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    value = loss(*leaves)
    return value.detach(), torch.autograd.grad(value, leaves)


@pytest.mark.parametrize("average", ["anchor", "pair"])
@pytest.mark.parametrize("q", ["sum", "mean"])
@pytest.mark.parametrize("tau_plus", [0.0, 0.1])
@pytest.mark.parametrize("hardening", ETAS)
@pytest.mark.parametrize("keys", KEYS)
def test_equals_loops(reference, keys, hardening, tau_plus, q, average) -> None:
    log_eta, eta = ETAS[hardening]
    order = ORDERS.get(hardening, 1.0)
    shared = {
        "tau_plus": tau_plus,
        "negative_reduction": q,
        "average": average,
        "temperature": 0.7,
    }
    for seed, views in ((0, 2), (1, 3)):
        z, graph, label = rows(seed, views=views)
        positive, negative = KEYS[keys](graph, label)
        expected, slope = value_and_gradient(
            lambda z, p=positive, n=negative: reference.loop_loss(
                z, p, n, eta=eta, order=order, **shared
            ),
            z,
        )
        pairs = Pairs.among(positive, negative)
        found, gradient = value_and_gradient(
            lambda z, pairs=pairs: contrastive_loss(z, pairs, hardening=log_eta, **shared), z
        )
        assert expected > 0.1
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(gradient, slope, rtol=1e-9, atol=1e-10)
        dense = contrastive_loss(z, pairs, hardening=log_eta, mode="dense", **shared)
        torch.testing.assert_close(dense, expected, rtol=1e-12, atol=1e-12)


def test_debiased_estimate_below_its_floor_is_the_floor_at_any_temperature(reference) -> None:
    """A positive far ahead of all negatives leaves nothing of the estimate, however low T is."""
    z, graph, _ = rows(0)
    z = F.normalize(z[:5].repeat(2, 1) + 0.01 * z, dim=1)
    for temperature in (0.5, 0.05, 0.005):
        options = {"temperature": temperature, "tau_plus": 0.1, "negative_reduction": "mean"}
        expected, slope = value_and_gradient(
            lambda z, o=options: reference.loop_loss(z, graph, graph, **o), z
        )
        for mode in ("dense", "auto", "tiled"):
            for kind in (torch.float64, torch.float32):
                found, gradient = value_and_gradient(
                    lambda z, o=options, m=mode: contrastive_loss(
                        z, Pairs.among(graph, graph), mode=m, **o
                    ),
                    z.to(kind),
                )
                torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)
                torch.testing.assert_close(gradient[0].double(), slope[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("hardening", ETAS)
def test_rectangular_equals_loops(reference, hardening) -> None:
    log_eta, eta = ETAS[hardening]
    nodes, _, _ = rows(3, graphs=9, views=1)
    graphs, _, _ = rows(4, graphs=3, views=1)
    node_graph = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])
    names = torch.arange(3)
    expected, slopes = value_and_gradient(
        lambda a, x: reference.loop_loss(
            a,
            node_graph,
            node_graph,
            eta=eta,
            order=ORDERS.get(hardening, 1.0),
            samples=x,
            sample_positive_keys=names,
            sample_negative_keys=names,
        ),
        nodes,
        graphs,
    )
    pairs = Pairs((node_graph, names), (node_graph, names))
    found, gradients = value_and_gradient(
        lambda a, x: contrastive_loss(a, pairs, x, hardening=log_eta), nodes, graphs
    )
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients, slopes)


@pytest.mark.parametrize(("beta", "tau_plus"), [(0.5, 0.0), (1.0, 0.1), (2.0, 0.3), (6.0, 0.01)])
def test_equals_the_published_hcl_estimator(reference, beta, tau_plus) -> None:
    z, graph, _ = rows(5, graphs=8)
    first, second = z.chunk(2)
    expected = reference.published_hcl_loss(first, second, beta=beta, tau_plus=tau_plus)
    found = HUCL(temperature=0.5, beta=beta, tau_plus=tau_plus)(z, graph=graph)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("objective", "keys", "eta"),
    [
        (UCL(), "views", lambda s: 1.0),
        (HUCL(beta=0.7), "views", lambda s: torch.exp(0.7 * s)),
        (
            HUCL(hardening="threshold", hardening_options={"tau": 1.1}),
            "views",
            lambda s: float(s.exp() >= 1.1),
        ),
        (SCL(), "labels", lambda s: 1.0),
        (HSCL(beta=0.7), "labels", lambda s: torch.exp(0.7 * s)),
        (SCL(positives="views"), "views against labels", lambda s: 1.0),
        (HSCL(beta=2.0, positives="views"), "views against labels", lambda s: torch.exp(2 * s)),
        (SCL(negatives="all"), "latent classes", lambda s: 1.0),
        (HSCL(beta=1.5, negatives="all"), "latent classes", lambda s: torch.exp(1.5 * s)),
    ],
)
def test_objectives_choose_their_keys(reference, objective, keys, eta) -> None:
    z, graph, label = rows(6)
    expected = reference.loop_loss(z, *KEYS[keys](graph, label), eta=eta)
    torch.testing.assert_close(objective(z, graph=graph, label=label), expected)


@pytest.mark.parametrize("views", [2, 3])
@pytest.mark.parametrize(
    "objective",
    [NTXent(temperature=0.3, normalize=False), SupCon(temperature=0.3, normalize=False)],
)
def test_named_losses_have_their_own_sum(reference, objective, views) -> None:
    z, graph, label = rows(13, graphs=6, views=views)
    label[:1] = 9  # one row whose label nobody shares
    key = label if objective.uses_labels else graph
    expected, slope = value_and_gradient(lambda z: reference.joint_loss(z, key, 0.3), z)
    found, gradient = value_and_gradient(lambda z: objective(z, graph=graph, label=label), z)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient, slope)


def test_nt_xent_of_two_views_is_ucl_and_of_three_is_not() -> None:
    z, graph, _ = rows(14, views=2)
    torch.testing.assert_close(NTXent()(z, graph=graph), UCL()(z, graph=graph))
    z, graph, _ = rows(14, views=3)
    assert NTXent()(z, graph=graph) > UCL()(z, graph=graph) + 0.01


@pytest.mark.parametrize("mode", ["dense", "tiled"])
@pytest.mark.parametrize("log_eta", [NoHardening(), Exponential(2.0)])
def test_gradcheck(log_eta, mode) -> None:
    z, _, label = rows(7, graphs=3)
    pairs = Pairs.among(label, None)
    z = z.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: contrastive_loss(z, pairs, hardening=log_eta, mode=mode), (z,)
    )


def test_detached_weights_are_constants(reference) -> None:
    z, graph, _ = rows(8)
    pairs = Pairs.among(graph, graph)
    hardening = Exponential(2.0)
    with torch.no_grad():
        frozen = hardening(z @ z.t() / 0.5)
    free, _ = value_and_gradient(lambda z: contrastive_loss(z, pairs, hardening=hardening), z)
    found, gradient = value_and_gradient(
        lambda z: contrastive_loss(z, pairs, hardening=hardening, detach_weights=True), z
    )
    _, expected = value_and_gradient(
        lambda z: contrastive_loss(z, pairs, hardening=lambda s: frozen, mode="dense"), z
    )
    torch.testing.assert_close(found, free)
    torch.testing.assert_close(gradient, expected)


def test_sampled_negatives_approach_the_expectation() -> None:
    z, graph, _ = rows(9, graphs=6)
    pairs = Pairs.among(graph, graph)
    torch.manual_seed(0)
    settings = {"hardening": Exponential(2.0), "negative_reduction": "mean"}
    exact = contrastive_loss(z, pairs, **settings)
    drawn = contrastive_loss(z, pairs, num_negatives=20_000, **settings)
    torch.testing.assert_close(drawn, exact, rtol=0.01, atol=0)
    torch.manual_seed(1)
    few = contrastive_loss(z, pairs, num_negatives=2, **settings)
    assert abs(few - exact) > 1e-4


# The cases of temperature and β in which the usual exponentials overflow.
@pytest.mark.parametrize(("temperature", "beta"), [(0.1, 10), (0.05, 5), (1.0, 100)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_finite_where_exponentials_overflow(reference, temperature, beta, dtype) -> None:
    z, graph, label = rows(10, graphs=8, dtype=torch.float32)
    z[1] = z[2]  # two graphs that look alike
    z = z.to(dtype)
    assert torch.exp((1 + beta) * torch.tensor(1 / temperature)).isinf()
    for objective in (HUCL, HSCL):
        value, (gradient,) = value_and_gradient(
            lambda z, o=objective: o(temperature=temperature, beta=beta)(
                z, graph=graph, label=label
            ),
            z,
        )
        assert value.isfinite()
        assert value.dtype == torch.float32
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0
    value = HUCL(temperature=temperature, beta=beta)(z, graph=graph)
    exact = HUCL(temperature=temperature, beta=beta)(z.double(), graph=graph)
    torch.testing.assert_close(value.double(), exact, rtol=1e-4, atol=1e-5)


def test_autocast_keeps_full_precision() -> None:
    z, graph, _ = rows(10, graphs=8, dtype=torch.float32)
    expected = HUCL(temperature=0.1)(z, graph=graph)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = HUCL(temperature=0.1)(z, graph=graph)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("positive", "negative"),
    [([0, 1, 2, 3], [0, 1, 2, 3]), ([0, 0, 0, 0], [0, 0, 0, 0])],
    ids=["no positives", "no negatives"],
)
def test_nothing_to_contrast_is_zero(positive, negative) -> None:
    z = torch.randn(4, 3)
    pairs = Pairs.among(torch.tensor(positive), torch.tensor(negative))
    value, (gradient,) = value_and_gradient(lambda z: contrastive_loss(z, pairs), z)
    assert value == 0
    assert torch.equal(gradient, torch.zeros_like(z))


def test_anchors_without_partners_are_not_counted(reference) -> None:
    z, _, _ = rows(11, graphs=5, views=1)
    key = torch.tensor([0, 0, 1, 1, 2])  # the last row has no positive
    found = contrastive_loss(z, Pairs.among(key, key))
    torch.testing.assert_close(found, reference.loop_loss(z, key, key))
    negative = torch.tensor([0, 0, 0, 0, 0])
    negative[0] = 1
    found = contrastive_loss(z, Pairs.among(key, negative), hardening=Threshold(1e9))
    expected = reference.loop_loss(z, key, negative, eta=lambda s: 0.0)
    torch.testing.assert_close(found, expected)
    assert found.isfinite()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(2, 3), st.floats(0, 8))
def test_invariants(seed: int, graphs: int, views: int, beta: float) -> None:
    z, graph, label = rows(seed, graphs, views)
    plain, hard, harder = (
        UCL()(z, graph=graph),
        HUCL(beta=beta)(z, graph=graph),
        HUCL(beta=beta + 1)(z, graph=graph),
    )
    assert plain <= hard + 1e-12
    assert hard <= harder + 1e-12
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(HUCL(beta=beta)(z[order], graph=graph[order]), hard)
    supervised = HSCL(beta=beta)(z, graph=graph, label=label)
    assert SCL()(z, graph=graph, label=label) <= supervised + 1e-12
    torch.testing.assert_close(
        HSCL(beta=beta)(z[order], graph=graph[order], label=label[order]), supervised
    )


@pytest.mark.parametrize("beta", [0.0, 3.0])
def test_identical_features_give_log_of_one_and_the_number_of_negatives(beta) -> None:
    z = torch.ones(12, 1, dtype=torch.float64)
    found = HUCL(beta=beta)(z, graph=torch.arange(6).repeat(2))
    assert found.item() == pytest.approx(math.log(1 + 10), abs=1e-12)


@pytest.mark.parametrize(("classes", "floor"), [(2, 0.1269), (3, 0.2014), (6, 0.2633)])
@pytest.mark.parametrize("beta", [0.0, 5.0])
def test_floor_at_the_simplex(classes, floor, beta) -> None:
    centred = torch.eye(classes, dtype=torch.float64) - 1 / classes
    z, label = F.normalize(centred, dim=1).repeat(3, 1), torch.arange(classes).repeat(3)
    loss = HSCL(temperature=1.0, beta=beta, negative_reduction="mean")(
        z, graph=torch.arange(len(z)), label=label
    )
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-classes / (classes - 1))), abs=1e-6)
    assert loss.item() == pytest.approx(floor, abs=5e-5)


def test_limits_of_the_threshold() -> None:
    z, graph, _ = rows(12)
    torch.testing.assert_close(
        HUCL(hardening="threshold", hardening_options={"tau": 1e-9})(z, graph=graph),
        UCL()(z, graph=graph),
    )
    s = (z @ z.t() / 0.5).masked_fill(graph[:, None] == graph, -math.inf)
    positive = (z[:5] * z[5:]).sum(1).repeat(2) / 0.5
    hardest = F.softplus(math.log(8) + s.amax(1) - positive).mean()
    torch.testing.assert_close(
        HUCL(hardening="threshold", hardening_options={"tau": 1e9})(z, graph=graph), hardest
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z, k: contrastive_loss(z[0], Pairs.among(k, k)), r"Expected anchors \[A, d\]"),
        (lambda z, k: contrastive_loss(z[:3], Pairs.among(k, k)), "Expected keys for 3 anchors"),
        (lambda z, k: contrastive_loss(z * math.nan, Pairs.among(k, k)), "Expected finite"),
        (lambda z, k: contrastive_loss(z, Pairs.among(k, k), temperature=0.0), "temperature"),
        (lambda z, k: contrastive_loss(z, Pairs.among(k, k), tau_plus=1.0), "tau_plus"),
        (lambda z, k: contrastive_loss(z, Pairs.among(k, k), num_negatives=0), "num_negatives"),
        (lambda z, k: Pairs.among(k, k[:2]), "as many negative keys"),
        (lambda z, k: Pairs.among(k[None], k), "Expected keys"),
        (lambda z, k: SCL()(z, graph=k), "Expected label"),
        (lambda z, k: SCL(negatives="none"), "Expected negatives"),
        (lambda z, k: SCL(negatives="all", memory_size=4), "memory_size 0"),
        (lambda z, k: SupCon()(z, graph=k), "Expected label"),
        (lambda z, k: HUCL(beta=-1.0), "beta"),
        (lambda z, k: Threshold(-1.0), "threshold"),
    ],
)
def test_mistakes_are_told_in_a_sentence(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(torch.randn(4, 3), torch.arange(4))


def test_the_losses_need_torch_alone() -> None:
    code = (
        "import sys; sys.modules['torch_geometric'] = None; import graph_hcl.losses; "
        "bad = {'sklearn', 'yaml', 'jsonargparse', 'graph_hcl.data'} & set(sys.modules); "
        "sys.exit(bool(bad))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 3), st.floats(0.05, 3), st.sampled_from(["exp", "cut"]))
def test_assumption_1_puts_h_scl_below_h_ucl(seed, beta, noise, kind) -> None:
    """Proposition 2 of arXiv 2209.00078, anchor by anchor, and its converse."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(3).repeat_interleave(3).repeat(2)
    graph = torch.arange(9).repeat(2)
    centre = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    spread = noise * torch.randn(18, 4, generator=generator, dtype=torch.float64)
    z = F.normalize(centre[label] + spread, dim=1)
    eta = Exponential(beta) if kind == "exp" else Threshold(math.exp(-beta))
    s = z @ z.t() / 0.5
    holds, fails = 0, 0
    for i in range(18):
        means = []
        for same_label in (True, False):
            kept = ((label == label[i]) == same_label) & (graph != graph[i])
            weight = eta(s[i, kept]).exp()
            weight = weight if weight.sum() > 0 else (s[i, kept] == s[i, kept].max()).double()
            means.append((weight * s[i, kept].exp()).sum() / weight.sum())
        holds += bool(means[0] >= means[1])
        fails += bool(means[0] < means[1])
    settings_ = {"hardening": eta, "negative_reduction": "mean"}
    unsupervised = HUCL(**settings_)(z, graph=graph)
    supervised = HSCL(positives="views", **settings_)(z, graph=graph, label=label)
    if not fails:
        assert supervised <= unsupervised + 1e-12
    if not holds:
        assert supervised >= unsupervised - 1e-12
    event(f"Assumption 1 holds for {'all' if not fails else 'some' if holds else 'no'} anchors")
