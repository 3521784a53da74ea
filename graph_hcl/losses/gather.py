"""The rows of several processes as one batch, so that N processes have the loss of one."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, distributed

from graph_hcl.losses.pairs import Pairs


class Gather(Protocol):
    """Collects a tensor from all processes; the objectives take one as `gather`."""

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""

    def __call__(self, values: Tensor) -> Tensor:
        """Return the values [M, …] of all processes, in the order of their rank [R · M, …].

        Each process has the same number of rows M. Gradients of floating values go back to the
        process that they come from.
        """


class DistributedGather:
    """All rows by `torch.distributed`, with gradients.

    The mean over processes of their losses is then that of all rows in one process, and so is its
    gradient under `DistributedDataParallel`, if as many rows count in each: as many of their
    positive pairs with `average="pair"`. Without a process group it returns what it is given.
    Raises `ValueError` for processes with other numbers of rows, on the CPU.

    >>> gather = DistributedGather()
    >>> gather.rank, gather(torch.eye(2)).shape
    (0, torch.Size([2, 2]))
    """

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        return distributed.get_rank() if distributed.is_initialized() else 0

    def __call__(self, values: Tensor) -> Tensor:
        """Return the values of all processes, in the order of their rank."""
        if not distributed.is_initialized():
            return values
        if values.device.type == "cpu" and not torch.compiler.is_compiling():
            _check_rows(len(values))  # on a GPU it would be waited for
        if not values.is_floating_point():
            return _all_gather(values)
        whole: Tensor = _Gathered.apply(values)
        return whole


def _all_gather(values: Tensor) -> Tensor:
    values = values.contiguous()
    parts = [torch.empty_like(values) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, values)
    return torch.cat(parts)


def _check_rows(count: int) -> None:
    """Raise `ValueError` in all processes where one has another number of rows."""
    counts = _all_gather(torch.tensor([count])).tolist()
    if len({*counts}) > 1:
        raise ValueError(
            f"Expected as many rows in each process, but got {', '.join(map(str, counts))}: give "
            "batches of one size, such as DataLoader(…, drop_last=True)."
        )


class _Gathered(torch.autograd.Function):
    """All rows; the gradient of a row is the sum of what all processes say of it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """Return the values of all processes."""
        ctx.rows = len(values)
        return _all_gather(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient of this process's own rows."""
        own: Tensor = _Summed.apply(gradient, ctx.rows)
        return own


class _Summed(torch.autograd.Function):
    """This process's own rows of the sum over processes; what `_Gathered` is the gradient of."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: int) -> Tensor:
        """Return the sum [rows, …] of what all processes say of these rows."""
        # Not reduce_scatter, which gloo lacks in the oldest torch that is supported.
        total = values.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        first = distributed.get_rank() * rows
        return total[first : first + rows]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of all rows."""
        return _Gathered.apply(gradient), None


def gathered(
    gather: Gather, z: Tensor, positive: Tensor, negative: Tensor | None
) -> tuple[Tensor, Pairs]:
    """Return the rows of all processes and the pairs of this one's rows z [M, d] with them.

    >>> z, key = torch.eye(2), torch.arange(2)
    >>> samples, pairs = gathered(DistributedGather(), z, key, None)
    >>> samples.shape, pairs.counts()[1]
    (torch.Size([2, 2]), tensor([1, 1]))
    """
    own = torch.arange(len(z), device=z.device) + gather.rank * len(z)
    positives = positive, gather(positive)
    # One key must stay one object, by which `Pairs` knows that negatives are all but positives.
    if negative is positive:
        negatives: tuple[Tensor, Tensor] | None = positives
    else:
        negatives = None if negative is None else (negative, gather(negative))
    return gather(z), Pairs(positives, negatives, own)
