"""Edits applied to a batch: features masked, edges added, nodes and edges dropped, renumbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.draw import draw_edit
from graph_hcl.augment.edges import (
    absent_edges,
    both_ways,
    edges_between,
    mask_rows,
    runs_both_ways,
)
from graph_hcl.augment.edit import Augmentation, Edit, check_edit
from graph_hcl.augment.given import checked_batch
from graph_hcl.augment.tensors import check_generator, check_range, check_within
from graph_hcl.data.batch import append_rows, is_sorted_undirected, replace_fields, select
from graph_hcl.data.kept import Asked, Kept
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

    Raises `UserError` for a batch without what `apply` needs, before anything is drawn, and on the
    CPU for edges that name no node or join two graphs; and for an augmentation that changes the
    batch itself.

    >>> from torch_geometric.data import Data
    >>> mask_all = lambda batch, generator: Edit(masked=torch.ones(batch.num_nodes, 1).bool())
    >>> batch = Batch.from_data_list([Data(torch.ones(1, 2), torch.tensor([[0], [0]]))])
    >>> sample_view(batch, mask_all, generator=torch.Generator()).x, batch.x
    (tensor([[0., 0.]]), tensor([[1., 1.]]))
    """
    if not callable(augmentation):
        raise UserError(
            f"Expected an augmentation, such as parse makes of text, but got {augmentation!r:.60}."
        )
    check_generator(generator)
    batch = checked_batch(batch)
    check_range(batch.edge_index, len(batch.x))
    check_within(batch.edge_index, batch.batch)
    return apply(batch, draw_edit(augmentation, batch, generator))


def apply(batch: Batch, edit: Edit) -> Batch:
    """Return a new batch with the edit applied and its nodes renumbered once.

    All fields of `levels` are kept with their nodes, edges and graphs. Kept nodes and edges stay in
    their order, and new edges follow in both directions, without self-loops, repetitions and edges
    that are present already. A new edge has an edge_weight of 1, and 0 in edge_attr and all other
    fields. An edge is dropped with either of its nodes, but a node is not dropped with its last
    edge. A graph that would lose all its nodes keeps its first. The batch itself is not changed.
    Where nodes or edges are dropped, a CUDA device is waited for once, to count them; edges that
    are added and not promised to be new take three waits more. Raises `UserError` for a batch
    without x, edge_index, batch or ptr, for a ptr that does not end at its nodes, for an edit of
    another batch's shape and, on the CPU, for one that adds edges of no nodes or between graphs.

    >>> from torch_geometric.data import Data
    >>> path = Data(torch.arange(3.0)[:, None], torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    >>> batch = Batch.from_data_list([path, path])
    >>> edited = apply(batch, Edit(nodes=torch.tensor([False, True, True, True, False, True])))
    >>> edited.edge_index.tolist(), edited.ptr.tolist(), edited.x.squeeze(1).tolist()
    ([[0, 1], [1, 0]], [0, 2, 4], [1.0, 2.0, 0.0, 2.0])
    """
    return Applied(batch, [edit]).parts()[0][0]


class Applied:
    """Edits made to a batch, to be cut into parts once the host knows what stays.

    The parts of each are the first `sizes[0]` graphs of what `apply` returns, the next `sizes[1]`,
    and so on; without `sizes` there is one. Before they are asked for, other work can be given to a
    device. Raises as `apply` does, and `ValueError` unless the sizes sum to the number of graphs.

    >>> from torch_geometric.data import Data
    >>> edge = Data(torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]]))
    >>> three = Batch.from_data_list([edge] * 3)
    >>> ((one, two),) = Applied(three, [Edit()], sizes=[2, 1]).parts()
    >>> one.edge_index.tolist(), two.edge_index.tolist(), two.ptr.tolist()
    ([[0, 1, 2, 3], [1, 0, 3, 2]], [[0, 1], [1, 0]], [0, 2])
    """

    def __init__(
        self, batch: Batch, edits: Sequence[Edit], sizes: Sequence[int] | None = None
    ) -> None:
        batch = checked_batch(batch)
        self._graphs = list(accumulate([batch.num_graphs] if sizes is None else sizes, initial=0))
        if self._graphs[-1] != batch.num_graphs:
            raise ValueError(
                f"Expected sizes of {batch.num_graphs} graphs, but got {self._graphs[-1]}."
            )
        self._edited = [_edited(batch, edit, self._graphs) for edit in edits]
        self._asked = Asked([tensor for each in self._edited for tensor in each.asked])

    def parts(self) -> list[list[Batch]]:
        """Return the parts of each edit's result."""
        answers = iter(self._asked.read())
        return [
            each.parts(self._graphs, [next(answers) for _ in each.asked]) for each in self._edited
        ]


@dataclass(frozen=True)
class _Edited:
    """A batch with its features masked and its edges added, and what of it stays.

    Attributes:
        batch: the batch, still with all its nodes and edges.
        nodes: nodes that stay (None: all).
        edges: edges that stay among those of `order` (None: all).
        order: numbers of the edges, sorted by part (None: as they are).
        ordered: whether the result is sorted and undirected if its edges run both ways.
        asked: what the host must know: where the parts end among nodes and edges that stay, if
            there is more than one, or something is dropped; and whether the edges run both ways,
            if this is not known.
    """

    batch: Batch
    nodes: Kept | None
    edges: Kept | None
    order: Tensor | None
    ordered: bool
    asked: list[Tensor]

    def parts(self, graphs: list[int], answers: list[list[int]]) -> list[Batch]:
        """Return the parts, given the answers to what was asked."""
        nodes, edges = answers[:2] if answers else ([0, self.batch.num_nodes], self._all_edges())
        ordered = self.ordered and (len(answers) < 3 or bool(answers[2][0]))
        rows = None if self.nodes is None else self.nodes.numbers(nodes[-1])
        chosen = self.order
        if self.edges is not None:
            chosen = self.edges.numbers(edges[-1])
            chosen = chosen if self.order is None else self.order.index_select(0, chosen)
        batch = select(self.batch, rows, chosen, sorted_undirected=ordered)
        if len(graphs) == 2:
            return [batch]
        cuts = zip(pairwise(nodes), pairwise(edges), pairwise(graphs), strict=True)
        return [
            select(batch, *(slice(*cut) for cut in each), sorted_undirected=ordered)
            for each in cuts
        ]

    def _all_edges(self) -> list[int]:
        return [0, self.batch.edge_index.shape[1]]


def _edited(batch: Batch, edit: Edit, graphs: list[int]) -> _Edited:
    """Return the batch as an edit has it, to be cut where each part of its graphs ends."""
    check_edit(edit, batch)
    batch, edges = _add_edges(_mask(batch, edit), edit)
    nodes, edges = _drop_nodes(batch, edit, edges)
    ordered, order = is_sorted_undirected(batch), None
    if len(graphs) == 2 and nodes is None and edges is None:
        return _Edited(batch, None, None, None, ordered, [])
    cuts = torch.tensor(graphs).to(batch.ptr.device, non_blocking=True)
    ends = batch.ptr.index_select(0, cuts)
    source = batch.edge_index[0]
    if len(graphs) == 2:
        edge_ends = torch.arange(2, device=source.device) * len(source)
    elif ordered:
        edge_ends = torch.searchsorted(source, ends)
    else:  # edges need not be sorted by graph: added ones come after all others
        part, order = torch.bucketize(source, ends[1:], right=True).sort(stable=True)
        edge_ends = torch.searchsorted(part, torch.arange(len(graphs), device=part.device))
    kept_nodes = None if nodes is None else Kept(nodes)
    kept = None
    if edges is not None:
        kept = Kept(edges if order is None else edges.index_select(0, order))
    asked = [
        end if rows is None else rows.before(end)
        for rows, end in ((kept_nodes, ends), (kept, edge_ends))
    ]
    if ordered and edges is not None and edit.edges is not None and not edit.paired:
        asked.append(runs_both_ways(batch.edge_index, batch.num_nodes, edges))
    return _Edited(batch, kept_nodes, kept, order, ordered, asked)


def _mask(batch: Batch, edit: Edit) -> Batch:
    """Return the batch with its masked features, and attributes of masked edges, set to 0."""
    fields = {}
    if edit.masked is not None:
        fields["x"] = batch.x.masked_fill(edit.masked, 0)
    if edit.masked_edges is not None:
        fields["edge_attr"] = mask_rows(batch.edge_attr, edit.masked_edges)
    return replace_fields(batch, **fields) if fields else batch


def _add_edges(batch: Batch, edit: Edit) -> tuple[Batch, Tensor | None]:
    """Return the batch with its new edges after the others, and the edges that stay (None: all)."""
    if edit.added is None:
        return batch, edit.edges
    pairs = edit.added.long()
    if edit.free:
        new = both_ways(pairs, batch.num_nodes)
    else:
        new = absent_edges(pairs, batch.edge_index, batch.num_nodes)
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


def _keep_one(nodes: Tensor, graph: Tensor, ptr: Tensor) -> Tensor:
    """Return `nodes` with the first node of each graph that would lose all of them."""
    kept_before = torch.cat([nodes.new_zeros(1, dtype=torch.long), nodes.cumsum(0)])
    emptied = kept_before[ptr].diff() == 0
    position = torch.arange(len(nodes), device=nodes.device)
    return nodes | (emptied[graph] & (position == ptr[graph]))
