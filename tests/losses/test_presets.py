"""Presets named after published code have its loss, by loops over given features in float64."""

import math
from pathlib import Path

import pytest
import torch

from graph_hcl.losses import ObjectiveInput
from graph_hcl.nn.model import normalize
from graph_hcl.objective_factory import make_objective
from graph_hcl.settings import make_config

REPRODUCE = Path(__file__).parents[2] / "configs" / "reproduce"


def features(seed: int, rows: int, dim: int = 7):
    """Return features [rows, d] of any length, near each other as those of an untrained encoder."""
    generator = torch.Generator().manual_seed(seed)
    shared = torch.randn(dim, generator=generator, dtype=torch.float64)
    return shared + torch.randn(rows, dim, generator=generator, dtype=torch.float64)


def preset_loss(name: str, x, graph, label=None, **settings):
    """Return the loss of a preset for the head's output x [M, d], normalised as the model does."""
    objective, config = make_objective(make_config(REPRODUCE / f"{name}.yaml", settings))
    return objective.compute(
        ObjectiveInput(normalize(x, config.projection.normalize), graph, label)
    )


def check(found, expected, *leaves) -> None:
    """Compare value and gradient."""
    assert abs(found - expected) <= 1e-12 * max(1, abs(expected))
    slopes = zip(
        torch.autograd.grad(found, leaves, retain_graph=True),
        torch.autograd.grad(expected, leaves, retain_graph=True),
        strict=True,
    )
    for ours, theirs in slopes:
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def cosine(a, b):
    return (a @ b) / (a.square().sum().sqrt() * b.square().sum().sqrt())


def one_sided_loss(anchors, others, temperature):
    """Return the mean over i of −log(e^{c_ii / T} / Σ_{j≠i} e^{c_ij / T}) of cosines c."""
    total = 0.0
    for i, anchor in enumerate(anchors):
        powers = [torch.exp(cosine(anchor, other) / temperature) for other in others]
        total = total - torch.log(powers[i] / (sum(powers) - powers[i]))
    return total / len(anchors)


@pytest.mark.parametrize("seed", [0, 1])
def test_graphcl_code_contrasts_the_graph_with_one_view_and_leaves_the_positive_out(seed) -> None:
    x = features(seed, 9).requires_grad_()
    view = features(seed + 10, 9).requires_grad_()
    found = preset_loss("graphcl-code", torch.cat([x, view]), torch.arange(9).repeat(2))
    check(found, one_sided_loss(x, view, 0.2), x, view)
    paper = preset_loss("graphcl", torch.cat([x, view]), torch.arange(9).repeat(2))
    assert abs(paper - found) > 0.1


def test_the_loss_of_graphcl_code_falls_below_zero() -> None:
    x = torch.eye(3, dtype=torch.float64)
    found = preset_loss("graphcl-code", torch.cat([x, x]), torch.arange(3).repeat(2))
    assert found.item() == pytest.approx(math.log(2) - 5)


def test_simgrace_code_has_the_rows_of_the_noisy_encoder_as_anchors() -> None:
    x = features(2, 9).requires_grad_()
    noisy = features(3, 9)  # a constant: nothing learns through the noisy weights
    found = preset_loss("simgrace-code", torch.cat([x, noisy]), torch.arange(9).repeat(2))
    check(found, one_sided_loss(noisy, x, 0.2), x)


def pair_mean(z, label, temperature, q, weight, include_self=False, latent=False):
    """Return the mean over all pairs of −log(e^{s_ip} / (e^{s_ip} + Q · E_w[e^s])) of rows z."""
    losses = []
    for i in range(len(z)):
        s = [z[i] @ z[j] / temperature for j in range(len(z))]
        negatives = [j for j in range(len(z)) if latent or label[j] != label[i]]
        total = sum(weight(s[j]) for j in negatives)
        mean = sum(weight(s[j]) * torch.exp(s[j]) for j in negatives) / total
        for p in range(len(z)):
            if label[p] == label[i] and (include_self or p != i):
                near = torch.exp(s[p])
                losses.append(-torch.log(near / (near + q * mean)))
    return sum(losses) / len(losses)


def test_h_scl_code_has_one_q_for_all_anchors() -> None:
    config = make_config(REPRODUCE / "h-scl-code.yaml")
    assert config.loss.negative_reduction == 2 * config.batch_size - 2
    x = features(4, 12).requires_grad_()
    label = torch.tensor([0, 1, 1, 2, 2, 2]).repeat(2)  # anchors have 6, 8 or 10 negatives
    found = preset_loss("h-scl-code", x, torch.arange(6).repeat(2), label)
    z = x / x.norm(dim=1, keepdim=True)
    check(found, pair_mean(z, label, 0.5, 510, lambda s: torch.exp(0.5 * s)), x)
    plain = preset_loss(
        "scl", x, torch.arange(6).repeat(2), label, **{"loss.negative_reduction": 510}
    )
    check(plain, pair_mean(z, label, 0.5, 510, lambda s: 1.0), x)


@pytest.mark.parametrize("latent", [False, True])
def test_the_collapse_codes_draw_negatives_and_count_the_anchor(latent, monkeypatch) -> None:
    """The value is that of the same draws, listed pair by pair, anchor by anchor."""
    generator = torch.Generator().manual_seed(5)
    x = 0.6 * torch.randn(8, 5, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    label = torch.tensor([0, 1, 1, 2, 2, 2, 0, 1])
    asked = []

    def draw(probability, count, replacement):
        assert replacement
        asked.append(probability)
        drawn = [row.nonzero().squeeze(1) for row in probability]
        return torch.stack([row[torch.arange(count) * 7 % len(row)] for row in drawn])

    monkeypatch.setattr(torch, "multinomial", draw)
    name = "collapse-h-ucl-code" if latent else "collapse-h-scl-code"
    found = preset_loss(name, x, torch.arange(8), label)
    z = x / x.norm(dim=1, keepdim=True).clamp_min(1)  # the unit ball
    assert (x.norm(dim=1) > 1).any()
    assert (x.norm(dim=1) < 1).any()
    losses, chances = [], []
    for i in range(8):
        negatives = [j for j in range(8) if latent or label[j] != label[i]]
        weights = torch.stack([torch.exp(5 * z[i] @ z[j]) for j in negatives]).detach()
        for p in (p for p in range(8) if label[p] == label[i]):  # the anchor among them
            chances.append((negatives, weights / weights.sum()))
            drawn = [negatives[k * 7 % len(negatives)] for k in range(256)]
            mean = sum(torch.exp(z[i] @ z[j]) for j in drawn) / 256
            near = torch.exp(z[i] @ z[p])
            losses.append(-torch.log(near / (near + mean)))
    check(found, sum(losses) / len(losses), x)
    for row, (negatives, chance) in zip(asked[0], chances, strict=True):
        torch.testing.assert_close(row[negatives], chance)
        assert row.sum().item() == pytest.approx(1)


def test_presets_whose_headers_say_so_have_the_published_loss(reference) -> None:
    """Those of Robinson et al., Chuang et al. and Jiang et al. need no preset of their own."""
    x = features(6, 10).requires_grad_()
    graph = torch.arange(5).repeat(2)
    first, second = (x / x.norm(dim=1, keepdim=True)).chunk(2)
    for name, options in {
        "graphcl-hcl": {"beta": 1.0, "tau_plus": 0.1, "temperature": 0.2},
        "graphcl-debiased": {"beta": 0.0, "tau_plus": 0.1, "temperature": 0.2},
        "h-ucl": {"beta": 1.0, "tau_plus": 0.0, "temperature": 0.5},
        "ucl": {"beta": 0.0, "tau_plus": 0.0, "temperature": 0.5},
    }.items():
        expected = reference.published_hcl_loss(first, second, **options)
        check(preset_loss(name, x, graph), expected, x)


@pytest.mark.parametrize("file", sorted(REPRODUCE.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_preset_that_cites_published_code_lists_the_differences(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    header = text[: text.index("\nobjective:")].splitlines()
    assert all(line.startswith("#") and len(line) <= 102 for line in header)
    if any("published code" in line for line in header):
        assert sum(line.startswith("# - ") for line in header) >= 3
