"""One-hot columns for integer codes, such as the labels of atoms and bonds."""

from __future__ import annotations

import torch
from torch import Tensor

from graph_hcl.errors import UserError

MAX_ONE_HOT_BYTES = 4 << 30
SPREAD = 10  # longest range of values that is spelled out, in numbers of distinct values


def one_hot_columns(labels: Tensor) -> list[tuple[int, ...]]:
    """Return, for each column of codes [R, C], the ascending values that have a one-hot column.

    As in PyG these are all integers from the smallest to the largest, unless that range is more
    than ten times the number of distinct values; then only the distinct ones.

    >>> one_hot_columns(torch.tensor([[3, 0], [5, 10**9]]))
    [(3, 4, 5), (0, 1000000000)]
    """
    columns = []
    for column in labels.unbind(1):
        values = column.unique().tolist()
        if values and values[-1] - values[0] + 1 <= SPREAD * len(values):
            values = list(range(values[0], values[-1] + 1))
        columns.append(tuple(values))
    return columns


def one_hot(
    labels: Tensor, columns: list[tuple[int, ...]], max_bytes: int = MAX_ONE_HOT_BYTES
) -> Tensor:
    """Return codes [R, C] one-hot: float32 [R, total number of values in `columns`].

    Every code must be one of the ascending values of its column, as returned by `one_hot_columns`.
    Raises `UserError` if the result would take more than `max_bytes`.

    >>> one_hot(torch.tensor([[3], [5]]), [(3, 4, 5)]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    width = sum(map(len, columns))
    if 4 * len(labels) * width > max_bytes:
        raise UserError(
            f"Expected one-hot labels of at most {max_bytes / 2**30:g} GiB, but {len(labels)} "
            f"rows of {width} different labels take {4 * len(labels) * width >> 30} GiB: merge "
            "rare labels, or remove the file of labels."
        )
    result = torch.zeros(len(labels), width)
    start = 0
    for column, values in zip(labels.unbind(1), columns, strict=True):
        place = torch.searchsorted(torch.tensor(values), column.contiguous())
        result.scatter_(1, place[:, None] + start, 1.0)
        start += len(values)
    return result
