"""An augmentation: it sees a batch and says what changes."""

from dataclasses import dataclass

import torch
from torch_geometric.data import Batch

from graph_hcl.augment import Edit


@dataclass(frozen=True)
class DropHubs:
    """Drop all edges between two nodes of more than `degree` neighbours, one time in two."""

    degree: int = 3

    def __call__(self, batch: Batch, generator: torch.Generator) -> Edit:
        source, target = batch.edge_index
        degrees = torch.bincount(target, minlength=len(batch.batch))
        hubs = degrees > self.degree
        chosen = torch.rand(batch.num_graphs, generator=generator, device=source.device) < 0.5
        dropped = hubs[source] & hubs[target] & chosen[batch.batch[source]]
        return Edit(edges=~dropped)
