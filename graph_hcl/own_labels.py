"""Labels in the user's own words or numbers, from the positions that a store has for classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graph_hcl.data.fields import EXACT


def own_labels(codes: np.ndarray[Any, Any], classes: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return the class [G] of each code [G], as numbers where all names of classes are numbers.

    Missing codes, which are NaN, give '' or NaN. Without names of classes the codes are the user's
    own values, and are returned as they are.

    >>> own_labels(np.array([1, 0]), ["path", "ring"]), own_labels(np.array([1, 0]), ["-1", "1"])
    (array(['ring', 'path'], dtype=object), array([ 1, -1]))
    """
    if not classes:
        return codes
    missing = np.isnan(codes)
    place = np.where(missing, 0, codes).astype(int)
    numbers = _whole_numbers(classes, EXACT if missing.any() else 2**63)
    if numbers is None:
        return np.where(missing, "", np.array(classes, dtype=object)[place])
    return np.where(missing, np.nan, numbers[place]) if missing.any() else numbers[place]


def _whole_numbers(classes: Sequence[str], limit: int) -> np.ndarray[Any, Any] | None:
    """Return classes as numbers below a limit; None unless all are written as numbers are."""
    try:
        numbers = list(map(int, classes))
    except ValueError:
        return None
    if [*map(str, numbers)] != [*classes] or not all(abs(number) < limit for number in numbers):
        return None
    return np.array(numbers)
