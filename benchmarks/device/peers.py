"""What others compute: the losses as their users write them, and the usual pipeline of PyG."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GIN, MLP, global_add_pool
from torch_geometric.utils import dropout_edge, mask_feature

from benchmarks.device.machine import Machine

WORKERS = (0, 4)
"""Processes of the data loader; the faster choice counts."""


def hcl(z: Tensor, temperature: float = 0.5, beta: float = 1.0) -> Tensor:
    """Return H-UCL as its formula reads (Robinson et al., ICLR 2021): all exponentials at once."""
    half = len(z) // 2
    e = (z @ z.t() / temperature).exp()
    graph = torch.arange(half, device=z.device).repeat(2)
    negative = torch.where(graph[:, None] != graph, e, 0.0)
    weight = negative**beta
    n = (weight * negative).sum(1) / (weight.sum(1) / (2 * half - 2))
    positive = ((z[:half] * z[half:]).sum(1) / temperature).exp().repeat(2)
    return -(positive / (positive + n)).log().mean()


def log_space(z: Tensor, temperature: float = 0.5, beta: float = 1.0) -> Tensor:
    """Return H-UCL of two views by two dense log-sum-exps, which do not overflow."""
    half = len(z) // 2
    s = z @ z.t() / temperature
    graph = torch.arange(half, device=z.device).repeat(2)
    negative = s.masked_fill(graph[:, None] == graph, -math.inf)
    log_n = ((1 + beta) * negative).logsumexp(1) - (beta * negative).logsumexp(1)
    positive = torch.cat([s.diagonal(half), s.diagonal(half)])
    return F.softplus(log_n + math.log(2 * half - 2) - positive).mean()


def infonce(z: Tensor, temperature: float = 0.5) -> Tensor:
    """Return NT-Xent by one dense cross entropy, the least that anyone computes."""
    s = (z @ z.t() / temperature).fill_diagonal_(-math.inf)
    partner = torch.arange(len(z), device=z.device).roll(len(z) // 2)
    return F.cross_entropy(s.float(), partner)


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "HCL restated, dense": hcl,
    "InfoNCE, dense cross entropy": infonce,
}


FEW = 5
"""Batches that warm the usual pipeline up, and the fewest that an epoch is measured by."""


class Network(torch.nn.Module):
    """GIN 3×32 of PyG with concatenated layers, sum read-out and a projection head."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.gnn = GIN(columns, 32, 3, jk="cat", norm="batch_norm")
        self.gnn.lin = torch.nn.Identity()
        self.head = MLP([96, 96, 96], norm=None)

    def embed(self, x: Tensor, edge_index: Tensor, batch: Tensor, count: int) -> Tensor:
        return global_add_pool(self.gnn(x, edge_index), batch, count)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor, count: int) -> Tensor:
        return F.normalize(self.head(self.embed(x, edge_index, batch, count)), dim=1)


def view(batch: Any) -> tuple[Tensor, Tensor]:
    """Return features and edges of a batch with a fifth of each left out, by PyG's functions."""
    edge_index, _ = dropout_edge(batch.edge_index, 0.2, force_undirected=True)
    x, _ = mask_feature(batch.x, 0.2, mode="row")
    return x, edge_index


def loader(graphs: list[Any], size: int, workers: int, on: Machine) -> Any:
    """Return PyG's loader with the settings of its examples for a GPU."""
    return DataLoader(
        graphs,
        batch_size=size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=on.is_cuda,
    )


def epochs(graphs: list[Any], on: Machine, count: int, workers: int) -> list[float]:
    """Return the seconds of each epoch of the usual pipeline, after some batches to warm up.

    Where the time of the step is over, an epoch ends after some batches, and counts in proportion.
    """
    batches = loader(graphs, 128, workers, on)
    model = Network(graphs[0].num_features).to(on.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch(enough: Callable[[int], bool]) -> float:
        on.wait()
        start, done = time.perf_counter(), 0
        for done, batch in enumerate(batches, start=1):
            batch = batch.to(on.device, non_blocking=True)
            two = [model(*view(batch), batch.batch, batch.num_graphs) for _ in range(2)]
            loss = log_space(torch.cat(two))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if enough(done):
                break
        on.wait()
        return (time.perf_counter() - start) * len(batches) / done

    epoch(lambda done: done >= FEW)
    found = []
    for _ in range(count):
        found.append(epoch(lambda done: done >= FEW and on.left() <= 0))
        if on.left() <= 0:
            break
    return found


@torch.no_grad()
def graphs_per_second(graphs: list[Any], on: Machine) -> float:
    """Return how many graphs the untrained network embeds per second, loading included."""
    batches = loader(graphs, 512, 0, on)
    model = Network(graphs[0].num_features).to(on.device).eval()

    def embed() -> None:
        for batch in batches:
            batch = batch.to(on.device, non_blocking=True)
            model.embed(batch.x, batch.edge_index, batch.batch, batch.num_graphs).cpu()

    embed()
    return len(graphs) / on.seconds(embed)
