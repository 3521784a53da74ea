"""Features of new graphs expressed in the vocabulary of a trained encoder."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from graph_hcl.data.columns import OTHER, Column, real_dtype
from graph_hcl.data.vocabulary import Features
from graph_hcl.errors import UserError
from graph_hcl.warn import warn_user


def translate(
    x: Tensor | None,
    own: Features,
    wanted: Features,
    *,
    level: str,
    derived: Mapping[str, Tensor] = MappingProxyType({}),
) -> Tensor:
    """Return stored features [n, columns] of vocabulary `own` in the vocabulary `wanted`.

    Columns are matched by name and categories by value, in any order. A value unknown to `wanted`
    becomes the value "misc" or, without one, −1, which one warning counts; a column that `wanted`
    lacks is left out with a warning. Whole numbers serve as quantities. `level` is "node" or
    "edge"; `derived` are columns [n] that follow from the graphs, by name.

    Raises `UserError` for a column that is missing or of another kind.

    >>> own = Features((Column("element", ("C", "O")),))
    >>> wanted = Features((Column("element", ("N", "O", "C")),))
    >>> translate(torch.tensor([[0], [1]]), own, wanted, level="node")
    tensor([[2],
            [1]])
    """
    flat = x is not None and x.dim() == 1
    if x is not None and flat:
        x = x[:, None]
    number = {column.name: k for k, column in enumerate(own.columns)}
    unused = [name for name in number if name not in {c.name for c in wanted.columns}]
    parts, unknown = [], []
    for column in wanted.columns:
        if column.name in number and x is not None:
            values, meaning = x[:, number[column.name]], own.columns[number[column.name]]
        elif column.name in derived:
            values, meaning = derived[column.name], column
        else:
            present = ", ".join([*number][:8]) + ", …" * (len(number) > 8) or "none"
            raise UserError(
                f"Expected the {level} feature '{column.name}', which the encoder was trained "
                f"with, but these graphs have {present}."
            )
        part, lost = _column(values, meaning, column, level)
        parts.append(part)
        unknown += [f"{lost:,} with '{column.name}'"] * bool(lost)
    if unknown:
        warn_user(
            f"Of {len(parts[0]):,} {level}s, training never saw the value of "
            f"{', '.join(unknown)}: encoded as unknown."
        )
    name_unused(unused, level)
    kind = torch.long if wanted.categorical else real_dtype()
    out = torch.stack([part.to(kind) for part in parts], dim=1)
    return out.squeeze(1) if flat else out


def name_unused(names: list[str], level: str) -> None:
    """Warn of features that a trained encoder does not read.

    >>> name_unused([], "edge")
    """
    if names:
        warn_user(
            f"The {level} features {', '.join(names)} are left out: the encoder was trained "
            "without them."
        )


def _column(values: Tensor, own: Column, wanted: Column, level: str) -> tuple[Tensor, int]:
    """Return one column in the wanted vocabulary, and how many of its values are unknown in it."""
    if own.values is None and wanted.values is None:
        return values, 0
    if wanted.values is None and (numbers := _as_numbers(values, own)) is not None:
        return numbers, 0
    if own.values is None or wanted.values is None:
        kinds = {True: "a number", False: "a category"}
        raise UserError(
            f"Expected the {level} feature '{wanted.name}' as {kinds[wanted.values is None]}, as "
            f"the encoder was trained with, but here it is {kinds[own.values is None]}."
        )
    codes = values.long()
    if own.is_range and wanted.is_range:
        # Degrees and the like: positions equal values, and may exceed the last one.
        last = len(wanted.values) - 1
        known = torch.ones(last + 2, dtype=torch.bool, device=codes.device)
        known[list(wanted.absent)] = False
        known[last + 1] &= wanted.clamp and last not in wanted.absent  # all beyond the last
        codes = torch.where(known[codes.clamp(0, last + 1)], codes, -1)
    else:
        _check_same_kind_of_values(own, wanted, level)
        absent = set(wanted.absent)
        place = {value: k for k, value in enumerate(wanted.values) if k not in absent}
        table = [place.get(value, place.get(OTHER, -1)) for value in own.values] + [-1]
        # The last entry serves −1, which is unknown already.
        codes = torch.tensor(table, device=codes.device)[codes.clamp(max=len(own.values) - 1)]
    return codes, int((codes < 0).sum())


def _as_numbers(values: Tensor, own: Column) -> Tensor | None:
    """Return the values of a category as numbers; None where one is a word or is not known."""
    words = any(isinstance(value, str) for value in own.values or ())
    if words or (len(values) and int(values.min()) < 0):
        return None
    if own.is_range:
        return values.to(real_dtype())
    table = torch.tensor(own.values, dtype=real_dtype(), device=values.device)
    return table[values.long()]


def _check_same_kind_of_values(own: Column, wanted: Column, level: str) -> None:
    """Raise unless the values of both columns are names, or those of both are numbers."""
    named = [
        any(isinstance(value, str) and value != OTHER for value in c.values or ())
        for c in (own, wanted)
    ]
    if named[0] == named[1]:
        return

    def shown(column: Column) -> str:
        some = [str(value) for value in column.values or ()]
        return ", ".join(some[:4]) + (", …" if len(some) > 4 else "")

    raise UserError(
        f"Expected '{wanted.name}' of the {level}s with the meaning that the encoder was trained "
        f"with ({shown(wanted)}), but here it is {shown(own)}: numbers and names cannot be "
        "matched, so name these values too."
    )
