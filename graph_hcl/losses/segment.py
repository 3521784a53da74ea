"""Sums and means of rows by an integer segment, as a group-by.

Both take values [M, …] and the segment [M] of each row, in any order, and return [count, …].
Native torch does the work: torch-scatter gives the same numbers, but on the CPU it took one to
four times as long (`benchmarks/`).
"""

from __future__ import annotations

import torch
from torch import Tensor


def segment_sum(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """Return Σ of the rows of each segment; 0 for an empty one.

    >>> segment_sum(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 0]), 3)
    tensor([5., 0., 2.])
    """
    _check(values, segment)
    return values.new_zeros(count, *values.shape[1:]).index_add_(0, segment, values)


def segment_mean(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """Return the mean of the rows of each segment; 0 for an empty one.

    >>> segment_mean(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 0]), 3)
    tensor([2.5000, 0.0000, 2.0000])
    """
    size = torch.bincount(segment, minlength=count).clamp_min(1).to(values)
    return segment_sum(values, segment, count) / size.view(-1, *[1] * (values.dim() - 1))


def _check(values: Tensor, segment: Tensor) -> None:
    if segment.dim() != 1 or len(segment) != len(values):
        raise ValueError(
            f"Expected one segment per row, [{len(values)}], but got {list(segment.shape)}."
        )
