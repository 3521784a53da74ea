"""Views of several batches, drawn at once, against each graph by itself."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graph_hcl.augment import (
    EdgeAdd,
    EdgeDrop,
    Edit,
    FeatureMask,
    NodeDrop,
    View,
    ViewSampler,
)
from graph_hcl.augment.apply_edit import Applied
from graph_hcl.data import GraphStore, concat
from graph_hcl.data.batch import is_sorted_undirected

SIZES = [5, 1, 3, 8, 2, 6, 4]
PARTS = [torch.tensor(part) for part in ([3, 0], [5, 1, 2], [6, 4])]


def store(seed: int = 0, loops: bool = False) -> GraphStore:
    """Undirected graphs that know their number and their nodes; with loops, not mirrored."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for number, n in enumerate(SIZES):
        weight = torch.rand(n, n, generator=generator).triu(0 if loops else 1)
        edges = ((weight + weight.t()) > 0.5).nonzero().t()
        x = torch.stack([torch.full((n,), number + 1.0), torch.arange(n) + 1.0], dim=1)
        names = edges[0] * 10.0 + edges[1]
        graphs.append(Data(x, edges, edge_attr=names[:, None], y=torch.tensor([number])))
    return GraphStore.from_data(graphs)


def graphs_of(batch: Batch) -> list[tuple]:
    """Return each graph of a batch: features, edges by its own numbers, attributes, label."""
    assert torch.equal(batch.batch, torch.repeat_interleave(batch.ptr.diff()))
    assert len(batch.ptr) == batch.num_graphs + 1
    found = []
    for g in range(batch.num_graphs):
        mine = batch.batch[batch.edge_index[0]] == g
        assert (batch.batch[batch.edge_index[1]][mine] == g).all()
        edges = (batch.edge_index[:, mine] - batch.ptr[g]).t().tolist()
        attributes = batch.edge_attr[mine].flatten().tolist()
        x = batch.x[batch.ptr[g] : batch.ptr[g + 1]].tolist()
        found.append((x, edges, attributes, int(batch.y[g])))
    return found


def split(batch: Batch, sizes: list[int]) -> list[Batch]:
    return Applied(batch, [Edit()], sizes).parts()[0]


@pytest.mark.parametrize("loops", [False, True])
@given(seed=st.integers(0, 99), cuts=st.sets(st.integers(1, 13), max_size=4))
@settings(max_examples=30, deadline=None)
def test_split_batches_hold_the_graphs_in_order(loops, seed, cuts):
    order = torch.randint(7, (14,), generator=torch.Generator().manual_seed(seed))
    whole = store(seed, loops).batch(order)
    ends = [0, *sorted(cuts), 14]
    pieces = split(whole, [b - a for a, b in pairwise(ends)])
    assert [graph for piece in pieces for graph in graphs_of(piece)] == graphs_of(whole)
    assert [is_sorted_undirected(piece) for piece in pieces] == [not loops] * len(pieces)


def test_edges_added_behind_all_others_go_with_their_graphs():
    whole = store().batch(torch.arange(7))
    pair = torch.tensor([[int(whole.ptr[6]), 0], [int(whole.ptr[6]) + 3, 1]])
    moved = torch.cat([whole.edge_index, pair, pair.flip(0)], dim=1)
    whole.edge_index = moved
    whole.edge_attr = torch.cat([whole.edge_attr, whole.edge_attr.new_full((4, 1), 99.0)])
    pieces = split(whole, [2, 4, 1])
    assert [graph for piece in pieces for graph in graphs_of(piece)] == graphs_of(whole)
    assert pieces[2].edge_attr.flatten().tolist().count(99) == 2


def test_split_asks_for_all_graphs():
    with pytest.raises(ValueError, match="Expected sizes of 7 graphs, but got 6"):
        split(store().batch(torch.arange(7)), [3, 3])


@pytest.mark.parametrize("at_once", [1, 40, 10**6])
@pytest.mark.parametrize(
    "pair",
    [
        (EdgeDrop(0.3), EdgeDrop(0.3)),
        (NodeDrop(0.4), FeatureMask(0.4)),
        (EdgeAdd(0.5), EdgeAdd(0.5)),
    ],
)
def test_views_are_of_the_graphs_of_each_batch_in_order(pair, at_once):
    graphs = store()
    for per_view in (False, True):
        sampler = ViewSampler(pair, per_view, max_elements=at_once)
        drawn = list(sampler(graphs, PARTS, torch.Generator().manual_seed(0)))
        assert [len(sampled) for sampled in drawn] == [2 if per_view else 1] * 3
        for part, sampled in zip(PARTS, drawn, strict=True):
            found = [graph for view in sampled for graph in graphs_of(view.batch)]
            assert [label for *_, label in found] == part.repeat(2).tolist()
            for (x, edges, attributes, label), (_, own, names, _) in zip(
                found, graphs_of(graphs.batch(part)) * 2, strict=True
            ):
                assert all(row[0] in (0, label + 1) for row in x)
                if isinstance(pair[0], NodeDrop):
                    continue
                kept = [tuple(edge) in set(map(tuple, own)) for edge in edges]
                old = dict(zip(map(tuple, own), names, strict=True))
                assert all(
                    value == (old[tuple(edge)] if here else 0)
                    for edge, value, here in zip(edges, attributes, kept, strict=True)
                )


def test_views_of_unlike_augmentations_joined_are_those_apart():
    graphs, pair = store(), [EdgeDrop(0.3), FeatureMask(0.4)]
    one, other = (
        [
            [view.batch for view in sampled]
            for sampled in ViewSampler(pair, per_view)(
                graphs, PARTS, torch.Generator().manual_seed(0)
            )
        ]
        for per_view in (False, True)
    )
    for (joined,), apart in zip(one, other, strict=True):
        assert graphs_of(joined) == [graph for batch in apart for graph in graphs_of(batch)]
        assert graphs_of(joined) == graphs_of(concat(apart))


def test_the_two_views_of_a_graph_differ_and_so_do_those_of_later_batches():
    whole = torch.ones(40, 40).triu(1)
    edges = (whole + whole.t()).nonzero().t()
    graphs = GraphStore.from_data([Data(torch.ones(40, 1), edges, y=torch.tensor([0]))] * 4)
    parts = torch.arange(4).split(2)
    sampler = ViewSampler([EdgeDrop(0.5)] * 2)
    seen = set()
    for (view,) in sampler(graphs, parts, torch.Generator().manual_seed(0)):
        batch = view.batch
        for g in range(4):
            mine = batch.batch[batch.edge_index[0]] == g
            seen.add(tuple((batch.edge_index[:, mine] - batch.ptr[g]).flatten().tolist()))
    assert len(seen) == 8


def test_many_small_batches_are_drawn_at_once():
    calls = []
    kind = EdgeDrop(0.2)

    def counted(batch, generator):
        calls.append(batch.num_graphs)
        return kind(batch, generator)

    graphs, parts = store(), [torch.tensor([0, 1])] * 6
    for limit, expected in ((1, [4] * 6), (10**6, [24]), (math.inf, [24])):
        calls.clear()
        sampler = ViewSampler([counted] * 2, max_elements=limit, max_values=10 * limit)
        assert len(list(sampler(graphs, parts, torch.Generator()))) == 6
        assert calls == expected


def test_views_with_their_own_encoding_come_apart_and_are_encoded_by_it():
    graphs, model = store(), lambda batch: torch.full((batch.num_graphs, 1), 1.0)
    half = View(EdgeDrop(0.3), encode=lambda model, batch: model(batch) / 2)
    sampler = ViewSampler([EdgeDrop(0.3), half])
    for sampled in sampler(graphs, PARTS, torch.Generator().manual_seed(0)):
        plain, halved = (view.features(model) for view in sampled)
        assert plain.eq(1).all()
        assert halved.eq(0.5).all()
        assert len(plain) == len(halved)
    alike = ViewSampler([half, half])(graphs, PARTS, torch.Generator())
    assert [len(sampled) for sampled in alike] == [2, 2, 2]
