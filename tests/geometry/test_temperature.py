"""The law: hardness pushes negatives as a lower temperature does."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.geometry import effective_share, equivalent_temperature, match_temperature
from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    Exponential,
    NTXent,
    Pairs,
    PowerMean,
    contrastive_loss,
)

DOUBLE = torch.float64


def random_logits(seed: int, negatives: int = 40, spread: float = 1.0):
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(negatives + 1, generator=generator, dtype=DOUBLE)


def logit_gradient(logits, temperature=1.0, **options):
    """Return the loss of one anchor, positive first, and its gradient by all cosines."""
    cosines = (logits.clone()[:, None]).requires_grad_()
    number = torch.zeros(len(logits), dtype=torch.long)
    number[1:] = 1
    anchor, zero = torch.ones(1, 1, dtype=DOUBLE), torch.zeros(1, dtype=torch.long)
    pairs = Pairs((zero, number), (zero, number))
    value = contrastive_loss(anchor, pairs, cosines, temperature=temperature, **options)
    return value.detach(), torch.autograd.grad(value, cosines)[0].squeeze(1)


def slope_of_log_n(s, beta: float, detach: bool):
    """Return ∂ log n / ∂ s by autograd, from the definition of n."""
    s = s.clone().requires_grad_()
    eta = (beta * s).exp()
    eta = eta.detach() if detach else eta
    value = ((eta * s.exp()).sum() / eta.sum()).log()
    return torch.autograd.grad(value, s)[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 4), st.floats(0.2, 2))
def test_power_mean_and_detached_weights_have_the_plain_direction(seed, beta, temperature) -> None:
    cosines = random_logits(seed).clamp(-1, 1)
    lower = equivalent_temperature(temperature, beta, hardening="power")
    _, plain = logit_gradient(cosines, lower)
    for options in (
        {"hardening": PowerMean(beta)},
        {"hardening": Exponential(beta), "detach_weights": True},
    ):
        _, hard = logit_gradient(cosines, temperature, **options)
        torch.testing.assert_close(F.normalize(hard, dim=0), F.normalize(plain, dim=0))
        assert hard.sum().abs() < 1e-12  # what the negatives are pushed, the positive is pulled


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 3), st.booleans())
def test_what_remains_is_a_factor_of_the_pair(seed, beta, power) -> None:
    s = random_logits(seed)
    hardening = PowerMean(beta) if power else Exponential(beta)
    value, slope = logit_gradient(s, hardening=hardening)
    log_n = value.expm1().log() + s[0]  # softplus(log n − s_p) is the loss
    assert slope[0] == pytest.approx(-float(torch.sigmoid(log_n - s[0])))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_differentiated_weights_differ_by_the_square_of_the_spread(beta) -> None:
    shape = random_logits(0, negatives=200)[1:]
    shape = shape - shape.mean()
    spreads = torch.tensor([0.02, 0.05, 0.1, 0.2], dtype=DOUBLE)
    gaps = torch.stack(
        [
            (slope_of_log_n(k * shape, beta, False) - ((1 + 2 * beta) * k * shape).softmax(0))
            .abs()
            .sum()
            for k in spreads
        ]
    )
    x, y = spreads.log() - spreads.log().mean(), gaps.log() - gaps.log().mean()
    assert 1.9 < float((x * y).sum() / (x * x).sum()) < 2.2
    # No other temperature has a second order: half or twice the β falls with the first alone.
    for wrong in (1 + beta, 1 + 3 * beta):
        k = spreads[0]
        gap = (slope_of_log_n(k * shape, beta, False) - (wrong * k * shape).softmax(0)).abs().sum()
        assert gap > 10 * gaps[0]


def test_gradients_of_the_three_forms_are_their_formulas() -> None:
    s, beta = random_logits(3)[1:], 1.5

    def p(b):
        return (b * s).softmax(0)

    torch.testing.assert_close(slope_of_log_n(s, beta, True), p(1 + beta))
    expected = (1 + beta) * p(1 + beta) - beta * p(beta)
    torch.testing.assert_close(slope_of_log_n(s, beta, False), expected)
    assert (expected < 0).any()  # far negatives are attracted


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 3), st.floats(0.01, 2))
def test_means_grow_with_their_order(seed, beta, more) -> None:
    s = random_logits(seed)
    plain, _ = logit_gradient(s)
    power, _ = logit_gradient(s, hardening=PowerMean(beta))
    lehmer, _ = logit_gradient(s, hardening=Exponential(beta))
    harder, _ = logit_gradient(s, hardening=PowerMean(beta + more))
    assert plain - 1e-12 <= power <= lehmer + 1e-12
    assert power < harder


def test_positives_keep_their_temperature_under_the_power_mean() -> None:
    """An anchor whose positive is far ahead still learns, where the plain loss lets it rest."""
    cosines = torch.cat([torch.ones(1, dtype=DOUBLE), random_logits(0, spread=0.1)[1:]])
    _, plain = logit_gradient(cosines, 0.1)
    _, hard = logit_gradient(cosines, 0.5, hardening=PowerMean(4.0))
    assert -plain[0] * 0.1 < 0.01 < 0.5 < -hard[0] * 0.5


def views(seed: int, graphs: int = 64, dim: int = 32, aligned: float = 1.0):
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(graphs, dim, generator=generator, dtype=DOUBLE)
    noise = torch.randn(2 * graphs, dim, generator=generator, dtype=DOUBLE)
    z = F.normalize(base.repeat(2, 1) + aligned * noise, dim=1)
    label = torch.randint(4, (graphs,), generator=generator).repeat(2)
    return z, torch.arange(graphs).repeat(2), label


@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize(
    ("beta", "detach"), [(0.5, False), (1.0, False), (2.0, False), (2.0, True)]
)
def test_the_best_temperature_is_near_the_law(temperature, beta, detach) -> None:
    z, graph, _ = views(0, graphs=256, aligned=5.0)
    loss = HUCL(beta=beta, temperature=temperature, detach_weights=detach)
    found = match_temperature(loss, z, graph)
    law = equivalent_temperature(temperature, beta, detach_weights=detach)
    assert found.temperature == pytest.approx(law, rel=0.2)
    assert found.cosine > 0.97


@pytest.mark.parametrize(
    "options", [{"hardening": "power"}, {"detach_weights": True}], ids=["power", "detached"]
)
@pytest.mark.parametrize("beta", [0.5, 5.0])
def test_without_the_positive_below_the_law_is_exact_for_a_whole_batch(options, beta) -> None:
    """The decoupled loss has no factor of each pair: hardness is a temperature and nothing else."""
    z, graph, _ = views(5, aligned=0.3)
    loss = HUCL(beta=beta, temperature=0.6, denominator="negatives", **options)
    found = match_temperature(loss, z, graph)
    law = equivalent_temperature(0.6, beta, hardening="power")
    assert found.temperature == pytest.approx(law, rel=0.01)
    assert found.cosine == pytest.approx(1.0, abs=1e-6)


def brute(loss, plain, z, graph, label):
    """Return the best temperature of a fine grid and its cosine, by gradients along the sphere."""

    def slope(one):
        leaf = z.clone().requires_grad_()
        arguments = {"label": label} if one.uses_labels else {}
        return torch.autograd.grad(one(leaf, graph=graph, **arguments), leaf)[0]

    wanted = slope(loss)
    pairs = []
    for log_t in torch.linspace(math.log(0.02), math.log(1.0), 200).tolist():
        other = slope(plain(math.exp(log_t)))
        cosine = (other * wanted).sum() / other.norm() / wanted.norm()
        pairs.append((float(cosine), math.exp(log_t)))
    return max(pairs)


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        (HUCL(beta=2.0), lambda t: UCL(temperature=t)),
        (
            HUCL(beta=1.0, average="pair", tau_plus=0.1),
            lambda t: UCL(temperature=t, average="pair", tau_plus=0.1),
        ),
        (
            HSCL(beta=5.0, hardening="power", negative_reduction="mean"),
            lambda t: SCL(temperature=t, negative_reduction="mean"),
        ),
        (
            HUCL(hardening="threshold", hardening_options={"tau": 1.0}),
            lambda t: UCL(temperature=t),
        ),
        (
            HUCL(hardening="effective-sample-size", hardening_options={"share": 0.2}),
            lambda t: UCL(temperature=t),
        ),
    ],
    ids=lambda value: value.extra_repr() if hasattr(value, "extra_repr") else "",
)
def test_match_equals_brute_force(loss, plain) -> None:
    z, graph, label = views(1, graphs=24)
    found = match_temperature(loss, z, graph, label)
    cosine, temperature = brute(loss, plain, z, graph, label)
    assert found.cosine == pytest.approx(cosine, abs=1e-4)
    assert found.temperature == pytest.approx(temperature, rel=0.03)


def test_a_plain_loss_matches_itself() -> None:
    z, graph, label = views(2)
    for loss in (UCL(temperature=0.3), SCL(temperature=0.3), NTXent(temperature=0.3)):
        found = match_temperature(loss, z, graph, label)
        assert found.temperature == pytest.approx(0.3, rel=0.01)
        assert found.cosine == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("make", [HUCL, UCL, lambda **t: SCL(contrast="across-views", **t)])
def test_a_temperature_of_each_batch_is_that_of_the_features(make) -> None:
    """Whatever the loss has chosen before, it is matched at what it would choose for these."""
    z, graph, label = views(5, graphs=24)
    auto = make(temperature="auto")
    label = label if auto.uses_labels else None
    auto(
        z[:32],
        graph=torch.arange(32) // 2,
        label=None if label is None else label[:32],
    )
    stale = auto.temperature
    assert stale != 0.5
    found = match_temperature(auto, z, graph, label)
    assert auto.temperature == stale
    auto(z, graph=graph, label=label)
    assert auto.temperature != stale
    assert found == match_temperature(make(temperature=auto.temperature), z, graph, label)


def test_matching_leaves_the_loss_as_it_was() -> None:
    z, graph, _ = views(3)
    loss = HUCL(beta=1.0, memory_size=64, schedule="linear", normalize=False)
    loss(z, graph=graph + 1000)
    before = (loss.settings, loss.memory, loss.memory.state_dict(), loss.annealing)
    match_temperature(loss, z, graph)
    assert (loss.settings, loss.memory, loss.annealing) == (before[0], before[1], before[3])
    for name, value in before[2].items():
        torch.testing.assert_close(loss.memory.state_dict()[name], value)
    assert not loss.normalize


def test_match_refuses_what_has_no_gradient() -> None:
    z, _, _ = views(4, graphs=4)
    with pytest.raises(ValueError, match="positives and negatives"):
        match_temperature(HUCL(), z, torch.arange(8))  # no positives


@pytest.mark.parametrize("arguments", [(0.0, 1.0), (0.5, -1.0), (math.inf, 0.0), (0.5, math.nan)])
def test_equivalent_temperature_refuses(arguments) -> None:
    with pytest.raises(ValueError, match="Expected"):
        equivalent_temperature(*arguments)
    with pytest.raises(ValueError, match="match_temperature"):
        equivalent_temperature(0.5, 1.0, hardening="threshold")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.02, 2))
def test_effective_share_equals_loops(seed, temperature) -> None:
    z, graph, _ = views(seed % 1000, graphs=7)
    shares = []
    for i in range(len(z)):
        logits = [float(z[i] @ z[j]) / temperature for j in range(len(z)) if graph[j] != graph[i]]
        top = max(logits)
        weights = [math.exp(s - top) for s in logits]
        shares.append(sum(weights) ** 2 / sum(w * w for w in weights) / len(weights))
    assert effective_share(z, graph, temperature) == pytest.approx(sum(shares) / len(shares))
    assert 1 / 12 - 1e-9 <= shares[0] <= 1 + 1e-9


def test_effective_share_without_negatives_is_refused() -> None:
    with pytest.raises(ValueError, match="no row has a negative"):
        effective_share(torch.eye(3), torch.zeros(3, dtype=torch.long), 0.5)


def test_what_is_no_contrastive_loss_has_no_match() -> None:
    with pytest.raises(ValueError, match=r"a contrastive loss such as HUCL\(\), but got 'h-ucl'"):
        match_temperature("h-ucl", torch.eye(4), torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize(("seed", "beta", "tau_plus"), [(2, 2.0, 0.3), (1, 1.0, 0.1)])
def test_a_debiased_loss_is_matched_at_the_highest_of_several_peaks(seed, beta, tau_plus) -> None:
    z = torch.randn(64, 8, generator=torch.Generator().manual_seed(seed))
    z[32:] = z[:32] + 0.3 * z[32:]
    graph = torch.arange(32).repeat(2)

    def gradient(loss):
        leaf = z.clone().requires_grad_()
        return torch.autograd.grad(loss(leaf, graph=graph), leaf)[0].double()

    wanted = gradient(HUCL(beta=beta, tau_plus=tau_plus))
    temperatures = torch.linspace(math.log(0.001), math.log(1.0), 200).exp().tolist()
    found = [gradient(UCL(temperature=t, tau_plus=tau_plus)) for t in temperatures]
    best = max(float(F.cosine_similarity(one.flatten(), wanted.flatten(), dim=0)) for one in found)
    match = match_temperature(HUCL(beta=beta, tau_plus=tau_plus), z, graph)
    assert best - 1e-3 <= match.cosine <= 1
