"""One field of many graphs, checked and concatenated."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, Literal

import torch
from torch import Tensor

from graph_hcl.data.columns import Column
from graph_hcl.data.levels import LEVELS
from graph_hcl.data.vocabulary import Features
from graph_hcl.errors import UserError

Categorical = bool | Literal["auto"]
EXACT = 2**53
"""Whole numbers below are exact as floats of 64 bits."""


def ends(sizes: Sequence[int] | Tensor) -> Tensor:
    """Return the boundaries [G + 1] of consecutive segments of these sizes.

    >>> ends([2, 3])
    tensor([0, 2, 5])
    """
    sizes = torch.as_tensor(sizes, dtype=torch.long)
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


def owner(ptr: Tensor, row: int) -> int:
    """Return the number of the graph whose segment contains a row.

    >>> owner(torch.tensor([0, 2, 2, 5]), 2)
    2
    """
    return int(torch.searchsorted(ptr, row, right=True)) - 1


def is_whole(kind: torch.dtype) -> bool:
    """Tell whether a dtype is an integer type; bool is not.

    >>> is_whole(torch.int32), is_whole(torch.bool)
    (True, False)
    """
    return not (kind.is_floating_point or kind.is_complex or kind == torch.bool)


def is_category(kinds: Set[type]) -> bool:
    """Tell whether a column of numbers of these Python types holds categories.

    It does if all are whole: a number with a point makes quantities, and so do bools alone.

    >>> is_category({int}), is_category({int, float}), is_category({bool})
    (True, False, False)
    """
    return int in kinds and kinds <= {bool, int}


def join(
    parts: Sequence[Any], name: str, axis: int = 0, *, mixed: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the field `name` of all graphs, concatenated along `axis`, and the sizes [G].

    Sparse tensors become dense, and all are moved to the CPU.

    Raises `UserError`, with the number of the graph, for anything but a tensor of real numbers,
    for shapes that differ between graphs and, unless `mixed`, for integers in some graphs only.

    >>> join([torch.ones(2, 3), torch.ones(1, 3)], "x")[1]
    tensor([2, 1])
    """
    seen: dict[Any, int] = {}
    tensors, sizes = [], []
    for number, part in enumerate(parts):
        if not isinstance(part, Tensor):
            raise UserError(
                f"Expected {name} as a tensor, but got {type(part).__name__} in graph {number}: "
                "convert it, for instance with torch.as_tensor."
            )
        if type(part) is not Tensor and hasattr(
            part, "as_tensor"
        ):  # PyG's EdgeIndex, whose cached facts do not hold for the concatenation
            part = part.as_tensor()
        if not part.dim():
            raise UserError(f"Expected rows in {name}, but graph {number} has a single number.")
        shape = part.shape
        sizes.append(shape[axis])
        seen.setdefault(
            (shape[:axis], shape[axis + 1 :], part.dtype, part.layout, part.device), number
        )
        tensors.append(part)
    _check_alike(seen, name, mixed)
    if any(key[3] != torch.strided or key[4].type != "cpu" for key in seen):
        tensors = [part.to_dense().cpu() for part in tensors]
    return torch.cat(tensors, dim=axis).detach().contiguous(), torch.tensor(sizes)


def _check_alike(seen: dict[Any, int], name: str, mixed: bool) -> None:
    """Raise if shapes or kinds of numbers, each seen first in one graph, differ."""
    first = next(iter(seen))
    for key, number in seen.items():
        if key[:2] != first[:2]:
            shapes = [[*k[0], "·", *k[1]] for k in (first, key)]
            old, new = (f"[{', '.join(map(str, shape))}]" for shape in shapes)
            raise UserError(
                f"Expected {name} of one shape in all graphs, but it is {old} in graph 0 and "
                f"{new} in graph {number}."
            )
        if key[2].is_complex:
            raise UserError(f"Expected real numbers in {name}, but graph {number} has {key[2]}.")
        if not mixed and is_whole(key[2]) != is_whole(first[2]):
            raise UserError(
                f"Expected {name} as whole numbers in all graphs or in none, but it is {first[2]} "
                f"in graph 0 and {key[2]} in graph {number}: convert them to one type."
            )


def real(values: Tensor, name: str, ptr: Tensor, columns: Sequence[str] = ()) -> Tensor:
    """Return values [n, …] of the graphs in `ptr` as float32.

    Raises `UserError`, with graph and column, for NaN and for values beyond float32.
    """
    out = values.float()
    finite = out.isfinite()
    if not finite.all():
        row, *place = (~finite).nonzero()[0].tolist()
        column = columns[place[0]] if columns and place else ""
        column = column or name + "".join(f"[{k}]" for k in place)
        raise UserError(
            f"Expected finite numbers in {name}, but graph {owner(ptr, row)} has "
            f"{values[row][tuple(place)].item()} in {column}: fill it in, or leave it out."
        )
    return out


def edge_weights(weight: Tensor, ptr: Tensor) -> Tensor:
    """Return edge weights [E] in float32. Raises `UserError` for several columns, and for NaN."""
    if weight.dim() > 2 or (weight.dim() == 2 and weight.shape[1] != 1):
        raise UserError(
            f"Expected one edge_weight for each edge, but got {list(weight.shape)}: give several "
            "numbers as edge_attr."
        )
    return real(weight.reshape(-1), "edge_weight", ptr)


def encode_columns(
    values: Tensor,
    name: str,
    ptr: Tensor,
    categorical: Categorical | Sequence[bool] = "auto",
    columns: Sequence[str] = (),
) -> tuple[Tensor, Features]:
    """Return values [n] or [n, k] as a store holds them, and the meaning of their columns.

    With "auto", integer types are categories and all others quantities; with True, floats with
    integer values are categories too; with False, all are quantities; a list says it of each
    column. Quantities [n] keep that shape, categories become [n, 1]. `columns` are the names;
    name[0], name[1], … by default.

    Raises `UserError` for no columns, NaN, and categories that are not integers, or are too large
    for the floats that they are given as beside quantities.

    >>> encode_columns(torch.tensor([[6], [8], [6]]), "x", torch.tensor([0, 3]))[0].tolist()
    [[0], [1], [0]]
    """
    table = values[:, None] if values.dim() == 1 else values
    if table.dim() != 2:
        shape = ["·", *values.shape[1:]]
        raise UserError(
            f"Expected {name} as one row of columns for each {LEVELS.get(name, 'element')}, "
            f"but got [{', '.join(map(str, shape))}]: flatten it."
        )
    if not table.shape[1]:
        raise UserError(f"Expected {name} with at least one column, but it has none: leave it out.")
    columns = columns or [f"{name}[{k}]" for k in range(table.shape[1])]
    if not isinstance(categorical, bool | str):
        _check_exact(table, name, ptr, columns, categorical)
        return stack_columns(
            [
                encode_columns(table[:, [k]], name, ptr, category, [column])
                for k, (category, column) in enumerate(zip(categorical, columns, strict=True))
            ]
        )
    if categorical is False or not (categorical is True or is_whole(values.dtype)):
        return real(values, name, ptr, columns), Features(tuple(map(Column, columns)))
    if values.dtype.is_floating_point:
        _check_whole(table, name, ptr, columns)
    codes, meanings = torch.empty(table.shape, dtype=torch.long), []
    for k, column in enumerate(columns):
        codes[:, k], distinct = _codes(table[:, k].long())
        meanings.append(Column(column, tuple(distinct)))
    return codes, Features(tuple(meanings))


def _check_whole(table: Tensor, name: str, ptr: Tensor, columns: Sequence[str]) -> None:
    wrong = ~(table.frac() == 0)  # NaN is wrong too
    if place := _first(wrong, table, ptr, columns, "g"):
        raise UserError(
            f"Expected whole numbers in {name} with categorical=True, but {place}: give the "
            "categories alone as whole-number types, with categorical='auto'."
        )


def _check_exact(
    table: Tensor, name: str, ptr: Tensor, columns: Sequence[str], categorical: Sequence[bool]
) -> None:
    wrong = (table.abs() >= EXACT) & torch.tensor(categorical)
    if place := _first(wrong, table, ptr, columns, ".0f"):
        raise UserError(
            f"Expected categories below 2⁵³ in {name}, but {place}: write one of that column with "
            "a point, such as 1.0, if they are quantities, or number the categories from 0."
        )


def _first(
    wrong: Tensor, table: Tensor, ptr: Tensor, columns: Sequence[str], form: str
) -> str | None:
    """Return which graph has the first wrong value of a table, and where; None without one."""
    if not wrong.any():
        return None
    row, column = wrong.nonzero()[0].tolist()
    value = format(table[row, column].item(), form)
    return f"graph {owner(ptr, row)} has {value} in {columns[column]}"


def _codes(values: Tensor) -> tuple[Tensor, list[int]]:
    """Return each value's position [n] among the distinct values, and these in order."""
    if not len(values):
        return values, []
    low, high = (int(end) for end in values.aminmax())
    if high - low > 4 * len(values) + 1000:
        distinct, positions = values.unique(return_inverse=True)
        return positions, distinct.tolist()
    counts = torch.bincount(values - low)  # ten times as fast as sorting
    positions = (counts > 0).cumsum(0).sub_(1)[values - low]
    return positions, (counts.nonzero().squeeze(1) + low).tolist()


def stack_columns(parts: Sequence[tuple[Tensor, Features]]) -> tuple[Tensor, Features]:
    """Return several tables of columns and their meanings as one table, as a store holds it.

    >>> columns = torch.tensor([7, 3]), torch.tensor([0.5, 1])
    >>> stack_columns([encode_columns(one, "x", torch.tensor([0, 2])) for one in columns])[0]
    tensor([[1.0000, 0.5000],
            [0.0000, 1.0000]])
    """
    meaning = Features(tuple(column for _, features in parts for column in features.columns))
    kind = torch.long if meaning.categorical else torch.float
    tables = [values[:, None] if values.dim() == 1 else values for values, _ in parts]
    return torch.cat([table.to(kind) for table in tables], dim=1), meaning
