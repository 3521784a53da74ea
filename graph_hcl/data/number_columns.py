"""Lists of numbers in a file of many graphs, whose columns are decided when all are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data.fields import Categorical, is_category
from graph_hcl.errors import UserError


def number_array(value: Any, name: str, place: str) -> np.ndarray:
    """Return a list of numbers, or of lists of one length, as an array of int, float or bool.

    Raises `UserError`, with the place, for anything else.

    >>> number_array([[1, 0.5]], "x", "line 1")
    array([[1. , 0.5]])
    """
    try:
        array = np.array(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "bif" or not isinstance(value, list):
        raise UserError(
            f"Expected {name} as a list of numbers, or of lists of one length, but {place} has "
            f"{json.dumps(value)[:60]}."
        )
    return array.astype(np.int64, copy=False) if array.dtype.kind == "i" else array


class NumberColumns:
    """The columns of one field, and whether each has had numbers with a point or without one.

    A column is a category if all its numbers are whole, whatever the other columns hold.

    >>> x = NumberColumns("x")
    >>> tensors = [x.read([[6, 1]], "line 1"), x.read([[8, 0.5]], "line 2")]
    >>> x.settled(tensors)
    ([tensor([[6., 1.]], dtype=torch.float64), tensor([[8.0000, 0.5000]], dtype=torch.float64)], \
[True, False])
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._seen = {kind: np.zeros(0, bool) for kind in (bool, int, float)}

    def read(self, value: Any, place: str) -> Tensor:
        """Return the numbers of one graph, exact as long as they may be categories.

        Raises `UserError` as `number_array` does.
        """
        array = number_array(value, self.name, place)
        width = array.shape[1] if array.ndim > 1 else 1
        self._widen(width)
        if array.dtype.kind != "f":
            self._seen[bool if array.dtype.kind == "b" else int][:width] = True
            return torch.from_numpy(array)
        rows = value if array.ndim > 1 else [[number] for number in value]
        for column in np.flatnonzero(~self._seen[float][:width]).tolist():
            kinds = {type(row[column]) for row in rows}
            for kind, seen in self._seen.items():
                seen[column] |= kind in kinds
        tensor = torch.from_numpy(array)
        return tensor.float() if self._seen[float][:width].all() else tensor

    def _widen(self, width: int) -> None:
        for kind, seen in self._seen.items():
            if width > len(seen):
                self._seen[kind] = np.pad(seen, (0, width - len(seen)))

    def settled(
        self, tensors: Sequence[Tensor]
    ) -> tuple[list[Tensor], Categorical | Sequence[bool]]:
        """Return the tensors in one type, and `categorical` of `encode_columns`."""
        categories = [
            is_category({kind for kind, seen in self._seen.items() if seen[column]})
            for column in range(len(self._seen[int]))
        ]
        if not any(categories):
            return [tensor.float() for tensor in tensors], "auto"
        if all(categories) and not any(tensor.is_floating_point() for tensor in tensors):
            return [tensor.long() for tensor in tensors], "auto"
        return [tensor.double() for tensor in tensors], categories
