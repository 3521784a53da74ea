"""Which rows of a tensor stay: how many is read from a device for all that is asked, at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor


class Kept:
    """The rows of a mask [n], whose numbers are had on a device without a wait once they are
    counted.

    On the CPU the numbers themselves are the fastest way to count them.

    >>> kept = Kept(torch.tensor([False, True, True]))
    >>> kept.before(torch.tensor([1, 3])), kept.numbers(2)
    (tensor([0, 2]), tensor([1, 2]))
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask
        self._on_cpu = mask.device.type == "cpu"
        if self._on_cpu:
            self._numbers = mask.nonzero().squeeze(1)
        else:
            self._before = torch.nn.functional.pad(mask.cumsum(0), (1, 0))

    def before(self, rows: Tensor) -> Tensor:
        """Return how many stay before each of some rows [K], n among them for all."""
        if self._on_cpu:
            return torch.searchsorted(self._numbers, rows)
        return self._before.index_select(0, rows)

    @property
    def count(self) -> Tensor:
        """How many stay [1]."""
        if self._on_cpu:
            return torch.tensor([len(self._numbers)])
        return self._before[-1:]

    def numbers(self, count: int) -> Tensor:
        """Return the numbers of the rows that stay, ascending, given how many they are."""
        if self._on_cpu:
            return self._numbers
        # Each to its place among those that stay, and all others to one place beyond, cut off.
        size = len(self.mask)
        place = torch.where(self.mask, self._before[:size], count)
        rows = torch.arange(size, device=place.device)
        return place.new_empty(count + 1).scatter_(0, place, rows)[:count]


def read_together(asked: Sequence[Tensor]) -> list[list[int]]:
    """Return the whole numbers of tensors [K] of one device as lists, with one wait for it.

    >>> read_together([torch.tensor([1, 2]), torch.tensor([True])])
    [[1, 2], [1]]
    """
    if not asked:
        return []
    numbers = torch.cat([each.long() for each in asked]).tolist()
    return [numbers[a:b] for a, b in pairwise(accumulate(map(len, asked), initial=0))]
