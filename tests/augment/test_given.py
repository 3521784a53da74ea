"""Batches as augmentations are given them: integers of 32 bits, and fields that disagree."""

import pytest
import torch
from torch_geometric.data import Batch, Data

from graph_hcl.augment import (
    Edit,
    add_edge,
    apply,
    drop_node,
    mask_feature,
    parse,
    random_walk_subgraph,
    sample_view,
)
from graph_hcl.augment.ratio import floor_counts
from graph_hcl.errors import UserError

EDGES = torch.tensor([[0, 1, 5, 6], [1, 0, 6, 5]])
GRAPHS = torch.tensor([0] * 5 + [1] * 5)
TEXTS = [
    *("node_drop(0.4)", "edge_drop(0.4)", "edge_add(0.9)", "subgraph(0.4)", "feature_mask(0.4)"),
    *("column_mask(0.4)", "edge_mask(0.5)", "node_drop(0.4) | subgraph(0.5) + edge_add(0.5)"),
]


def generator():
    return torch.Generator().manual_seed(0)


def made():
    edges = torch.tensor([[0, 1], [1, 0]])
    graphs = [Data(torch.ones(5, 2), edges, torch.ones(2, 1)) for _ in range(3)]
    return Batch.from_data_list(graphs)


def by_hand(graph, ptr):
    edges = torch.tensor([[0, 2], [2, 0]])
    return Batch(
        x=torch.ones(3, 1), edge_index=edges, batch=torch.tensor(graph), ptr=torch.tensor(ptr)
    )


@pytest.mark.parametrize("function", [drop_node, random_walk_subgraph, add_edge, mask_feature])
@pytest.mark.parametrize("edges", [EDGES, EDGES.int()])
def test_functions_draw_alike_for_integers_of_32_bits(function, edges) -> None:
    given = torch.ones(10, 2) if function is mask_feature else edges
    results = [function(given, 0.4, batch=g, generator=generator()) for g in (GRAPHS, GRAPHS.int())]
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("names", [("batch", "ptr"), ("batch", "ptr", "edge_index")])
def test_views_are_drawn_alike_for_integers_of_32_bits(text: str, names) -> None:
    augmentation, short = parse(text), made()
    for name in names:
        short[name] = short[name].int()
    edit, wanted = (augmentation(batch, generator()) for batch in (short, made()))
    for name in ("nodes", "edges", "masked", "masked_edges", "added"):
        one, other = getattr(edit, name), getattr(wanted, name)
        assert (one is None and other is None) or torch.equal(one, other), name
    views = [sample_view(batch, augmentation, generator()) for batch in (short, made())]
    for name in ("x", "edge_attr", "edge_index", "batch", "ptr"):
        assert torch.equal(*(view[name].to(made()[name].dtype) for view in views)), name
    assert views[0].batch.dtype == views[0].ptr.dtype == torch.long


def test_shares_of_many_nodes_do_not_overflow() -> None:
    sizes = torch.tensor([10**6], dtype=torch.int32)
    assert floor_counts(sizes, 0.123456789).tolist() == [123456]


@pytest.mark.parametrize(
    ("graph", "ptr"),
    [
        ([0, 1, 0], [0, 2, 3]),
        ([0, 0, 0], [0, 2, 3]),
        ([0, 1, 1], [0, 2, 3]),
        ([0, 0, 0], [0, 4, 3]),
    ],
)
def test_graphs_and_their_boundaries_must_agree(graph, ptr) -> None:
    for call in (
        lambda batch: sample_view(batch, parse("node_drop(0)"), generator()),
        lambda batch: apply(batch, Edit()),
    ):
        with pytest.raises(UserError, match=r"boundaries in `ptr`, but they disagree: make one"):
            call(by_hand(graph, ptr))


def test_graphs_must_be_whole_numbers() -> None:
    batch = made()
    batch.batch = batch.batch.float()
    with pytest.raises(UserError, match=r"Expected batch to hold integers, but got torch.float32"):
        apply(batch, Edit())
