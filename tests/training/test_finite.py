"""Negative edge weights and embeddings that are not finite are told in one sentence."""

import networkx as nx
import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv

from graph_hcl import GraphContrast
from graph_hcl.augment import EdgeDrop, ViewSampler
from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.losses import UCL
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import TrainingSettings, embed, embed_nodes, fit
from tests.one_sentence import ends_in_one_sentence

CPU = torch.device("cpu")
ROOT = r"weights of 0 or more for {}, which makes NaN of negative ones.*, but graph {} has -1: take"


def weighted(*weights: float) -> list[nx.Graph]:
    graphs = [nx.cycle_graph(n) for n in range(3, 3 + len(weights))]
    for graph, weight in zip(graphs, weights, strict=True):
        nx.set_edge_attributes(graph, weight, "weight")
    return graphs


def stored(*weights: float) -> GraphStore:
    return GraphStore.from_networkx(weighted(*weights), weight="weight")


class Own(nn.Module):
    """A network with one of PyG's convolutions inside."""

    def __init__(self, in_channels: int, hidden_channels: int, num_layers: int) -> None:
        super().__init__()
        self.conv = GCNConv(in_channels, hidden_channels)

    def forward(self, x, edge_index, edge_weight=None):
        return self.conv(x, edge_index, edge_weight)


def small(backbone, epochs: int = 1) -> GraphContrast:
    return GraphContrast(
        backbone=backbone, weight="weight", epochs=epochs, hidden=4, layers=1, random_state=0
    )


@pytest.mark.parametrize(("backbone", "name"), [("gcn", "GCN"), (Own, "Own")])
@pytest.mark.parametrize("epochs", [0, 1])
def test_negative_weights_under_a_root(backbone, name, epochs) -> None:
    negative = weighted(1, 1, -1, 1, 1)
    ends_in_one_sentence(lambda: small(backbone, epochs).fit(negative), ROOT.format(name, 2))
    model = small(backbone, epochs).fit(weighted(1, 1, 1, 1, 1))
    assert np.isfinite(model.transform(weighted(1, 0, 2, 1, 1))).all()
    for apply in (model.transform, model.transform_nodes):
        ends_in_one_sentence(lambda apply=apply: apply(negative), ROOT.format(name, 2))


def test_negative_weights_of_other_backbones_are_read() -> None:
    graphs = weighted(1, -1, -0.5, 1, 1)
    assert np.isfinite(small("graphsage").fit_transform(graphs)).all()


def test_weights_that_are_not_read_are_not_looked_at() -> None:
    store = stored(1, -1, 1, 1)
    model = ContrastiveModel(GraphEncoder(make_backbone("gin", store.num_features, 4, 1), 4))
    assert np.isfinite(embed(model, store, CPU)).all()


def test_graphs_that_are_not_trained_on_may_have_any_weights() -> None:
    store = stored(1, 1, -1, 1)
    model = ContrastiveModel(GraphEncoder(make_backbone("gcn", store.num_features, 4, 1), 4))

    sampler = ViewSampler([EdgeDrop(0.2)] * 2)

    def train(indices) -> None:
        fit(model, UCL(), sampler, store, indices, TrainingSettings(1, 4), device=CPU)

    train([0, 1, 3])
    modes = [each.training for each in model.modules()]
    with pytest.raises(UserError, match=ROOT.format("GCN", 2)):
        train([1, 2, 3])
    assert [each.training for each in model.modules()] == modes


@pytest.mark.parametrize("function", [embed, embed_nodes])
def test_embeddings_that_are_not_finite_are_refused(function) -> None:
    store = GraphStore.from_networkx(weighted(1, 1, 1), ignored_attrs="weight")
    model = ContrastiveModel(GraphEncoder(make_backbone("gin", store.num_features, 4, 1), 4))
    assert len(function(model, store, CPU)) == 3
    for parameter in model.encoder.parameters():
        parameter.data.fill_(float("nan"))
    ends_in_one_sentence(
        lambda: function(model, store, CPU),
        "finite embeddings, but those of 3 of 3 graphs, graph 0 first, hold NaN or infinity",
    )
