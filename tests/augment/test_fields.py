"""Fields of nodes, edges and graphs go through every view with what they belong to."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graph_hcl.augment import Edit, ViewSampler, apply, parse, sample_view
from graph_hcl.augment.apply_edit import Applied
from graph_hcl.data import GraphStore, concat
from graph_hcl.data.batch import (
    is_sorted_undirected,
    make_batch,
    select,
    select_graphs,
)
from graph_hcl.data.levels import LEVELS, levels
from graph_hcl.errors import UserError

SIZES = (5, 1, 3, 8, 2)
KINDS = [
    "identity",
    "edge_drop(0.4)",
    "edge_add(0.9)",
    "node_drop(0.4)",
    "edge_mask(0)",
    "feature_mask(0.5)",
    "column_mask(0.5)",
    "subgraph(0.5)",
    "node_drop(0.3) + edge_add(0.9) | edge_drop(0.5)",
]


def batch_of(seed: int = 0, **more: str) -> Batch:
    """Graphs of which each field says to which node, edge or graph it belongs."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for number, n in enumerate(SIZES):
        weight = torch.rand(n, n, generator=generator).triu(1)
        edges = ((weight + weight.t()) > 0.4).nonzero().t()
        node = torch.arange(n) + 100 * number + 1.0
        edge = (edges[0] + 100 * number + 1) * 1000.0 + edges[1] + 100 * number + 1
        data = Data(
            x=node[:, None].repeat(1, 2),
            edge_index=edges,
            pos=node[:, None].repeat(1, 3),
            edge_attr=edge[:, None],
            edge_weight=edge,
            y=torch.tensor([number]),
            charge=node.long(),
            edge_name=edge.double(),
            smiles=f"graph {number}",
            target=torch.tensor([[number, -number]]),
        )
        graphs.append(data)
    return Batch.from_data_list(graphs)


def assert_consistent(batch: Batch, masked: bool = False) -> None:
    """Each field of a node, edge or graph is of the same one as all others."""
    node = batch.pos[:, 0]
    assert torch.equal(batch.pos, node[:, None].repeat(1, 3))
    assert torch.equal(batch.charge, node.long())
    assert masked or torch.equal(batch.x, node[:, None].repeat(1, 2))
    assert torch.equal(batch.batch, torch.repeat_interleave(batch.ptr.diff()))
    owner = torch.div(node - 1, 100, rounding_mode="floor").long()
    assert torch.equal(owner, batch.y[batch.batch])
    assert torch.equal(batch.target, torch.stack([batch.y, -batch.y], dim=1))
    assert batch.smiles == [f"graph {number}" for number in batch.y.tolist()]
    source, target = node[batch.edge_index]
    new = batch.edge_attr[:, 0] == 0
    name = torch.where(new, 0, source * 1000 + target)
    assert torch.equal(batch.edge_attr[:, 0], name)
    assert torch.equal(batch.edge_name, name.double())
    assert torch.equal(batch.edge_weight, torch.where(new, 1, name))


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_all_fields_go_through_a_view(kind, seed) -> None:
    batch = batch_of(seed)
    found = sample_view(batch, parse(kind), torch.Generator().manual_seed(seed))
    assert_consistent(found, masked="mask" in kind)
    assert found.y.tolist() == list(range(len(SIZES)))
    assert_consistent(batch)


@given(seed=st.integers(0, 2**20), cut=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_all_fields_go_through_split_and_join(seed, cut) -> None:
    batch = batch_of(seed)
    (parts,) = Applied(batch, [Edit()], [cut, 5 - cut]).parts()
    for part in parts:
        assert_consistent(part)
    again = concat(parts)
    assert_consistent(again)
    for name in ("x", "edge_index", "edge_weight", "pos", "y", "ptr", "target"):
        assert torch.equal(again[name], batch[name])


@given(mask=st.lists(st.booleans(), min_size=5, max_size=5))
@settings(max_examples=20, deadline=None)
def test_some_graphs_are_those_of_pyg(mask) -> None:
    batch, chosen = batch_of(), torch.tensor(mask)
    some, nodes, edges = select_graphs(batch, chosen)
    assert_consistent(some)
    assert some.y.tolist() == [k for k, inside in enumerate(mask) if inside]
    assert torch.equal(some.pos, batch.pos[nodes])
    assert torch.equal(some.edge_weight, batch.edge_weight[edges])


def test_views_of_a_store_carry_its_fields() -> None:
    graphs = [batch_of()[number] for number in range(5)]
    store = GraphStore.from_data(graphs)
    sampler = ViewSampler([parse("node_drop(0.3)"), parse("edge_drop(0.2)")])
    parts, generator = [torch.tensor([3, 0]), torch.tensor([1, 4])], torch.Generator()
    for (view,) in sampler(store, parts, generator.manual_seed(0)):
        batch = view.batch
        source, target = batch.x[batch.edge_index, 0]
        assert torch.equal(batch.edge_attr[:, 0], source * 1000 + target)


def test_a_field_of_no_one_level_is_named_and_left_out() -> None:
    batch = batch_of()
    batch.note = "mine"
    batch.odd = torch.ones(7)
    batch.node_index = torch.arange(batch.num_nodes)  # numbers of nodes, which will change
    with pytest.warns(UserWarning, match="Left out of the batch: node_index, note, odd, since"):
        found = apply(batch, Edit())
    assert "odd" not in found
    assert_consistent(found)
    (parts,) = Applied(batch_of(), [Edit()], [2, 3]).parts()
    del parts[1].charge
    with pytest.warns(UserWarning, match="Left out of the concatenated batch: charge"):
        concat(parts)


def test_a_field_that_would_fit_two_levels_is_not_guessed() -> None:
    ring = torch.stack([torch.arange(4), torch.arange(4).roll(1)])
    batch = Batch.from_data_list([Data(torch.ones(4, 1), ring, pos=torch.ones(4, 3))])
    batch.mine, batch.edge_mine = torch.arange(4), torch.arange(4)
    with pytest.warns(UserWarning, match="Left out of the batch: mine, since"):
        assert levels(batch) == {"x": "node", "pos": "node", "edge_mine": "edge"}


def test_labels_of_nodes_are_those_of_the_nodes_that_stay() -> None:
    batch = batch_of()
    batch.y = torch.arange(batch.num_nodes)
    stays = torch.arange(batch.num_nodes) % 2 == 0
    found = apply(batch, Edit(nodes=stays))
    assert torch.equal(found.pos, batch.pos[found.y])


def test_known_fields_make_no_noise() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS:
            sample_view(batch_of(), parse(kind), torch.Generator().manual_seed(0))


def test_every_known_field_is_tried_here() -> None:
    assert set(LEVELS) <= set(batch_of().keys())


def test_an_edited_batch_of_other_nodes_is_refused() -> None:
    batch = batch_of()
    short = batch.subgraph(torch.arange(batch.num_nodes) > 2)
    with pytest.raises(UserError, match="whose ptr ends at its 16 nodes, but got 19"):
        sample_view(short, parse("node_drop(0.2)"), torch.Generator())


def test_a_graph_may_be_left_without_nodes() -> None:
    batch = batch_of()
    nodes = torch.arange(5, batch.num_nodes)
    edges = (batch.edge_index[0] >= 5).nonzero().squeeze(1)
    found = select(batch, nodes, edges)
    assert found.ptr.tolist() == [0, 0, 1, 4, 12, 14]
    assert_consistent(found)


def test_wide_features_are_drawn_a_few_batches_at_a_time() -> None:
    calls = []

    def counted(batch, generator):
        calls.append(batch.num_graphs)
        return Edit()

    none = torch.empty(2, 0, dtype=torch.long)
    store = GraphStore.from_data([Data(torch.ones(2, 50), none)] * 12)
    parts = torch.arange(12).split(2)
    # Two views of two graphs of two nodes: 400 values a batch.
    for limit, expected in ((10**6, [24]), (900, [8] * 3), (1, [4] * 6)):
        calls.clear()
        sampler = ViewSampler([counted] * 2, max_values=limit)
        assert len(list(sampler(store, parts, torch.Generator()))) == 6
        assert calls == expected


def test_what_is_made_is_sorted_undirected_only_if_told() -> None:
    batch = batch_of()
    fields = {name: batch[name] for name in ("x", "edge_index", "batch", "ptr")}
    assert is_sorted_undirected(make_batch(5, True, **fields))
    assert not is_sorted_undirected(make_batch(5, False, **fields))


@pytest.mark.parametrize("wrong", [[], (), Batch(), [Data(x=torch.ones(1, 1))], [1], None])
def test_what_is_no_batch_is_not_concatenated(wrong):
    with pytest.raises(UserError, match=r"^Expected (one batch or more|a list of batches of PyG)"):
        concat(wrong)
