"""Python attributes of nodes, edges or graphs as columns of numbers with a vocabulary."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data.columns import Column
from graph_hcl.data.fields import Categorical, encode_columns, is_category, owner, stack_columns
from graph_hcl.data.vocabulary import Features
from graph_hcl.errors import UserError


def attribute_columns(
    carriers: Sequence[dict[Any, Any]],
    names: Sequence[Hashable],
    level: str,
    ptr: Tensor,
    categorical: Categorical,
) -> tuple[Tensor, Features]:
    """Return the attributes `names` of all nodes, edges or graphs as columns, and their meaning.

    `carriers` are the attribute dictionaries of the elements, `ptr` the boundaries of the graphs.
    Raises `UserError`, with the number of the graph, for missing, ragged or mixed values.

    >>> carriers = [{"bond": "single"}, {"bond": "double"}]
    >>> attribute_columns(carriers, ["bond"], "edge", torch.tensor([0, 2]), "auto")[0].tolist()
    [[1], [0]]
    """
    parts = []
    for name in names:
        values = [carrier.get(name) for carrier in carriers]
        for row, value in enumerate(values):
            if value is None:
                _refuse_absent(carriers, row, name, level, owner(ptr, row))
        for column, numbers in _split(values, str(name), level, ptr).items():
            parts.append(_column(numbers, column, level, ptr, categorical))
    if not parts:
        return torch.empty(len(carriers), 0), Features()
    return stack_columns(parts)


def _refuse_absent(
    carriers: Sequence[dict[Any, Any]], row: int, name: Any, level: str, number: int
) -> None:
    if any(carrier.get(name) is not None for carrier in carriers):
        raise UserError(
            f"Expected the attribute '{name}' on all {level}s, but one {level} of graph {number} "
            f"has none: set it on every {level}."
        )
    present = sorted({str(key) for carrier in carriers for key in carrier})
    near = difflib.get_close_matches(str(name), present, n=1)
    raise UserError(
        f"Expected the attribute '{name}' on all {level}s, but graph {number} has "
        f"{', '.join(present) or 'none at all'}" + (f": did you mean '{near[0]}'?" if near else ".")
    )


def _split(values: list[Any], name: str, level: str, ptr: Tensor) -> dict[str, list[Any]]:
    """Return the columns of an attribute by name: one, or one for each entry of its sequences."""
    plain = [v.tolist() if isinstance(v, Tensor | np.ndarray | np.generic) else v for v in values]
    lengths = [len(v) if isinstance(v, list | tuple) else None for v in plain]
    if all(length is None for length in lengths):
        return {name: plain}
    odd = [row for row, length in enumerate(lengths) if length != lengths[0]]
    if odd or not lengths[0]:
        row = odd[0] if odd else 0
        first, other = (
            "one value" if k is None else f"{k} values" for k in (lengths[0], lengths[row])
        )
        raise UserError(
            f"Expected '{name}' of one length on all {level}s, but the first {level} has {first} "
            f"and one of graph {owner(ptr, row)} has {other}: give each as many, at least one."
        )
    columns = zip(*plain, strict=True)
    return {f"{name}[{k}]": list(column) for k, column in enumerate(columns)}


def _column(
    values: list[Any], name: str, level: str, ptr: Tensor, categorical: Categorical
) -> tuple[Tensor, Features]:
    """Return one column [n, 1] of words or numbers, and its meaning."""
    is_word = [isinstance(value, str) for value in values]
    if values and all(is_word):
        distinct = sorted({str(value) for value in values})
        place = {word: number for number, word in enumerate(distinct)}
        codes = torch.tensor([[place[value]] for value in values])
        return codes, Features((Column(name, tuple(distinct)),))
    try:
        if any(is_word):
            raise TypeError
        # Integers beside floats become floats; True and False alone become 0.0 and 1.0.
        kind = torch.long if is_category(set(map(type, values))) else torch.double
        numbers = torch.tensor(values, dtype=kind)
        if numbers.dim() != 1:
            raise TypeError
    except (TypeError, ValueError, RuntimeError, OverflowError):
        row = _first_other(values)
        raise UserError(
            f"Expected either words or numbers in '{name}' of {level}s, but graph "
            f"{owner(ptr, row)} has {values[row]!r:.60}."
        ) from None
    return encode_columns(numbers[:, None], name, ptr, categorical, [name])


def _first_other(values: list[Any]) -> int:
    """Return the position of the first value that is neither, or is of the other kind."""

    def kind(value: Any) -> int:
        return 0 if isinstance(value, str) else 1 if isinstance(value, int | float) else 2

    kinds = [kind(value) for value in values]
    odd = 2 if 2 in kinds else 1 - kinds[0]
    return kinds.index(odd) if odd in kinds else 0
