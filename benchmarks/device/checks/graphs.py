"""Stores, batches and views."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from benchmarks.device.checks.common import CPU, Check, Skipped, some_graphs
from benchmarks.device.waits import count_waits, walks_by_kernel
from graph_hcl.augment import Edit, ViewSampler, parse, sample_view, walk
from graph_hcl.config import RANDOM_VIEW
from graph_hcl.data import GraphStore

VIEWS = (
    "edge_drop(0.5)",
    "edge_add(0.5)",
    "edge_mask(0.5)",
    "node_drop(0.5)",
    "feature_mask(0.5)",
    "column_mask(0.5)",
    "subgraph(0.5)",
    "edge_drop(0.5)+edge_add(0.5)+node_drop(0.3)",
    "node_drop(0.2)|edge_drop(0.2)|subgraph(0.8)|feature_mask(0.2)|edge_add(0.3)",
)
EXACT = {
    "edge_drop(0.5)": False,
    "edge_add(0.5)": True,
    "edge_mask(0.5)": True,
    "node_drop(0.5)": False,
    "feature_mask(0.5)": True,
    "column_mask(0.5)": True,
}
"""Views that keep a number of nodes that does not depend on the draw, and whether of edges, too."""


WAITLESS = (
    "identity",
    "edge_drop(0.5)",
    "node_drop(0.5)",
    "feature_mask(0.5)",
    "edge_drop(0.5)+feature_mask(0.5)",
    "node_drop(0.5)|edge_drop(0.5)|feature_mask(0.5)",
    "subgraph(0.5)",
    RANDOM_VIEW,
)
"""Views whose draws the host goes on beside."""


def store_agrees(device: torch.device) -> None:
    """Compare batches, single graphs, selections and fitted features."""
    store = some_graphs()
    moved = store.to(device)
    for indices in ([5, 1, 5], slice(3, 9), torch.arange(len(store)) % 3 == 0):
        expected, found = store.batch(indices), moved.batch(indices)
        for name, value in expected.to_dict().items():
            assert found[name].device.type == device.type, name
            assert torch.equal(found[name].cpu(), value), name
    assert torch.equal(moved[3].x.cpu(), store[3].x)
    chosen = torch.tensor([7, 2], device=device)
    assert torch.equal(moved[chosen].edge_index.cpu(), store[[7, 2]].edge_index)
    assert torch.equal(moved.degree().cpu(), store.degree())
    assert moved.digest() == store.digest()
    for place, fitted in ((CPU, store.fitted([0, 1])), (device, moved.fitted([0, 1]))):
        assert fitted.batch([0]).x.device.type == place.type


def view_is_right(device: torch.device, text: str) -> None:
    """Draw a view, which stays on the device and changes as many nodes and edges as on the CPU.

    Of a batch of the store, and of one of PyG, of which nothing is known. The seeds differ, since
    no two devices draw the same numbers from one.
    """
    graphs = some_graphs()[:30]
    for make in (lambda place: graphs.to(place).batch(slice(0, 30)), partial(_shuffled, graphs)):
        expected, found = (
            sample_view(make(place), parse(text), torch.Generator(place).manual_seed(seed))
            for seed, place in enumerate((CPU, device))
        )
        for name, value in found.to_dict().items():
            assert not isinstance(value, Tensor) or value.device.type == device.type, name
        assert found.edge_index.numel() == 0 or int(found.edge_index.max()) < found.num_nodes
        assert found.num_graphs == expected.num_graphs
        if text in EXACT:
            assert torch.equal(found.ptr.cpu(), expected.ptr)
        if EXACT.get(text):
            assert found.edge_index.shape == expected.edge_index.shape


def _shuffled(store: GraphStore, device: torch.device) -> Batch:
    """Return all graphs as PyG's batch, with their edges in another order."""
    batch = Batch.from_data_list(list(store)).to(device)
    batch.edge_index, batch.edge_attr = batch.edge_index.flip(1), batch.edge_attr.flip(0)
    return batch


def sampler_is_right(device: torch.device) -> None:
    """Draw the views of an epoch, several batches at once."""
    store = some_graphs().to(device)
    sampler = ViewSampler([parse("edge_drop(0.2)"), parse("node_drop(0.2)")])
    parts = torch.randperm(len(store), generator=torch.Generator().manual_seed(0)).split(16)
    steps = list(sampler(store, parts, torch.Generator(device).manual_seed(0)))
    assert len(steps) == len(parts)
    assert sum(v.batch.num_graphs for views in steps for v in views) == 2 * len(store)


def views_do_not_wait(device: torch.device, texts: tuple[str, str]) -> None:
    """Count the waits for the device in draws of two views of several batches."""
    if any("subgraph" in text for text in texts) and not walks_by_kernel(device):
        raise Skipped("walks without a wait need Triton")
    found = count_waits(device, partial(_draws, texts=texts, most=900))
    assert not found, found


def added_edges_wait_twice(device: torch.device) -> None:
    """Count the waits for the device in one draw of views with edges that are added."""
    found = count_waits(device, partial(_draws, texts=("edge_add(0.5)",) * 2, most=10**6))
    assert found.total() <= 2, found


def _draws(device: torch.device, texts: tuple[str, str], most: int) -> Callable[[], Any]:
    """Return what draws views of four batches, of `most` nodes and edges at once."""
    store, parts = some_graphs().to(device), torch.arange(36).split(9)
    sampler = ViewSampler([parse(text) for text in texts], max_elements=most)

    def draw() -> None:
        for _ in sampler(store, parts, torch.Generator(device).manual_seed(0)):
            pass

    draw()  # the first asks for the sizes of the store's graphs, too
    return draw


def long_walk_agrees(device: torch.device, nodes: int = 3000) -> None:
    """Compare the times of a walk along a path, by the kernel and by hops."""
    if not walk.takes_kernel(device):
        raise Skipped("no kernel of walks runs there")
    made = torch.Generator().manual_seed(0)
    ways = torch.arange(nodes - 1)
    edges = torch.stack([torch.cat([ways, ways + 1]), torch.cat([ways + 1, ways])])
    edges = edges[:, edges[0].argsort(stable=True)]
    wait = torch.empty(edges.shape[1]).exponential_(generator=made) + 1e-3
    time = torch.full((nodes,), math.inf)
    time[nodes // 3] = 0
    given = edges, wait, torch.zeros(nodes, dtype=torch.long)
    expected = walk.by_hops(time.clone(), *given, 1)
    there = [each.to(device) for each in (*given, torch.tensor([0, nodes]))]
    for in_order in (True, False):
        found = walk.by_kernel(time.to(device, copy=True), *there, in_order)
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)


def own_edit_is_right(device: torch.device) -> None:
    """Draw a view by an augmentation of a user, which says nothing about the edges it keeps."""

    def drop(batch: Batch, generator: torch.Generator) -> Edit:
        number = torch.rand(batch.num_edges, generator=generator, device=batch.x.device)
        return Edit(edges=number < 0.5)

    batch = some_graphs().to(device).batch(slice(0, 30))
    found = sample_view(batch, drop, torch.Generator(device).manual_seed(0))
    assert found.num_edges < batch.num_edges
    assert found.edge_index.device.type == device.type


CHECKS: dict[str, Check] = {
    "store": store_agrees,
    **{f"view {text}": partial(view_is_right, text=text) for text in VIEWS},
    "views of an epoch": sampler_is_right,
    "own edit": own_edit_is_right,
}
ON_HARDWARE: dict[str, Check] = {
    "long walk": long_walk_agrees,
    "waits of edge_add": added_edges_wait_twice,
    **{
        f"waits of {one} and {other}": partial(views_do_not_wait, texts=(one, other))
        for one, other in [
            *((text, text) for text in WAITLESS),
            ("edge_drop(0.5)", "node_drop(0.5)"),
            ("identity", "edge_drop(0.5)"),
        ]
    },
}
