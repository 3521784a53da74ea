"""What the checks share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.device.graphs import SHAPES, generate
from graph_hcl.data import GraphStore

CPU = torch.device("cpu")
Check = Callable[[torch.device], Any]


class Skipped(Exception):
    """A check that says nothing on this device, with the reason."""


def features(
    count: int, dtype: torch.dtype = torch.float64, width: int = 32
) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows [2·count, width] of length 1, and the graph and one of ten labels of each."""
    made = torch.Generator().manual_seed(count)
    z = F.normalize(torch.randn(2 * count, width, generator=made, dtype=torch.float64), dim=1)
    label = torch.randint(10, (count,), generator=made).repeat(2)
    return z.to(dtype), torch.arange(count).repeat(2), label


@lru_cache(maxsize=4)
def some_graphs(count: int = 36, shape: str = "MUTAG") -> GraphStore:
    """Return small graphs with edge features, on the CPU; no check changes them."""
    store = generate(SHAPES[shape], seed=1, graphs=count)
    weight = torch.Generator().manual_seed(2)
    edge_attr = torch.rand(store.edge_index.shape[1], 2, generator=weight)
    return dataclasses.replace(store, edge_attr=edge_attr, vocabulary=None)


def assert_close(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], limit: float) -> None:
    """Raise unless the norm of each difference is below `limit` times what is expected."""
    for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        error = float((mine - theirs).norm() / theirs.norm().clamp(min=1e-12))
        assert error < limit, f"part {number}: relative error {error:.2g}"
