"""Networks that cannot be run say how they were made, and why not."""

import pytest
import torch
import torch_geometric.nn as pyg
from torch import nn
from torch_geometric.data import Batch, Data

from graph_hcl.nn import (
    ContrastiveModel,
    GraphEncoder,
    infer_out_channels,
    make_backbone,
    perturbed,
)
from tests.one_sentence import ends_in_one_sentence


class Categories(nn.Module):
    def __init__(self, in_channels, hidden_channels):
        super().__init__()
        self.map = nn.Embedding(in_channels, hidden_channels)

    def forward(self, x, edge_index):
        return self.map(x)


class Indexed(Categories):
    def forward(self, x, edge_index):
        return self.map.weight[x]


class OneHot(nn.Module):
    def forward(self, x, edge_index):
        return nn.functional.one_hot(x, 3)


ADVICE = "give a function of in_channels, hidden_channels and num_layers that makes it"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (pyg.GINConv, rf"made by GINConv\(nn=7\), .* 'int' object is not callable: .*{ADVICE}"),
        (pyg.EdgeConv, rf"made by EdgeConv\(nn=7\), .* 'int' object is not callable: .*{ADVICE}"),
        (pyg.CGConv, rf"made by CGConv\(channels=7, dim=8\), .*{ADVICE}"),
        (pyg.GeneralConv, rf"made by GeneralConv\(in_channels=7, out_channels=8\), .*{ADVICE}"),
        (
            pyg.WLConv,
            rf"made by WLConv\(\), cannot be run .*: AssertionError at .*{ADVICE}",
        ),
        (Categories, "categories arrive one-hot, .* nn.Linear in place of nn.Embedding, or --enc"),
        (Indexed, "categories arrive one-hot, .* nn.Linear in place of nn.Embedding, or --enc"),
        (lambda in_channels: OneHot(), "categories arrive one-hot, .* or --encoder.embedding"),
    ],
)
def test_a_network_that_cannot_be_run_is_told(make, sentence: str) -> None:
    edge_dim = 3 if make in (pyg.CGConv, pyg.GeneralConv) else None
    net = make_backbone(make, 7, 8, 2, edge_dim=edge_dim)
    with pytest.raises(Exception, match=sentence) as told:
        infer_out_channels(net, 7, edge_dim)
    assert type(told.value).__name__ == "UserError"
    assert str(told.value).endswith(".")


def test_errors_of_the_code_itself_stay() -> None:
    class Wrong(Categories):
        def forward(self, x, edge_index):
            return {}[x]

    with pytest.raises(KeyError):
        infer_out_channels(make_backbone(Wrong, 7, 8, 2), 7)


def test_noise_needs_weights_with_sizes() -> None:
    net = pyg.GCN(-1, 8, 2)
    model = ContrastiveModel(GraphEncoder(net, 8), dim=4)
    batch = Batch.from_data_list([Data(torch.ones(2, 3), torch.tensor([[0, 1], [1, 0]]))])
    ends_in_one_sentence(lambda: perturbed(0.1)(model, batch), "call the model on a batch first")
    model(batch)
    assert perturbed(0.1)(model, batch).shape == (1, 4)


@pytest.mark.parametrize("readout", [pyg.MinAggregation, "torch_geometric.nn:MinAggregation"])
def test_a_readout_may_be_a_class(readout) -> None:
    encoder = GraphEncoder(make_backbone("gcn", 3, 8, 2), 16, readout=readout)
    assert isinstance(encoder.readout, pyg.MinAggregation)
    made = pyg.MinAggregation()
    assert GraphEncoder(make_backbone("gcn", 3, 8, 2), 16, readout=made).readout is made
