"""Graphs to measure with: those of a mirror folder, or generated ones of the same shapes."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from graph_hcl.data import GraphStore


@dataclass(frozen=True)
class Shape:
    """What a data set's graphs look like to a device.

    The number of nodes is log-normal: mean and spread of its logarithm, and its largest value. A
    graph of n nodes has e^`scale` · n^`power` edges, whose ends are drawn with log-normal
    weights of spread `hubs`.
    """

    graphs: int
    columns: int
    classes: int
    log_nodes: float
    spread: float
    most: int
    scale: float
    power: float
    hubs: float


SHAPES = {
    "MUTAG": Shape(188, 7, 2, 2.852, 0.266, 28, -0.065, 1.073, 0.0),
    "PROTEINS": Shape(1113, 3, 2, 3.286, 0.844, 620, 0.696, 0.985, 0.0),
    "NCI1": Shape(4110, 37, 2, 3.310, 0.408, 111, 0.128, 0.994, 0.0),
    "REDDIT-BINARY": Shape(2000, 1, 2, 5.408, 1.217, 3782, 0.128, 1.005, 3.0),
    "COLLAB": Shape(5000, 129, 3, 4.113, 0.562, 492, -1.157, 1.949, 0.5),
}
"""Fitted to the data sets of TU Dortmund."""
DISTINCT = 500
"""Graphs that are drawn; more are these once more, which takes a device as long."""


def generate(shape: Shape, seed: int = 0, graphs: int | None = None) -> GraphStore:
    """Return graphs of a shape, or fewer of them, with edges both ways, sorted by source.

    >>> store = generate(SHAPES["MUTAG"], graphs=20)
    >>> len(store), store.num_features, store.is_sorted_undirected
    (20, 7, True)
    """
    made = torch.Generator().manual_seed(seed)
    wanted = shape.graphs if graphs is None else graphs
    count = min(wanted, DISTINCT)
    sizes = (torch.randn(count, generator=made) * shape.spread + shape.log_nodes).exp()
    sizes = sizes.round().long().clamp(3, shape.most)
    node_ptr = _ends(sizes)
    edges, edge_sizes = _edges(shape, sizes, node_ptr, made)
    nodes = int(node_ptr[-1])
    kinds = torch.randint(shape.columns, (nodes,), generator=made)
    store = GraphStore(
        x=F.one_hot(kinds, shape.columns).float(),
        edge_index=edges,
        node_ptr=node_ptr,
        edge_ptr=_ends(edge_sizes),
        y=torch.randint(shape.classes, (count,), generator=made),
    )
    return store if count == wanted else store[torch.arange(wanted) % count]


def _edges(
    shape: Shape, sizes: Tensor, node_ptr: Tensor, made: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the edges [2, E] with local node numbers, and how many each graph has."""
    wanted = (math.exp(shape.scale) * sizes.double() ** shape.power).round().long()
    wanted = torch.minimum(wanted, sizes * (sizes - 1) // 2)
    # More than wanted: drawn twice or from a node to itself, edges are lost.
    draws = (2.5 * wanted.double()).ceil().long() + 2
    graph = torch.arange(len(sizes)).repeat_interleave(draws)
    weight = (shape.hubs * torch.randn(int(node_ptr[-1]), generator=made).double()).exp()
    one = torch.rand(len(graph), generator=made, dtype=torch.double)
    other = torch.rand(len(graph), generator=made, dtype=torch.double)
    # One end by its weight, the other one evenly, so that hubs have leaves.
    total = torch.cat([weight.new_zeros(1), weight.cumsum(0)])
    low, high = total[node_ptr[graph]], total[node_ptr[graph + 1]]
    source = torch.searchsorted(total, low + one * (high - low), right=True) - 1
    source = (source - node_ptr[graph]).clamp(min=0).minimum(sizes[graph] - 1)
    target = (other * sizes[graph]).long()
    kept = source != target
    graph, source, target = graph[kept], source[kept], target[kept]
    most = int(sizes.max())
    low_end, high_end = torch.minimum(source, target), torch.maximum(source, target)
    key = ((graph * most + low_end) * most + high_end).unique()
    key = key[_first_of_each(key // most**2, wanted)]
    graph, low_end, high_end = key // most**2, key // most % most, key % most
    ways = ((low_end, high_end), (high_end, low_end))
    both = torch.cat([(graph * most + a) * most + b for a, b in ways]).sort()[0]
    ends = torch.stack([both // most % most, both % most])
    return ends, torch.bincount(both // most**2, minlength=len(sizes))


def _first_of_each(graph: Tensor, wanted: Tensor) -> Tensor:
    """Return places of up to `wanted` elements of each graph, evenly among its sorted ones."""
    have = torch.bincount(graph, minlength=len(wanted))
    rank = torch.arange(len(graph)) - _ends(have)[graph]
    # Every k-th of `have`, so that no part of a graph goes without.
    step = (rank + 1) * wanted[graph] // have[graph] > rank * wanted[graph] // have[graph]
    return (step | (have[graph] <= wanted[graph])).nonzero().squeeze(1)


def _ends(sizes: Tensor) -> Tensor:
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


def graphs_of(name: str, mirror: str | None, quick: bool = False) -> tuple[GraphStore, str]:
    """Return the graphs of a data set, and where they are from: a folder, a package or this file.

    A mirror, here or in $GRAPH_HCL_TU_MIRROR, is a folder of NAME.zip; MUTAG comes with grakel.
    """
    mirror = mirror or os.environ.get("GRAPH_HCL_TU_MIRROR")
    most = 400 if quick else None
    if mirror or name == "MUTAG":
        try:
            from graph_hcl.data import load

            store = load(name, mirror=mirror)
            few = most is not None and most < len(store)
            # Evenly chosen, since files are sorted by class.
            return (store[torch.arange(most) * len(store) // most] if few else store), "read"
        except Exception as error:  # whatever is missing here, generated graphs are at hand
            why = f"generated, as reading raised {type(error).__name__}"
    else:
        why = "generated"
    shape = SHAPES[name]
    return generate(shape, graphs=most if most and most < shape.graphs else None), why


def describe(store: GraphStore) -> dict[str, float]:
    """Return the numbers of graphs, nodes and edges, and the largest degree."""
    return {
        "graphs": len(store),
        "columns": store.num_features,
        "nodes per graph": round(len(store.x) / len(store), 1),
        "edges per graph": round(store.edge_index.shape[1] / 2 / len(store), 1),
        "largest degree": int(store.degree().max()),
    }
