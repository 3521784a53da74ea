"""Subgraphs: their share wherever it can be reached, and the process that grows them."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data
from torch_geometric.utils import from_networkx

from graph_hcl.augment import RandomWalkSubgraph, random_walk_subgraph
from graph_hcl.augment.walk import travel_times


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(graphs) -> Batch:
    return Batch.from_data_list(
        [Data(torch.ones(len(graph), 1), from_networkx(graph).edge_index) for graph in graphs]
    )


def kept_nodes(batch: Batch, ratio: float, seed: int) -> list[list[int]]:
    nodes = RandomWalkSubgraph(ratio)(batch, seeded(seed)).nodes
    return [
        nodes[start:end].nonzero().squeeze(1).tolist()
        for start, end in itertools.pairwise(batch.ptr.tolist())
    ]


def shape(kind: str, n: int, seed: int) -> networkx.Graph:
    side = max(2, math.isqrt(n))
    return {
        "path": lambda: networkx.path_graph(n),
        "cycle": lambda: networkx.cycle_graph(n),
        "star": lambda: networkx.star_graph(n),
        "grid": lambda: networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(2, side)),
        "comb": lambda: networkx.convert_node_labels_to_integers(networkx.binomial_tree(4)),
        "two": lambda: networkx.disjoint_union(networkx.path_graph(n), networkx.path_graph(3)),
        "any": lambda: networkx.gnp_random_graph(n, 1.5 / n, seed=seed),
        "empty": lambda: networkx.empty_graph(n),
    }[kind]()


KINDS = ["path", "cycle", "star", "grid", "comb", "two", "any", "empty"]


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 150)), min_size=1, max_size=4),
    ratio=st.sampled_from([1e-9, 0.01, 0.2, 0.5, 2 / 3, 0.8, 1.0]),
    seed=st.integers(0, 2**20),
)
def test_the_share_is_met_wherever_it_can_be_reached(kinds, ratio, seed) -> None:
    graphs = [shape(kind, n, seed) for kind, n in kinds]
    exact = Fraction(2, 3) if ratio == 2 / 3 else Fraction(str(ratio))
    for graph, kept in zip(graphs, kept_nodes(batch_of(graphs), ratio, seed), strict=True):
        assert kept
        assert networkx.is_connected(graph.subgraph(kept))
        reachable = len(networkx.node_connected_component(graph, kept[0]))
        assert len(kept) == min(math.ceil(exact * len(graph)), reachable)


def test_a_small_component_is_kept_whole() -> None:
    graph = networkx.disjoint_union(networkx.path_graph(80), networkx.path_graph(20))
    sizes = Counter(len(kept) for kept in kept_nodes(batch_of([graph] * 500), 0.5, 0))
    assert set(sizes) == {50, 20}
    assert abs(sizes[20] / 500 - 0.2) < 4 * math.sqrt(0.16 / 500)


def test_a_path_of_thousands_of_nodes() -> None:
    graph = networkx.path_graph(3000)
    (kept,) = kept_nodes(batch_of([graph]), 0.9, 0)
    assert len(kept) == 2700
    assert kept[-1] - kept[0] == 2699


def test_a_wait_below_the_last_digit_of_the_time_still_counts() -> None:
    # Two equal times would let a node be kept before the one it was reached from.
    edges = torch.stack([torch.arange(80), torch.arange(1, 81)])
    wait = torch.full((80,), 1e-3)
    wait[0] = 1e6
    start = torch.arange(81) == 0
    nodes, ptr = torch.zeros(81, dtype=torch.long), torch.tensor([0, 81])
    time = travel_times(edges, wait, start, nodes, ptr)
    assert (time[34:].diff() > 0).all()


def test_edges_lead_in_their_direction() -> None:
    arrows = torch.tensor([[0, 1, 2], [1, 2, 3]])
    for seed in range(30):
        nodes = random_walk_subgraph(arrows, 1.0, generator=seeded(seed))[2]
        kept = nodes.nonzero().squeeze(1).tolist()
        assert kept == list(range(kept[0], 4))


def grown(edges: list[tuple[int, int]], nodes: int, count: int) -> dict[frozenset[int], float]:
    """The exact distribution of the documented process: one edge after another."""
    chances: Counter = Counter({frozenset([v]): Fraction(1, nodes) for v in range(nodes)})
    for _ in range(count - 1):
        following: Counter = Counter()
        for inside, chance in chances.items():
            leaving = [v for u, v in edges if u in inside and v not in inside]
            for v in leaving:
                following[inside | {v}] += chance / len(leaving)
            if not leaving:
                following[inside] += chance
        chances = following
    return {inside: float(chance) for inside, chance in chances.items()}


@pytest.mark.parametrize(
    ("name", "edges", "nodes", "count"),
    [
        ("kite", [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4)], 5, 3),
        ("star", [(0, 1), (0, 2), (0, 3), (0, 4)], 5, 2),
        ("wheel with a tail", [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3), (3, 1), (3, 4)], 5, 4),
        ("two parts", [(0, 1), (1, 2), (3, 4)], 5, 3),
        ("doubled edge", [(0, 1), (0, 1), (0, 2)], 3, 2),
    ],
)
def test_the_distribution_is_that_of_the_documented_process(name, edges, nodes, count) -> None:
    columns = [pair for u, v in edges for pair in ((u, v), (v, u))]
    expected = grown(columns, nodes, count)
    copies = 20_000
    one = torch.tensor(columns).t()
    shift = nodes * torch.arange(copies).repeat_interleave(len(columns))
    batch = torch.arange(copies).repeat_interleave(nodes)
    kept = random_walk_subgraph(
        one.repeat(1, copies) + shift, count / nodes, batch=batch, generator=seeded(0)
    )[2].view(copies, nodes)
    seen = Counter(frozenset(row.nonzero().squeeze(1).tolist()) for row in kept)
    assert set(seen) <= set(expected)
    far = sum(
        (seen[inside] - copies * chance) ** 2 / (copies * chance)
        for inside, chance in expected.items()
    )
    freedom = len(expected) - 1
    assert far < freedom + 4 * math.sqrt(2 * freedom) + 6
