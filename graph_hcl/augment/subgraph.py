"""Connected subgraphs, grown in all graphs of a batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.edit import Edit
from graph_hcl.augment.nodes import random_rank, rank_in_graph
from graph_hcl.augment.ratio import ceil_counts, check_keep_ratio
from graph_hcl.keywords import names_arguments

HOPS_PER_CHECK, HOPS_PER_WAIT = 4, 16
"""Hops between two checks whether the walk still spreads, on the CPU and on a device, which each
check waits for."""
HOPS_PER_CUT = 32
"""Hops after which the graphs in which it no longer spreads are left out."""


@names_arguments()
@dataclass(frozen=True)
class RandomWalkSubgraph:
    """Keep ⌈ratio · n⌉ nodes of each graph of n nodes, grown from a random node over random edges.

    Subgraph of GraphCL (arXiv 2010.13902, Table 1). From a uniformly random node, the subgraph
    crosses one edge after another, each time uniformly random among the edges that leave its nodes
    for others: a neighbour that two edges join to it is twice as likely to be next as one that a
    single edge joins. (GraphCL's code means to take each neighbour with the same probability, but
    takes none beyond those of its first node.)

    All steps are drawn at once: from each node that is reached, a walker crosses each edge after an
    exponential waiting time of mean 1, and the nodes kept are those first reached. (Each wait is
    0.001 longer, so that none is lost in rounding. This holds the newest node's edges back a
    little: by k thousandths of a mean step where k edges leave the subgraph.) Times are relaxed
    over all edges together, O(E) per hop, for as many hops as the fastest ways have edges: about
    ten in most graphs, and up to n on a path of n nodes.

    The nodes kept are connected along the edges' directions. They are fewer than ⌈ratio · n⌉ only
    where fewer can be reached from the first one: there, all of these are kept. Raises `UserError`
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
    wait = torch.empty(edge_index.shape[1], device=edge_index.device)
    wait.exponential_(generator=generator)
    # A wait lost in rounding would let a node be ranked before the one it was reached from.
    wait += 1e-3
    start = random_rank(batch, ptr, generator) == 0
    time = travel_times(edge_index, wait, start, batch, len(ptr) - 1)
    # The bits of floats ≥ 0, read as integers, are in the order of the floats.
    rank = rank_in_graph(time.view(torch.int32), batch, ptr)
    counts = ceil_counts(ptr.diff(), ratio)
    return (rank < counts.index_select(0, batch)) & time.isfinite()


def travel_times(
    edge_index: Tensor, wait: Tensor, start: Tensor, batch: Tensor, num_graphs: int
) -> Tensor:
    """Return the least time [n] to reach each node from a start of a mask [n]; ∞ for none.

    `wait` [E] ≥ 0.001 are the times that the edges take, in float32.

    >>> edges, wait = torch.tensor([[0, 0, 1], [1, 2, 2]]), torch.tensor([1.0, 5.0, 2.0])
    >>> start = torch.tensor([True, False, False, False])
    >>> travel_times(edges, wait, start, torch.tensor([0, 0, 0, 1]), 2)
    tensor([0., 1., 3., inf])
    """
    time = torch.full(start.shape, math.inf, device=start.device).masked_fill_(start, 0)
    source, target = edge_index
    deep = False
    hops = HOPS_PER_CHECK if time.device.type == "cpu" else HOPS_PER_WAIT
    while True:
        for _ in range(HOPS_PER_CUT // hops):
            for hop in range(hops):
                if hop == hops - 1:
                    before = time.clone()
                reached = time.index_select(0, source)
                if deep:  # after thousands of hops, a short wait is less than the time's last digit
                    later = reached.nextafter(reached.new_tensor(math.inf))
                    reached = later.maximum(reached + wait)
                else:
                    reached.add_(wait)
                time.scatter_reduce_(0, target, reached, "amin")
            if torch.equal(time, before):  # no node was reached sooner, so none will be
                return time
        # One long path must not hold up a whole batch: only its graph's edges go on.
        spreads = start.new_zeros(num_graphs).index_fill_(0, batch[time != before], True)
        kept = spreads[batch[source]]
        source, target, wait = source[kept], target[kept], wait[kept]
        deep = True
