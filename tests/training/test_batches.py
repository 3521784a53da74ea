"""Batches bounded by nodes: every graph once, in order, and no bound broken without need."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.trainer import Trainer
from graph_hcl.training import Callback, embed, embed_nodes
from graph_hcl.training.batches import cut, index_batches
from graph_hcl.training.embedding import embedding_batches

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=40)


@given(SIZES, st.integers(1, 6), st.integers(1, 20), st.integers(1, 2))
def test_a_cut_is_greedy(sizes, graphs, nodes, least) -> None:
    expected: list[list[int]] = []
    for size in sizes:
        last = expected[-1] if expected else None
        fits = last is not None and (sum(last) + size <= nodes or len(last) < least)
        if fits and len(last) < graphs:
            last.append(size)
        else:
            expected.append([size])
    assert cut(sizes, graphs, nodes, least) == list(map(len, expected))


@given(SIZES, st.integers(2, 6), st.integers(1, 20), st.integers(0, 99))
def test_batches_of_a_training(sizes, graphs, nodes, seed) -> None:
    each = torch.tensor(sizes)
    generator = torch.Generator().manual_seed(seed)
    parts = index_batches(torch.arange(len(sizes)), graphs, generator, each, nodes)
    generator = torch.Generator().manual_seed(seed)
    assert torch.cat(parts).equal(torch.randperm(len(sizes), generator=generator))
    assert all(len(part) >= 2 for part in parts) or len(sizes) == 1
    assert all(len(part) <= graphs + 1 for part in parts)
    for part in parts[:-2]:
        assert each[part].sum() <= nodes or len(part) == 2


def test_without_a_bound_nothing_changes() -> None:
    indices, sizes = torch.arange(9), torch.ones(9, dtype=torch.long)
    for size in (2, 3, 4, 8, 9):
        plain = index_batches(indices, size, torch.Generator().manual_seed(1))
        loose = index_batches(indices, size, torch.Generator().manual_seed(1), sizes, 100)
        assert sorted(map(len, plain))[-1] <= size + 1
        assert torch.cat(plain).equal(torch.cat(loose))


def rings(sizes: list[int]) -> GraphStore:
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for size in sizes:
        ring = torch.arange(size)
        edges = torch.stack([ring, ring.roll(1)])
        x = torch.randn(size, 4, generator=generator)
        graphs.append(Data(x=x, edge_index=torch.cat([edges, edges.flip(0)], dim=1)))
    return GraphStore.from_data(graphs)


def test_a_trainer_keeps_the_bound_of_its_config() -> None:
    counts = []

    class Note(Callback):
        def on_epoch_end(self, state):
            counts.append(state.num_batches)

    store = rings([4] * 12)
    for most in (None, 16, 8, 1):
        config = Config(dataset="MUTAG", epochs=1, hidden=4, layers=1, device="cpu", max_nodes=most)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Of 12 graphs, 12 have more than")
            Trainer(config, store).fit(np.arange(12), 0, callbacks=[Note()])
    assert counts == [1, 3, 6, 6]


@pytest.mark.parametrize("name", ["gin", "gps"])
def test_embeddings_under_any_bound_are_equal_to_rounding(name) -> None:
    store = rings([3, 9, 4, 4, 12, 3])
    net = make_backbone(name, 4, 8, 2)
    model = ContrastiveModel(GraphEncoder(net, 16))
    whole = embed(model, store, torch.device("cpu"))
    for most in (1, 8, 13, 1000):
        part = embed(model, store, torch.device("cpu"), max_nodes=most)
        torch.testing.assert_close(
            torch.from_numpy(part), torch.from_numpy(whole), rtol=1e-5, atol=1e-5
        )


def test_edges_are_bounded_as_well(monkeypatch) -> None:
    store = rings([3, 9, 4, 4, 12, 3])
    monkeypatch.setattr("graph_hcl.training.embedding.MAX_EDGES", 24)
    parts = list(embedding_batches(store))
    assert [part.tolist() for part in parts] == [[0, 1], [2, 3], [4], [5]]
    assert [part.tolist() for part in embedding_batches(store, 8)] == [[0], [1], [2, 3], [4], [5]]


@pytest.mark.parametrize("training", [True, False])
def test_embedding_leaves_the_modes_as_they_are(training) -> None:
    model = ContrastiveModel(GraphEncoder(make_backbone("gin", 4, 8, 2), 16)).train(training)
    model.encoder.backbone.norms[0].eval()  # a part that a user has frozen
    before = [module.training for module in model.modules()]
    for projected in (False, True):
        embed(model, rings([3, 4]), torch.device("cpu"), projected)
    embed_nodes(model, rings([3, 4]), torch.device("cpu"))
    assert [module.training for module in model.modules()] == before


def test_wide_features_and_large_graphs_are_embedded_few_at_a_time(monkeypatch) -> None:
    store = rings([3, 9, 4, 4, 12, 3])
    assert [part.tolist() for part in embedding_batches(store, 8)] == [[0], [1], [2, 3], [4], [5]]
    assert [len(part) for part in embedding_batches(store)] == [6]
    monkeypatch.setattr("graph_hcl.training.embedding.MAX_VALUES", 4 * 16)
    assert [len(part) for part in embedding_batches(store)] == [3, 2, 1]
    monkeypatch.setattr("graph_hcl.training.embedding.MAX_NODES", 12)
    assert [len(part) for part in embedding_batches(store)] == [2, 2, 1, 1]
    monkeypatch.setattr("graph_hcl.training.embedding.MAX_GRAPHS", 1)
    assert [len(part) for part in embedding_batches(store)] == [1] * 6
