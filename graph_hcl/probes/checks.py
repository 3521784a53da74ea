"""Checks of the numbers that probes and protocols are given: each mistake is one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.setting_checks import check_value


def check_whole(**values: Any) -> None:
    """Raise `UserError` for what is no whole number, and for a seed that numpy does not take.

    >>> check_whole(repeats=2, seed=0)
    """
    for name, value in values.items():
        check_value(name, value, int)
        if name == "seed" and not 0 <= value < 2**32:
            raise UserError(f"Expected a seed of 0 to 2³² − 1, but got {value}.")


def check_real(**values: Any) -> None:
    """Raise `UserError` for what is no real number.

    >>> check_real(fraction="0.5")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected fraction to be a number, but got '0.5'.
    """
    for name, value in values.items():
        check_value(name, value, float)


def check_fraction(fraction: Any) -> None:
    """Raise `UserError` for what is no share of labels in (0, 1].

    >>> check_fraction(0.5)
    """
    check_real(fraction=fraction)
    if not 0 < fraction <= 1:
        raise UserError(f"Expected a fraction of labels in (0, 1], but got {fraction}.")


def square_limit(count: int) -> float:
    """Return the largest size of numbers whose squared differences have a finite sum over `count`.

    >>> f"{square_limit(100):.1e}"
    '6.7e+152'
    """
    return float(np.sqrt(np.finfo(np.float64).max / (4 * max(1, count))))
