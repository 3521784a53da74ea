"""Connected subgraphs, grown in all graphs of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.edit import Edit
from graph_hcl.augment.nodes import random_rank, rank_in_graph
from graph_hcl.augment.ratio import ceil_counts, check_keep_ratio, plain_number
from graph_hcl.augment.walk import travel_times
from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.keywords import names_arguments


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
        object.__setattr__(self, "ratio", plain_number(self.ratio))

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n] that stay."""
        nodes = grow_subgraphs(
            batch.edge_index, batch.batch, batch.ptr, self.ratio, generator,
            in_order=is_sorted_undirected(batch),
        )  # fmt: skip
        return Edit(nodes=nodes)


def grow_subgraphs(
    edge_index: Tensor,
    batch: Tensor,
    ptr: Tensor,
    ratio: float,
    generator: Generator | None,
    *,
    in_order: bool = False,
) -> Tensor:
    """Return a mask [n] of the nodes of one connected subgraph of each graph.

    `batch` [n] is the graph of each node, and `ptr` [B + 1] where the nodes of each graph start;
    `in_order` promises edges that are sorted by source. See `RandomWalkSubgraph`.

    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> generator = torch.Generator().manual_seed(0)
    >>> grow_subgraphs(path, torch.zeros(3).long(), torch.tensor([0, 3]), 0.6, generator).sum()
    tensor(2)
    """
    wait = torch.empty(edge_index.shape[1], device=edge_index.device, dtype=torch.float32)
    wait.exponential_(generator=generator)
    # A wait lost in rounding would let a node be ranked before the one it was reached from.
    wait += 1e-3
    start = random_rank(batch, ptr, generator) == 0
    time = travel_times(edge_index, wait, start, batch, ptr, in_order=in_order)
    # The bits of floats ≥ 0, read as integers, are in the order of the floats.
    rank = rank_in_graph(time.view(torch.int32), batch, ptr)
    counts = ceil_counts(ptr.diff(), ratio)
    return (rank < counts.index_select(0, batch)) & time.isfinite()
