"""Connected subgraphs, grown in all graphs of a batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator
from torch_geometric.data import Batch

from graph_hcl.augment.basic import AUGMENTATIONS
from graph_hcl.augment.draw import random_rank, rank_in_graph, share
from graph_hcl.augment.edit import Edit
from graph_hcl.errors import UserError

HOPS = 32
LOOK = 4
"""Hops between two looks whether all are reached; each look waits for a CUDA device."""


@AUGMENTATIONS.register("subgraph")
@dataclass(frozen=True)
class RandomWalkSubgraph:
    """Keep the first ⌈ratio · n⌉ nodes of each graph that a random walk from a random node visits.

    Subgraph of GraphCL (arXiv 2010.13902, Table 1), which adds one random neighbour of the nodes
    it has after another. The same growth comes from a walk that branches: from each node reached,
    a walker crosses each edge after an exponential waiting time of mean 1. A node's first visit is
    then its shortest travel time from the start, found for all graphs together by relaxing every
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
        if not 0 < self.ratio <= 1:
            raise UserError(
                f"Expected the ratio of {type(self).__name__} (the share of nodes that stay) with "
                f"0 < ratio <= 1, but got {self.ratio}."
            )

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n] that stay."""
        graph, ptr, size = batch.batch, batch.ptr, batch.ptr.diff()
        source, target = batch.edge_index
        wait = torch.empty(source.shape, device=source.device).exponential_(generator=generator)
        # A wait lost in rounding would let a node be ranked before the one it was reached from.
        wait += 1e-3
        start = random_rank(graph, ptr, generator) == 0
        time = torch.full(graph.shape, math.inf, device=source.device).masked_fill_(start, 0)
        for _ in range(HOPS // LOOK):
            before = time.clone()
            for _ in range(LOOK):
                time.scatter_reduce_(0, target, time.index_select(0, source).add_(wait), "amin")
            if torch.equal(time, before):  # nobody is reached sooner: nor will be
                break
        # The bits of floats ≥ 0, read as integers, are in the order of the floats.
        rank = rank_in_graph(time.view(torch.int32), graph, ptr)
        quota = -share(-size, self.ratio)  # rounded up
        return Edit(nodes=(rank < quota.index_select(0, graph)) & time.isfinite())
