"""Mistakes in augmentations end in one sentence, and forms of arguments that mean the same work."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from graph_hcl.augment import (
    ColumnMask,
    EdgeDrop,
    EdgeMask,
    Edit,
    FeatureMask,
    Identity,
    RandomChoice,
    RandomWalkSubgraph,
    ViewSampler,
    drop_edge,
    mask_edge,
    mask_feature,
    parse,
    sample_view,
    spec,
)
from graph_hcl.data import load
from tests.one_sentence import ends_in_one_sentence

EDGES = torch.tensor([[0, 1], [1, 0]])
TEXTS = [
    *("identity", "edge_drop(0.2)", "edge_add(0.5)", "node_drop(0.5)", "feature_mask(0.5)"),
    *("column_mask(0.5)", "edge_mask(0.5)", "subgraph(0.5)", "edge_drop(0.2) + node_drop(0.2)"),
    "edge_drop(0.2) | node_drop(0.2)",
]


def generator():
    return torch.Generator().manual_seed(0)


def one(**changes):
    graph = {"x": torch.ones(2, 3), "edge_index": EDGES, "edge_attr": torch.ones(2, 1)}
    batch = Batch.from_data_list([Data(**graph)])
    return batch.update(changes)


VIEWS = (Identity(), Identity())


def draw(parts, views=VIEWS, store=None, made=None, **options):
    sampler = ViewSampler(views, **options)
    store = load("MUTAG")[:9] if store is None else store
    made = generator() if made is None else made
    return [view.batch for views in sampler(store, parts, made) for view in views]


@pytest.mark.parametrize("views", [(EdgeDrop(0.2), EdgeDrop(0.2)), (EdgeDrop(0.2), Identity())])
def test_parts_are_what_a_store_is_indexed_with(views) -> None:
    wanted = draw([torch.tensor([0, 1]), torch.tensor([2, 3, 4])], views)
    mask = torch.arange(9) < 2
    for parts in (
        [[0, 1], [2, 3, 4]],
        ([0, 1], range(2, 5)),
        [np.array([0, 1]), np.array([2, 3, 4], dtype=np.uint8)],
        [mask, slice(2, 5)],
        (part for part in [mask.numpy(), torch.tensor([2, 3, 4], dtype=torch.int32)]),
    ):
        for batch, other in zip(draw(parts, views), wanted, strict=True):
            for name in ("x", "edge_index", "batch", "ptr"):
                assert torch.equal(batch[name], other[name])


def test_no_graphs_make_no_views() -> None:
    assert draw([], store=load("MUTAG")[[]]) == []
    assert [batch.num_graphs for batch in draw([[]], store=load("MUTAG")[[]])] == [0]


MISTAKES = {
    "numbers of one part": (lambda: draw(torch.arange(6)), r"parts as a list .*torch\.arange\(6\)"),
    "a number for parts": (lambda: draw(5), "parts as a list that holds .*, but got 5"),
    "words": (lambda: draw("ab"), "parts as a list that holds .*, but got 'ab'"),
    "words for a part": (lambda: draw(["ab"]), "whole numbers .* to choose graphs, but got 'ab'"),
    "a short mask": (lambda: draw([[True, False]]), r"a mask \[9\] to choose graphs"),
    "a seed": (lambda: draw([[0]], made=0), "generator as a torch.Generator, but got int"),
    "numpy's generator": (
        lambda: draw([[0]], made=np.random.default_rng(0)),
        r"but got numpy\..*\.Generator: make one with torch\.Generator",
    ),
    "graphs": (lambda: draw([[0]], store=[one()]), "graphs as a GraphStore, but got list"),
    "a word for a bound": (
        lambda: draw([[0]], max_elements="a"),
        "max_elements to be a number, but got 'a'",
    ),
    "a negative bound": (lambda: draw([[0]], max_values=-1), "max_values to be 0 or more, but got"),
    "sparse features": (
        lambda: sample_view(one(x=torch.ones(2, 3).to_sparse()), FeatureMask(0.5), generator()),
        r"dense features x .* but got torch\.sparse_coo: write x\.to_dense",
    ),
    "sparse columns": (
        lambda: mask_feature(torch.ones(2, 3).to_sparse(), mode="col"),
        r"dense features x .* but got torch\.sparse_coo: write x\.to_dense",
    ),
    "attributes of other edges": (
        lambda: sample_view(one(edge_attr=torch.ones(3, 1)), EdgeMask(0.5), generator()),
        r"Expected edge_attr of 2 edges, but got \[3, 1\]",
    ),
    "the text of a function": (
        lambda: spec(lambda batch, generator: Edit()),
        "augmentations with a text, as dataclasses of numbers and what has an import path",
    ),
    "the text of a text": (lambda: spec("edge_drop(0.2)"), "make one of it with .*parse"),
    "the text of a class": (lambda: spec(EdgeDrop), "EdgeDrop'>: give an instance"),
    "the text of part of a choice": (
        lambda: spec(RandomChoice((Identity(), lambda batch, generator: Edit()))),
        "augmentations with a text",
    ),
    "a number for none": (lambda: parse("identity(1)"), "Expected identity without numbers in "),
    "half a node": (lambda: drop_edge(EDGES, num_nodes=2.5), "a number of nodes, but got 2.5"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_end_in_one_sentence(mistake: str) -> None:
    ends_in_one_sentence(*MISTAKES[mistake])


@pytest.mark.parametrize("kind", [EdgeDrop, EdgeMask, ColumnMask, RandomWalkSubgraph, FeatureMask])
def test_ratios_are_any_numbers(kind) -> None:
    for ratio in (Fraction(1, 4), np.float32(0.25), np.float64(0.25)):
        assert parse(spec(kind(ratio))) == kind(0.25)
        drawn = [kind(each)(one(), generator()) for each in (ratio, 0.25)]
        assert str(drawn[0]) == str(drawn[1])
    drawn = [
        mask_feature(torch.ones(4, 9), p, "col", generator=generator())[1]
        for p in (Fraction(1, 4), 0.25)
    ]
    assert torch.equal(*drawn)


def test_counts_of_nodes_are_any_whole_numbers() -> None:
    drawn = [drop_edge(EDGES, 0.5, num_nodes=n, generator=generator()) for n in (5, np.int64(5))]
    assert torch.equal(drawn[0][1], drawn[1][1])


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.float64, torch.bfloat16])
def test_masked_values_keep_their_type(kind) -> None:
    x = torch.ones(2, 3).to(kind)
    batch = one(x=x, edge_attr=x)
    assert sample_view(batch, FeatureMask(0.5), generator()).x.dtype == kind
    assert sample_view(batch, ColumnMask(0.5), generator()).x.sum() < 6
    assert sample_view(batch, EdgeMask(1), generator()).edge_attr.dtype == kind
    assert mask_feature(x, 0.5)[0].dtype == mask_edge(EDGES, x, 1)[0].dtype == kind


def test_a_part_that_no_graph_chose_is_not_drawn() -> None:
    def refuses(batch, generator):
        assert batch.num_graphs
        return Edit(nodes=batch.batch >= 0)

    batch = load("MUTAG").batch([0, 1])
    choice = RandomChoice((refuses, refuses, refuses, refuses))
    assert bool(choice(batch, generator()).nodes.all())
    assert choice(load("MUTAG").batch([]), generator()) == Edit()


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_drawn_for_no_graphs(text: str) -> None:
    made = generator()
    parse(text)(load("MUTAG").batch([]), made)
    assert torch.equal(made.get_state(), generator().get_state())


@pytest.mark.filterwarnings("ignore:Left out of the batch. y")
def test_tasks_of_each_graph_are_none_of_nodes() -> None:
    graphs = [
        Data(torch.ones(n, 1), EDGES.repeat(1, n - 1), y=torch.arange(2.0), mark=torch.ones(n))
        for n in (2, 3, 1)
    ]
    batch = Batch.from_data_list(graphs)
    assert len(batch.y) == batch.num_nodes == batch.num_edges == 6
    view = sample_view(batch, parse("node_drop(0.5)"), generator())
    assert "y" not in view
    assert len(view.mark) == view.num_nodes < 6
