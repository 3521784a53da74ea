"""Graphs in batches that are bounded by a number of graphs and a number of nodes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def index_batches(
    indices: Tensor,
    batch_size: int,
    generator: torch.Generator | None,
    sizes: Tensor | None = None,
    max_nodes: int | None = None,
) -> list[Tensor]:
    """Return the indices in batches of two graphs or more, shuffled by the generator if given.

    With `max_nodes`, and the number of nodes of every graph of the store in `sizes` [G], a batch
    ends before it has more nodes than that, but has two graphs even so. A last batch of a single
    graph, which has no negatives, gets another from the batch before, or is merged with it.

    >>> generator = torch.Generator().manual_seed(0)
    >>> [len(batch) for batch in index_batches(torch.arange(9), 4, generator)]
    [4, 5]
    >>> sizes = torch.tensor([9, 1, 1, 1, 1, 1])
    >>> index_batches(torch.arange(6), 4, None, sizes, max_nodes=3)
    [tensor([0, 1]), tensor([2, 3]), tensor([4, 5])]
    """
    if generator is not None:
        indices = indices[torch.randperm(len(indices), generator=generator)]
    if max_nodes is None or sizes is None:
        parts = list(indices.split(batch_size))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [torch.cat(parts[-2:])]
        return parts
    counts = cut(sizes[indices].tolist(), batch_size, max_nodes, least=2)
    if len(counts) > 1 and counts[-1] == 1:
        counts[-2:] = [counts[-2] - 1, 2] if counts[-2] > 2 else [counts[-2] + 1]
    return list(indices.split(counts))


def cut(sizes: Sequence[int], max_graphs: int, max_nodes: float, least: int = 1) -> list[int]:
    """Return the number of graphs in each batch of graphs in their order, given their sizes.

    A batch has at most `max_graphs` graphs and `max_nodes` nodes, but at least `least` graphs
    where so many are left.

    >>> cut([1, 1, 1, 5, 1, 1], max_graphs=2, max_nodes=4)
    [2, 1, 1, 2]
    """
    counts: list[int] = []
    nodes = 0
    for size in sizes:
        nodes += size
        full = not counts or counts[-1] >= max_graphs
        if full or (nodes > max_nodes and counts[-1] >= least):
            counts.append(0)
            nodes = size
        counts[-1] += 1
    return counts
