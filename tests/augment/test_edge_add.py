"""The share of edges that is added, and which pairs are drawn, against slow loops."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import networkx
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graph_hcl.augment import EdgeAdd, Edit, add_edge, apply, parse, sample_view
from graph_hcl.augment.free_pairs import choose_numbers, draw_free_pairs
from graph_hcl.data import GraphStore
from graph_hcl.data.batch import is_sorted_undirected

NONE: list[tuple[int, int]] = []


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(graphs: list[tuple[int, list[tuple[int, int]]]]) -> Batch:
    """Graphs given by their number of nodes and their columns of edge_index."""
    return Batch.from_data_list(
        [
            Data(
                x=torch.ones(n, 2),
                edge_index=torch.tensor(edges, dtype=torch.long).view(-1, 2).t(),
                edge_attr=torch.arange(1.0, len(edges) + 1)[:, None],
                edge_weight=torch.full((len(edges),), 0.5),
            )
            for n, edges in graphs
        ]
    )


def both(edges):
    return sorted({pair for u, v in edges for pair in ((u, v), (v, u))})


def loop(n: int, edges, ratio) -> tuple[set[tuple[int, int]], int]:
    """The free pairs of a graph, and how many of them are added."""
    joined = {frozenset(edge) for edge in edges}
    free = {p for p in itertools.combinations(range(n), 2) if frozenset(p) not in joined}
    wanted = math.floor(Fraction(str(ratio)) * len(edges) / 2 + Fraction(1, 2))
    return free, min(wanted, len(free))


@st.composite
def graphs(draw):
    """A graph of any kind: empty, sparse, nearly complete; directed; with loops and repetitions."""
    n = draw(st.integers(1, 9))
    columns = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    edges = draw(st.lists(columns, max_size=40))
    if draw(st.booleans()):
        every = list(itertools.combinations(range(n), 2))
        missing = draw(st.sets(st.sampled_from(every), max_size=3)) if every else set()
        edges = [pair for pair in every if pair not in missing]
    return n, both(edges) if draw(st.booleans()) else edges


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(graphs(), min_size=1, max_size=5),
    ratio=st.sampled_from([0.0, 0.1, 0.2, 0.29, 0.5, 0.9, 0.999]),
    seed=st.integers(0, 2**20),
)
@example(parts=[(1, NONE), (2, NONE), (2, [(0, 1), (1, 0)]), (1, [(0, 0)])], ratio=0.9, seed=0)
def test_the_share_is_met_exactly_where_there_is_room(parts, ratio, seed) -> None:
    batch = batch_of(parts)
    found = sample_view(batch, EdgeAdd(ratio), seeded(seed))
    old = batch.num_edges
    assert torch.equal(found.edge_index[:, :old], batch.edge_index)
    assert torch.equal(found.edge_attr[:old], batch.edge_attr)
    assert found.edge_attr[old:].eq(0).all()
    assert found.edge_weight.tolist() == [0.5] * old + [1.0] * (found.num_edges - old)
    new = found.edge_index[:, old:]
    for number, (n, edges) in enumerate(parts):
        free, count = loop(n, edges, ratio)
        start = int(batch.ptr[number])
        inside = (new - start)[:, batch.batch[new[0]] == number].t().tolist()
        assert len(inside) == 2 * count
        assert set(map(tuple, inside)) == set(both(map(tuple, inside)))  # each both ways, and once
        assert {tuple(sorted(pair)) for pair in inside} <= free
    assert torch.equal(add_edge(batch.edge_index, ratio, batch=batch.batch,
                                generator=seeded(seed))[1], new)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), ratio=st.sampled_from([0.05, 0.2, 0.7]))
def test_knowing_that_edges_are_sorted_changes_nothing(seed, ratio) -> None:
    made = [networkx.gnp_random_graph(n, p, seed=seed) for n, p in ((30, 0.1), (9, 0.9), (2, 1))]
    data = [
        Data(torch.ones(len(graph), 1), torch.tensor(both(graph.edges)).view(-1, 2).t())
        for graph in made
    ]
    known = GraphStore.from_data(data).batch(torch.arange(3))
    plain = Batch.from_data_list(data)
    assert torch.equal(known.edge_index, plain.edge_index)
    draws = [EdgeAdd(ratio)(batch, seeded(seed)).added for batch in (known, plain)]
    assert torch.equal(*draws)


def test_large_sparse_graphs_get_their_share() -> None:
    n = 200_000
    path = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
    edges = torch.cat([path, path.flip(0)], dim=1)
    added = add_edge(edges, 0.2, num_nodes=n, generator=seeded(0))[1]
    assert added.shape[1] == 2 * round(0.2 * (n - 1))
    assert (added[0] - added[1]).abs().min() > 1
    assert len((added[0] * n + added[1]).unique()) == added.shape[1]


def chi_squared(seen, cells: int) -> float:
    expected = sum(seen.values()) / cells
    assert len(seen) <= cells
    return sum((seen[cell] - expected) ** 2 for cell in seen) / expected + expected * (
        cells - len(seen)
    )


@pytest.mark.parametrize(
    ("n", "edges", "ratio"),
    [
        (6, [(0, 1), (1, 2), (2, 3), (3, 4)], 0.5),  # 2 of 11: drawn with repetitions left out
        (5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)], 0.6),  # 3 of 5: the first of all in order
        (7, [(0, 6), (3, 4), (1, 5)], 0.5),  # 2 of 18
    ],
)
def test_each_set_of_free_pairs_is_equally_likely(n, edges, ratio) -> None:
    count, copies = loop(n, both(edges), ratio)[1], 12_000
    free = loop(n, both(edges), ratio)[0]
    batch = batch_of([(n, both(edges))] * copies)
    added = EdgeAdd(ratio)(batch, seeded(0)).added
    owner = batch.batch[added[0]]
    order = owner.argsort(stable=True)
    local = (added - n * owner)[:, order].sort(0).values.t().reshape(copies, count, 2)
    seen = Counter(frozenset(map(tuple, each)) for each in local.tolist())
    cells = math.comb(len(free), count)
    assert all(each <= free for each in seen)
    freedom = cells - 1
    # Above four standard deviations in about one of ten thousand seeds.
    assert chi_squared(seen, cells) < freedom + 4 * math.sqrt(2 * freedom) + 10


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8),
    st.integers(0, 2**20),
)
def test_numbers_are_chosen_once(parts, seed) -> None:
    room = torch.tensor([max(pair) for pair in parts])
    count = torch.tensor([min(pair) for pair in parts])
    ptr = torch.cat([torch.zeros(1, dtype=torch.long), room.cumsum(0)])
    number, group = choose_numbers(ptr, count, seeded(seed))
    assert torch.equal(torch.bincount(group, minlength=len(parts)), count)
    assert len(number.unique()) == len(number)
    assert ((number >= ptr[group]) & (number < ptr[group + 1])).all()


def test_draws_that_fall_short_are_made_good(monkeypatch) -> None:
    # Every draw is the same number: groups with room fall short, too.
    monkeypatch.setattr(
        torch, "randint", lambda high, shape, **_: torch.zeros(shape, dtype=torch.long)
    )
    number, group = choose_numbers(torch.tensor([0, 50, 60]), torch.tensor([5, 1]), None)
    assert group.bincount().tolist() == [5, 1]
    assert len(number.unique()) == 6


def test_only_what_an_augmentation_promises_goes_unchecked() -> None:
    batch = batch_of([(3, both([(0, 1)]))])
    careless = Edit(added=torch.tensor([[0, 1, 0, 2], [1, 0, 2, 2]]))
    assert apply(batch, careless).edge_index.t().tolist() == [[0, 1], [1, 0], [0, 2], [2, 0]]
    free = Edit(added=torch.tensor([[0], [2]]), free=True)
    assert (free & Edit()).free
    assert (Edit() & free).free
    assert not (free & free).free
    assert apply(batch, free & free).num_edges == 4
    twice = sample_view(batch, parse("edge_add(0.99)+edge_add(0.99)"), seeded(0))
    assert len(set(map(tuple, twice.edge_index.t().tolist()))) == twice.num_edges


def test_pairs_of_graphs_without_nodes() -> None:
    gap = torch.tensor([0, 0, 2, 2])  # graph 1 has no nodes
    edges = torch.tensor([[2, 3], [3, 2]])
    ptr = torch.tensor([0, 2, 2, 4])
    assert draw_free_pairs(edges, gap, ptr, 0.9, seeded(0)).shape == (2, 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.5, 0.9]))
def test_targets_of_a_source_may_be_in_any_order(seed: int, ratio: float) -> None:
    """A store of adjacency lists is sorted by source alone, and its batches say so."""
    rng = np.random.default_rng(seed)
    graphs = []
    for _ in range(4):
        pairs = [(u, v) for u in range(7) for v in range(u) if rng.random() < 0.4] or [(0, 1)]
        edges = sorted(rng.permutation(both(pairs)).tolist(), key=lambda pair: pair[0])
        graphs.append(Data(torch.ones(7, 1), torch.tensor(edges).t()))
    batch = GraphStore.from_data(graphs).batch(range(4))
    assert is_sorted_undirected(batch)
    drawn = draw_free_pairs(
        batch.edge_index, batch.batch, batch.ptr, ratio, seeded(seed), sorted_undirected=True
    )
    plain = draw_free_pairs(batch.edge_index, batch.batch, batch.ptr, ratio, seeded(seed))
    assert torch.equal(drawn, plain)
    have = set(zip(*batch.edge_index.tolist(), strict=True))
    assert not have & set(zip(*drawn.tolist(), strict=True))


def test_small_integers_name_no_other_edges() -> None:
    edges = torch.tensor([[60000, 60001], [60001, 60000]], dtype=torch.int32)
    batch = Batch.from_data_list([Data(torch.ones(70000, 1), edge_index=edges)])
    added = Edit(added=torch.tensor([[60000], [60001]], dtype=torch.int32))
    assert apply(batch, added).num_edges == 2
