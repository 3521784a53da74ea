"""Ranges of numeric settings: declared by the field, checked here, shown by `--help`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from graph_hcl.errors import UserError


def expect(condition: bool, flag: str, expected: str, got: object) -> None:
    """Raise `UserError` with the flag's name where a condition does not hold.

    >>> expect(False, "lr", "above 0", -1)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected --lr to be above 0, but got -1.
    """
    if not condition:
        raise UserError(f"Expected --{flag} to be {expected}, but got {got!r}.")


@dataclass(frozen=True)
class Range:
    """Numbers from `least` to `most`; `above` and `below` exclude the bound itself.

    They are finite, unless `infinite`. Messages put the bound into `sentence`, which may add other
    values, or the reason.

    >>> Range(0, 1, below=True).symbols, Range(2).symbols, Range(1, 1000).symbols
    ('in [0, 1)', '>= 2', 'from 1 to 1000')
    """

    least: float
    most: float = math.inf
    above: bool = False
    below: bool = False
    sentence: str = "{}"
    infinite: bool = False

    def __contains__(self, value: float) -> bool:
        low = self.least < value if self.above else self.least <= value
        high = value < self.most if self.below else value <= self.most
        return low and high and (value < math.inf or self.infinite)

    @property
    def symbols(self) -> str:
        """The range after the words "a number" or "an integer"."""
        if self.most == math.inf:
            return f"{'>' if self.above else '>='} {self.least}"
        if self.is_interval:
            left, right = "[("[self.above], "])"[self.below]
            return f"in {left}{self.least}, {self.most}{right}"
        return f"from {self.least} to {self.most}"

    @property
    def is_interval(self) -> bool:
        """Whether the range is one of real numbers between two bounds that belong together."""
        return self.most == 1

    def expected(self, value: float) -> str:
        """Return what a value out of range should have been: the bound that it passed.

        >>> Range(1, 9).expected(0), Range(1, 9).expected(99), Range(0, above=True).expected(0)
        ('1 or more', '9 or less', 'above 0')
        >>> Range(0).expected(math.inf)
        '0 or more and finite'
        """
        if self.is_interval:
            return self.symbols
        if value > self.most:
            return f"{self.most} or less"
        bound = f"above {self.least}" if self.above else f"{self.least} or more"
        bound += " and finite" * (value == math.inf)
        return self.sentence.format(bound)


def within(
    least: float,
    most: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
    sentence: str = "{}",
    infinite: bool = False,
) -> dict[str, Any]:
    """Return the metadata of a dataclass field whose numbers are limited to a range.

    >>> within(0)["range"].symbols
    '>= 0'
    """
    return {"range": Range(least, most, above, below, sentence, infinite)}


def check_ranges(settings: Any, group: str = "") -> None:
    """Raise `UserError` for a number of a dataclass that is outside its field's range."""
    for field in dataclasses.fields(settings):
        allowed, value = field.metadata.get("range"), getattr(settings, field.name)
        if allowed is None or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        flag = group + field.name.replace("_", "-")
        expect(value in allowed, flag, allowed.expected(value), value)
