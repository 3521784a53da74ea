"""How far features z [M, d] are apart: of positive pairs, over the sphere, around their mean.

Half precision is computed in float32; differences that rounding alone may make count as none.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl.geometry.inputs import check_positive, features
from graph_hcl.geometry.rounding import difference, scaled, tolerance, widest
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import transformed

TILE = 2**20
"""Pairs whose distances `uniformity` holds at a time."""


@names_arguments()
def alignment(first: Tensor, second: Tensor, power: float = 2.0) -> Tensor:
    """Return the mean of ‖x − y‖^power over positive pairs [P, d] (arXiv 2005.10242, equation 4).

    Args:
        first: features [P, d] of one member of each pair.
        second: features [P, d] of the other.
        power: exponent of the distance, above 0; 2 in the paper.

    Raises `ValueError` for features of different shapes, and for another power.

    >>> alignment(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor(25.)
    """
    check_positive("power", power)
    first, second = features(first, "first"), features(second, "second")
    if first.shape != second.shape:
        raise ValueError(
            f"Expected first and second of one shape [P, d], a row for each pair, but got "
            f"{list(first.shape)} and {list(second.shape)}."
        )
    apart, size = scaled(first - second)
    distance: Tensor = apart.norm(dim=1) * size
    return distance.pow(power).mean()


@names_arguments()
def uniformity(z: Tensor, t: float = 2.0) -> Tensor:
    """Return log mean_{i<j} e^{−t‖z_i − z_j‖²} [] (arXiv 2005.10242, equation 5).

    Distances that rounding alone may make are 0, at any distance from the origin. Memory is O(M),
    but for O(M²) in transforms of `torch.func` and `torch.compile`. Raises `ValueError` for fewer
    than two rows, and for a t that is not above 0.

    >>> uniformity(torch.tensor([[1.0], [-1.0]])), uniformity(torch.tensor([[9.0], [-9.0]]))
    (tensor(-8.), tensor(-648.))
    """
    check_positive("t", t)
    z, scale = scaled(features(z, rows=2))
    least = widest(tolerance(torch.linalg.vector_norm(z, dim=1))).square()
    # A product of float32 would drown small distances between rows that are far out.
    wide = widest(difference(z, z.mean(0)))
    unit = widest(scale).square().clamp_max(torch.finfo(wide.dtype).max)
    size = len(z) if transformed() else max(1, TILE // len(z))
    if size >= len(z):
        near = _log_sum(wide, least, unit, t, 0, size)
    else:
        tile: Any = _Tile.apply
        parts = [tile(wide, least, unit, t, start, size) for start in range(0, len(z), size)]
        near = torch.stack(parts).logsumexp(0)
    mean: Tensor = near - math.log(len(z) * (len(z) - 1))
    return mean.to(z.dtype)


def feature_std(z: Tensor) -> Tensor:
    """Return the mean over dimensions of the standard deviation over rows [].

    On the unit sphere it is about 1/√d without collapse and 0 at a point (arXiv 2011.10566).

    >>> feature_std(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor(0.5000)
    """
    z, size = scaled(features(z))
    variance = difference(z, z.mean(0)).square().mean(0)
    constant = variance == 0
    # The root's derivative at 0 is infinite; that of a constant dimension is 0.
    return variance.masked_fill(constant, 1).sqrt().masked_fill(constant, 0).mean() * size


def spread(z: Tensor) -> Tensor:
    """Return Σ_i ‖z_i − z̄‖² / Σ_i ‖z_i‖² [], the share of the squared length that varies.

    It is 1 for features around the origin and 0 at a point, whatever their length; equal features
    are a point where they are all 0, too.

    >>> spread(torch.tensor([[1.0, 0.0], [0.0, 1.0]])), spread(torch.zeros(2, 3))
    (tensor(0.5000), tensor(0.))
    """
    z = features(z)
    z = z / z.abs().max().clamp_min(torch.finfo(z.dtype).tiny)  # so that no square overflows
    whole = z.square().sum()
    varies = difference(z, z.mean(0)).square().sum()
    return varies / whole.clamp_min(torch.finfo(z.dtype).tiny)


class _Tile(torch.autograd.Function):
    """`_log_sum`, whose distances are computed once more for the gradient, in place of kept."""

    @staticmethod
    def forward(ctx: Any, wide: Tensor, least: Tensor, unit: Tensor, *numbers: Any) -> Tensor:
        ctx.save_for_backward(wide, least, unit)
        ctx.numbers = numbers
        return _log_sum(wide, least, unit, *numbers)

    @staticmethod
    def backward(ctx: Any, *slope: Tensor) -> Any:
        wide, least, unit = ctx.saved_tensors
        twice = torch.is_grad_enabled()
        with torch.enable_grad():
            value = _log_sum(wide, least, unit, *ctx.numbers)
            (own,) = torch.autograd.grad(value, wide, slope, create_graph=twice)
        return own, None, None, *(None for _ in ctx.numbers)


def _log_sum(wide: Tensor, least: Tensor, unit: Tensor, t: float, start: int, size: int) -> Tensor:
    """Return log Σ e^{−t‖z_i − z_j‖²} [] over rows i from `start`, and all other rows j.

    `wide` are the rows around their mean, whose squared distances are in units of `unit`.
    """
    square = wide.square().sum(1)
    own = slice(start, start + size)
    # Squared distances by one product: many times faster than pair by pair.
    apart = square[own, None] + square
    with torch.no_grad():
        known = tolerance(apart).maximum(least[own, None].maximum(least))
    apart = apart.sub_(2 * wide[own] @ wide.t())
    rows = torch.arange(len(wide), device=wide.device)
    near = apart.masked_fill_(apart <= known, 0).mul_(unit).mul_(-t)
    return near.masked_fill_(rows[own, None] == rows, -math.inf).flatten().logsumexp(0)
