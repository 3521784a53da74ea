"""Kernels against grakel and against explicit definitions; colours against dictionaries."""

import dataclasses
import warnings
from collections import Counter

import networkx
import numpy as np
import pytest
import torch
from grakel import Graph
from grakel.kernels import (
    VertexHistogram,
    WeisfeilerLehman,
    WeisfeilerLehmanOptimalAssignment,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graph_hcl.baselines import refine, wl_optimal_assignment, wl_subtree
from graph_hcl.baselines import wl as module
from graph_hcl.data import GraphStore, load
from graph_hcl.data.vocabulary import Features, Vocabulary


def pieces(store: GraphStore):
    """Return nodes' features of each graph, and (edge's features, neighbour) pairs, as lists."""
    for number in range(len(store)):
        nodes = slice(*store.node_ptr[number : number + 2].tolist())
        edges = slice(*store.edge_ptr[number : number + 2].tolist())
        x = [tuple(row) for row in store.x[nodes].tolist()]
        pairs = store.edge_index[:, edges].t().tolist()
        kinds = [()] * len(pairs) if store.edge_attr is None else store.edge_attr[edges].tolist()
        around: list[list[tuple]] = [[] for _ in x]
        for (source, target), kind in zip(pairs, kinds, strict=True):
            around[target].append((tuple(kind), source))
        yield x, around


def histograms(store: GraphStore, rounds: int) -> list[list[Counter]]:
    """Count the colours of each graph, a colour being written out as nested tuples."""
    found = []
    for x, around in pieces(store):
        colour: list = list(x)
        found.append([Counter(colour)])
        for _ in range(rounds):
            colour = [
                (c, tuple(sorted((kind, colour[k]) for kind, k in around[i])))
                for i, c in enumerate(colour)
            ]
            found[-1].append(Counter(colour))
    return found


def by_hand(store: GraphStore, rounds: int, worth) -> np.ndarray:
    counted = histograms(store, rounds)
    raw = np.array(
        [
            [
                sum(worth(p[c], q[c]) for p, q in zip(a, b, strict=True) for c in p.keys() & q)
                for b in counted
            ]
            for a in counted
        ],
        dtype=float,
    )
    return raw / np.sqrt(np.outer(raw.diagonal(), raw.diagonal()))


DTYPES = (torch.float, torch.long)  # a row of quantities, and categories


def random_graph(seed: int, directed: bool, kinds: int, dtype: torch.dtype) -> Data:
    """A graph with labels of nodes and, unless `kinds` is 0, of edges; isolated nodes and all."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    edges = np.array(networkx.gnp_random_graph(n, 0.4, seed=seed, directed=directed).edges)
    edges = edges.reshape(-1, 2).T
    kind = rng.integers(max(kinds, 1), size=edges.shape[1])
    if not directed:
        edges, kind = np.concatenate([edges, edges[::-1]], axis=1), np.concatenate([kind, kind])
    attr = torch.from_numpy(np.stack([kind, 7 * kind], axis=1)).to(dtype)
    return Data(
        x=torch.tensor([[float(rng.integers(2)), 0.5] for _ in range(n)]),
        edge_index=torch.from_numpy(edges.copy()).long(),
        edge_attr=attr if kinds else None,
    )


@st.composite
def stores(draw, kinds=(0, 1, 3)) -> GraphStore:
    seeds = draw(st.lists(st.integers(0, 9999), min_size=2, max_size=7))
    more = draw(st.tuples(st.booleans(), st.sampled_from(kinds), st.sampled_from(DTYPES)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* no reverse edge")
        return GraphStore.from_data([random_graph(seed, *more) for seed in seeds])


def both(store: GraphStore, rounds: int) -> list[np.ndarray]:
    return [kernel(store, rounds)[-1] for kernel in (wl_subtree, wl_optimal_assignment)]


def without_edge_labels(store: GraphStore) -> GraphStore:
    return dataclasses.replace(store, edge_attr=None, vocabulary=Vocabulary(store.vocabulary.node))


@settings(max_examples=60, deadline=None)
@given(stores(), st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]))
def test_kernels_equal_their_definitions(store: GraphStore, rounds: int, frequent: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FREQUENT", frequent)  # all columns dense, some, or none
        subtree, assignment = wl_subtree(store, rounds), wl_optimal_assignment(store, rounds)
    assert len(subtree) == len(assignment) == rounds + 1
    np.testing.assert_allclose(subtree[-1], by_hand(store, rounds, lambda a, b: a * b), atol=1e-5)
    np.testing.assert_allclose(assignment[-1], by_hand(store, rounds, min), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(stores(kinds=(2, 3)), st.integers(0, 2**20))
def test_names_of_edge_labels_and_numbers_of_nodes_are_arbitrary(store: GraphStore, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    names = torch.randperm(4, generator=generator)
    renamed = names[store.edge_attr[:, :1].long()].to(store.edge_attr.dtype)
    other = dataclasses.replace(store, edge_attr=renamed.repeat(1, 2))
    parts = list(torch.split(store.x, store.node_ptr.diff().tolist()))
    edges = list(torch.split(store.edge_index, store.edge_ptr.diff().tolist(), dim=1))
    for k, x in enumerate(parts):
        order = torch.randperm(len(x), generator=generator)
        parts[k], edges[k] = x[order], order.argsort()[edges[k]]
    moved = dataclasses.replace(store, x=torch.cat(parts), edge_index=torch.cat(edges, dim=1))
    for before, *after in zip(both(store, 3), both(other, 3), both(moved, 3), strict=True):
        for kernel in after:
            np.testing.assert_array_equal(kernel, before)
        assert np.isfinite(before).all()
        np.testing.assert_allclose(before.diagonal(), 1, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(stores(kinds=(1,)), st.sampled_from([-1, 0, 5]))
def test_one_label_for_all_edges_is_as_none(store: GraphStore, value: int) -> None:
    same = dataclasses.replace(store, edge_attr=torch.full_like(store.edge_attr, value))
    plain = without_edge_labels(store)
    assert all(map(torch.equal, refine(same, 3), refine(plain, 3)))
    weight = torch.rand(store.edge_index.shape[1])
    assert all(
        map(torch.equal, refine(dataclasses.replace(plain, edge_weight=weight), 3),
            refine(plain, 3))
    )  # fmt: skip


def test_colours_without_edge_labels_are_those_of_always() -> None:
    """Records of benchmarks on graphs without edge labels rest on these numbers."""
    colour = refine(without_edge_labels(load("MUTAG")), 3)[-1]
    assert int(colour.max()) == 571
    assert colour[:8].tolist() == [255, 255, 33, 53, 128, 234, 542, 542]


def test_graphs_that_differ_in_edge_labels_alone_are_told_apart() -> None:
    ring = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0], [1, 0, 2, 1, 3, 2, 0, 3]])
    graphs = [Data(torch.ones(4, 1), ring, torch.full((8, 1), k)) for k in (0, 1)]
    for kernel in both(GraphStore.from_data(graphs), 3):
        # Of four rounds, only the first, before any edge is seen, finds equal colours.
        assert kernel[0, 1] == pytest.approx(1 / 4)
    # Two labels at a node count as a multiset of pairs: not each label and each neighbour alone.
    x = torch.tensor([[0], [1], [2]])
    star = torch.tensor([[1, 2, 0, 0], [0, 0, 1, 2]])
    graphs = [Data(x, star, torch.tensor([a, b, a, b])[:, None]) for a, b in ((0, 1), (1, 0))]
    for kernel in both(GraphStore.from_data(graphs), 1):
        assert kernel[0, 1] == pytest.approx(1 / 2)


def test_quantities_beside_edge_labels_are_left_out() -> None:
    store = load("MUTAG")
    noise = torch.rand(len(store.edge_attr), 1, generator=torch.Generator().manual_seed(0))
    meaning = Features.quantities(1, "edge_attr")
    mixed = dataclasses.replace(
        store,
        edge_attr=torch.cat([noise, store.edge_attr], dim=1),
        vocabulary=Vocabulary(
            store.vocabulary.node, Features(meaning.columns + store.vocabulary.edge.columns)
        ),
    )
    alone = dataclasses.replace(
        store, edge_attr=noise[:, 0], vocabulary=Vocabulary(store.vocabulary.node, meaning)
    )
    for found, expected in zip(both(mixed, 2), both(store, 2), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(refine(alone, 1)[1].unique()) == len(store.x)  # every edge has its own label


def test_kernels_equal_grakel_on_real_molecules() -> None:
    store = without_edge_labels(load("MUTAG"))  # which GraKeL's kernels do not read
    graphs = []
    for x, around in pieces(store):
        edges = {(source, target) for target, near in enumerate(around) for _, source in near}
        graphs.append(Graph(edges, node_labels=dict(enumerate(x))))
    peers = [
        (wl_subtree, WeisfeilerLehman(n_iter=3, base_graph_kernel=VertexHistogram, normalize=True)),
        (wl_optimal_assignment, WeisfeilerLehmanOptimalAssignment(n_iter=3, normalize=True)),
    ]
    for ours, peer in peers:
        np.testing.assert_allclose(ours(store, 3)[-1], peer.fit_transform(graphs), atol=1e-5)


def test_colours_are_those_of_plain_refinement() -> None:
    store = load("MUTAG")
    colours = refine(store, 4)
    written = histograms(store, 4)
    for t, colour in enumerate(colours):
        assert int(colour.max()) + 1 == len(set().union(*(graph[t] for graph in written)))


def test_quantities_beside_labels_are_left_out() -> None:
    store = load("MUTAG")
    attributes = torch.randn(len(store.x), 2, generator=torch.Generator().manual_seed(0))
    attributes[:, 0] = (attributes[:, 0] > 0).float()  # 0 and 1 alone, but a quantity
    numbers = Features.quantities(2)
    both = dataclasses.replace(
        store,
        x=torch.cat([attributes, store.x], dim=1),
        vocabulary=Vocabulary(Features(numbers.columns + store.vocabulary.node.columns)),
    )
    alone = dataclasses.replace(store, x=attributes, vocabulary=Vocabulary(numbers))
    for kernel in (wl_subtree, wl_optimal_assignment):
        np.testing.assert_array_equal(kernel(both, 1)[-1], kernel(store, 1)[-1])
        assert np.allclose(kernel(alone, 1)[-1], np.eye(188))


def test_a_hexagon_and_two_triangles_keep_equal_colours() -> None:
    hexagon = networkx.cycle_graph(6)
    triangles = networkx.disjoint_union(networkx.cycle_graph(3), networkx.cycle_graph(3))
    path = networkx.path_graph(6)
    store = GraphStore.from_networkx([hexagon, triangles, path])
    for kernel in (wl_subtree(store, 4)[-1], wl_optimal_assignment(store, 4)[-1]):
        assert kernel[0, 1] == pytest.approx(1)
        assert kernel[0, 2] < 0.9


def test_kernel_values_do_not_depend_on_other_graphs() -> None:
    """Computing all values at once leaks nothing, as nothing is learned from other graphs."""
    store = load("MUTAG")
    numbers = torch.arange(0, 188, 3)
    some = store[numbers]
    for kernel in (wl_subtree, wl_optimal_assignment):
        whole = kernel(store, 2)[-1][np.ix_(numbers, numbers)]
        np.testing.assert_allclose(kernel(some, 2)[-1], whole, atol=1e-6)
