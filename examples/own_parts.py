"""A backbone that reads bonds and a loss of one's own, tested against H-UCL on the same folds.

python examples/own_parts.py
"""

import torch
from torch import nn
from torch_geometric.nn import GINEConv

from graph_hcl import GraphContrast
from graph_hcl.data import load
from graph_hcl.losses import ContrastiveLoss
from graph_hcl.probes import compare, evaluate


class Bonds(nn.Module):
    """Built and called by keyword, with what its signatures name."""

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

    def penalty(self, z: torch.Tensor) -> torch.Tensor:
        return self.price * z.mean(0).square().sum()


molecules = load("MUTAG")
labels = molecules.y.numpy()
common = {"epochs": 5, "hidden": 16, "layers": 2, "random_state": 0}
own = GraphContrast(backbone=Bonds, objective=Centred(price=0.1), **common)
usual = GraphContrast(backbone="gine", objective="h-ucl", **common)
scores = [evaluate(model.fit_transform(molecules), labels, folds=5) for model in (own, usual)]
print(f"own {scores[0].mean:.3f}, H-UCL {scores[1].mean:.3f}")
print("own − H-UCL:", compare(*scores))
