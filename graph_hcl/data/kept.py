"""Which rows of a tensor stay: how many is read from a device for all that is asked, at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor

GO_ON = ("cuda",)
"""Devices from which numbers come while the host goes on."""


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


class Asked:
    """Whole numbers of tensors [K] of one device, on their way to the host.

    From CUDA they come while the host goes on, and it waits for them alone, when they are read.

    >>> Asked([torch.tensor([1, 2]), torch.tensor([True])]).read()
    [[1, 2], [1]]
    """

    def __init__(self, asked: Sequence[Tensor]) -> None:
        numbers, self._sizes = _joined(asked), list(map(len, asked))
        self._numbers = numbers.to("cpu", non_blocking=numbers.device.type in GO_ON)
        self._copied = _mark(numbers.device)

    def read(self) -> list[list[int]]:
        """Return the numbers of each tensor."""
        if self._copied is not None:
            self._copied.synchronize()
        return _cut(self._numbers.tolist(), self._sizes)


def read_together(asked: Sequence[Tensor]) -> list[list[int]]:
    """Return the whole numbers of tensors [K] of one device as lists, with one wait for it.

    >>> read_together([torch.tensor([1, 2]), torch.tensor([True])])
    [[1, 2], [1]]
    """
    return _cut(_joined(asked).tolist(), list(map(len, asked)))


def _joined(asked: Sequence[Tensor]) -> Tensor:
    return torch.cat([each.long() for each in asked]) if asked else torch.empty(0).long()


def _cut(numbers: list[int], sizes: list[int]) -> list[list[int]]:
    return [numbers[a:b] for a, b in pairwise(accumulate(sizes, initial=0))]


def _mark(device: torch.device) -> torch.cuda.Event | None:
    """Return what is over when all that a CUDA device was given is done."""
    if device.type != "cuda":
        return None
    event: torch.cuda.Event = torch.cuda.current_stream(device).record_event()
    return event
