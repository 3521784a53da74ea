"""Alignment and uniformity: distances of positive pairs, and of all pairs (arXiv 2005.10242)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl.geometry.inputs import check_positive, features
from graph_hcl.geometry.rounding import difference, tolerance, widest
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
    distance: Tensor = (first - second).norm(dim=1)
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
    z = features(z, rows=2)
    least = widest(tolerance(torch.linalg.vector_norm(z, dim=1))).square()
    # A product of float32 would drown small distances between rows that are far out.
    wide = widest(difference(z, z.mean(0)))
    size = len(z) if transformed() else max(1, TILE // len(z))
    if size >= len(z):
        near = _log_sum(wide, least, t, 0, size)
    else:
        tile: Any = _Tile.apply
        parts = [tile(wide, least, t, start, size) for start in range(0, len(z), size)]
        near = torch.stack(parts).logsumexp(0)
    mean: Tensor = near - math.log(len(z) * (len(z) - 1))
    return mean.to(z.dtype)


class _Tile(torch.autograd.Function):
    """`_log_sum`, whose distances are computed once more for the gradient, in place of kept."""

    @staticmethod
    def forward(ctx: Any, wide: Tensor, least: Tensor, *numbers: Any) -> Tensor:
        ctx.save_for_backward(wide, least)
        ctx.numbers = numbers
        return _log_sum(wide, least, *numbers)

    @staticmethod
    def backward(ctx: Any, *slope: Tensor) -> Any:
        wide, least = ctx.saved_tensors
        twice = torch.is_grad_enabled()
        with torch.enable_grad():
            value = _log_sum(wide, least, *ctx.numbers)
            (own,) = torch.autograd.grad(value, wide, slope, create_graph=twice)
        return own, None, *(None for _ in ctx.numbers)


def _log_sum(wide: Tensor, least: Tensor, t: float, start: int, size: int) -> Tensor:
    """Return log Σ e^{−t‖z_i − z_j‖²} [] over rows i from `start`, and all other rows j."""
    square = wide.square().sum(1)
    own = slice(start, start + size)
    # Squared distances by one product: many times faster than pair by pair.
    apart = square[own, None] + square
    with torch.no_grad():
        known = tolerance(apart).maximum(least[own, None].maximum(least))
    apart = apart.sub_(2 * wide[own] @ wide.t())
    rows = torch.arange(len(wide), device=wide.device)
    near = apart.masked_fill_(apart <= known, 0).mul_(-t)
    return near.masked_fill_(rows[own, None] == rows, -math.inf).flatten().logsumexp(0)
