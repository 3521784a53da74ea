"""Connected subgraphs, grown in all graphs of a batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.edit import Edit
from graph_hcl.augment.nodes import floor_counts, random_rank, rank_in_graph
from graph_hcl.augment.ratio import check_keep_ratio

MAX_HOPS = 32
HOPS_PER_CHECK = 4
"""Hops between two checks whether the walk still spreads; each check waits for a CUDA device."""


@dataclass(frozen=True)
class RandomWalkSubgraph:
    """Keep the first ⌈ratio · n⌉ nodes of each graph that a random walk from a random node visits.

    Subgraph of GraphCL (arXiv 2010.13902, Table 1), which adds one random neighbour of the nodes
    it has after another. A branching walk grows in the same way: from each node that is reached, a
    walker crosses each edge after an exponential waiting time of mean 1. A node's first visit is
    then its shortest travel time from the start, computed for all graphs together by relaxing every
    edge up to 32 times, O(32 E). The nodes kept are connected along the edges' directions; they are
    fewer than ⌈ratio · n⌉ only where fewer can be reached within 32 edges. Raises `UserError`
    unless 0 < ratio ≤ 1.

    >>> from torch_geometric.data import Data
    >>> path = Data(torch.ones(4, 1), torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]))
    >>> batch = Batch.from_data_list([path])
    >>> RandomWalkSubgraph(0.5)(batch, torch.Generator().manual_seed(0)).nodes.sum()
    tensor(2)
    """

    ratio: float = 0.8

    def __post_init__(self) -> None:
        check_keep_ratio(self.ratio, of=type(self).__name__)

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n] that stay."""
        nodes = grow_subgraphs(batch.edge_index, batch.batch, batch.ptr, self.ratio, generator)
        return Edit(nodes=nodes)


def grow_subgraphs(
    edge_index: Tensor, batch: Tensor, ptr: Tensor, ratio: float, generator: Generator | None
) -> Tensor:
    """Return a mask [n] of the nodes of one connected subgraph of each graph.

    `batch` [n] is the graph of each node, and `ptr` [B + 1] where the nodes of each graph start;
    see `RandomWalkSubgraph`.

    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> generator = torch.Generator().manual_seed(0)
    >>> grow_subgraphs(path, torch.zeros(3).long(), torch.tensor([0, 3]), 0.6, generator).sum()
    tensor(2)
    """
    source, target = edge_index
    wait = torch.empty(source.shape, device=source.device).exponential_(generator=generator)
    # A wait lost in rounding would let a node be ranked before the one it was reached from.
    wait += 1e-3
    start = random_rank(batch, ptr, generator) == 0
    time = torch.full(batch.shape, math.inf, device=source.device).masked_fill_(start, 0)
    for _ in range(MAX_HOPS // HOPS_PER_CHECK):
        before = time.clone()
        for _ in range(HOPS_PER_CHECK):
            time.scatter_reduce_(0, target, time.index_select(0, source).add_(wait), "amin")
        if torch.equal(time, before):  # no node was reached sooner, so none will be
            break
    # The bits of floats ≥ 0, read as integers, are in the order of the floats.
    rank = rank_in_graph(time.view(torch.int32), batch, ptr)
    counts = -floor_counts(-ptr.diff(), ratio)  # rounded up
    return (rank < counts.index_select(0, batch)) & time.isfinite()
