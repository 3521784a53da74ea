"""What counts as equal: differences that rounding alone may make, of features of any size."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROUNDINGS = 32
"""Rounding errors of one operation, ε times the magnitude each, that count as no difference."""


def tolerance(magnitude: Tensor) -> Tensor:
    """Return 32 ε · magnitude: the differences of results of this magnitude that count as none.

    ε is the machine precision of the magnitude's dtype: in float32, 4·10⁻⁶ of the magnitude, and in
    float64 7·10⁻¹⁵. The magnitude is that of what was added and subtracted, before it cancelled.

    >>> tolerance(torch.tensor([1.0, 100.0]))
    tensor([3.8147e-06, 3.8147e-04])
    """
    return ROUNDINGS * torch.finfo(magnitude.dtype).eps * magnitude


def scaled(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return z divided by a power of two [], and that: the one below its largest entry.

    Squares then neither overflow nor vanish, and no digit changes: what is computed of it and
    multiplied by the power again has the same bits, where z itself has such squares. Only entries
    2¹²⁵ times smaller than the largest lose digits, in float32. The power is 1 for zeros and for
    what is not finite, and a constant to derivatives.

    >>> scaled(torch.tensor([[3.0, -5.0]]))
    (tensor([[ 0.7500, -1.2500]]), tensor(4.))
    """
    top = math.frexp(torch.finfo(z.dtype).max)[1] - 1  # log2 may be rounded up to the next
    largest = z.detach().abs().max()
    size = largest.log2().floor().clamp_max(top).exp2()
    size = torch.where(largest.isfinite() & (size > 0), size, 1)
    return z / size, size


def difference(z: Tensor, centre: Tensor) -> Tensor:
    """Return z − centre [M, d], exactly 0 in rows where rounding alone tells the two apart.

    Their squares must be in range, as those of `scaled` are. The mean of equal rows differs from
    them in the last digits; the magnitude of a row is its length or the mean length of all,
    whichever is larger.

    >>> z = torch.full((10, 1), 0.1)
    >>> difference(z, z.mean(0) + 1e-8).unique()
    tensor([0.])
    """
    apart = z - centre
    length = torch.linalg.vector_norm(z, dim=1)
    near = torch.linalg.vector_norm(apart, dim=1) <= tolerance(length.maximum(length.mean()))
    return apart.masked_fill(near[:, None], 0)


def widest(values: Tensor) -> Tensor:
    """Return values in float64, or as they are on a device that has none, as "mps".

    >>> widest(torch.ones(1)).dtype
    torch.float64
    """
    return values if values.device.type == "mps" else values.double()
