"""Random draws per node, edge and graph of a batch, all from one generator and without loops."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def uniform(shape: tuple[int, ...], batch: Any, generator: torch.Generator) -> Tensor:
    """Return numbers in [0, 1) on the batch's device."""
    return torch.rand(shape, generator=generator, device=batch.x.device)


def per_undirected_edge(batch: Any, generator: torch.Generator) -> Tensor:
    """Return one number in [0, 1) per edge [E], the same for both directions of an edge.

    Each node draws a random integer; the sum of an edge's two, mixed by the finaliser of
    SplitMix64 (Steele, Lea and Flood 2014), is symmetric in them and needs no search for the
    reverse edge.

    >>> from torch_geometric.data import Batch, Data
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> batch = Batch.from_data_list([Data(x=torch.ones(3, 1), edge_index=edges)])
    >>> u = per_undirected_edge(batch, torch.Generator().manual_seed(0))
    >>> bool(u[0] == u[1]), bool(u[2] == u[3]), bool(u[0] == u[2])
    (True, True, False)
    """
    ids = torch.randint(
        -(2**62), 2**62, (batch.x.shape[0],), generator=generator, device=batch.x.device
    )
    source, target = batch.edge_index
    mixed = ids[source] + ids[target]
    mixed = (mixed ^ _shift(mixed, 30)) * -4658895280553007687
    mixed = (mixed ^ _shift(mixed, 27)) * -7723592293110705685
    mixed = mixed ^ _shift(mixed, 31)
    return _shift(mixed, 40).float() / 2**24


def _shift(value: Tensor, bits: int) -> Tensor:
    """Return the logical right shift of 64-bit integers."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def rank_in_graph(score: Tensor, batch: Any) -> Tensor:
    """Return each node's place [n] when its graph's nodes are sorted by score, from 0.

    >>> from torch_geometric.data import Batch, Data
    >>> none = torch.zeros(2, 0, dtype=torch.long)
    >>> graphs = [Data(x=torch.ones(n, 1), edge_index=none) for n in (3, 2)]
    >>> rank_in_graph(torch.tensor([0.5, 0.1, 0.9, 0.8, 0.2]), Batch.from_data_list(graphs))
    tensor([1, 0, 2, 1, 0])
    """
    order = score.argsort()
    order = order[batch.batch[order].argsort(stable=True)]
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)
    return place - batch.ptr[batch.batch]


def sizes(batch: Any) -> Tensor:
    """Return the number of nodes of each graph [B]."""
    nodes: Tensor = batch.ptr.diff()
    return nodes
