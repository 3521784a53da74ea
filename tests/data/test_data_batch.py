"""Batches are taken apart, whatever made them."""

import pickle

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from graph_hcl.augment import parse, sample_view
from graph_hcl.data import data_batch, load
from graph_hcl.data.batch import concat, select_graphs


def same(one, other) -> bool:
    names, others = list(one.keys()), list(other.keys())
    return names == others and all(torch.equal(one[name], other[name]) for name in names)


def view(batch, text: str):
    return sample_view(batch, parse(text), torch.Generator().manual_seed(0))


def test_a_batch_of_a_store_comes_apart_as_one_of_pyg() -> None:
    store, chosen = load("MUTAG"), [5, 0, 5, 9]
    batch, others = store.batch(chosen), Batch.from_data_list([store[k] for k in chosen])
    for graphs in (batch.to_data_list(), [batch[k] for k in range(4)], batch[:]):
        assert all(map(same, graphs, others.to_data_list()))
    assert same(batch[-1], store[9])
    with pytest.raises(IndexError):
        batch[4]


@pytest.mark.parametrize("text", ["identity", "edge_add(0.5)", "node_drop(0.4)", "edge_drop(0.3)"])
def test_the_graphs_of_a_view_make_it_again(text: str) -> None:
    whole = view(load("MUTAG").batch([3, 1, 2]), text)
    for graphs in (whole.to_data_list(), [whole[k] for k in range(3)]):
        again = Batch.from_data_list(graphs)
        order = whole.batch[whole.edge_index[0]].argsort(stable=True)
        assert torch.equal(again.edge_index, whole.edge_index[:, order])
        assert torch.equal(again.edge_attr, whole.edge_attr[order])
        for name in ("x", "y", "batch", "ptr"):
            assert torch.equal(again[name], whole[name])


@pytest.mark.parametrize(
    "chosen", [slice(None, None, -2), [2, -1], torch.tensor([True, False, True]), torch.tensor([1])]
)
def test_some_graphs_take_one_look_at_the_edges(chosen, monkeypatch) -> None:
    batch = load("MUTAG").batch([3, 1, 2])
    looks, levels = [], data_batch.levels
    monkeypatch.setattr(data_batch, "levels", lambda one: looks.append(one) or levels(one))
    some = batch[chosen]
    assert len(looks) == 1
    numbers = np.arange(3)[np.asarray(chosen) if torch.is_tensor(chosen) else chosen]
    assert all(map(same, some, [batch[int(k)] for k in numbers]))


def test_parts_and_joined_batches_come_apart() -> None:
    store = load("MUTAG")
    both = concat([store.batch([0]), store.batch([1, 2])])
    assert all(map(same, both.to_data_list(), store[:3]))
    some = select_graphs(both, torch.tensor([False, True, True]))[0]
    assert all(map(same, some.to_data_list(), store[1:3]))
    assert all(map(same, pickle.loads(pickle.dumps(some)).to_data_list(), store[1:3]))
    assert all(map(same, some.clone().to("cpu").to_data_list(), store[1:3]))


def test_other_fields_stay_with_their_graphs() -> None:
    graphs = [
        Data(torch.ones(n, 1), torch.empty(2, 0).long(), name=f"g{n}", charge=torch.arange(n))
        for n in (3, 1, 2)
    ]
    batch = Batch.from_data_list(graphs)
    for graph, other in zip(view(batch, "identity").to_data_list(), graphs, strict=True):
        assert graph.name == other.name
        assert torch.equal(graph.charge, other.charge)
