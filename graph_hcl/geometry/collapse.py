"""Neural collapse and dimensional collapse, measured on features z [M, d].

Half precision is computed in float32; labels are integers, bool, or floats that are whole numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.precision import at_least_float
from graph_hcl.losses.segment import segment_mean

LIVE = 1e-3
"""Share of the largest singular value of the covariance above which a dimension is live."""


def class_means(z: Tensor, label: Tensor) -> Tensor:
    """Return the mean feature μ_c of each class that occurs, in ascending order of label [C, d].

    Raises `ValueError` unless z is [M, d] and label [M], M ≥ 1.

    >>> class_means(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([7, 7, 9]))
    tensor([[1.],
            [5.]])
    """
    z = at_least_float(z)
    classes, index = _classes(z, label)
    return segment_mean(z, index, len(classes))


def zero_sum(means: Tensor) -> Tensor:
    """Return ‖mean_c μ_c‖ []: 0 at neural collapse (arXiv 2311.05139, section 5).

    >>> zero_sum(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor(0.)
    """
    return means.mean(0).norm()


def unit_norm(means: Tensor) -> Tensor:
    """Return mean_c |‖μ_c‖ − 1| []: 0 at neural collapse (arXiv 2311.05139, section 5).

    >>> unit_norm(torch.tensor([[1.0, 0.0], [-0.5, 0.0]]))
    tensor(0.2500)
    """
    return (means.norm(dim=1) - 1).abs().mean()


def equal_inner_product(means: Tensor) -> Tensor:
    """Return mean_{c≠c'} |cos(μ_c, μ_c') + 1/(C−1)| []: 0 at neural collapse.

    arXiv 2311.05139, section 5. A class mean of length 0 counts as orthogonal to all others.
    Raises `ValueError` for fewer than two classes.

    >>> equal_inner_product(torch.eye(3))
    tensor(0.5000)
    """
    count = len(means)
    if count < 2:
        raise ValueError(f"Expected the means of two classes or more, but got {count}.")
    unit = means / means.norm(dim=1, keepdim=True).clamp_min(torch.finfo(means.dtype).tiny)
    apart = ~torch.eye(count, dtype=torch.bool, device=means.device)
    return ((unit @ unit.t())[apart] + 1 / (count - 1)).abs().mean()


def within_class(z: Tensor, label: Tensor) -> Tensor:
    """Return mean_c mean_{i in c} ‖z_i − μ_c‖ []: 0 at neural collapse.

    >>> within_class(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([0, 0, 1]))
    tensor(0.5000)
    """
    z = at_least_float(z)
    classes, index = _classes(z, label)
    means = segment_mean(z, index, len(classes))
    return segment_mean((z - means[index]).norm(dim=1), index, len(classes)).mean()


def nearest_class_mean(
    z: Tensor, label: Tensor, fitted: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Return the share of rows whose label is argmax_c ⟨z, μ_c⟩ [] (arXiv 2311.05139, section 5).

    `fitted` gives features and labels of other graphs whose class means decide; without it, the
    rows' own do.

    >>> z, label = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.1, 0.9]]), torch.tensor([0, 1, 1])
    >>> nearest_class_mean(z, label)
    tensor(1.)
    """
    z = at_least_float(z)
    known, names = (z, label) if fitted is None else (at_least_float(fitted[0]), fitted[1])
    classes = names.unique()
    nearest = classes[(z @ class_means(known, names).t()).argmax(1)]
    return (nearest == label).to(z.dtype).mean()


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

    Raises `ValueError` without rows.

    >>> covariance_spectrum(torch.tensor([[2.0, 0.0], [-2.0, 0.0]]))
    tensor([4., 0.])
    """
    z = at_least_float(z)
    if z.dim() != 2 or not len(z):
        raise ValueError(f"Expected features [M, d] of one row or more, but got {list(z.shape)}.")
    centred = z - z.mean(0)
    values = torch.linalg.eigvalsh(centred.t() @ centred / len(z))
    return values.flip(0).clamp_min(0)


def live_dimensions(spectrum: Tensor, threshold: float = LIVE) -> int:
    """Return how many singular values are above `threshold` times the largest.

    >>> live_dimensions(torch.tensor([1.0, 0.5, 1e-4]))
    2
    """
    return int((spectrum > threshold * spectrum.max()).sum())


def effective_rank(spectrum: Tensor) -> Tensor:
    """Return exp of the entropy of the spectrum over its sum [] (Roy and Vetterli, 2007).

    >>> effective_rank(torch.tensor([1.0, 1.0, 0.0]))
    tensor(2.)
    """
    p = spectrum / spectrum.sum().clamp_min(torch.finfo(spectrum.dtype).tiny)
    return torch.special.entr(p).sum().exp()


def rankme(z: Tensor, epsilon: float = 1e-7) -> Tensor:
    """Return exp(−Σ p_k log p_k), p_k = σ_k(z)/Σσ + ε [] (RankMe, arXiv 2210.02885, equation 2).

    The singular values are those of the features themselves, not centred.

    >>> rankme(torch.eye(3)).round(decimals=3)
    tensor(3.)
    """
    z = at_least_float(z)
    values = torch.linalg.svdvals(z)
    p = values / values.sum().clamp_min(torch.finfo(z.dtype).tiny) + epsilon
    return (-(p * p.log()).sum()).exp()


def alignment(first: Tensor, second: Tensor, power: float = 2.0) -> Tensor:
    """Return the mean of ‖x − y‖^power over positive pairs [P, d] (arXiv 2005.10242, eq. 4).

    >>> alignment(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor(25.)
    """
    first, second = at_least_float(first), at_least_float(second)
    return (first - second).norm(dim=1).pow(power).mean()


def uniformity(z: Tensor, t: float = 2.0) -> Tensor:
    """Return log mean_{i<j} e^{−t‖z_i − z_j‖²} [] (arXiv 2005.10242, eq. 5).

    Raises `ValueError` for fewer than two rows.

    >>> uniformity(torch.tensor([[1.0], [-1.0]]))
    tensor(-8.)
    """
    if len(z) < 2:
        raise ValueError(f"Expected two rows or more, but got {len(z)}.")
    z = at_least_float(z)
    square = z.square().sum(1)
    # Squared distances by one product: many times faster than pair by pair.
    apart = (square[:, None] + square - 2 * z @ z.t()).clamp_min(0)
    return (apart.mul_(-t).exp_().fill_diagonal_(0).sum() / (len(z) * (len(z) - 1))).log()


def feature_std(z: Tensor) -> Tensor:
    """Return the mean over dimensions of the standard deviation over rows [].

    On the unit sphere it is about 1/√d without collapse and 0 at a point (arXiv 2011.10566).

    >>> feature_std(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor(0.5000)
    """
    z = at_least_float(z)
    return (z - z.mean(0)).square().mean(0).sqrt().mean()


def _classes(z: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    if z.dim() != 2 or label.shape != z.shape[:1] or not len(z):
        raise ValueError(
            f"Expected features [M, d] and one label per row, but got {list(z.shape)} and "
            f"{list(label.shape)}."
        )
    classes, index = torch.unique(as_keys(label, "label", z), return_inverse=True)
    return classes, index
