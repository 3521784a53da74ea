"""Several stores as one, with a vocabulary and class names that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset

from graph_hcl.data.columns import Column
from graph_hcl.data.levels import LEVELS
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.warn import warn_user

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore


def concat(stores: Iterable[GraphStore]) -> GraphStore:
    """Return the graphs of all stores as one store; see `GraphStore.concat`."""
    from graph_hcl.data.store import GraphStore

    parts = list(stores) if isinstance(stores, Iterable) else []
    if not parts or not all(isinstance(part, GraphStore) for part in parts):
        raise UserError(f"Expected a list of one GraphStore or more, but got {stores!r:.60}.")
    parts = [part.to(parts[0].x.device) for part in parts]
    _check_fields(parts)
    vocabulary = Vocabulary(
        _joined([part.vocabulary.node for part in parts], "node"),
        _joined([part.vocabulary.edge for part in parts], "edge"),
    )
    y, classes = _labels(parts)
    tasks = parts[0].tasks
    parts = [replace(part, y=None, classes=[], tasks=[]) for part in parts]
    moved = [part.with_vocabulary(vocabulary) for part in parts]
    tensors: dict[str, Any] = {
        name: torch.cat([getattr(part, name) for part in moved])
        for name in LEVELS
        if getattr(moved[0], name) is not None
    }
    tensors["edge_index"] = torch.cat([part.edge_index for part in moved], dim=1)
    for name in ("node_ptr", "edge_ptr"):
        tensors[name] = _ptr([getattr(part, name) for part in moved])
    names = {part.name for part in parts}
    whole = GraphStore(
        **tensors | {"y": y},
        vocabulary=vocabulary,
        classes=classes,
        tasks=tasks,
        ids=_names(parts, "ids"),
        groups=_names(parts, "groups"),
        unused=tuple(dict.fromkeys(text for part in parts for text in part.unused)),
        name=names.pop() if len(names) == 1 else "",
    )
    return whole.fitted(slice(None), standardize=False)


def store_in(graphs: Any) -> GraphStore | None:
    """Return the store that torch's `Subset` and `ConcatDataset` of stores stand for, or None.

    >>> from graph_hcl.data import load
    >>> len(store_in(ConcatDataset([Subset(load("MUTAG"), range(3)), load("MUTAG")])))
    191
    """
    from graph_hcl.data.store import GraphStore

    if isinstance(graphs, GraphStore):
        return graphs
    if isinstance(graphs, Subset):
        whole = store_in(graphs.dataset)
        return None if whole is None else whole[list(graphs.indices)]
    if isinstance(graphs, ConcatDataset):
        parts = [store_in(part) for part in graphs.datasets]
        known = [part for part in parts if part is not None]
        return concat(known) if known and len(known) == len(parts) else None
    return None


def _check_fields(parts: Sequence[GraphStore]) -> None:
    """Raise `UserError` unless all stores have the same fields, and groups or none."""
    for name in (*LEVELS, "groups"):
        present = [getattr(part, name) is not None for part in parts]
        if any(present) and not all(present):
            raise UserError(
                f"Expected {name} in all stores or in none, but store {present.index(False)} has "
                "none: leave it out of the others with dataclasses.replace, or add it there."
            )


def _joined(parts: Sequence[Features], level: str) -> Features:
    """Return features whose categories have the values of all parts."""
    names = [[column.name for column in part.columns] for part in parts]
    for number, others in enumerate(names):
        if sorted(others) != sorted(names[0]):
            raise UserError(
                f"Expected stores with the same {level} features, but store 0 has "
                f"{', '.join(names[0]) or 'none'}, and store {number} has "
                f"{', '.join(others) or 'none'}."
            )
    found = [{column.name: column for column in part.columns} for part in parts]
    return Features(tuple(_union([columns[name] for columns in found]) for name in names[0]))


def _union(columns: Sequence[Column]) -> Column:
    first = columns[0]
    if any(column.values is None for column in columns):
        return next(column for column in columns if column.values is None)
    values = dict.fromkeys(value for column in columns for value in column.values or ())
    if any(column.values != first.values for column in columns) and (
        len({type(value) for value in values}) == 1
    ):
        values = dict.fromkeys(sorted(values))
    clamp = any(column.clamp for column in columns)
    return Column(first.name, tuple(values), clamp=clamp)


def _labels(parts: Sequence[GraphStore]) -> tuple[Tensor | None, list[str]]:
    """Return y of all stores, where classes are positions among the names of all of them."""
    if parts[0].y is None:
        return None, []
    forms = [(list(part.y.shape[1:]), part.tasks, bool(part.classes)) for part in parts]  # type: ignore[union-attr]
    for number, form in enumerate(forms):
        if form != forms[0]:
            raise UserError(
                "Expected stores with labels of one kind, but those of store 0 and store "
                f"{number} differ in their tasks, or are names in one of them alone."
            )
    classes = sorted({name for part in parts for name in part.classes})
    labels = []
    for part in parts:
        y: Any = part.y
        if classes:
            place = torch.tensor([classes.index(name) for name in part.classes] + [0])
            known = ~y.isnan()
            codes = place.to(y.device)[torch.where(known, y, -1).long()]
            y = torch.where(known, codes.to(y.dtype), y)
        labels.append(y)
    return torch.cat(labels), classes


def _names(parts: Sequence[GraphStore], field: str) -> list[str] | None:
    """Return ids or groups of all stores; None with a warning where only some have them."""
    names = [getattr(part, field) for part in parts]
    if all(each is not None for each in names):
        return [name for each in names for name in each]
    if any(each is not None for each in names):
        warn_user(f"The {field} are left out: only some of the stores have them.")
    return None


def _ptr(ptrs: Sequence[Tensor]) -> Tensor:
    starts = accumulate((int(ptr[-1]) for ptr in ptrs), initial=0)
    ends = [ptr[1:] + start for ptr, start in zip(ptrs, starts, strict=False)]
    return torch.cat([ptrs[0][:1], *ends])
