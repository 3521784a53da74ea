"""One column of node or edge features: a category with its values, or a quantity with its scale."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

DEGREE_CAP = 100
"""Degree from which on nodes share a column, unless a card sets another."""

LOG_DEGREE = "log_degree"
"""Name of the quantity log(1 + degree)."""

OTHER = "misc"
"""The value of a category that stands for all values without one of their own."""

Value = int | str


@dataclass(frozen=True)
class Column:
    """One feature of nodes or edges: a category with known `values`, or a quantity without.

    A store holds a category as the position of its value, or −1 if unknown. With `clamp`, positions
    beyond the last value count as the last ("100 or more"). `absent` are the positions of values
    that occur in no graph: an encoder trained on these graphs treats them as unknown. A quantity q
    is encoded as (q − mean) / std.

    >>> Column("element", ("C", "N", "O")).width, Column("charge", mean=0.5).width
    (3, 1)
    """

    name: str
    values: tuple[Value, ...] | None = None
    clamp: bool = False
    mean: float = 0.0
    std: float = 1.0
    absent: tuple[int, ...] = ()

    def seen_in(self, codes: Tensor) -> Column:
        """Return the category with the values that do not occur in `codes` [n] marked `absent`.

        >>> Column("element", ("C", "N", "O")).seen_in(torch.tensor([0, 2, 2])).absent
        (1,)
        """
        codes = codes.long()
        known = codes[codes >= 0].clamp(max=self.width - 1)
        present = torch.bincount(known, minlength=self.width) > 0
        return replace(self, absent=tuple((~present).nonzero().flatten().tolist()))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Column:
        """Return the column with these fields as JSON holds them; raise `ValueError` if invalid."""
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise ValueError("invalid column of features")
        known, absent = values["values"], values["absent"]
        scale = (values["mean"], values["std"])
        width = len(known) if isinstance(known, list | tuple) else 0
        if (
            not isinstance(values["name"], str)
            or not isinstance(values["clamp"], bool)
            or not (known is None or isinstance(known, list | tuple))
            or not all(type(value) in (int, str) for value in known or ())
            or not all(type(number) in (int, float) and abs(number) < 1e300 for number in scale)
            or not isinstance(absent, list | tuple)
            or not all(type(place) is int and 0 <= place < width for place in absent)
            or values["std"] <= 0
        ):
            raise ValueError(f"invalid column of features: {str(values)[:200]}")
        labels = None if known is None else tuple(known)
        return cls(**values | {"values": labels, "absent": tuple(absent)})

    @property
    def is_range(self) -> bool:
        """Whether the values are 0, 1, …, so that positions equal values."""
        return self.values == tuple(range(len(self.values or ())))

    @property
    def width(self) -> int:
        """Number of columns of this one after encoding."""
        return 1 if self.values is None else len(self.values)


def real_dtype() -> torch.dtype:
    """Return the type that quantities are computed in: torch's default, or float32 if it is less.

    >>> real_dtype()
    torch.float32
    """
    return torch.promote_types(torch.get_default_dtype(), torch.float32)


def degree_column(largest: int, cap: int = DEGREE_CAP) -> Column:
    """Return the column of one-hot degrees up to `largest`, of which the last may be "cap or more".

    >>> degree_column(2).values, degree_column(500, cap=2).clamp
    ((0, 1, 2), True)
    """
    return Column("degree", tuple(range(min(largest, cap) + 1)), clamp=largest > cap)
