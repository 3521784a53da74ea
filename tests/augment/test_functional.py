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
    mask_edge,
    mask_feature,
    parse,
    random_walk_subgraph,
    sample_view,
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


def test_a_seed_is_no_generator() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    for function, first in (
        (drop_edge, [edges]),
        (add_edge, [edges]),
        (drop_node, [edges]),
        (random_walk_subgraph, [edges]),
        (mask_feature, [torch.ones(4, 1)]),
        (mask_edge, [edges, torch.ones(2)]),
    ):
        for seed in (0, "0", torch.tensor(0)):
            with pytest.raises(UserError, match=r"as a torch\.Generator, .*: make one with"):
                function(*first, generator=seed)


def test_a_ratio_that_is_no_number_is_told_by_its_type() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(UserError, match=r"p as a number with 0 <= p < 1, but got Tensor\.$"):
        drop_edge(edges, torch.tensor(0.2))
    with pytest.raises(UserError, match=r"p as a number with 0 <= p <= 1, but got str\.$"):
        mask_edge(edges, torch.ones(2), "0.2")
    with pytest.raises(UserError, match=r"0 < ratio <= 1, but got list\.$"):
        random_walk_subgraph(edges, [0.5])


TRIANGLE = torch.tensor([[0, 1, 2], [1, 2, 0]])
SPOILT = {
    "a transpose": ({"edge_index": TRIANGLE.repeat(1, 2).t()}, r"got \[6, 2\]: give its transpose"),
    "a list": ({"edge_index": TRIANGLE.tolist()}, "edge_index as a tensor .*, but got list"),
    "floats": (
        {"edge_index": TRIANGLE.float()},
        "edge_index to hold integers",
    ),
    "a negative node": ({"edge_index": TRIANGLE - 1}, "from -1 to 1"),
    "fewer nodes": ({"num_nodes": 2}, "nodes from 0 to 1, but it reaches from 0 to 2"),
    "no number of nodes": ({"num_nodes": 2.5}, "num_nodes as a number of nodes, but got 2.5"),
}
SPOILT_BATCHES = {
    "a list": ([0, 0, 0], "batch as a tensor"),
    "floats": (torch.zeros(3), "batch to hold integers"),
    "a negative graph": (torch.tensor([-1, -1, -1]), "graphs 0, 1, …, but got -1"),
    "edges between graphs": (torch.tensor([0, 0, 1]), "some join two graphs"),
    "two columns": (torch.zeros(3, 2).long(), r"batch as a tensor \[n\], but got \[3, 2\]"),
}


@pytest.mark.parametrize("function", [drop_edge, add_edge, drop_node, random_walk_subgraph])
@pytest.mark.parametrize("how", SPOILT)
def test_edges_that_are_none_are_refused(function, how: str) -> None:
    arguments, sentence = SPOILT[how]
    with pytest.raises(UserError, match=sentence):
        function(**{"edge_index": TRIANGLE} | arguments)


@pytest.mark.parametrize("function", [add_edge, drop_node, random_walk_subgraph])
@pytest.mark.parametrize("how", SPOILT_BATCHES)
def test_graphs_that_are_none_are_refused(function, how: str) -> None:
    batch, sentence = SPOILT_BATCHES[how]
    with pytest.raises(UserError, match=sentence):
        function(TRIANGLE, batch=batch)


@pytest.mark.parametrize(("x", "got"), [([[1.0]], "list"), (torch.ones(3), r"\[3\]")])
def test_features_that_are_no_matrix_are_refused(x, got: str) -> None:
    with pytest.raises(UserError, match=rf"x as a tensor \[n, F\], but got {got}"):
        mask_feature(x)


SPOILT_DATA = {
    "a transpose": ({"edge_index": TRIANGLE.repeat(1, 2).t()}, "give its transpose"),
    "features in one column": ({"x": torch.ones(6)}, r"x as a tensor \[n, F\], but got \[6\]"),
    "fewer nodes": ({"x": torch.ones(2, 1), "edge_index": TRIANGLE}, "ptr ends at its 2 nodes"),
    "edges between graphs": ({"edge_index": TRIANGLE + 2}, "some join two graphs"),
}
PARTS = ["edge_drop", "edge_add", "node_drop", "feature_mask", "column_mask", "subgraph"]


@pytest.mark.parametrize("how", SPOILT_DATA)
@pytest.mark.parametrize("part", PARTS)
def test_a_batch_that_is_none_is_refused_before_anything_is_drawn(part: str, how: str) -> None:
    fields, sentence = SPOILT_DATA[how]
    whole = Data(torch.ones(3, 1), TRIANGLE)
    batch, generator = Batch.from_data_list([whole, whole]), seeded(0)
    for name, value in fields.items():
        batch[name] = value
    before = generator.get_state()
    with pytest.raises(UserError, match=sentence):
        sample_view(batch, parse(f"{part}(0.5)"), generator)
    assert torch.equal(before, generator.get_state())


def test_what_draws_no_view_is_refused() -> None:
    batch = batch_of(0)
    with pytest.raises(UserError, match="an augmentation, such as parse makes of text"):
        sample_view(batch, "edge_drop(0.2)", seeded(0))
    with pytest.raises(UserError, match=r"a torch\.Generator, but got int"):
        sample_view(batch, EdgeDrop(0.2), 0)


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
