"""Random choices among the nodes and features of each graph, for all graphs of a batch at once.

`batch` [n] is the graph 0, 1, … of each node, in ascending order; the nodes of graph g are
`ptr[g] : ptr[g + 1]`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graph_hcl.augment.ratio import floor_counts, plain_number


def rank_in_graph(key: Tensor, batch: Tensor, ptr: Tensor) -> Tensor:
    """Return the rank 0, 1, … of each node in its own graph by `key` [n], integers in [0, 2³²).

    >>> key = torch.tensor([7, 3, 5, 2, 9])
    >>> rank_in_graph(key, torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 3, 5]))
    tensor([2, 0, 1, 0, 1])
    """
    order = ((batch.long() << 32) | key).argsort()  # graphs of 32 bits have no room for keys
    # Keys are sorted by graph first, so each graph keeps its range of positions.
    positions = torch.arange(len(order), device=key.device) - ptr.index_select(0, batch)
    return torch.empty_like(order).scatter_(0, order, positions)


def random_rank(batch: Tensor, ptr: Tensor, generator: Generator | None) -> Tensor:
    """Return the position [n] of each node in a random order of its graph's nodes.

    >>> batch, ptr = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 3, 4])
    >>> random_rank(batch, ptr, torch.Generator().manual_seed(0))[:3].sort().values
    tensor([0, 1, 2])
    """
    # Ties among 2³¹ keys are too rare for their bias to be measurable.
    key = torch.randint(2**31, batch.shape, generator=generator, device=batch.device)
    return rank_in_graph(key, batch, ptr)


def choose_nodes(batch: Tensor, ptr: Tensor, ratio: float, generator: Generator | None) -> Tensor:
    """Return a mask [n] of exactly ⌊ratio · n⌋ random nodes of each graph of n nodes.

    >>> batch, ptr = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 4, 6])
    >>> chosen = choose_nodes(batch, ptr, 0.5, torch.Generator().manual_seed(0))
    >>> batch[chosen]
    tensor([0, 0, 1])
    """
    counts = floor_counts(ptr.diff(), ratio).index_select(0, batch)
    return random_rank(batch, ptr, generator) < counts


def choose_columns(
    num_graphs: int,
    num_columns: int,
    ratio: float,
    generator: Generator | None,
    device: torch.device | None = None,
) -> Tensor:
    """Return a mask [B, F] of the columns of each graph, each chosen with probability `ratio`.

    >>> choose_columns(2, 3, 0.5, torch.Generator().manual_seed(0))
    tensor([[ True, False,  True],
            [ True,  True, False]])
    """
    shape = (num_graphs, num_columns)
    drawn = torch.rand(shape, generator=generator, device=device, dtype=torch.float32)
    return drawn < plain_number(ratio)
