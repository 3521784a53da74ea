"""Histograms against loops over pairs, spectra against numpy."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from graph_hcl import plot
from graph_hcl.geometry import covariance_spectrum
from graph_hcl.losses import EffectiveSampleSize, Exponential, Threshold
from graph_hcl.plot.space import BINS


def rows(graphs: int = 12, classes: int = 3):
    generator = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(2 * graphs, 5, generator=generator), dim=1)
    label = torch.arange(graphs) % classes
    return z, torch.arange(graphs).repeat(2), label.repeat(2)


def heights(ax, name: str) -> list[float]:
    """Heights of the bins of the histogram whose name starts so."""
    patch = next(p for p in ax.patches if p.get_label().startswith(name))
    return patch.get_xy()[1 : 2 * BINS : 2, 1].tolist()


ETAS = {
    "exponential": (Exponential(2.0), lambda s, row: math.exp(2 * s)),
    "threshold": (Threshold(1.2), lambda s, row: float(math.exp(s) >= 1.2)),
    "none above": (Threshold(1e9), lambda s, row: float(s == max(row))),
    "callable": (lambda s: F.logsigmoid(3 * s), lambda s, row: 1 / (1 + math.exp(-3 * s))),
}


@pytest.mark.parametrize("negatives", ["all", "label"])
@pytest.mark.parametrize("name", ETAS)
def test_histograms_equal_loops(name, negatives) -> None:
    z, graph, label = rows()
    log_eta, eta = ETAS[name]
    ax = plot.similarities(z, graph, label, temperature=0.7, hardening=log_eta, negatives=negatives)
    product = (z @ z.t()).numpy()
    apart = [(i, j) for i in range(24) for j in range(24) if graph[i] != graph[j]]
    values = [product[i, j] for i, j in apart]
    edges = np.linspace(min(values), max(values), BINS + 1)
    plain, weighed = (
        {True: [0.0] * BINS, False: [0.0] * BINS},
        {
            True: [0.0] * BINS,
            False: [0.0] * BINS,
        },
    )
    for i in range(24):
        mine = [j for a, j in apart if a == i and (negatives == "all" or label[j] != label[i])]
        s = {j: float(product[i, j]) / 0.7 for j in mine}
        weight = {j: eta(v, list(s.values())) for j, v in s.items()}
        if not sum(weight.values()):
            weight = {j: float(v == max(s.values())) for j, v in s.items()}
        total = sum(weight.values())
        for j in [j for a, j in apart if a == i]:
            alike = bool(label[i] == label[j])
            where = min(int(np.searchsorted(edges, product[i, j], side="right")) - 1, BINS - 1)
            plain[alike][where] += 1 / len(apart)
            weighed[alike][where] += weight.get(j, 0.0) / total / 24
    labels = [patch.get_label() for patch in ax.patches]
    for alike, side in ((True, "same class"), (False, "other class")):
        share, outline = sum(plain[alike]), sum(weighed[alike])
        found = heights(ax, f"{side}: {share:.0%} of pairs")
        np.testing.assert_allclose(found, plain[alike], atol=1e-6)
        text = f"{side}: {outline:.0%} of the weight"
        if outline:
            np.testing.assert_allclose(heights(ax, text), weighed[alike], atol=1e-5)
        else:
            assert not any(label.startswith(side) and "weight" in label for label in labels)


def test_hardness_that_sets_itself_and_features_that_all_agree() -> None:
    z, graph, label = rows()
    ax = plot.similarities(z, graph, label, hardening=EffectiveSampleSize(0.3))
    outlined = [p.get_label() for p in ax.patches if "weight" in p.get_label()]
    assert len(outlined) == 2
    total = sum(sum(heights(ax, name)) for name in outlined)
    assert math.isclose(total, 1, rel_tol=1e-5)
    point = plot.similarities(torch.ones(6, 2), torch.arange(6), torch.arange(6) % 2)
    assert math.isclose(
        sum(sum(heights(point, p.get_label())) for p in point.patches), 2, abs_tol=1e-5
    )


def test_spectra_are_relative_singular_values() -> None:
    z = torch.randn(50, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ax = plot.spectra({"features": covariance_spectrum(z), "one": [2.0], "zeros": [0.0, 0.0]})
    by_name = {line.get_label(): line for line in ax.lines}
    expected = np.linalg.svd(np.cov(z.numpy().T, bias=True), compute_uv=False)
    np.testing.assert_allclose(by_name["features"].get_ydata(), expected / expected[0], rtol=1e-9)
    assert by_name["features"].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert by_name["one"].get_ydata().tolist() == [1]
    assert by_name["live above 0.001"].get_ydata() == [1e-3, 1e-3]
    assert all(value > 0 for value in by_name["zeros"].get_ydata())
    ticks = [text.get_text() for text in ax.get_yticklabels()]
    assert not any("$" in text for text in ticks)


def test_without_labels_there_is_one_histogram_of_all_pairs() -> None:
    z, graph, label = rows()
    one = plot.similarities(z, graph, None, hardening=Exponential(2.0))
    two = plot.similarities(z, graph, label, hardening=Exponential(2.0))
    for kind in ("pairs", "the weight"):
        parts = [p.get_label() for p in two.patches if p.get_label().endswith(kind)]
        both = np.sum([heights(two, name) for name in parts], axis=0)
        np.testing.assert_allclose(heights(one, f"all pairs: 100% of {kind}"), both, atol=1e-6)
    assert len(one.patches) == 2
    assert [p.get_label() for p in plot.similarities(z, graph).patches] == [
        "all pairs: 100% of pairs",
        "all pairs: 100% of the weight",
    ]


def test_a_spectrum_that_is_not_known_leaves_its_colour() -> None:
    known = {"a": [1.0, 0.5], "b": [1.0, 0.1], "c": [1.0, 0.2]}
    whole = {line.get_label(): line.get_color() for line in plot.spectra(known).lines}
    some = {line.get_label(): line.get_color() for line in plot.spectra(known | {"b": None}).lines}
    assert some == {name: shade for name, shade in whole.items() if name != "b"}


def test_no_hardening_of_weights_is_that_of_similarities() -> None:
    ax = plot.weights({"none": None, "e^s": Exponential(1.0)}, [-0.5, 0.0, 0.5])
    none, exponential = (line.get_ydata() for line in ax.lines)
    assert none.tolist() == exponential.tolist()
