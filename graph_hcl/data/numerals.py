"""Numbers that are written as text, and texts that are numbers to a reader alone."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from graph_hcl.missing import is_missing

LIMIT = 2.0**128 - 2.0**103  # from here on, numbers round to infinity in float32
HOW = "with a decimal point, and without thousands separators and %"
"""How numbers are to be written."""
_WRITTEN = re.compile(
    r"(?=.*\d)[-+−]?(\d{1,3}([,._' \u00a0\u202f]\d{3})+|\d*)([.,]\d+)?(e[-+−]?\d+)?\s*%?",
    re.IGNORECASE,
)


def parse_number(text: str) -> float | None:
    """Return the finite number that a text holds, NaN for a missing entry, or None.

    >>> parse_number("1e-3"), parse_number("n/a"), parse_number("acid"), parse_number("inf")
    (0.001, nan, None, None)
    """
    if is_missing(text):
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < LIMIT and "_" not in text else None


def number_as_word(words: Sequence[str]) -> int | None:
    """Return the place of the first word that a reader takes for a number, if most of them are so.

    Such are decimal commas, thousands separators and percentages.

    >>> number_as_word(["0,5", "1,000", "acid"]), number_as_word(["0,5", "acid"])
    (0, None)
    >>> number_as_word(["12 %"]), number_as_word(["1.1.2.3", "2020-01-31", "v1.0"])
    (0, None)
    """
    written = [place for place, word in enumerate(words) if _WRITTEN.fullmatch(word)]
    return written[0] if 2 * len(written) > len(words) else None
