"""What counts as a missing entry, in files and in Python."""

from __future__ import annotations

from typing import Any

MISSING = frozenset(
    {
        *("", "None", "nan", "-nan", "NaN", "-NaN", "NA", "<NA>", "N/A", "n/a", "NULL", "null"),
        *("#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    }
)
"""Texts that stand for a missing entry, in these capitals: those of `pandas.read_csv`."""


def is_missing(value: Any) -> bool:
    """Tell whether a value is None, NaN, NaT, pandas' NA, or a text of `MISSING`.

    >>> is_missing(None), is_missing(float("nan")), is_missing("NA"), is_missing("Na")
    (True, True, True, False)
    """
    if value is None or isinstance(value, str):
        return value is None or value in MISSING
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA has no truth
        return True
    except (RuntimeError, ValueError):  # nor have several values
        return False
