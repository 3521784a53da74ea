"""What a view changes of a batch, and the one place where it is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.data.batch import (
    EDGE,
    NEW_EDGE,
    columns,
    is_mirrored,
    lengthened,
    levels,
    replaced,
    select,
)
from graph_hcl.errors import UserError


@dataclass(frozen=True)
class Edit:
    """A change to a batch of n nodes, E edges and F features; `None` leaves that part alone.

    `nodes` [n] and `edges` [E] (bool) are what stays; `masked` [n, F] or [n, 1] (bool) are the
    features that become 0; `added` [2, K] are new undirected edges as pairs of node numbers, given
    once; `apply` tells what fields they have. `a & b` makes both changes. `paired` promises that
    `edges` keeps both directions of an edge or neither, so that nobody need look.

    >>> import torch
    >>> a, b = Edit(nodes=torch.tensor([True, True, False])), Edit(nodes=torch.tensor([True] * 3))
    >>> (a & b).nodes, (a & Edit()).masked
    (tensor([ True,  True, False]), None)
    """

    nodes: Tensor | None = None
    edges: Tensor | None = None
    masked: Tensor | None = None
    added: Tensor | None = None
    paired: bool = field(default=False, repr=False)

    def __and__(self, other: Edit) -> Edit:
        return Edit(
            nodes=_merge(self.nodes, other.nodes, torch.logical_and),
            edges=_merge(self.edges, other.edges, torch.logical_and),
            masked=_merge(self.masked, other.masked, torch.logical_or),
            added=_merge(self.added, other.added, lambda a, b: torch.cat([a, b], dim=1)),
            paired=all(edit.paired or edit.edges is None for edit in (self, other)),
        )


Augmentation = Callable[[Batch, Generator], Edit]
"""Anything that draws an edit of a batch from a generator on the batch's device."""


def sample_view(batch: Batch, augmentation: Augmentation, generator: Generator) -> Batch:
    """Return the batch with an edit applied that the augmentation draws.

    Raises `UserError` for a batch without what `apply` needs, before anything is drawn.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> mask_all = lambda batch, generator: Edit(masked=torch.ones(batch.num_nodes, 1).bool())
    >>> batch = Batch.from_data_list([Data(torch.ones(1, 2), torch.tensor([[0], [0]]))])
    >>> sample_view(batch, mask_all, generator=torch.Generator()).x, batch.x
    (tensor([[0., 0.]]), tensor([[1., 1.]]))
    """
    _check_batch(batch)
    return apply(batch, augmentation(batch, generator))


def apply(batch: Batch, edit: Edit) -> Batch:
    """Return a new batch with the edit carried out and its nodes numbered anew, once.

    Carries all fields of `levels`, with their nodes, edges and graphs. Kept nodes and edges stay in
    their order and new edges follow, in both directions; those that the batch had already,
    self-loops and repetitions among them are left out. A new edge has an edge_weight of 1, and 0 in
    edge_attr and all other fields. An edge goes with either of its nodes, a node stays without any
    edge. No graph is emptied: one that would lose all its nodes keeps its first. The batch itself
    is not changed. Where nodes or edges go, finding their number synchronises a CUDA device. Raises
    `UserError` for a batch without x, edge_index, batch or ptr, for a ptr that is of other nodes,
    and for an edit of another batch's shape.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> path = Data(torch.arange(3.0)[:, None], torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    >>> batch = Batch.from_data_list([path, path])
    >>> found = apply(batch, Edit(nodes=torch.tensor([False, True, True, True, False, True])))
    >>> found.edge_index.tolist(), found.ptr.tolist(), found.x.squeeze(1).tolist()
    ([[0, 1], [1, 0]], [0, 2, 4], [1.0, 2.0, 0.0, 2.0])
    """
    _check_batch(batch)
    _check_edit(batch, edit)
    if edit.masked is not None:
        batch = replaced(batch, x=torch.where(edit.masked, 0, batch.x))
    nodes, edges = edit.nodes, edit.edges
    if edit.added is not None:
        batch, edges = _with_new_edges(batch, edit.added, edges)
    if nodes is not None:
        nodes = _keep_one(nodes, batch.batch, batch.ptr)
        edges = _between(nodes, batch.edge_index, edges)
    kept = _places(edges)
    mirrored = is_mirrored(batch)
    if mirrored and kept is not None and edit.edges is not None and not edit.paired:
        mirrored = _both_ways(columns(batch.edge_index, kept))
    return select(batch, _places(nodes), kept, mirrored=mirrored)


def _merge(
    a: Tensor | None, b: Tensor | None, join: Callable[[Tensor, Tensor], Tensor]
) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return join(a, b)


def _with_new_edges(
    batch: Batch, pairs: Tensor, edges: Tensor | None
) -> tuple[Batch, Tensor | None]:
    """Return the batch with the pairs as edges behind its own, and which edges stay with them."""
    new = _new_edges(pairs, batch.edge_index, batch.num_nodes)
    fields = {"edge_index": torch.cat([batch.edge_index, new], dim=1)}
    count = new.shape[1]
    for name, level in levels(batch).items():
        if level == EDGE:
            fields[name] = lengthened(batch[name], count, NEW_EDGE.get(name, 0))
    return replaced(batch, **fields), None if edges is None else lengthened(edges, count, True)


def _between(nodes: Tensor, edge_index: Tensor, edges: Tensor | None) -> Tensor:
    """Return which of the edges (all, if None) have both their nodes."""
    source, target = edge_index
    both = nodes.index_select(0, source) & nodes.index_select(0, target)
    return both if edges is None else edges & both


def _places(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.nonzero().squeeze(1)


def _both_ways(edge_index: Tensor) -> bool:
    """Tell whether each edge is there in both directions, by sums of products of random numbers.

    Σ r_u q_v over the edges, modulo 2⁶⁴, is that over the reversed edges if they are the same
    edges, and by chance alone if they are not.
    """
    nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
    generator = torch.Generator(edge_index.device).manual_seed(nodes)
    r, q = torch.randint(
        -(2**63), 2**63 - 1, (2, nodes), generator=generator, device=edge_index.device
    )
    source, target = edge_index
    return bool((r[source] * q[target]).sum() == (r[target] * q[source]).sum())


def _count_before(nodes: Tensor) -> Tensor:
    """Return how many nodes stay before each node, and in all [n + 1]: the new numbers."""
    return torch.cat([nodes.new_zeros(1, dtype=torch.long), nodes.cumsum(0)])


def _keep_one(nodes: Tensor, graph: Tensor, ptr: Tensor) -> Tensor:
    """Return `nodes` with the first node of each graph that would lose all of them."""
    emptied = _count_before(nodes)[ptr].diff() == 0
    position = torch.arange(len(nodes), device=nodes.device)
    return nodes | (emptied[graph] & (position == ptr[graph]))


def _new_edges(pairs: Tensor, edge_index: Tensor, num_nodes: int) -> Tensor:
    """Return both directions [2, ≤ 2K] of the pairs that are not edges yet, each once, sorted."""
    source, target = torch.cat([pairs, pairs.flip(0)], dim=1)
    keys = torch.unique((source * num_nodes + target)[source != target])
    present = torch.isin(keys, edge_index[0] * num_nodes + edge_index[1])
    keys = keys[~present]
    return torch.stack([keys // num_nodes, keys % num_nodes])


def _check_batch(batch: Batch) -> None:
    for name in ("x", "edge_index", "batch", "ptr"):
        if getattr(batch, name, None) is None:
            raise UserError(
                f"Expected a batch of graphs with x, edge_index, batch and ptr, but got "
                f"{type(batch).__name__} without {name}: make one with Batch.from_data_list([…])."
            )
    if not is_mirrored(batch) and int(batch.ptr[-1]) != batch.num_nodes:
        raise UserError(
            f"Expected a batch whose ptr ends at its {batch.num_nodes} nodes, but got "
            f"{int(batch.ptr[-1])}: take nodes away by an Edit, or make the batch anew from its "
            "graphs."
        )


def _check_edit(batch: Batch, edit: Edit) -> None:
    if not isinstance(edit, Edit):
        raise UserError(
            f"Expected an augmentation to return an Edit, but got {type(edit).__name__}."
        )
    n, edges, features = batch.num_nodes, batch.edge_index.shape[1], batch.x.shape[-1]
    for name, mask, shapes in (
        ("nodes", edit.nodes, [(n,)]),
        ("edges", edit.edges, [(edges,)]),
        ("masked", edit.masked, [(n, features), (n, 1)]),
    ):
        if mask is not None and (mask.shape not in shapes or mask.dtype != torch.bool):
            wanted = " or ".join(str(list(shape)) for shape in shapes)
            raise UserError(
                f"Expected the edit's {name} as bool {wanted}, but got {mask.dtype} "
                f"{list(mask.shape)}."
            )
    if edit.added is not None and (edit.added.dim() != 2 or len(edit.added) != 2):
        raise UserError(
            f"Expected the edit's added edges as [2, edges], but got {list(edit.added.shape)}."
        )
