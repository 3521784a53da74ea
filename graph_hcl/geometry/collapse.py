"""Neural collapse and dimensional collapse, measured on features z [M, d].

Half precision is computed in float32; labels are integers, bool, or floats that are whole numbers.
At collapse, features and class means differ by rounding alone: such differences count as none, by
the tolerance of `rounding`, 32 ε of the magnitudes, so that no count, tie or angle is made of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graph_hcl.geometry.inputs import (
    check_positive,
    check_spectrum,
    check_squares,
    features,
    fitted_features,
)
from graph_hcl.geometry.rounding import difference, scaled, tolerance
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_number
from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.segment import segment_mean

LIVE = 1e-3
"""Share of the largest singular value of the covariance above which a dimension is live."""


@names_arguments()
def class_means(z: Tensor, label: Tensor) -> Tensor:
    """Return the mean feature μ_c of each class that occurs, in ascending order of label [C, d].

    A mean that is 0 but for rounding, beside the lengths of its features, is 0. Raises `ValueError`
    unless z is [M, d] and label [M], M ≥ 1.

    >>> class_means(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([7, 7, 9]))
    tensor([[1.],
            [5.]])
    """
    z, size = scaled(features(z))
    classes, index = _classes(z, label)
    means = segment_mean(z, index, len(classes))
    lengths = segment_mean(z.norm(dim=1), index, len(classes))
    return means.masked_fill((means.norm(dim=1) <= tolerance(lengths))[:, None], 0) * size


@names_arguments()
def zero_sum(means: Tensor) -> Tensor:
    """Return ‖mean_c μ_c‖ []: 0 at neural collapse (arXiv 2311.05139, section 5).

    >>> zero_sum(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor(0.)
    """
    means, size = scaled(features(means, "means"))
    length: Tensor = means.mean(0).norm() * size
    return length


def unit_norm(means: Tensor) -> Tensor:
    """Return mean_c |‖μ_c‖ − 1| []: 0 at neural collapse (arXiv 2311.05139, section 5).

    >>> unit_norm(torch.tensor([[1.0, 0.0], [-0.5, 0.0]]))
    tensor(0.2500)
    """
    means, size = scaled(features(means, "means"))
    length: Tensor = means.norm(dim=1) * size
    return (length - 1).abs().mean()


def equal_inner_product(means: Tensor) -> Tensor:
    """Return mean_{c≠c'} |cos(μ_c, μ_c') + 1/(C−1)| []: 0 at neural collapse.

    arXiv 2311.05139, section 5. A class mean of length 0, but for rounding beside the longest,
    counts as orthogonal to all others. Raises `ValueError` for fewer than two classes.

    >>> equal_inner_product(torch.eye(3))
    tensor(0.5000)
    """
    means, _ = scaled(features(means, "means", rows=2))
    length: Tensor = means.norm(dim=1, keepdim=True)
    point = length <= tolerance(length.max())
    unit = (means / length.masked_fill(point, 1)).masked_fill(point, 0)
    apart = ~torch.eye(len(means), dtype=torch.bool, device=means.device)
    return ((unit @ unit.t())[apart] + 1 / (len(means) - 1)).abs().mean()


@names_arguments()
def within_class(z: Tensor, label: Tensor) -> Tensor:
    """Return mean_c mean_{i in c} ‖z_i − μ_c‖ []: 0 at neural collapse.

    >>> within_class(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([0, 0, 1]))
    tensor(0.5000)
    """
    z, size = scaled(features(z))
    classes, index = _classes(z, label)
    means = segment_mean(z, index, len(classes))
    apart = difference(z, means[index]).norm(dim=1)
    return segment_mean(apart, index, len(classes)).mean() * size


@names_arguments()
def nearest_class_mean(
    z: Tensor, label: Tensor, fitted: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Return the share of rows whose label is argmax_c ⟨z, μ_c⟩ [] (arXiv 2311.05139, section 5).

    Where k classes tie, but for rounding, each counts 1/k: features that are all alike are
    classified as well as by chance.

    Args:
        z: features [M, d].
        label: integer class [M] of each row.
        fitted: features [K, d] and labels [K] of other graphs, whose class means decide; by default
            those of the rows themselves.

    Raises `ValueError` for features that are not of the same width and device.

    >>> z, label = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.1, 0.9]]), torch.tensor([0, 1, 1])
    >>> nearest_class_mean(z, label), nearest_class_mean(torch.ones(3, 2), label)
    (tensor(1.), tensor(0.5000))
    """
    z = features(z)
    label = as_keys(label, "label", z)
    known, names = (z, label) if fitted is None else fitted_features(z, fitted)
    (z, _), (known, _) = scaled(z), scaled(known)
    classes, means = as_keys(names, "label", known).unique(), class_means(known, names)
    product = z @ means.t()
    # Rounding acts on the size of the products of which the inner product is the sum.
    magnitude: Tensor = z.norm(dim=1, keepdim=True) * means.norm(dim=1).max()
    nearest = product >= product.amax(1, keepdim=True) - tolerance(magnitude)
    right: Tensor = (nearest & (classes == label[:, None])).any(1)
    return (right.to(z.dtype) / nearest.sum(1)).mean()


def class_mean_spectrum(z: Tensor, label: Tensor) -> Tensor:
    """Return the singular values of the covariance of the class means, descending [min(C−1, d)].

    Fewer live ones than C − 1 is dimensional collapse (arXiv 2311.05139, section 5).

    >>> z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    >>> class_mean_spectrum(z, torch.arange(3))
    tensor([0.6667, 0.0000])
    """
    means = class_means(z, label)
    return covariance_spectrum(means)[: max(1, min(len(means) - 1, z.shape[1]))]


def covariance_spectrum(z: Tensor) -> Tensor:
    """Return the singular values of the covariance of rows (divisor M), descending [d].

    All are 0 where the rows are equal but for rounding. Raises `ValueError` without rows, and on
    the CPU for features that are not finite, or whose squares are out of range of their type.

    >>> covariance_spectrum(torch.tensor([[2.0, 0.0], [-2.0, 0.0]]))
    tensor([4., 0.])
    """
    z, unit = scaled(features(z, finite=True))
    centred = difference(z, z.mean(0))
    # Of size 1, as squares of very small or large numbers are none that eigvalsh can take.
    size: Tensor = centred.abs().max()
    rows = centred / torch.where(size > 0, size, 1)
    values: Tensor = torch.linalg.eigvalsh(rows.t() @ rows / len(z))
    spectrum = values.flip(0).clamp_min(0) * size.square() * unit * unit
    check_squares(spectrum, size * unit)
    return spectrum


@names_arguments()
def live_dimensions(spectrum: Tensor, threshold: float = LIVE) -> int:
    """Return how many singular values are above `threshold` times the largest; 0 if all are 0.

    Raises `ValueError` for what is no spectrum [d], and for a threshold outside [0, 1).

    >>> live_dimensions(torch.tensor([1.0, 0.5, 1e-4]))
    2
    """
    check_spectrum(spectrum)
    check_number("threshold", threshold)
    if not 0 <= threshold < 1:
        raise ValueError(f"Expected threshold to be in [0, 1), but got {threshold}.")
    return int((spectrum > threshold * spectrum.max()).sum())


def effective_rank(spectrum: Tensor) -> Tensor:
    """Return exp of the entropy of the spectrum over its sum [] (Roy and Vetterli, 2007).

    It is 0 where the whole spectrum is: equal features have no dimension. Singular values of 0 are
    constant to its derivative, as those are that features have for want of rows. Raises
    `ValueError` for what is no spectrum [d].

    >>> effective_rank(torch.tensor([1.0, 1.0, 0.0])), effective_rank(torch.zeros(3))
    (tensor(2.), tensor(0.))
    """
    check_spectrum(spectrum)
    values = spectrum.clamp_min(0)
    some = values.max() > 0
    p = values / torch.where(some, values.max(), 1)
    p = p / torch.where(some, p.sum(), 1)
    # The entropy of 1 is 0, as that of 0 is, but its derivative is finite.
    rank: Tensor = torch.special.entr(p.masked_fill(p == 0, 1)).sum().exp()
    return torch.where(some, rank, 0)


def rankme(z: Tensor, epsilon: float = 1e-7) -> Tensor:
    """Return exp(−Σ p_k log p_k), p_k = σ_k(z)/Σσ + ε [] (RankMe, arXiv 2210.02885, equation 2).

    The singular values are those of the features themselves, not centred. Raises `ValueError` for
    an ε below 0, and on the CPU for features that are not finite.

    >>> rankme(torch.eye(3)).round(decimals=3)
    tensor(3.)
    """
    check_positive("epsilon", epsilon, or_zero=True)
    z = features(z, finite=True)
    values: Tensor = torch.linalg.svdvals(z)
    p = values / values.sum().clamp_min(torch.finfo(z.dtype).tiny) + epsilon
    p = p.masked_fill(p == 0, 1)  # whose p log p is 0, too
    return (-(p * p.log()).sum()).exp()


def _classes(z: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    classes, index = torch.unique(as_keys(label, "label", z), return_inverse=True)
    return classes, index
