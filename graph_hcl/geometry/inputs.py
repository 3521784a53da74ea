"""What the measures of an embedding take: features and spectra as tensors, numbers in a range."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl.geometry.rounding import tolerance
from graph_hcl.losses.checks import check_number, check_tensor, transformed
from graph_hcl.losses.finite import NotFinite
from graph_hcl.losses.precision import at_least_float


def features(values: Tensor, name: str = "z", *, rows: int = 1, finite: bool = False) -> Tensor:
    """Return features [M, d] in float32 at least.

    Raises `ValueError` for what is no tensor of floats, for another shape, for fewer than `rows`
    rows, and, if `finite`, on the CPU for NaN and infinity, which no decomposition takes.

    >>> import numpy
    >>> features(numpy.ones((2, 3)))
    Traceback (most recent call last):
    ValueError: Expected z to be a tensor, but got ndarray: use torch.as_tensor(z).
    """
    _check_floats(name, values)
    if values.dim() != 2 or len(values) < rows or not values.shape[1]:
        least = "one row" if rows == 1 else f"{rows} rows"
        width = " and d of 1" if values.dim() == 2 and not values.shape[1] else ""
        raise ValueError(
            f"Expected {name} [M, d] of {least}{width} or more, but got {list(values.shape)}."
        )
    if finite and _values_are_known(values) and not bool(values.isfinite().all()):
        raise NotFinite(f"Expected {name} to be finite, but some of it is NaN or infinite.")
    return at_least_float(values)


def fitted_features(z: Tensor, fitted: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the features [K, d], in the dtype of z [M, d], and labels whose class means decide.

    Raises `ValueError` for what is no such pair, and for another width or device.

    >>> fitted_features(torch.ones(2, 3), (torch.ones(1, 3).double(), torch.zeros(1)))[0].dtype
    torch.float32
    """
    if not isinstance(fitted, tuple | list) or len(fitted) != 2:
        raise ValueError(
            "Expected fitted to be two tensors, features [K, d] and labels [K], but got "
            f"{type(fitted).__name__}."
        )
    known = features(fitted[0], "fitted")
    if known.shape[1] != z.shape[1] or known.device != z.device:
        raise ValueError(
            f"Expected fitted features [K, {z.shape[1]}] on {z.device}, but got "
            f"{list(known.shape)} on {known.device}."
        )
    return known.to(z.dtype), fitted[1]


def check_spectrum(spectrum: Tensor) -> None:
    """Raise `ValueError` for what is no spectrum: floats [d], finite and not negative.

    Values are looked at on the CPU alone; rounding may make them negative.

    >>> check_spectrum(torch.eye(3))
    Traceback (most recent call last):
    ValueError: Expected spectrum [d] of one value or more, but got [3, 3]: \
covariance_spectrum(z) is that of features z [M, d].
    """
    _check_floats("spectrum", spectrum)
    if spectrum.dim() != 1 or not len(spectrum):
        raise ValueError(
            f"Expected spectrum [d] of one value or more, but got {list(spectrum.shape)}: "
            "covariance_spectrum(z) is that of features z [M, d]."
        )
    if not _values_are_known(spectrum):
        return
    if not bool(spectrum.isfinite().all()):
        raise NotFinite("Expected spectrum to be finite, but some of it is NaN or infinite.")
    if bool((spectrum < -tolerance(spectrum.abs().max())).any()):
        raise ValueError(
            f"Expected spectrum of 0 or more, but got {float(spectrum.min()):.3g}: "
            "covariance_spectrum(z) is that of features z [M, d]."
        )


def check_squares(spectrum: Tensor, size: Tensor) -> None:
    """Raise `ValueError` where a spectrum [d] of features of a size [] is out of range of its type.

    Values are looked at on the CPU alone.

    >>> check_squares(torch.zeros(2), torch.tensor(1e-30))
    Traceback (most recent call last):
    ValueError: Expected features whose squares torch.float32 holds, but they differ by up to \
1e-30: give z.double(), or z / z.abs().max().
    """
    if not _values_are_known(spectrum) or not bool(size > 0):
        return
    kind = torch.finfo(spectrum.dtype)
    if not kind.tiny <= float(spectrum.detach().max()) <= kind.max:
        raise ValueError(
            f"Expected features whose squares {spectrum.dtype} holds, but they differ by up to "
            f"{float(size):.3g}: give z.double(), or z / z.abs().max()."
        )


def check_positive(name: str, value: Any, *, or_zero: bool = False) -> None:
    """Raise `ValueError` for anything but a finite number above 0, or of 0 or more.

    >>> check_positive("temperature", 0)
    Traceback (most recent call last):
    ValueError: Expected temperature to be above 0 and finite, but got 0.
    """
    check_number(name, value)
    if not (0 < value < math.inf or (or_zero and value == 0)):
        bound = "0 or more" if or_zero else "above 0"
        raise ValueError(f"Expected {name} to be {bound} and finite, but got {value}.")


def _check_floats(name: str, values: Any) -> None:
    check_tensor(name, values)
    if values.layout != torch.strided:
        raise ValueError(f"Expected {name} to be dense, but got {values.layout}: use .to_dense().")
    if not values.is_floating_point():
        raise ValueError(f"Expected {name} to hold floats, but got {values.dtype}.")


def _values_are_known(values: Tensor) -> bool:
    """Tell whether values may be looked at: on another device, that would wait for it."""
    return values.device.type == "cpu" and not transformed()
