"""Kernels against grakel and against explicit definitions; colours against dictionaries."""

import dataclasses
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

from graph_hcl.baselines import refine, wl_optimal_assignment, wl_subtree
from graph_hcl.baselines import wl as module
from graph_hcl.data import GraphStore, load
from graph_hcl.data.vocabulary import Features, Vocabulary


def pieces(store: GraphStore):
    """Return nodes' features and neighbours' numbers of each graph, as lists."""
    for number in range(len(store)):
        nodes = slice(*store.node_ptr[number : number + 2].tolist())
        edges = slice(*store.edge_ptr[number : number + 2].tolist())
        x = [tuple(row) for row in store.x[nodes].tolist()]
        around: list[list[int]] = [[] for _ in x]
        for source, target in store.edge_index[:, edges].t().tolist():
            around[target].append(source)
        yield x, around


def histograms(store: GraphStore, rounds: int) -> list[list[Counter]]:
    """Count the colours of each graph, a colour being written out as nested tuples."""
    found = []
    for x, around in pieces(store):
        colour: list = list(x)
        found.append([Counter(colour)])
        for _ in range(rounds):
            colour = [
                (c, tuple(sorted(colour[k] for k in around[i]))) for i, c in enumerate(colour)
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


@st.composite
def stores(draw) -> GraphStore:
    graphs = []
    for seed in draw(st.lists(st.integers(0, 9999), min_size=2, max_size=7)):
        rng = np.random.default_rng(seed)
        graph = networkx.gnp_random_graph(int(rng.integers(1, 9)), 0.4, seed=seed)
        for node in graph:
            graph.nodes[node]["x"] = [float(rng.integers(2)), 0.5]
        graphs.append(graph)
    return GraphStore.from_networkx(graphs)


@settings(max_examples=40, deadline=None)
@given(stores(), st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]))
def test_kernels_equal_their_definitions(store: GraphStore, rounds: int, frequent: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FREQUENT", frequent)  # all columns dense, some, or none
        subtree, assignment = wl_subtree(store, rounds), wl_optimal_assignment(store, rounds)
    assert len(subtree) == len(assignment) == rounds + 1
    np.testing.assert_allclose(subtree[-1], by_hand(store, rounds, lambda a, b: a * b), atol=1e-5)
    np.testing.assert_allclose(assignment[-1], by_hand(store, rounds, min), atol=1e-5)


def test_kernels_equal_grakel_on_real_molecules() -> None:
    store = load("MUTAG")
    graphs = []
    for x, around in pieces(store):
        edges = {(source, target) for target, near in enumerate(around) for source in near}
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
