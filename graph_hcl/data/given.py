"""Tensors known again by their bytes, so that what a store gave is told from what was edited."""

from __future__ import annotations

import zlib
from typing import Any

import torch
from torch import Tensor


def checksum(value: Any) -> int | None:
    """Return a checksum of the shape and bytes of a tensor; None for anything else.

    >>> checksum(torch.ones(2)) == checksum(torch.ones(2).clone()) != checksum(torch.ones(2, 1))
    True
    >>> checksum([1.0])
    """
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        return None
    if value.dtype == torch.bfloat16:  # which numpy has not
        value = value.view(torch.int16)
    held = value.detach().cpu().contiguous().numpy()
    form = hash((held.itemsize, held.shape)) & 0xFFFFFFFF  # of whole numbers, so always the same
    return zlib.crc32(held, form)


class Given:
    """A tensor as it was given: its bytes are read only where another is compared with it.

    A device is waited for there, but not where the very tensor is asked for. Pickles and deep
    copies hold the checksum alone.

    >>> one = torch.ones(2)
    >>> given = Given(one)
    >>> given.holds(one), given.holds(one.clone()), given.holds(one * 2), given.holds(one.add_(1))
    (True, True, False, False)
    """

    def __init__(self, value: Tensor) -> None:
        self._value: Tensor | None = value
        self._version = version(value)
        self._checksum: int | None = None

    def holds(self, value: Any) -> bool:
        """Tell whether a value is the tensor, or one of the same bytes; not once it has changed."""
        if self._value is not None and value is self._value:
            return version(self._value) == self._version
        found = checksum(value)
        return found is not None and found == self.checksum()

    def checksum(self) -> int | None:
        """Return that of the tensor; None if it was changed in place before."""
        if self._value is not None and version(self._value) == self._version:
            return checksum(self._value)
        return self._checksum

    def __getstate__(self) -> dict[str, Any]:
        return {"_value": None, "_version": None, "_checksum": self.checksum()}


def version(value: Tensor) -> int | None:
    """Return how often a tensor was changed in place; None for one of inference mode.

    >>> version(torch.ones(1).add_(1))
    1
    """
    return None if value.is_inference() else value._version
