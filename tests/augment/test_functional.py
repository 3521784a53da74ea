"""Augmentations on tensors draw what the classes draw, and give back what they say."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graph_hcl.augment import (
    ColumnMask,
    EdgeAdd,
    EdgeDrop,
    FeatureMask,
    NodeDrop,
    RandomWalkSubgraph,
    add_edge,
    apply,
    drop_edge,
    drop_node,
    mask_feature,
    random_walk_subgraph,
)
from graph_hcl.augment.edges import absent_edges, edges_between, runs_both_ways
from graph_hcl.errors import UserError

SIZES = (5, 1, 9, 3)
NONE = torch.empty(2, 0, dtype=torch.long)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(seed: int, sizes=SIZES) -> Batch:
    graphs = []
    for number, n in enumerate(sizes):
        weight = torch.rand(n, n, generator=seeded(seed + number)).triu()
        edges = ((weight + weight.t()) > 0.6).nonzero().t()
        graphs.append(Data(torch.rand(n, 4, generator=seeded(seed)) + 1, edges))
    return Batch.from_data_list(graphs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), p=st.sampled_from([0.0, 0.2, 0.5, 0.9]))
def test_they_draw_what_the_classes_draw(seed, p) -> None:
    batch = batch_of(seed)
    edges, graph = batch.edge_index, batch.batch
    kept, mask = drop_edge(edges, p, num_nodes=batch.num_nodes, generator=seeded(seed))
    assert torch.equal(mask, EdgeDrop(p)(batch, generator=seeded(seed)).edges)
    assert torch.equal(kept, edges[:, mask])

    kept, mask, nodes = drop_node(edges, p, batch=graph, generator=seeded(seed))
    assert torch.equal(nodes, NodeDrop(p)(batch, generator=seeded(seed)).nodes)
    assert mask.tolist() == [bool(nodes[u] and nodes[v]) for u, v in edges.t().tolist()]
    assert torch.equal(kept, edges[:, mask])

    larger, added = add_edge(edges, p, batch=graph, generator=seeded(seed))
    assert torch.equal(larger, apply(batch, EdgeAdd(p)(batch, generator=seeded(seed))).edge_index)
    assert torch.equal(larger, torch.cat([edges, added], dim=1))

    for mode, kind in (("row", FeatureMask), ("col", ColumnMask)):
        x, mask = mask_feature(batch.x, p, mode, batch=graph, generator=seeded(seed))
        edit = kind(p)(batch, generator=seeded(seed))
        assert torch.equal(mask, ~edit.masked)
        assert torch.equal(x, apply(batch, edit).x)

    ratio = 1 - p
    kept, mask, nodes = random_walk_subgraph(edges, ratio, batch=graph, generator=seeded(seed))
    assert torch.equal(nodes, RandomWalkSubgraph(ratio)(batch, generator=seeded(seed)).nodes)
    assert torch.equal(kept, edges[:, mask])


def test_one_graph_needs_no_batch() -> None:
    (graph,) = batch_of(3, (8,)).to_data_list()
    of_one = torch.zeros(8, dtype=torch.long)
    for function in (drop_node, add_edge, random_walk_subgraph):
        alone = function(graph.edge_index, 0.4, num_nodes=8, generator=seeded(1))
        told = function(graph.edge_index, 0.4, batch=of_one, generator=seeded(1))
        assert all(map(torch.equal, alone, told))
    for mode in ("row", "col"):
        alone = mask_feature(graph.x, 0.4, mode, generator=seeded(1))
        assert all(map(torch.equal, alone, mask_feature(graph.x, 0.4, mode, batch=of_one,
                                                        generator=seeded(1))))  # fmt: skip


def test_isolated_nodes_at_the_end_count_if_they_are_told() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    assert len(drop_node(edges, 0.5)[2]) == 2
    assert len(drop_node(edges, 0.5, num_nodes=6)[2]) == 6
    assert int(drop_node(edges, 0.5, num_nodes=6)[2].sum()) == 3


def test_without_a_generator_the_global_one_is_used() -> None:
    edges = batch_of(0, (30,)).edge_index
    draws = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        draws.append(drop_edge(edges, 0.5)[1])
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_the_given_tensors_stay_as_they_were() -> None:
    batch = batch_of(0)
    x, edges = batch.x.clone(), batch.edge_index.clone()
    drop_edge(batch.edge_index, 0.5)
    add_edge(batch.edge_index, 0.5, batch=batch.batch)
    drop_node(batch.edge_index, 0.5, batch=batch.batch)
    random_walk_subgraph(batch.edge_index, 0.5, batch=batch.batch)
    mask_feature(batch.x, 0.5, batch=batch.batch)
    assert torch.equal(batch.x, x)
    assert torch.equal(batch.edge_index, edges)


def test_graphs_without_edges_or_nodes_are_none_of_the_functions_problem() -> None:
    for function in (drop_edge, add_edge, drop_node, random_walk_subgraph):
        assert function(NONE, 0.5)[0].shape == (2, 0)
        assert function(NONE, 0.5, num_nodes=3)[0].shape == (2, 0)
    gap = torch.tensor([0, 2, 2])  # graph 1 has no nodes
    assert drop_node(NONE, 0.5, batch=gap)[2].sum() == 2
    assert mask_feature(torch.ones(3, 2), 0.5, "col", batch=gap)[1].shape == (3, 2)


@pytest.mark.parametrize("p", [-0.1, 1.0, math.nan])
def test_p_out_of_range_is_refused(p) -> None:
    for function, first in (
        (drop_edge, NONE),
        (add_edge, NONE),
        (drop_node, NONE),
        (mask_feature, torch.ones(2, 2)),
    ):
        with pytest.raises(UserError, match=rf"Expected p with 0 <= p < 1, but got {p}"):
            function(first, p)
    if p != 1.0:
        with pytest.raises(UserError, match="0 < ratio <= 1"):
            random_walk_subgraph(NONE, p)


def test_what_does_not_fit_is_refused() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(UserError, match="ascending order"):
        drop_node(edges, batch=torch.tensor([1, 0]))
    with pytest.raises(UserError, match="batch of 3 nodes, but got 2"):
        add_edge(edges, batch=torch.tensor([0, 0]), num_nodes=3)
    with pytest.raises(UserError, match="batch of 4 nodes, but got 2"):
        mask_feature(torch.ones(4, 1), batch=torch.tensor([0, 0]))
    with pytest.raises(UserError, match="mode row or col, but got 'all'"):
        mask_feature(torch.ones(4, 1), mode="all")


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**20), both=st.booleans())
def test_questions_about_edges_against_loops(seed, both) -> None:
    generator = seeded(seed)
    edges = torch.randint(6, (2, 8), generator=generator).unique(dim=1)
    if both:
        edges = torch.cat([edges, edges.flip(0)], dim=1).unique(dim=1)
    present = set(map(tuple, edges.t().tolist()))
    kept = torch.rand(edges.shape[1], generator=generator) < 0.7
    for mask in (kept, torch.ones_like(kept)):
        some = set(map(tuple, edges[:, mask].t().tolist()))
        assert runs_both_ways(edges, 6, mask) == all((v, u) in some for u, v in some)
    nodes = torch.rand(6, generator=generator) < 0.5
    inside = [bool(nodes[u] and nodes[v]) for u, v in edges.t().tolist()]
    assert edges_between(nodes, edges).tolist() == inside
    pairs = torch.randint(6, (2, 5), generator=generator)
    new = {(a, b) for u, v in pairs.t().tolist() for a, b in ((u, v), (v, u)) if a != b}
    expected = sorted(new - present)
    assert absent_edges(pairs, edges, 6).t().tolist() == [list(pair) for pair in expected]
