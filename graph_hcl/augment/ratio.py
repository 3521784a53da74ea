"""The ranges of the ratios that augmentations take, and exact shares of whole numbers."""

from __future__ import annotations

from fractions import Fraction
from numbers import Real

import torch
from torch import Tensor

from graph_hcl.errors import UserError

_LARGEST = 2**31 - 1
"""Largest denominator of a ratio; products with as many nodes or edges still fit 64 bits."""


def check_drop_ratio(ratio: float, name: str = "ratio", of: str = "") -> None:
    """Raise `UserError` unless 0 ≤ ratio < 1: what is changed must leave something.

    >>> check_drop_ratio(1.5, "p")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected p with 0 <= p < 1, but got 1.5.
    """
    if not (_is_number(ratio) and 0 <= ratio < 1):
        raise _outside(f"0 <= {name} < 1", ratio, name, of)


def check_mask_ratio(ratio: float, name: str = "ratio", of: str = "") -> None:
    """Raise `UserError` unless 0 ≤ ratio ≤ 1: with all edges masked, the graph itself is left.

    >>> check_mask_ratio(1.5, "p")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected p with 0 <= p <= 1, but got 1.5.
    """
    if not (_is_number(ratio) and 0 <= ratio <= 1):
        raise _outside(f"0 <= {name} <= 1", ratio, name, of)


def check_keep_ratio(ratio: float, name: str = "ratio", of: str = "") -> None:
    """Raise `UserError` unless 0 < ratio ≤ 1: something must be kept.

    >>> check_keep_ratio(0.0)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected ratio (the fraction of nodes that stay) with \
0 < ratio <= 1, but got 0.0.
    """
    if not (_is_number(ratio) and 0 < ratio <= 1):
        what = " (the fraction of nodes that stay)"
        raise _outside(f"0 < {name} <= 1", ratio, name, of, what)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def plain_number(ratio: float) -> float:
    """Return a ratio of any type of numbers as an int or float, as texts and tensors take it.

    >>> plain_number(Fraction(1, 4)), plain_number(0)
    (0.25, 0)
    """
    return ratio if isinstance(ratio, int) else float(ratio)


def exact_ratio(ratio: float) -> Fraction:
    """Return the fraction that a ratio in [0, 1] is meant as, with a denominator below 2³¹.

    0.29 is 29/100 and 1 / 3 is 1/3, although neither is a floating-point number. A ratio that is
    neither 0 nor 1 never becomes one of them.

    >>> exact_ratio(0.29), exact_ratio(1 / 3)
    (Fraction(29, 100), Fraction(1, 3))
    """
    exact = Fraction(repr(float(ratio))).limit_denominator(_LARGEST)
    least = Fraction(1, _LARGEST)
    return min(max(exact, least), 1 - least) if 0 < ratio < 1 else exact


def floor_counts(sizes: Tensor, ratio: float) -> Tensor:
    """Return ⌊ratio · size⌋ for each size, computed with integers from `exact_ratio`.

    >>> floor_counts(torch.tensor([1, 9, 10, 100]), 0.29)
    tensor([ 0,  2,  2, 29])
    """
    exact = exact_ratio(ratio)
    return torch.div(sizes.long() * exact.numerator, exact.denominator, rounding_mode="floor")


def ceil_counts(sizes: Tensor, ratio: float) -> Tensor:
    """Return ⌈ratio · size⌉ for each size, computed with integers from `exact_ratio`.

    >>> ceil_counts(torch.tensor([1, 3, 10]), 2 / 3)
    tensor([1, 2, 7])
    """
    return -floor_counts(-sizes, ratio)


def nearest_counts(sizes: Tensor, ratio: float) -> Tensor:
    """Return ratio · size rounded to the nearest whole number for each size, halves upwards.

    >>> nearest_counts(torch.tensor([1, 5, 8, 13]), 0.2)
    tensor([0, 1, 2, 3])
    """
    exact = exact_ratio(ratio)
    doubled = 2 * sizes.long() * exact.numerator + exact.denominator
    return torch.div(doubled, 2 * exact.denominator, rounding_mode="floor")


def _outside(bounds: str, ratio: float, name: str, of: str, what: str = "") -> UserError:
    subject = f"the {name} of {of}" if of else name
    if not _is_number(ratio):
        kind = type(ratio).__name__
        return UserError(f"Expected {subject}{what} as a number with {bounds}, but got {kind}.")
    return UserError(f"Expected {subject}{what} with {bounds}, but got {ratio}.")
