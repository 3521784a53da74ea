"""Edits applied to a batch: features masked, edges added, nodes and edges dropped, renumbered."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.edges import (
    absent_edges,
    both_ways,
    edges_between,
    mask_rows,
    runs_both_ways,
)
from graph_hcl.augment.edit import Augmentation, Edit, check_edit
from graph_hcl.data.batch import (
    append_rows,
    index_edges,
    is_sorted_undirected,
    replace_fields,
    select,
)
from graph_hcl.data.levels import EDGE, NEW_EDGE_VALUES, levels
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments


@names_arguments()
def sample_view(batch: Batch, augmentation: Augmentation, generator: Generator) -> Batch:
    """Return the batch with an edit applied that the augmentation draws.

    Args:
        batch: a batch of PyG.
        augmentation: what draws the edit, called with the batch and the generator.
        generator: generator of the draws, on the device of the batch.

    Raises `UserError` for a batch without what `apply` needs, before anything is drawn.

    >>> from torch_geometric.data import Data
    >>> mask_all = lambda batch, generator: Edit(masked=torch.ones(batch.num_nodes, 1).bool())
    >>> batch = Batch.from_data_list([Data(torch.ones(1, 2), torch.tensor([[0], [0]]))])
    >>> sample_view(batch, mask_all, generator=torch.Generator()).x, batch.x
    (tensor([[0., 0.]]), tensor([[1., 1.]]))
    """
    _check_batch(batch)
    return apply(batch, augmentation(batch, generator))


def apply(batch: Batch, edit: Edit) -> Batch:
    """Return a new batch with the edit applied and its nodes renumbered once.

    All fields of `levels` are kept with their nodes, edges and graphs. Kept nodes and edges stay in
    their order, and new edges follow in both directions, without self-loops, repetitions and edges
    that are present already. A new edge has an edge_weight of 1, and 0 in edge_attr and all other
    fields. An edge is dropped with either of its nodes, but a node is not dropped with its last
    edge. A graph that would lose all its nodes keeps its first. The batch itself is not changed.
    Where nodes or edges are dropped, or edges added that the edit does not promise to be new,
    counting them synchronises a CUDA device. Raises `UserError` for a batch without x, edge_index,
    batch or ptr, for a ptr that does not end at its nodes, and for an edit of another batch's
    shape.

    >>> from torch_geometric.data import Data
    >>> path = Data(torch.arange(3.0)[:, None], torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    >>> batch = Batch.from_data_list([path, path])
    >>> edited = apply(batch, Edit(nodes=torch.tensor([False, True, True, True, False, True])))
    >>> edited.edge_index.tolist(), edited.ptr.tolist(), edited.x.squeeze(1).tolist()
    ([[0, 1], [1, 0]], [0, 2, 4], [1.0, 2.0, 0.0, 2.0])
    """
    _check_batch(batch)
    check_edit(edit, batch)
    edited = _mask(batch, edit)
    edited, edges = _add_edges(edited, edit)
    nodes, edges = _drop_nodes(edited, edit, edges)
    return _select(edited, edit, nodes, edges)


def _mask(batch: Batch, edit: Edit) -> Batch:
    """Return the batch with its masked features, and attributes of masked edges, set to 0."""
    fields = {}
    if edit.masked is not None:
        fields["x"] = torch.where(edit.masked, 0, batch.x)
    if edit.masked_edges is not None:
        fields["edge_attr"] = mask_rows(batch.edge_attr, edit.masked_edges)
    return replace_fields(batch, **fields) if fields else batch


def _add_edges(batch: Batch, edit: Edit) -> tuple[Batch, Tensor | None]:
    """Return the batch with its new edges after the others, and the edges that stay (None: all)."""
    if edit.added is None:
        return batch, edit.edges
    if edit.free:
        new = both_ways(edit.added, batch.num_nodes)
    else:
        new = absent_edges(edit.added, batch.edge_index, batch.num_nodes)
    fields = {"edge_index": torch.cat([batch.edge_index, new], dim=1)}
    count = new.shape[1]
    for name, level in levels(batch).items():
        if level == EDGE:
            fields[name] = append_rows(batch[name], count, NEW_EDGE_VALUES.get(name, 0))
    edges = None if edit.edges is None else append_rows(edit.edges, count, True)
    return replace_fields(batch, **fields), edges


def _drop_nodes(
    batch: Batch, edit: Edit, edges: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Return the nodes that stay, one of each graph at least, and the edges that stay with them."""
    if edit.nodes is None:
        return None, edges
    nodes = _keep_one(edit.nodes, batch.batch, batch.ptr)
    between = edges_between(nodes, batch.edge_index)
    return nodes, between if edges is None else edges & between


def _select(batch: Batch, edit: Edit, nodes: Tensor | None, edges: Tensor | None) -> Batch:
    """Return the nodes and edges of the masks (None: all), renumbered."""
    chosen = _positions(edges)
    sorted_undirected = is_sorted_undirected(batch)
    if sorted_undirected and chosen is not None and edit.edges is not None and not edit.paired:
        sorted_undirected = runs_both_ways(index_edges(batch.edge_index, chosen))
    return select(batch, _positions(nodes), chosen, sorted_undirected=sorted_undirected)


def _positions(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.nonzero().squeeze(1)


def _keep_one(nodes: Tensor, graph: Tensor, ptr: Tensor) -> Tensor:
    """Return `nodes` with the first node of each graph that would lose all of them."""
    kept_before = torch.cat([nodes.new_zeros(1, dtype=torch.long), nodes.cumsum(0)])
    emptied = kept_before[ptr].diff() == 0
    position = torch.arange(len(nodes), device=nodes.device)
    return nodes | (emptied[graph] & (position == ptr[graph]))


def _check_batch(batch: Batch) -> None:
    for name in ("x", "edge_index", "batch", "ptr"):
        if getattr(batch, name, None) is None:
            raise UserError(
                f"Expected a batch of graphs with x, edge_index, batch and ptr, but got "
                f"{type(batch).__name__} without {name}: make one with Batch.from_data_list([…])."
            )
    if not is_sorted_undirected(batch) and int(batch.ptr[-1]) != batch.num_nodes:
        raise UserError(
            f"Expected a batch whose ptr ends at its {batch.num_nodes} nodes, but got "
            f"{int(batch.ptr[-1])}: drop nodes by an Edit, or make the batch anew from its graphs."
        )
