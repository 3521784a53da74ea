"""Numbers wide enough for a loss: float32 at least, no autocast, rows of length 1."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, overload

import torch
from torch import Tensor


def full_precision(device_type: str) -> AbstractContextManager[Any]:
    """Return a context without autocast; entering one costs time, so only where there is one.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision("cpu"):
    ...     (torch.eye(2) @ torch.eye(2)).dtype
    torch.float32
    """
    if torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def at_least_float(values: Tensor) -> Tensor:
    """Return values in float32 at least.

    >>> at_least_float(torch.ones(1, dtype=torch.float16)).dtype
    torch.float32
    """
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


@overload
def of_one_type(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]: ...
@overload
def of_one_type(a: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor | None]: ...
def of_one_type(a: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return both in float64 where one of them is; other types meet in float32 by themselves.

    >>> a, b = of_one_type(torch.ones(1), torch.ones(1, dtype=torch.float64))
    >>> a.dtype, b.dtype
    (torch.float64, torch.float64)
    """
    if b is None or a.dtype == b.dtype or torch.float64 not in (a.dtype, b.dtype):
        return a, b
    return a.double(), b.double()


def unit(z: Tensor) -> Tensor:
    """Return the rows of z [..., d] divided by their length, in float32 at least.

    Rows of any length are exact, however long or short: each is divided by its largest entry
    first, so that no square overflows or vanishes. A row of zeros stays zero with a zero gradient.

    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0], [3e30, 4e30]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000],
            [0.6000, 0.8000]])
    """
    if z.shape[-1] == 0:
        return at_least_float(z)
    with full_precision(z.device.type):
        z = at_least_float(z)
        largest = z.detach().abs().amax(-1, keepdim=True)
        zero = largest < torch.finfo(z.dtype).tiny
        # A positive factor changes no direction, so it is a constant for the derivatives.
        scaled = torch.where(zero, 1.0, z / torch.where(zero, 1.0, largest))
        return torch.where(
            zero, 0.0, scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
        )


def shorten(z: Tensor) -> Tensor:
    """Return z · min(1, 1/‖z‖) of the rows of z [..., d], in float32 at least.

    >>> shorten(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    with full_precision(z.device.type):
        z = at_least_float(z)
        inside = torch.linalg.vector_norm(z.detach(), dim=-1, keepdim=True) <= 1
        return torch.where(inside, z, unit(z))
