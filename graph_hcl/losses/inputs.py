"""The arguments of a loss as rows: two views or all rows at once, with graphs and labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from graph_hcl.losses.checks import check_tensor, check_whole, transformed


class Rows(NamedTuple):
    """Features [M, d], and the graph and label [M] of each row, None if not given.

    >>> Rows(torch.eye(2), None, None).graph is None
    True
    """

    z: Tensor
    graph: Tensor | None
    label: Tensor | None


def join_views(
    z: Tensor,
    other: Tensor | None,
    graph: Any,
    label: Any,
    *,
    lone: bool = False,
    validate: bool = True,
) -> Rows:
    """Return the rows of two views [B, d] of the same graphs, or rows [M, d] as they are.

    Graph and label are one per row of `z`. `lone` allows rows without a second view and without
    graphs. Raises `ValueError` for anything that does not fit, unless `validate` is False.

    >>> rows = join_views(torch.zeros(2, 3), torch.ones(2, 3), None, torch.tensor([5, 6]))
    >>> rows.z.shape, rows.label
    (torch.Size([4, 3]), tensor([5, 6, 5, 6]))
    """
    if validate:
        _check_views(z, other, graph, lone)
        keys = [
            None if values is None else as_keys(values, name, z)
            for values, name in ((graph, "graph"), (label, "label"))
        ]
    else:
        keys = [None if values is None else values.long() for values in (graph, label)]
    if other is None:
        return Rows(z, *keys)
    return Rows(torch.cat([z, other]), *(None if key is None else key.repeat(2) for key in keys))


def _check_views(z: Tensor, other: Tensor | None, graph: Any, lone: bool) -> None:
    for rows in (z, other):
        if rows is not None:
            check_tensor("features", rows)
        if rows is not None and rows.layout != torch.strided:
            raise ValueError(f"Expected dense features, but got {rows.layout}: use .to_dense().")
    if z.dim() != 2 or not z.is_floating_point():
        raise ValueError(
            f"Expected features [M, d] of a floating type, but got {list(z.shape)} of {z.dtype}."
        )
    if other is None and graph is None and not lone:
        raise ValueError(
            "Expected a second view or graph=…, the graph of each row, but got neither."
        )
    if other is not None and other.dim() == 1 and not other.is_floating_point():
        raise ValueError(
            f"Expected a second view {list(z.shape)}, but got whole numbers {list(other.shape)}: "
            "say graph=… for the graph of each row, or label=… for its label."
        )
    if other is not None and (other.shape != z.shape or not other.is_floating_point()):
        raise ValueError(
            f"Expected two views of the same graphs, both [B, d], but got {list(z.shape)} and "
            f"{list(other.shape)} of {other.dtype}."
        )


def check_views(views: int, graph: Tensor | None) -> None:
    """Raise `ValueError` unless graphs [M] are `views` times the same distinct ones in one order.

    Their values are looked at on the CPU only.

    >>> check_views(2, torch.tensor([3, 1, 1, 3]))
    Traceback (most recent call last):
    ValueError: Expected graph to name the same distinct graphs 2 times in one order, but it does \
not.
    """
    if graph is None:
        raise ValueError("Expected views with graph=…: two views given apart are two.")
    check_whole("views", views, 1)
    good = len(graph) % views == 0
    if good and graph.device.type == "cpu" and not transformed():
        first = graph[: len(graph) // views]
        good = bool((graph.view(views, -1) == first).all()) and len(first.unique()) == len(first)
    if not good:
        raise ValueError(
            f"Expected graph to name the same distinct graphs {views} times in one order, but it "
            "does not."
        )


def as_keys(values: Any, name: str, rows: Tensor) -> Tensor:
    """Return graphs or labels [M] as int64, one per row of `rows` [M, d].

    Labels may be bool, integers of any width, or floats that are whole numbers; graphs are no
    floats. Raises `ValueError` for anything else, NaN and several labels a row among it.

    >>> as_keys(torch.tensor([2.0, 0.0]), "label", torch.zeros(2, 3))
    tensor([2, 0])
    """
    check_tensor(name, values)
    if values.shape != rows.shape[:1]:
        raise ValueError(
            f"Expected {name} [{len(rows)}], one per row, but got {list(values.shape)}."
        )
    if values.device != rows.device:
        raise ValueError(f"Expected {name} on {rows.device}, but got it on {values.device}.")
    if values.is_complex() or (values.is_floating_point() and name != "label"):
        raise ValueError(f"Expected {name} to hold integers, but got {values.dtype}.")
    # Only on the CPU: elsewhere, looking at values waits for the device.
    if values.is_floating_point() and values.device.type == "cpu" and not transformed():
        # NaN and ±∞ differ from their own rounding, or pass the largest integer.
        whole = (values.double().round() == values.double()) & (values.double().abs() < 2.0**63)
        if not whole.all():
            raise ValueError(
                f"Expected {name} to hold whole numbers, but some are NaN or fractions: leave out "
                "the rows that have none."
            )
    keys: Tensor = values.long()
    return keys
