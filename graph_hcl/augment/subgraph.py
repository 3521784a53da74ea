"""The random-walk subgraph, grown in all graphs of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graph_hcl.augment.basic import AUGMENTATIONS, check_ratio
from graph_hcl.augment.draw import rank_in_graph, sizes, uniform
from graph_hcl.augment.edit import Edit


@AUGMENTATIONS.register("subgraph")
@dataclass(frozen=True)
class RandomWalkSubgraph:
    """Keep a connected part of each graph: ⌈ratio · n⌉ nodes, or fewer where the walks find fewer.

    One random node of a graph is the seed; a walker per node that may stay starts there, and all
    of them walk `steps` random steps along edges. A node that a walker reaches joins the part
    until it is full; then a walker may move on joined nodes only, so the part is connected.
    Subgraph sampling of GraphCL (You et al. 2020, arXiv 2010.13902, section 3.2).
    """

    ratio: float = 0.8
    steps: int = 16

    def __post_init__(self) -> None:
        check_ratio("subgraph", self.ratio)

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the nodes [n] that stay."""
        graph, nodes = batch.batch, len(batch.batch)
        quota = (self.ratio * sizes(batch)).ceil().long().clamp(min=1)
        start, degree, neighbour = _neighbours(batch)
        rank = rank_in_graph(uniform((nodes,), batch, generator), batch)
        seed = torch.empty_like(quota)
        seed[graph[rank == 0]] = (rank == 0).nonzero().squeeze(1)
        place = seed[graph[rank < quota[graph]]]  # one walker per node that may stay
        kept = torch.zeros(nodes, dtype=torch.bool, device=graph.device)
        kept[seed] = True
        room = quota - 1
        for _ in range(self.steps):
            draw = uniform((len(place),), batch, generator) * degree[place]
            stuck = degree[place] == 0
            edge = (start[place] + draw.long()).clamp(max=max(len(neighbour) - 1, 0))
            target = torch.where(stuck, place, neighbour[edge]) if len(neighbour) else place
            reached = torch.zeros_like(kept)
            reached[target] = True
            fresh = reached & ~kept
            # Number the newly reached nodes of each graph; those beyond its quota stay outside.
            count = fresh.cumsum(0)
            before = torch.cat([count.new_zeros(1), count])[batch.ptr]
            joins = fresh & (count - before[graph] <= room[graph])
            kept |= joins
            room = room - torch.zeros_like(room).index_add_(0, graph, joins.long())
            place = torch.where(kept[target], target, place)
        return Edit(nodes=kept)


def _neighbours(batch: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return, per node, where its neighbours begin and how many they are, and the list of them."""
    source, target = batch.edge_index
    degree = torch.bincount(source, minlength=len(batch.batch))
    order = source.argsort(stable=True)
    return degree.cumsum(0) - degree, degree, target[order]
