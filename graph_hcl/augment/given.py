"""What augmentations of a batch are given: a batch of graphs whose fields agree."""

from __future__ import annotations

import torch
from torch_geometric.data import Batch

from graph_hcl.augment.tensors import check_edges, check_integers, check_tensor
from graph_hcl.data.batch import is_as_made, replace_fields
from graph_hcl.errors import UserError


def checked_batch(batch: Batch) -> Batch:
    """Return a batch with `batch` and `ptr` of 64 bits: itself where they are.

    Raises `UserError` for one without x, edge_index, batch or ptr, or with others than `apply`
    takes. Whether `batch` and `ptr` name the same graphs is looked at on the CPU alone.

    >>> batch = Batch(x=torch.ones(3, 1), edge_index=torch.tensor([[0, 2], [2, 0]]))
    >>> batch.batch, batch.ptr = torch.tensor([0, 1, 0]), torch.tensor([0, 2, 3])
    >>> checked_batch(batch)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a batch whose `batch` gives its graphs 0, 1, … the nodes \
between the boundaries in `ptr`, but they disagree: make one with Batch.from_data_list([…]).
    """
    for name in ("x", "edge_index", "batch", "ptr"):
        if getattr(batch, name, None) is None:
            raise UserError(
                f"Expected a batch of graphs with x, edge_index, batch and ptr, but got "
                f"{type(batch).__name__} without {name}: make one with Batch.from_data_list([…])."
            )
    check_tensor("x", batch.x, "[n, F]", 2)
    check_edges(batch.edge_index)
    for name, form in (("batch", "[n]"), ("ptr", "[B + 1]")):
        check_tensor(name, batch[name], form, 1)
        check_integers(name, batch[name])
    if not is_as_made(batch):
        _check_bounds(batch)
    if batch.batch.dtype == batch.ptr.dtype == torch.long:
        return batch
    return replace_fields(batch, batch=batch.batch.long(), ptr=batch.ptr.long())


def _check_bounds(batch: Batch) -> None:
    """Raise `UserError` unless ptr ends at the nodes and, on the CPU, batch names its graphs."""
    end = int(batch.ptr[-1]) if len(batch.ptr) else 0
    if end != batch.num_nodes:
        raise UserError(
            f"Expected a batch whose ptr ends at its {batch.num_nodes} nodes, but got {end}: drop "
            "nodes by an Edit, or make the batch anew from its graphs."
        )
    if batch.ptr.device.type != "cpu" or batch.batch.device.type != "cpu":
        return
    sizes = batch.ptr.long().diff()
    graphs = torch.arange(len(sizes))
    in_order = not len(sizes) or int(sizes.min()) >= 0
    if not in_order or not torch.equal(batch.batch.long(), graphs.repeat_interleave(sizes)):
        raise UserError(
            "Expected a batch whose `batch` gives its graphs 0, 1, … the nodes between the "
            "boundaries in `ptr`, but they disagree: make one with Batch.from_data_list([…])."
        )
