"""The loss alone, in a training loop of one's own.

python examples/own_loop.py
"""

import torch
from torch import nn
from torch_geometric.nn import GIN, global_add_pool

from graph_hcl.augment import drop_edge
from graph_hcl.data import load
from graph_hcl.losses import HUCL

store = load("MUTAG")  # or any DataLoader of PyG's
torch.manual_seed(0)
encoder = GIN(store.num_features, 32, num_layers=2)
head = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))
loss_of = HUCL(beta=0.5, temperature=0.5)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-3)


def features(batch) -> torch.Tensor:
    """Return the features of one random view of each graph."""
    edge_index, _ = drop_edge(batch.edge_index, p=0.2)
    return head(global_add_pool(encoder(batch.x, edge_index), batch.batch))


for epoch in range(1, 4):
    total = 0.0
    for indices in torch.randperm(len(store)).split(64):
        batch = store.batch(indices)
        loss = loss_of(features(batch), features(batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += float(loss) * len(indices)
    print(f"epoch {epoch}: loss {total / len(store):.3f}")
