"""Reductions of rows by an integer segment, as a group-by: sum, mean, max, log-sum-exp, softmax.

All take values [M, …] and the segment [M] of each row, in any order, and return [count, …]
(softmax: [M, …]). Native torch does the work: torch-scatter gives the same numbers, but on the CPU
it took one to four times as long, maxima of one long column apart (`benchmarks/speed/segment.py`).
"""

from __future__ import annotations

import math

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


def segment_max(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """Return the maximum of each segment; −∞ for an empty one.

    >>> segment_max(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 0]), 3)
    tensor([4., -inf, 2.])
    """
    _check(values, segment)
    out = values.new_full((count, *values.shape[1:]), -math.inf)
    index = segment.view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    return out.scatter_reduce(0, index, values, "amax")


def segment_logsumexp(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """Return log Σ exp of the rows of each segment; −∞ for an empty one, with a zero gradient.

    >>> segment_logsumexp(torch.tensor([0.0, 1000.0, 0.0]), torch.tensor([0, 2, 0]), 3)
    tensor([6.9315e-01, -inf, 1.0000e+03])
    """
    top = _finite(segment_max(values.detach(), segment, count))
    total = segment_sum((values - top[segment]).exp(), segment, count)
    empty = total == 0
    return torch.where(empty, -math.inf, torch.where(empty, 1, total).log() + top)


def segment_softmax(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """Return exp(v) divided by its sum over the row's segment [M, …].

    >>> segment_softmax(torch.zeros(3), torch.tensor([0, 2, 0]), 3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    top = _finite(segment_max(values.detach(), segment, count))
    raised = (values - top[segment]).exp()
    return raised / segment_sum(raised, segment, count)[segment]


def _finite(top: Tensor) -> Tensor:
    return torch.where(top.isfinite(), top, 0)


def _check(values: Tensor, segment: Tensor) -> None:
    if segment.dim() != 1 or len(segment) != len(values):
        raise ValueError(
            f"Expected one segment per row, [{len(values)}], but got {list(segment.shape)}."
        )
