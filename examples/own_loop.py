"""The losses alone, in a training loop of one's own.

python examples/own_loop.py    (docs/guides/own-loop.md)
"""

import torch
from torch import nn
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GIN, global_add_pool

from graph_hcl.augment import drop_edge
from graph_hcl.data import load
from graph_hcl.losses import HSCL, HUCL, DistributedGather

torch.manual_seed(0)
z1, z2 = torch.randn(128, 64), torch.randn(128, 64)  # two views of 128 graphs, any length
label = torch.randint(3, (128,))
print(HUCL(temperature=0.5, beta=0.5)(z1, z2))  # negatives: all other graphs, hard ones first
print(HSCL(temperature=0.5, beta=1.0)(z1, z2, label))  # negatives: graphs of other labels

z, graph = torch.cat([z1, z2]), torch.arange(128).repeat(2)  # any number of views, all at once:
print(HUCL(temperature=0.5, beta=0.5)(z, graph=graph))  # which rows are views of one graph


store = load("MUTAG")  # or any list or data set of PyG's
loader = DataLoader(store, batch_size=64, shuffle=True)
encoder = GIN(store.num_features, 32, num_layers=2)
head = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))


def features(batch) -> torch.Tensor:
    """Return the features of one random view of each graph."""
    edge_index, _ = drop_edge(batch.edge_index, p=0.2)
    return head(global_add_pool(encoder(batch.x, edge_index), batch.batch))


def train(loss_of: nn.Module, epochs: int) -> None:
    """Train the encoder, and print the loss of each epoch."""
    parameters = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in loader:
            loss = loss_of(features(batch), features(batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * batch.num_graphs
        print(f"epoch {epoch}: loss {total / len(store):.3f}")


train(HUCL(beta=0.5, temperature=0.5), epochs=3)

hard = HUCL(beta=0.5, temperature=0.5, memory_size=256)
train(hard, epochs=2)
print(hard.memory.features.shape)


train(HUCL(beta=0.5, temperature=0.5, gather=DistributedGather()), epochs=1)
