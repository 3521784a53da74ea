"""Codes, such as the labels of atoms and bonds, as one-hot columns."""

from __future__ import annotations

import torch
from torch import Tensor

from graph_hcl.errors import UserError

MAX_ONE_HOT_BYTES = 4 << 30
SPREAD = 10  # a range this many times as long as there are distinct values is not spelt out


def one_hot_columns(labels: Tensor) -> list[tuple[int, ...]]:
    """Return, for each column of codes [R, C], the ascending values that have a one-hot column.

    As in PyG every whole number from the smallest to the largest; the distinct values alone where
    there are more than ten times fewer of them.

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


def one_hot(labels: Tensor, columns: list[tuple[int, ...]]) -> Tensor:
    """Return codes [R, C] one-hot, [R, total number of `columns`], float32.

    Every code must be among the ascending values of its column, as `one_hot_columns` gives them.
    Raises `UserError` where the result would take more than 4 GiB.

    >>> one_hot(torch.tensor([[3], [5]]), [(3, 4, 5)]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    width = sum(map(len, columns))
    if 4 * len(labels) * width > MAX_ONE_HOT_BYTES:
        raise UserError(
            f"Expected one-hot labels of at most {MAX_ONE_HOT_BYTES >> 30} GiB, but {len(labels)} "
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
