"""A backbone, a loss, an augmentation and a probe of one's own, measured on the same folds.

python examples/own_parts.py    (docs/guides/own-parts.md)
"""

import numpy as np
import torch
from torch import nn
from torch_geometric.nn import GINEConv

from graph_hcl import GraphContrast
from graph_hcl.augment import Edit
from graph_hcl.data import load
from graph_hcl.losses import ContrastiveLoss
from graph_hcl.probes import ProbeInput, ProbeResult, compare, evaluate


class Bonds(nn.Module):
    def __init__(self, in_channels: int, hidden_channels: int, num_layers: int, edge_dim: int):
        super().__init__()
        self.first = nn.Linear(in_channels, hidden_channels)
        self.convs = nn.ModuleList(
            GINEConv(nn.Linear(hidden_channels, hidden_channels), edge_dim=edge_dim)
            for _ in range(num_layers)
        )

    def forward(self, x, edge_index, edge_attr):
        x = self.first(x)
        for conv in self.convs:
            x = conv(x, edge_index, edge_attr).relu()
        return x


class Centred(ContrastiveLoss):
    """Other views attract, other graphs repel, and a mean that leaves the origin has its price."""

    def __init__(self, *, price: float = 0.2, temperature: float = 0.5):
        super().__init__(temperature=temperature)
        self.price = price

    def keys(self, graph, label):
        return graph, graph

    def penalty(self, z: torch.Tensor) -> torch.Tensor:
        return self.price * z.mean(0).square().sum()


z1, z2 = torch.eye(3), torch.eye(3)
print(Centred(price=0.0)(z1, z2), Centred(price=3.0)(z1, z2))


def drop_hubs(batch, generator):
    """Drop the edges between two nodes of more than two neighbours, in half of the graphs."""
    source, target = batch.edge_index
    hubs = torch.bincount(target, minlength=len(batch.batch)) > 2
    chosen = torch.rand(batch.num_graphs, generator=generator, device=source.device) < 0.5
    return Edit(edges=~(hubs[source] & hubs[target] & chosen[batch.batch[source]]))


def nearest(given: ProbeInput) -> ProbeResult:
    """Predict the label of the nearest training graph."""
    distance = np.linalg.norm(given.x_test[:, None] - given.x_train[None], axis=2)
    return ProbeResult(predictions=given.y_train[distance.argmin(1)])


molecules = load("MUTAG")
labels = molecules.y.numpy()
common = {"epochs": 5, "hidden": 16, "layers": 2, "random_state": 0}
own = GraphContrast(Centred(price=0.1), backbone=Bonds, views=[drop_hubs, "identity"], **common)
usual = GraphContrast("h-ucl", backbone="gine", **common)
for probe in (nearest, "svm"):
    scores = [
        evaluate(model.fit_transform(molecules), labels, probe=probe, folds=5)
        for model in (own, usual)
    ]
    print(f"own {scores[0].mean:.1%}, usual {scores[1].mean:.1%}; difference {compare(*scores)}")
