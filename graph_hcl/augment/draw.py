"""An edit drawn by an augmentation, which must leave the batch to the other views as it is."""

from __future__ import annotations

from typing import Any

from torch import Generator, Tensor
from torch_geometric.data import Batch
from torch_geometric.data.data import BaseData

from graph_hcl.augment.edit import Augmentation, Edit
from graph_hcl.data.given import version
from graph_hcl.errors import UserError
from graph_hcl.registry import label_of

OWN = __name__.partition(".")[0]


def draw_edit(augmentation: Augmentation, batch: Batch, generator: Generator) -> Edit:
    """Return the edit of a batch that an augmentation draws.

    Raises `UserError` where one that is not of this package replaces fields of the batch, adds
    some, or changes them in place: all views are drawn of one batch. A device is not waited for.

    >>> import torch
    >>> def blank(batch, generator):
    ...     batch.x = batch.x * 0
    ...     return Edit()
    >>> draw_edit(blank, Batch(x=torch.ones(2, 1)), torch.Generator())
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected an augmentation to leave the batch as it is and return an \
Edit of it, but blank changed its x: return an Edit with what is to change (nodes, edges, masked, \
masked_edges, added).
    """
    if type(augmentation).__module__.partition(".")[0] == OWN:
        return augmentation(batch, generator)
    before = _state(batch)
    edit = augmentation(batch, generator)
    now = _state(batch)
    for name in before | now:
        old, new = before.get(name), now.get(name)
        if old is None or new is None or old[0] is not new[0] or old[1] != new[1]:
            raise UserError(
                "Expected an augmentation to leave the batch as it is and return an Edit of it, "
                f"but {label_of(augmentation)} changed its {name}: return an Edit with what is to "
                "change (nodes, edges, masked, masked_edges, added)."
            )
    return edit


def _state(batch: Any) -> dict[str, tuple[Any, int | None]]:
    """Return the fields of a batch, each tensor with its version."""
    fields = batch.to_dict() if isinstance(batch, BaseData) else {}
    return {
        name: (value, version(value) if isinstance(value, Tensor) else None)
        for name, value in fields.items()
    }
