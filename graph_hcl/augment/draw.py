"""What augmentations draw at random, for all graphs of a batch at once."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

MILLION = 1_000_000


def share(sizes: Tensor, ratio: float) -> Tensor:
    """Return ⌊ratio · size⌋ for each size, with `ratio` read to six decimals.

    In integers, where 0.29 of 100 is 29: as floating-point numbers their product is 28.999….

    >>> share(torch.tensor([1, 9, 10, 100]), 0.29)
    tensor([ 0,  2,  2, 29])
    """
    return torch.div(sizes * round(ratio * MILLION), MILLION, rounding_mode="floor")


def rank_in_graph(key: Tensor, batch: Tensor, ptr: Tensor) -> Tensor:
    """Return the rank 0, 1, … of each node in its own graph by `key` [n], integers in [0, 2³²).

    >>> key = torch.tensor([7, 3, 5, 2, 9])
    >>> rank_in_graph(key, torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 3, 5]))
    tensor([2, 0, 1, 0, 1])
    """
    order = ((batch << 32) | key).argsort()
    # Sorted by graph first, so each graph's nodes fill the places that they had.
    places = torch.arange(len(order), device=key.device) - ptr.index_select(0, batch)
    return torch.empty_like(order).scatter_(0, order, places)


def random_rank(batch: Tensor, ptr: Tensor, generator: Generator) -> Tensor:
    """Return the place [n] of each node in a random order of its graph's nodes.

    >>> batch, ptr = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 3, 4])
    >>> random_rank(batch, ptr, torch.Generator().manual_seed(0))[:3].sort().values
    tensor([0, 1, 2])
    """
    # Two nodes of a graph draw the same one of 2³¹ keys too seldom for the bias to be seen.
    key = torch.randint(2**31, batch.shape, generator=generator, device=batch.device)
    return rank_in_graph(key, batch, ptr)


def edge_lot(edge_index: Tensor, num_nodes: int, generator: Generator) -> Tensor:
    """Return a random integer for each edge [E], uniform in [−2⁶³, 2⁶³): one for both directions.

    Each node draws an odd integer r, and the lot of an edge is r_u r_v modulo 2⁶⁴: symmetric
    without looking for the other direction, in O(E). Odd integers are a group under this product,
    so lots of edges that meet in a node are independent; those around a triangle or a square
    depend on each other in their lowest bits alone, that no threshold sees.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> a, b, c, d = edge_lot(edges, 3, torch.Generator().manual_seed(0))
    >>> bool(a == b), bool(b == c), bool(c == d)
    (True, False, True)
    """
    r = torch.randint(
        -(2**63), 2**63 - 1, (num_nodes,), generator=generator, device=edge_index.device
    )
    r |= 1
    return r.index_select(0, edge_index[0]).mul_(r.index_select(0, edge_index[1]))
