"""What an augmentation changes of a batch, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.tensors import (
    check_dense,
    check_edges,
    check_range,
    check_tensor,
    check_within,
)
from graph_hcl.errors import UserError


@dataclass(frozen=True)
class Edit:
    """A change to a batch of n nodes, E edges and F features; `None` leaves that part alone.

    `a & b` makes both changes; it raises `UserError` for edits of batches of different shapes.

    Args:
        nodes: nodes [n] that stay (bool).
        edges: edges [E] that stay (bool).
        masked: features [n, F] or [n, 1] that become 0 (bool).
        masked_edges: edges [E] whose edge_attr becomes 0 (bool).
        added: new undirected edges [2, K] as pairs of node numbers, both of one graph, given once;
            `apply` says which fields they get.
        paired: promises that `edges` keeps both directions of an edge or neither.
        free: promises that the pairs of `added` are different ones of different nodes that no edge
            joins, so that this need not be checked.

    >>> a, b = Edit(nodes=torch.tensor([True, True, False])), Edit(nodes=torch.tensor([True] * 3))
    >>> (a & b).nodes, (a & Edit()).masked
    (tensor([ True,  True, False]), None)
    """

    nodes: Tensor | None = None
    edges: Tensor | None = None
    masked: Tensor | None = None
    masked_edges: Tensor | None = None
    added: Tensor | None = None
    paired: bool = field(default=False, repr=False)
    free: bool = field(default=False, repr=False)

    def __and__(self, other: Edit) -> Edit:
        check_is_edit(other)
        return Edit(
            nodes=_merge(self.nodes, other.nodes, torch.logical_and),
            edges=_merge(self.edges, other.edges, torch.logical_and),
            masked=_merge(self.masked, other.masked, torch.logical_or),
            masked_edges=_merge(self.masked_edges, other.masked_edges, torch.logical_or),
            added=_merge(self.added, other.added, lambda a, b: torch.cat([a, b], dim=1)),
            paired=all(edit.paired or edit.edges is None for edit in (self, other)),
            free=other.free if self.added is None else self.free and other.added is None,
        )


ADDED = "the edit's added edges"
"""What messages call them."""
Augmentation = Callable[[Batch, Generator], Edit]
"""Anything that draws an edit of a batch from a generator on the batch's device."""


def _merge(
    a: Tensor | None, b: Tensor | None, join: Callable[[Tensor, Tensor], Tensor]
) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    for part in (a, b):
        check_tensor("each part of an edit", part, "of one batch")
    if a.shape[:1] != b.shape[:1]:  # or else a mask of one would be one of all
        raise UserError(
            f"Expected two edits of one batch, but got parts {list(a.shape)} and {list(b.shape)}."
        )
    return join(a, b)


def check_is_edit(edit: Any) -> None:
    """Raise `UserError` for what an augmentation must not return.

    >>> check_is_edit(None)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected an augmentation to return an Edit, but got NoneType.
    """
    if not isinstance(edit, Edit):
        raise UserError(
            f"Expected an augmentation to return an Edit, but got {type(edit).__name__}."
        )


def check_edit(edit: Edit, batch: Batch) -> None:
    """Raise `UserError` for what is not an edit, or is one of a batch of another shape.

    So does an edit that masks edges of a batch without edge_attr and, on the CPU, one that adds
    edges of no nodes or between graphs, unless it promises `free` ones.

    >>> batch = Batch(x=torch.ones(2, 1), edge_index=torch.tensor([[0], [1]]))
    >>> check_edit(Edit(nodes=torch.tensor([True])), batch)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the edit's nodes as bool [2], but got torch.bool [1].
    """
    check_is_edit(edit)
    n, edges, features = batch.num_nodes, batch.edge_index.shape[1], batch.x.shape[-1]
    for name, mask, shapes in (
        ("nodes", edit.nodes, [(n,)]),
        ("edges", edit.edges, [(edges,)]),
        ("masked", edit.masked, [(n, features), (n, 1)]),
        ("masked_edges", edit.masked_edges, [(edges,)]),
    ):
        if mask is None:
            continue
        expected = " or ".join(str(list(shape)) for shape in shapes)
        check_tensor(f"the edit's {name}", mask, expected)
        if mask.shape not in shapes or mask.dtype != torch.bool:
            raise UserError(
                f"Expected the edit's {name} as bool {expected}, but got {mask.dtype} "
                f"{list(mask.shape)}."
            )
    if edit.masked is not None:
        check_dense(batch.x)
    if edit.masked_edges is not None:
        if not isinstance(batch.edge_attr, Tensor):
            raise UserError(
                "Expected graphs with edge_attr, which the edit masks at some edges, but got "
                "graphs without: leave that out, or give graphs that have it."
            )
        if batch.edge_attr.shape[:1] != (edges,):
            raise UserError(
                f"Expected edge_attr of {edges} edges, but got {list(batch.edge_attr.shape)}."
            )
    if edit.added is not None:
        check_edges(edit.added, ADDED)
        if not edit.free:
            check_range(edit.added, n, ADDED)
            check_within(edit.added, batch.batch, ADDED)
