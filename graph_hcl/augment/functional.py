"""Augmentations on tensors, as functions of PyG are called: no `Batch` is needed.

Each takes tensors, and returns the changed tensors and masks of what is kept. Several graphs are
told apart by `batch` [n], the graph 0, 1, … of each node in ascending order. Random numbers come
from `generator`, which is on the tensors' device, or from torch's global one.

They draw exactly what the classes of `graph_hcl.augment` draw.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graph_hcl.augment.edges import both_ways, edges_between, keep_edges, mask_rows
from graph_hcl.augment.free_pairs import draw_free_pairs
from graph_hcl.augment.nodes import choose_columns, choose_nodes
from graph_hcl.augment.ratio import check_drop_ratio, check_keep_ratio, check_mask_ratio
from graph_hcl.augment.subgraph import grow_subgraphs
from graph_hcl.augment.tensors import (
    check_dense,
    check_generator,
    check_tensor,
    count_nodes,
    graphs_of,
    graphs_with,
)
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments


@names_arguments()
def drop_edge(
    edge_index: Tensor,
    p: float = 0.2,
    *,
    num_nodes: int | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Drop each edge with probability p, 0 ≤ p < 1, both directions of it together.

    See `EdgeDrop`. Returns the edges [2, E'] that are left, and a mask [E] of them.

    Args:
        edge_index: edges [2, E], both directions of an undirected one.
        p: probability of each edge, 0 ≤ p < 1.
        num_nodes: number of nodes n; by default one more than the largest node of an edge.
        generator: generator of the draws, on the same device; torch's own if None.

    Raises `UserError` for another p, and for what is no generator.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> drop_edge(edges, p=0.5, generator=torch.Generator().manual_seed(0))
    (tensor([[0, 1],
            [1, 0]]), tensor([ True,  True, False, False]))
    """
    check_drop_ratio(p, "p")
    _check_generator(generator)
    edge_mask = keep_edges(edge_index, count_nodes(edge_index, num_nodes), p, generator)
    return edge_index[:, edge_mask], edge_mask


@names_arguments()
def add_edge(
    edge_index: Tensor,
    p: float = 0.2,
    *,
    batch: Tensor | None = None,
    num_nodes: int | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Add edges between random nodes that none joins yet: exactly p times those of a graph.

    See `EdgeAdd`. Returns all edges [2, E + K], and the added ones [2, K], which are the last of
    them.

    Args:
        edge_index: edges [2, E], both directions of an undirected one.
        p: number of added edges as a share of those of a graph, 0 ≤ p < 1.
        batch: graph [n] of each node, in ascending order; None for a single graph.
        num_nodes: number of nodes n; by default one more than the largest node of an edge.
        generator: generator of the draws, on the same device; torch's own if None.

    Raises `UserError` for another p, for what is no generator, and for a `batch` that is not
    sorted.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> add_edge(edges, p=0.9, generator=torch.Generator().manual_seed(0))[1]
    tensor([[0, 2],
            [2, 0]])
    """
    check_drop_ratio(p, "p")
    _check_generator(generator)
    batch, ptr = graphs_with(edge_index, num_nodes, batch)
    pairs = draw_free_pairs(edge_index, batch, ptr, p, generator)
    added = both_ways(pairs, len(batch))
    return torch.cat([edge_index, added], dim=1), added


@names_arguments()
def drop_node(
    edge_index: Tensor,
    p: float = 0.2,
    *,
    batch: Tensor | None = None,
    num_nodes: int | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Drop exactly ⌊p · n⌋ random nodes of each graph of n nodes, and their edges; 0 ≤ p < 1.

    See `NodeDrop`. Returns the edges [2, E'] that are left, numbered as before, and masks of them
    [E] and of the nodes that are left [n]. Raises `UserError` for another p, for what is
    no generator, and for a `batch` that is not sorted.

    Args:
        edge_index: edges [2, E], both directions of an undirected one.
        p: share of the nodes of a graph that is dropped, 0 ≤ p < 1.
        batch: graph [n] of each node, in ascending order; None for a single graph.
        num_nodes: number of nodes n; by default one more than the largest node of an edge.
        generator: generator of the draws, on the same device; torch's own if None.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> drop_node(edges, p=0.4, generator=torch.Generator().manual_seed(1))
    (tensor([[0, 1],
            [1, 0]]), tensor([ True,  True, False, False]), tensor([ True,  True, False]))
    """
    check_drop_ratio(p, "p")
    _check_generator(generator)
    batch, ptr = graphs_with(edge_index, num_nodes, batch)
    return _between(edge_index, ~choose_nodes(batch, ptr, p, generator))


@names_arguments()
def random_walk_subgraph(
    edge_index: Tensor,
    ratio: float = 0.8,
    *,
    batch: Tensor | None = None,
    num_nodes: int | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep ⌈ratio · n⌉ nodes of each graph, grown from a random one over random edges.

    See `RandomWalkSubgraph`. Returns what `drop_node` returns.

    Args:
        edge_index: edges [2, E], both directions of an undirected one.
        ratio: share of the nodes of a graph that is kept, 0 < ratio ≤ 1.
        batch: graph [n] of each node, in ascending order; None for a single graph.
        num_nodes: number of nodes n; by default one more than the largest node of an edge.
        generator: generator of the draws, on the same device; torch's own if None.

    Raises `UserError` for another ratio, for what is no generator, and for a `batch` that is not
    sorted.

    >>> edges = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> random_walk_subgraph(edges, 0.5, generator=torch.Generator().manual_seed(0))[2].sum()
    tensor(2)
    """
    check_keep_ratio(ratio, "ratio")
    _check_generator(generator)
    batch, ptr = graphs_with(edge_index, num_nodes, batch)
    return _between(edge_index, grow_subgraphs(edge_index, batch, ptr, ratio, generator))


@names_arguments()
def mask_feature(
    x: Tensor,
    p: float = 0.2,
    mode: str = "row",
    *,
    batch: Tensor | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Set features x [n, F] to 0: all those of random nodes, or of random columns; 0 ≤ p < 1.

    `mode="row"`: exactly ⌊p · n⌋ nodes of each graph of n nodes (see `FeatureMask`); `mode="col"`:
    each column with probability p in each graph (see `ColumnMask`). Returns the new x, and a mask
    of what is kept, [n, 1] of rows or [n, F] of columns. Raises `UserError` for another p or mode,
    for what is no generator, and for a `batch` that is not sorted.

    Args:
        x: node features [n, F].
        p: share of the nodes, or probability of each column, 0 ≤ p < 1.
        mode: "row" for nodes, "col" for columns.
        batch: graph [n] of each node, in ascending order; None for a single graph.
        generator: generator of the draws, on the same device; torch's own if None.

    >>> x, mask = mask_feature(torch.ones(4, 2), p=0.5, generator=torch.Generator().manual_seed(0))
    >>> x.sum(), mask.shape
    (tensor(4.), torch.Size([4, 1]))
    """
    check_drop_ratio(p, "p")
    _check_generator(generator)
    check_tensor("x", x, "[n, F]", 2)
    check_dense(x)
    batch, ptr = graphs_of(batch, len(x), x.device)
    if mode == "row":
        kept = ~choose_nodes(batch, ptr, p, generator)[:, None]
    elif mode == "col":
        chosen = choose_columns(len(ptr) - 1, x.shape[1], p, generator, x.device)
        kept = ~chosen.index_select(0, batch)
    else:
        raise UserError(f"Expected the mode row or col, but got {mode!r}.")
    return x.masked_fill(~kept, 0), kept


@names_arguments()
def mask_edge(
    edge_index: Tensor,
    edge_attr: Tensor,
    p: float = 0.2,
    *,
    num_nodes: int | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Set edge_attr [E, …] of each edge to 0 with probability p, 0 ≤ p ≤ 1, in both directions.

    See `EdgeMask`. Returns the new edge_attr, and a mask [E] of the edges that keep theirs. Raises
    `UserError` for another p, for what is no generator, and for an edge_attr of other than E rows.

    Args:
        edge_index: edges [2, E], both directions of an undirected one.
        edge_attr: attributes [E, …] of the edges.
        p: probability of each edge, 0 ≤ p ≤ 1.
        num_nodes: number of nodes n; by default one more than the largest node of an edge.
        generator: generator of the draws, on the same device; torch's own if None.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> mask_edge(edges, torch.ones(4), p=0.5, generator=torch.Generator().manual_seed(0))
    (tensor([1., 1., 0., 0.]), tensor([ True,  True, False, False]))
    """
    check_mask_ratio(p, "p")
    _check_generator(generator)
    nodes = count_nodes(edge_index, num_nodes)
    check_tensor("edge_attr", edge_attr, "[E, …]")
    if edge_attr.shape[:1] != edge_index.shape[1:]:
        raise UserError(
            f"Expected edge_attr of {edge_index.shape[1]} edges, but got {list(edge_attr.shape)}."
        )
    kept = keep_edges(edge_index, nodes, p, generator)
    return mask_rows(edge_attr, ~kept), kept


def _check_generator(generator: Generator | None) -> None:
    if generator is not None:
        check_generator(generator)


def _between(edge_index: Tensor, nodes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    edge_mask = edges_between(nodes, edge_index)
    return edge_index[:, edge_mask], edge_mask, nodes
