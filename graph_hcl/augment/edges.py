"""Random choices among the edges of a batch, and questions about edges, for all graphs at once."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def symmetric_edge_bits(edge_index: Tensor, num_nodes: int, generator: Generator | None) -> Tensor:
    """Return 64 random bits for each edge [E], the same for both of its directions.

    As integers they are uniform in [−2⁶³, 2⁶³). Each node draws an odd integer r, and the bits of
    an edge are r_u r_v modulo 2⁶⁴: symmetric without looking for the other direction, in O(E). Odd
    integers are a group under this product, so the bits of edges that meet in a node are
    independent; those around a triangle or a square depend on each other in their lowest bits
    alone, which no threshold notices.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> a, b, c, d = symmetric_edge_bits(edges, 3, torch.Generator().manual_seed(0))
    >>> bool(a == b), bool(b == c), bool(c == d)
    (True, False, True)
    """
    r = torch.randint(
        -(2**63), 2**63 - 1, (num_nodes,), generator=generator, device=edge_index.device
    )
    r |= 1
    return r.index_select(0, edge_index[0]).mul_(r.index_select(0, edge_index[1]))


def keep_edges(
    edge_index: Tensor, num_nodes: int, ratio: float, generator: Generator | None
) -> Tensor:
    """Return a mask [E] of the edges that stay when each is dropped with probability `ratio`.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> keep_edges(edges, 3, 0.5, torch.Generator().manual_seed(0))
    tensor([ True,  True, False, False])
    """
    # Bits are odd, so those of −2⁶³ do not occur: a ratio of 0 keeps all edges, one of 1 none.
    threshold = min(round(ratio * 2**64) - 2**63, 2**63 - 1)
    return symmetric_edge_bits(edge_index, num_nodes, generator) > threshold


def mask_rows(values: Tensor, masked: Tensor) -> Tensor:
    """Return `values` [E, …] with 0 in the rows of a mask [E].

    >>> mask_rows(torch.ones(2, 2), torch.tensor([True, False]))
    tensor([[0., 0.],
            [1., 1.]])
    """
    return values.masked_fill(masked.view(-1, *[1] * (values.dim() - 1)), 0)


def absent_edges(pairs: Tensor, edge_index: Tensor, num_nodes: int) -> Tensor:
    """Return both directions [2, ≤ 2K] of those pairs [2, K] that are no edges yet, sorted.

    Self-loops and repetitions are left out.

    >>> pairs = torch.tensor([[0, 0, 2, 1], [1, 2, 0, 1]])
    >>> absent_edges(pairs, torch.tensor([[0, 1], [1, 0]]), 3)
    tensor([[0, 2],
            [2, 0]])
    """
    source, target = torch.cat([pairs, pairs.flip(0)], dim=1)
    keys = torch.unique((source * num_nodes + target)[source != target])
    present = torch.isin(keys, edge_index[0].long() * num_nodes + edge_index[1])
    keys = keys[~present]
    return torch.stack([keys // num_nodes, keys % num_nodes])


def both_ways(pairs: Tensor, num_nodes: int) -> Tensor:
    """Return both directions [2, 2K] of different pairs [2, K] of different nodes, sorted.

    >>> both_ways(torch.tensor([[1, 0], [2, 2]]), 3)
    tensor([[0, 1, 2, 2],
            [2, 2, 0, 1]])
    """
    source, target = torch.cat([pairs, pairs.flip(0)], dim=1)
    keys = (source * num_nodes + target).sort().values
    return torch.stack([keys // num_nodes, keys % num_nodes])


def edges_between(nodes: Tensor, edge_index: Tensor) -> Tensor:
    """Return a mask [E] of the edges that connect two of the nodes of a mask [n].

    >>> edges_between(torch.tensor([True, True, False]), torch.tensor([[0, 1], [1, 2]]))
    tensor([ True, False])
    """
    source, target = edge_index
    return nodes.index_select(0, source) & nodes.index_select(0, target)


def runs_both_ways(edge_index: Tensor, num_nodes: int, kept: Tensor) -> Tensor:
    """Tell (bool [1]) whether each kept edge is so in both directions, by random numbers.

    Σ r_u q_v over the edges of a mask [E], modulo 2⁶⁴, equals that over the reversed edges if they
    are the same edges; if they are not, it does so with a probability of about 2⁻⁶⁴.

    >>> edges, kept = torch.tensor([[0, 1], [1, 0]]), torch.tensor([True, False])
    >>> runs_both_ways(edges, 2, kept | True), runs_both_ways(edges, 2, kept)
    (tensor([True]), tensor([False]))
    """
    generator = torch.Generator(edge_index.device).manual_seed(num_nodes)
    r, q = torch.randint(
        -(2**63), 2**63 - 1, (2, num_nodes), generator=generator, device=edge_index.device
    )
    source, target = edge_index
    ahead, back = r[source] * q[target], r[target] * q[source]
    same: Tensor = ((ahead - back) * kept).sum()[None] == 0
    return same
