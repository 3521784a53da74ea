"""Which tiles of the matrix of logits hold negatives, after sorting rows and columns by key."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from graph_hcl.losses.pairs import Pairs


class Tile(NamedTuple):
    """A block of anchors times a block of samples, and the mask of its negatives if it has others.

    >>> Tile(slice(0, 2), slice(2, 4), None).columns
    slice(2, 4, None)
    """

    rows: slice
    columns: slice
    mask: Tensor | None


class TileSchedule:
    """The order of rows and columns, and the tiles that have negatives.

    With `symmetric`, rows are anchors and samples alike and only tiles on or above the diagonal
    are given: each serves for its transpose, too.
    """

    def __init__(self, pairs: Pairs, symmetric: bool, size: int) -> None:
        self.pairs, self.symmetric, self.size = pairs, symmetric, size
        anchors, samples = pairs.negative or pairs.positive
        self.keyed = pairs.negative is not None
        if self.keyed:
            self.row_keys, self.rows = anchors.sort(stable=True)
            self.column_keys, self.columns = samples.sort(stable=True)
        else:
            self.rows = torch.arange(len(anchors), device=anchors.device)
            self.columns = torch.arange(len(samples), device=samples.device)
        self.own = None if self.keyed or pairs.self_index is None else pairs.self_index

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles that hold negatives, row blocks first."""
        row_blocks, column_blocks = self._blocks(self.rows), self._blocks(self.columns)
        row_ends = self._ends(self.row_keys, row_blocks) if self.keyed else []
        column_ends = self._ends(self.column_keys, column_blocks) if self.keyed else []
        for i, rows in enumerate(row_blocks):
            for j, columns in enumerate(column_blocks):
                if self.symmetric and j < i:
                    continue
                mask = None
                if self.keyed:
                    (low, high), (left, right) = row_ends[i], column_ends[j]
                    if low == high == left == right:
                        continue
                    if high >= left and right >= low:
                        mask = self.row_keys[rows, None] != self.column_keys[columns]
                elif self.own is not None:
                    mask = self.own[rows, None] != self.columns[columns]
                yield Tile(rows, columns, mask)

    def _blocks(self, order: Tensor) -> list[slice]:
        return [slice(k, min(k + self.size, len(order))) for k in range(0, len(order), self.size)]

    @staticmethod
    def _ends(keys: Tensor, blocks: list[slice]) -> list[tuple[int, int]]:
        where = [k for block in blocks for k in (block.start, block.stop - 1)]
        ends = keys[torch.tensor(where, device=keys.device)].tolist()
        return list(zip(ends[::2], ends[1::2], strict=True))


def tile_size(memory: int, element_size: int) -> int:
    """Return the side of square tiles of which about six fit into `memory` bytes.

    >>> tile_size(24 * 2**20, 4)
    1024
    """
    side: int = 2 ** int(math.log2(max(1.0, memory / (6 * element_size))) / 2)
    return max(64, side)
