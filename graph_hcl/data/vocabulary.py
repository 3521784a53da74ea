"""The vocabulary of a store: the meaning of its feature columns, and their encoding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graph_hcl.data.columns import LOG_DEGREE, Column, real_dtype
from graph_hcl.errors import UserError
from graph_hcl.sealed import parse_json

MAX_COLUMNS = 100_000
"""Largest number of encoded columns of node or edge features."""


@dataclass(frozen=True)
class Features:
    """The columns of a store's `x` or `edge_attr`, in order.

    Raises `UserError` for more than `MAX_COLUMNS` encoded columns.

    >>> features = Features((Column("charge"), Column("element", ("C", "N"))))
    >>> features.width, features.names()
    (3, ['charge', 'element=C', 'element=N'])
    """

    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        widest = max(self.columns, key=lambda column: column.width, default=None)
        if widest is not None and self.width > MAX_COLUMNS:
            raise UserError(
                f"Expected features of at most {MAX_COLUMNS:,} columns once one-hot, but "
                f"'{widest.name}' alone has {widest.width:,} different values: leave it out or "
                "give it as a number."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {"columns": self.columns}  # what is computed of them may lie on a device

    @classmethod
    def quantities(cls, count: int, name: str = "x") -> Features:
        """Return `count` quantities, not standardised."""
        return cls(tuple(Column(f"{name}[{k}]") for k in range(count)))

    @cached_property
    def width(self) -> int:
        """Number of encoded columns F."""
        return sum(column.width for column in self.columns)

    @cached_property
    def categorical(self) -> bool:
        """Whether all columns are categories, so that the stored tensor holds integers."""
        return bool(self.columns) and all(c.values is not None for c in self.columns)

    def names(self) -> list[str]:
        """Return the name of each encoded column [F]."""
        names = []
        for column in self.columns:
            if column.values is None:
                names.append(column.name)
            else:
                names += [f"{column.name}={value}" for value in column.values]
        return names

    def summary(self) -> str:
        """Return a short description of the columns.

        >>> Features((Column("x[0]"), Column("x[1]"), Column("element", ("C", "N")))).summary()
        'x (2 numbers), element (one-hot, 2 columns)'
        """
        numbers: dict[str, int] = {}
        one_hot = []
        for column in self.columns:
            if column.values is None:
                name = column.name.partition("[")[0]
                numbers[name] = numbers.get(name, 0) + 1
            else:
                one_hot.append(f"{column.name} (one-hot, {column.width} columns)")
        counted = [f"{k} ({n} number{'s' if n > 1 else ''})" for k, n in numbers.items()]
        return ", ".join(counted + one_hot) or "none"

    def encode(self, x: Tensor) -> Tensor:
        """Return encoded features [n, F] from stored ones [n, columns].

        Categories become one-hot, with zeros alone for an unknown value as for a masked feature;
        quantities are scaled. A single quantity [n] keeps that shape.

        >>> features = Features((Column("size", mean=2.0, std=4.0), Column("element", ("C", "N"))))
        >>> features.encode(torch.tensor([[6.0, 1.0], [2.0, -1.0]]))
        tensor([[1., 0., 1.],
                [0., 0., 0.]])
        """
        if self._plain:
            return x
        if x.dim() == 1:
            return self.encode(x[:, None]).squeeze(1)
        layout = self._layout(x.device)
        out = x.new_zeros(len(x), self.width, dtype=torch.get_default_dtype())
        if len(layout.categories):
            some = x if self.categorical else x.index_select(1, layout.categories)
            codes = torch.minimum(some.long(), layout.last)
            known = (codes >= 0).to(out.dtype)
            out.scatter_(1, codes.clamp_min(0).add_(layout.offset), known)
        if len(layout.quantities):
            values = x.index_select(1, layout.quantities)
            scaled = (values - layout.mean) / layout.std
            out.index_copy_(1, layout.places, scaled.to(out.dtype))
        return out

    def decode(self, x: Tensor) -> Tensor | None:
        """Return stored features [n, columns] of encoded ones [n, F]; None for what is none.

        Zeros alone are an unknown value. Quantities may differ in their last digit.

        >>> features = Features((Column("size", mean=2.0, std=4.0), Column("element", ("C", "N"))))
        >>> features.decode(torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
        tensor([[ 6.,  1.],
                [ 2., -1.]])
        >>> features.decode(torch.tensor([[1.0, 0.5, 0.5]]))
        """
        if x.dim() == 1:
            stored = self.decode(x[:, None])
            return None if stored is None else stored.squeeze(1)
        if x.dim() != 2 or x.shape[1] != self.width:
            return None
        if self._plain:
            return x
        parts, start = [], 0
        for column in self.columns:
            part = x[:, start : start + column.width]
            start += column.width
            if column.values is None:
                parts.append(part[:, 0].double() * column.std + column.mean)
                continue
            known = part == 1
            if not bool(((part == 0) | known).all()) or bool((known.sum(1) > 1).any()):
                return None
            place = torch.arange(1, column.width + 1, device=x.device)
            parts.append((known * place).sum(1) - 1)
        kind = torch.long if self.categorical else torch.float
        return torch.stack([part.to(kind) for part in parts], dim=1)

    def clamped(self, x: Tensor) -> Tensor:
        """Return stored features [n, columns] with positions beyond a last "or more" set to it.

        >>> from graph_hcl.data.columns import degree_column
        >>> Features((degree_column(500, cap=2),)).clamped(torch.tensor([[1], [7]])).tolist()
        [[1], [2]]
        """
        last = [len(c.values) - 1 if c.values and c.clamp else torch.inf for c in self.columns]
        if not any(limit < torch.inf for limit in last):
            return x
        return torch.minimum(x, torch.tensor(last, device=x.device)).to(x.dtype)

    @cached_property
    def _plain(self) -> bool:
        return all(c.values is None and c.mean == 0 and c.std == 1 for c in self.columns)

    @property
    def scaled(self) -> bool:
        """Whether a quantity is standardised."""
        return any(c.values is None and (c.mean != 0 or c.std != 1) for c in self.columns)

    @property
    def are_degrees(self) -> bool:
        """Whether they are the degrees of nodes without features, or what looks the same.

        A column that a user calls "degree" stands beside others, or has other values.
        """
        if len(self.columns) != 1:
            return False
        (column,) = self.columns
        if column.values is None:
            return column.name == LOG_DEGREE
        return column.name == "degree" and column.is_range

    @cached_property
    def _layouts(self) -> dict[tuple[torch.device, torch.dtype], _Layout]:
        return {}

    def _layout(self, device: torch.device) -> _Layout:
        key = device, real_dtype()
        if key not in self._layouts:
            self._layouts[key] = _Layout(self.columns, device)
        return self._layouts[key]

    def fitted(self, x: Tensor, standardize: bool = True) -> Features:
        """Return the features as an encoder that sees x [n, columns] alone knows them.

        Categories get the values that do not occur there marked absent, and quantities their means
        and standard deviations there, if `standardize`. Columns of 0 and 1 and constant columns are
        not standardised.

        >>> features = Features((Column("size"), Column("element", ("C", "N"))))
        >>> size, element = features.fitted(torch.tensor([[1.0, 0.0], [5.0, 0.0]])).columns
        >>> size.mean, size.std, element.absent
        (3.0, 2.0, (1,))
        """
        if not len(x):
            return self
        columns = []
        for column, stored in zip(self.columns, x.reshape(len(x), -1).unbind(1), strict=True):
            if column.values is not None:
                column = column.seen_in(stored)
            elif standardize:
                values = stored.double()
                std = float(values.std(correction=0))
                indicator = bool(((values == 0) | (values == 1)).all())
                if indicator or not std > 1e-12 * max(1.0, float(values.abs().max())):
                    column = replace(column, mean=0.0, std=1.0)
                else:
                    column = replace(column, mean=float(values.mean()), std=std)
            columns.append(column)
        return Features(tuple(columns))

    def to_list(self) -> list[dict[str, Any]]:
        """Return the columns as plain values for JSON."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_list(cls, columns: Sequence[dict[str, Any]]) -> Features:
        """Return the features that `to_list` described; raise `ValueError` if invalid."""
        if not isinstance(columns, list):
            raise ValueError("not a list of columns")
        return cls(tuple(map(Column.from_dict, columns)))


class _Layout:
    """The positions of encoded columns, as tensors on a device."""

    def __init__(self, columns: Sequence[Column], device: torch.device) -> None:
        starts, start = [], 0
        for column in columns:
            starts.append(start)
            start += column.width

        def tensor(values: list[Any], dtype: torch.dtype = torch.long) -> Tensor:
            return torch.tensor(values, dtype=dtype, device=device)

        numbered = list(enumerate(columns))
        real = real_dtype()
        self.categories = tensor([k for k, c in numbered if c.values is not None])
        self.offset = tensor([starts[k] for k, c in numbered if c.values is not None])
        self.last = tensor([len(c.values) - 1 for c in columns if c.values is not None])
        self.quantities = tensor([k for k, c in numbered if c.values is None])
        self.places = tensor([starts[k] for k, c in numbered if c.values is None])
        self.mean = tensor([c.mean for c in columns if c.values is None], real)
        self.std = tensor([c.std for c in columns if c.values is None], real)


@dataclass(frozen=True)
class Vocabulary:
    """The meaning of node and edge features.

    >>> vocabulary = Vocabulary(Features((Column("element", ("C", "N")),)))
    >>> Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    True
    """

    node: Features
    edge: Features = Features()

    def to_json(self) -> str:
        """Return the vocabulary as JSON text."""
        return json.dumps({"node": self.node.to_list(), "edge": self.edge.to_list()})

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote; raise `ValueError` for any other text."""
        levels = parse_json(text.encode("utf-8", "replace"))
        if not isinstance(levels, dict) or set(levels) != {"node", "edge"}:
            raise ValueError("not a vocabulary")
        return cls(Features.from_list(levels["node"]), Features.from_list(levels["edge"]))
