"""PyG batches: make, select from and concatenate them, faster than PyG and with all fields."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch

from graph_hcl.data.data_batch import DataBatch
from graph_hcl.data.kept import Kept, read_together
from graph_hcl.data.levels import EDGE, GRAPH, NODE, Rows, levels, take_rows
from graph_hcl.data.meaning import common_meaning, give_to_batch, unchanged
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.warn import warn_user


def make_batch(num_graphs: int, sorted_undirected: bool, **fields: Any) -> Batch:
    """Return PyG's `Batch` with these fields, which are `is_sorted_undirected` or not.

    Calling the class itself would create a new one each time.

    >>> x, edges = torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]])
    >>> ptr = torch.tensor([0, 2])
    >>> make_batch(1, True, x=x, edge_index=edges, batch=torch.zeros(2, dtype=torch.long), ptr=ptr)
    DataBatch(x=[2, 4], edge_index=[2, 2], batch=[2], ptr=[2])
    """
    batch: Batch = type.__call__(DataBatch, **fields)
    batch._num_graphs = num_graphs
    batch._made_of, batch._sorted_undirected = _state(batch), sorted_undirected
    return batch


def is_sorted_undirected(batch: Any) -> bool:
    """Tell whether a batch is known to have sorted edges, each in both directions, and no loops.

    `make_batch` records it for the tensors edge_index, batch and ptr; see `is_as_made`.

    >>> is_sorted_undirected(object())
    False
    """
    return getattr(batch, "_sorted_undirected", False) and is_as_made(batch)


def is_as_made(batch: Any) -> bool:
    """Tell whether edge_index, batch and ptr are those that `make_batch` was given.

    They are not once one is replaced or changed in place. Inference tensors have no version
    counter, so nothing is known of batches made of them.

    >>> x, ptr = torch.ones(1, 1), torch.tensor([0, 1])
    >>> batch = make_batch(1, False, x=x, edge_index=ptr[:, None][:, :0], batch=ptr[:1], ptr=ptr)
    >>> is_as_made(batch), ptr.add_(0), is_as_made(batch)
    (True, tensor([0, 1]), False)
    """
    recorded = getattr(batch, "_made_of", None)
    if recorded is None:
        return False
    now = _state(batch)
    return now is not None and all(
        tensor is other and version == other_version
        for (tensor, version), (other, other_version) in zip(recorded, now, strict=True)
    )


def _state(batch: Any) -> list[tuple[Tensor, int]] | None:
    """Return the tensors that define a batch's structure, each with its version counter."""
    tensors = [getattr(batch, name, None) for name in ("edge_index", "batch", "ptr")]
    if not all(isinstance(t, Tensor) and not t.is_inference() for t in tensors):
        return None
    return [(tensor, tensor._version) for tensor in tensors if tensor is not None]


@names_arguments()
def select(
    batch: Batch,
    nodes: Rows = None,
    edges: Rows = None,
    graphs: Rows = None,
    *,
    sorted_undirected: bool = False,
) -> Batch:
    """Return the selected nodes, edges and graphs of a batch, renumbered, with all their fields.

    Selected edges must connect selected nodes, which must belong to selected graphs. A graph may be
    left without nodes.

    Args:
        batch: a batch of PyG.
        nodes: numbers of the nodes that stay, a slice of them, or None for all.
        edges: the same of the edges.
        graphs: the same of the graphs.
        sorted_undirected: promises `is_sorted_undirected` of the result.

    >>> edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    >>> batch = Batch(x=torch.arange(4.0)[:, None], edge_index=edges, ptr=torch.tensor([0, 2, 4]))
    >>> batch.batch = torch.tensor([0, 0, 1, 1])
    >>> one = select(batch, torch.tensor([2, 3]), torch.tensor([2, 3]), torch.tensor([1]))
    >>> one.x.tolist(), one.edge_index.tolist(), one.batch.tolist(), one.ptr.tolist()
    ([[2.0], [3.0]], [[0, 1], [1, 0]], [0, 0], [0, 2])
    """
    rows = {NODE: nodes, EDGE: edges, GRAPH: graphs}
    level_of = levels(batch)
    fields = {name: take_rows(batch[name], rows[level]) for name, level in level_of.items()}
    edge_index = batch.edge_index
    if isinstance(edges, slice):
        edge_index = edge_index[:, edges]
    elif edges is not None:
        edge_index = index_edges(edge_index, edges)
    graph, ptr = batch.batch, batch.ptr
    if nodes is not None or graphs is not None:
        graph = _renumbered(take_rows(graph, nodes), graphs, batch.num_graphs)
        start = take_rows(ptr[:-1], graphs)
        if isinstance(nodes, slice):
            start = start - nodes.start
        elif nodes is not None:
            start = torch.searchsorted(nodes, start)
        ptr = torch.cat([start, ptr.new_full((1,), len(graph))])
    edge_index = _renumbered(edge_index, nodes, batch.num_nodes)
    selected = make_batch(
        len(ptr) - 1, sorted_undirected, edge_index=edge_index, batch=graph, ptr=ptr, **fields
    )
    return _of_source(selected, level_of, batch)


def select_graphs(batch: Batch, chosen: Tensor) -> tuple[Batch, Tensor, Tensor]:
    """Return the chosen graphs (bool [B]) as a batch, and the old numbers of its nodes and edges.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> batch = Batch(x=torch.ones(3, 1), edge_index=edges, ptr=torch.tensor([0, 2, 3]))
    >>> batch.batch = torch.tensor([0, 0, 1])
    >>> select_graphs(batch, torch.tensor([False, True]))[1:]
    (tensor([2]), tensor([], dtype=torch.int64))
    """
    return select_each(batch, [chosen])[0]


def select_each(batch: Batch, masks: Sequence[Tensor]) -> list[tuple[Batch, Tensor, Tensor]]:
    """Return `select_graphs` of each mask (bool [B]); a CUDA device is waited for once.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> batch = Batch(x=torch.ones(3, 1), edge_index=edges, ptr=torch.tensor([0, 2, 3]))
    >>> batch.batch = torch.tensor([0, 0, 1])
    >>> [nodes for _, nodes, _ in select_each(batch, torch.eye(2).bool())]
    [tensor([0, 1]), tensor([2])]
    """
    kept = []
    for chosen in masks:
        inside = chosen.index_select(0, batch.batch)
        kept += [Kept(inside), Kept(inside.index_select(0, batch.edge_index[0])), Kept(chosen)]
    counts = read_together([each.count for each in kept])
    rows = iter([each.numbers(count) for each, (count,) in zip(kept, counts, strict=True)])
    ordered, found = is_sorted_undirected(batch), []
    for nodes, edges, graphs in zip(rows, rows, rows, strict=True):
        some = select(batch, nodes, edges, graphs, sorted_undirected=ordered)
        found.append((some, nodes, edges))
    return found


def concat(batches: Sequence[Batch]) -> Batch:
    """Return the graphs of all batches as one batch, the first batch's graphs first.

    A field that only some of them have is left out with a warning. Raises `UserError` without
    batches, and for what is none.

    >>> path = Batch(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> path.batch, path.ptr = torch.tensor([0, 0]), torch.tensor([0, 2])
    >>> concat([path, path]).edge_index.tolist(), concat([path, path]).ptr.tolist()
    ([[0, 1, 2, 3], [1, 0, 3, 2]], [0, 2, 4])
    """
    if not isinstance(batches, Sequence) or not all(isinstance(each, Batch) for each in batches):
        raise UserError(f"Expected a list of batches of PyG, but got {batches!r:.60}.")
    if not batches:
        raise UserError("Expected one batch or more to concatenate, but got none.")
    level_of = [levels(batch) for batch in batches]
    names = [name for name in level_of[0] if all(name in each for each in level_of)]
    partial = {name for each in level_of for name in each}.difference(names)
    if partial:
        warn_user(
            f"Left out of the concatenated batch: {', '.join(sorted(partial))}, which only some of "
            "the batches have."
        )
    nodes = list(accumulate((batch.num_nodes for batch in batches), initial=0))
    graphs = list(accumulate((batch.num_graphs for batch in batches), initial=0))
    edges = torch.cat([batch.edge_index for batch in batches], dim=1)
    starts = accumulate((batch.edge_index.shape[1] for batch in batches[:-1]), initial=0)
    for each, start, n in zip(batches, starts, nodes, strict=False):
        if n:  # in place: edges dominate the memory of dense graphs
            edges[:, start : start + each.edge_index.shape[1]] += n
    ends = (each.ptr[1:] + n for each, n in zip(batches, nodes, strict=False))
    whole = make_batch(
        graphs[-1],
        all(is_sorted_undirected(batch) for batch in batches),
        edge_index=edges,
        batch=torch.cat([each.batch + g for each, g in zip(batches, graphs, strict=False)]),
        ptr=torch.cat([batches[0].ptr[:1], *ends]),
        **{name: _concat([batch[name] for batch in batches]) for name in names},
    )
    return _of_source(whole, {name: level_of[0][name] for name in names}, *batches)


def replace_fields(batch: Batch, /, **fields: Any) -> Batch:
    """Return a new batch with some fields replaced; edge_index may be one of them.

    >>> path = Batch(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> path.batch, path.ptr = torch.tensor([0, 0]), torch.tensor([0, 2])
    >>> replace_fields(path, x=torch.zeros(2, 1)).x.tolist(), path.x.tolist()
    ([[0.0], [0.0]], [[1.0], [1.0]])
    """
    sorted_undirected = is_sorted_undirected(batch) and "edge_index" not in fields
    level_of = levels(batch)
    kept = {name: batch[name] for name in ("edge_index", "batch", "ptr", *level_of)}
    changed = make_batch(batch.num_graphs, sorted_undirected, **(kept | fields))
    return _of_source(changed, level_of, batch)


def append_rows(value: Any, count: int, fill: float) -> Any:
    """Return a field with `count` rows of the value `fill` appended.

    >>> append_rows(torch.ones(1, 2), 1, 0)
    tensor([[1., 1.],
            [0., 0.]])
    """
    if isinstance(value, Tensor):
        return torch.cat([value, value.new_full((count, *value.shape[1:]), fill)])
    if isinstance(value, np.ndarray):
        return np.concatenate([value, np.full((count, *value.shape[1:]), fill, value.dtype)])
    return [*value, *[fill] * count]


def index_edges(edge_index: Tensor, which: Tensor) -> Tensor:
    """Return the index_edges `which` [K] of edges [2, E]: faster row by row than both at once.

    >>> index_edges(torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.tensor([2, 0]))
    tensor([[2, 0],
            [0, 1]])
    """
    return torch.stack([row.index_select(0, which) for row in edge_index])


def _of_source(batch: Batch, level_of: dict[str, str], *sources: Batch) -> Batch:
    """Return a batch that knows the levels of its fields, and what they mean in its sources.

    What these were given means the same in it, such as masked features.
    """
    batch._levels = level_of
    if (meaning := common_meaning(sources)) is not None:
        kept = unchanged(sources, meaning).intersection(("edge_index", *level_of))
        give_to_batch(batch, meaning, {name: batch[name] for name in kept})
    return batch


def _concat(values: list[Any]) -> Any:
    if isinstance(values[0], Tensor):
        return torch.cat(values)
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    return [each for value in values for each in value]


def _renumbered(numbers: Tensor, chosen: Rows, size: int) -> Tensor:
    """Return `numbers` of `size` elements as numbers among the chosen ones."""
    if chosen is None:
        return numbers
    if isinstance(chosen, slice):
        start: int = chosen.start
        return numbers - start
    new = torch.empty(size, dtype=torch.long, device=numbers.device)
    new[chosen] = torch.arange(len(chosen), device=numbers.device)
    return new.index_select(0, numbers.reshape(-1)).view(numbers.shape)
