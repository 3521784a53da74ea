"""Plausible mistakes with the measures of an embedding end in one sentence that says what to do."""

import math

import pytest
import torch

from graph_hcl import geometry as g
from graph_hcl.losses import Pairs, Triplet
from graph_hcl.losses.temperature import choose_temperature
from graph_hcl.training import diagnose
from tests.one_sentence import ends_in_one_sentence

Z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
LABEL, EACH = torch.arange(6) % 2, torch.arange(6)
SPECTRUM = r"spectrum \[d\] of one value or more, but got .*: covariance_spectrum\(z\) is that of"
MISTAKES = {
    "one row to align with": (lambda: g.alignment(Z, Z[:1]), r"one shape .* \[6, 4\] and \[1, 4\]"),
    "one column": (lambda: g.alignment(Z, Z[:, :1]), r"one shape .* \[6, 4\] and \[6, 1\]"),
    "fewer rows": (lambda: g.alignment(Z, Z[:5]), r"one shape .* \[6, 4\] and \[5, 4\]"),
    "a power as text": (lambda: g.alignment(Z, Z, "2"), "power to be a number, but got str"),
    "a power of none": (lambda: g.alignment(Z, Z, -1), "power to be above 0 and finite"),
    "features for a rank": (lambda: g.effective_rank(Z), SPECTRUM),
    "features for dimensions": (lambda: g.live_dimensions(Z), SPECTRUM),
    "an empty spectrum": (lambda: g.effective_rank(Z[0, :0]), SPECTRUM),
    "no live dimension of none": (lambda: g.live_dimensions(Z[0, :0]), SPECTRUM),
    "one singular value": (lambda: g.effective_rank(Z[0, 0]), SPECTRUM),
    "a row for a spectrum": (
        lambda: g.effective_rank(torch.tensor([1.0, -0.5])),
        r"spectrum of 0 or more, but got -0\.5: covariance_spectrum\(z\) is",
    ),
    "a spectrum of NaN": (
        lambda: g.live_dimensions(torch.tensor([1.0, math.nan])),
        "spectrum to be finite",
    ),
    "a spectrum of counts": (
        lambda: g.effective_rank(torch.tensor([2, 1])),
        "spectrum to hold floats, but got torch.int64",
    ),
    "a threshold above 1": (
        lambda: g.live_dimensions(torch.ones(3), threshold=1.5),
        r"threshold to be in \[0, 1\), but got 1\.5",
    ),
    "a threshold as text": (
        lambda: g.live_dimensions(torch.ones(3), threshold="0.1"),
        "threshold to be a number",
    ),
    "the spectrum of NaN": (lambda: g.covariance_spectrum(Z / 0), "z to be finite, but some of it"),
    "the spectrum of class means": (
        lambda: g.class_mean_spectrum(Z * math.nan, LABEL),
        "z to be finite",
    ),
    "the rank of NaN": (lambda: g.rankme(Z / 0), "z to be finite"),
    "an infinite epsilon": (lambda: g.rankme(Z, math.inf), "epsilon to be 0 or more and finite"),
    "a negative epsilon": (lambda: g.rankme(Z, -1.0), "epsilon to be 0 or more and finite"),
    "sparse features": (
        lambda: g.uniformity(Z.to_sparse()),
        r"z to be dense, but got torch\.sparse_coo: use \.to_dense\(\)",
    ),
    "a list to diagnose": (
        lambda: diagnose(Z.tolist(), EACH, LABEL),
        "z to be a tensor, but got l",
    ),
    "no columns": (
        lambda: g.covariance_spectrum(Z[:, :0]),
        r"z \[M, d\] of one row and d of 1 or more, but got \[6, 0\]",
    ),
    "means of other features": (
        lambda: g.nearest_class_mean(Z, LABEL, (Z[:, :2], LABEL)),
        r"fitted features \[K, 4\] on cpu, but got \[6, 2\] on cpu",
    ),
    "features without labels": (
        lambda: g.nearest_class_mean(Z, LABEL, Z),
        "fitted to be two tensors, .*, but got Tensor",
    ),
    "no means": (lambda: g.nearest_class_mean(Z, LABEL, ()), "fitted to be two tensors"),
    "a list of means": (
        lambda: g.nearest_class_mean(Z, LABEL, (Z.tolist(), LABEL)),
        "fitted to be a tensor, but got list",
    ),
    "t as text": (lambda: g.uniformity(Z, "2"), "t to be a number, but got str"),
    "a negative t": (lambda: g.uniformity(Z, -2.0), "t to be above 0 and finite, but got -2"),
    "half a class": (lambda: g.loss_floor(2.5), "classes to be a whole number of 2 or more"),
    "classes as text": (lambda: g.loss_floor("3"), "classes to be a whole number .* got '3'"),
    "a negative number of negatives": (
        lambda: g.loss_floor(3, negatives=-1),
        "negatives to be 0 or more and finite, but got -1",
    ),
    "the losses' word": (
        lambda: g.loss_floor(3, negatives="sum"),
        "negatives as a number, but got 'sum': 1 for the reduction mean, the number of negatives",
    ),
    "a name for psi": (lambda: g.loss_floor(3, psi="triplet"), "psi as a function .* Triplet()"),
    "a class for psi": (lambda: g.loss_floor(3, psi=Triplet), "psi as a function .* Triplet()"),
    "temperature as text": (lambda: g.loss_floor(3, "1"), "temperature to be a number"),
    "classes at collapse": (lambda: g.collapse_point(1), "classes to be a whole number of 2"),
    "easy negatives": (lambda: g.collapse_point(3, beta=-1), "beta to be 0 or more and finite"),
    "beta of NaN": (lambda: g.collapse_point(3, beta=math.nan), "beta to be 0 or more and finite"),
    "no vertices": (lambda: g.simplex(0), "classes to be a whole number of 2 or more, but got 0"),
    "half a vertex": (lambda: g.simplex(2.5), "classes to be a whole number of 2 or more"),
    "no hardening": (
        lambda: g.negative_statistics(Z, EACH, LABEL, hardening=0),
        "hardening to be a function of the logits or an adaptive one, but got 0",
    ),
    "no weights": (
        lambda: g.negative_weights(Z, EACH, LABEL, hardening=""),
        "hardening to be a function of the logits",
    ),
    "a share above 1": (
        lambda: choose_temperature(Z, Z, Pairs.among(EACH, EACH), share=2),
        r"share to be in \(0, 1\), but got 2",
    ),
    "all of the negatives": (
        lambda: choose_temperature(Z, Z, Pairs.among(EACH, EACH), share=1.0),
        r"share to be in \(0, 1\)",
    ),
    "a share as text": (
        lambda: choose_temperature(Z, Z, Pairs.among(EACH, EACH), share="5 %"),
        "share to be a number",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(mistake: str) -> None:
    ends_in_one_sentence(*MISTAKES[mistake], ValueError)


def test_nan_without_a_decomposition_stays_nan() -> None:
    for measure in (g.uniformity, g.feature_std, g.spread, g.zero_sum, g.unit_norm):
        assert math.isnan(measure(Z * math.nan))
    assert math.isnan(g.alignment(Z, Z * math.nan))
    assert math.isnan(g.within_class(Z * math.nan, LABEL))


def test_a_spectrum_may_be_negative_by_rounding() -> None:
    rounded = torch.tensor([1.0, 1.0, -1e-8])
    assert g.effective_rank(rounded) == g.effective_rank(torch.tensor([1.0, 1.0, 0.0]))
    assert g.live_dimensions(rounded) == 2


def test_fitted_features_may_be_of_another_dtype() -> None:
    found = g.nearest_class_mean(Z, LABEL, (Z.double(), LABEL))
    assert found == g.nearest_class_mean(Z, LABEL)
    assert found.dtype == Z.dtype


def test_values_on_another_device_are_not_looked_at() -> None:
    z = torch.empty(6, 4, device="meta")
    assert g.rankme(z).shape == ()
    assert g.effective_rank(z[0]).shape == ()
