from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import MultiAggregation, Set2Set, global_mean_pool

from graph_hcl.errors import UserError
from graph_hcl.nn import (
    ContrastiveModel,
    GraphEncoder,
    infer_out_channels,
    make_backbone,
    normalize,
)

CYCLE = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def batch_of(*edges: torch.Tensor, features: int = 5) -> Batch:
    torch.manual_seed(0)
    return Batch.from_data_list([Data(x=torch.randn(3, features), edge_index=e) for e in edges])


def encoder_for(name: str, readout: Any = "sum", **options: Any) -> GraphEncoder:
    backbone = make_backbone(name, 5, 8, 2, degrees=lambda: torch.tensor([0, 2, 4]), **options)
    channels = infer_out_channels(backbone, 5, options.get("edge_dim"))
    return GraphEncoder(backbone, channels, readout)


@pytest.mark.parametrize("name", ["gin", "gcn", "graphsage", "gat", "pna", "edgecnn"])
@pytest.mark.parametrize(("jk", "dim"), [("cat", 16), ("max", 8), ("last", 8)])
def test_every_basic_gnn_by_name(name: str, jk: str, dim: int) -> None:
    encoder = encoder_for(name, jk=jk)
    assert encoder.out_channels == dim
    assert encoder(batch_of(CYCLE, PATH)).shape == (2, dim)


def test_concatenation_is_that_of_the_layers_alone() -> None:
    encoder = encoder_for("gin").eval()
    batch = batch_of(CYCLE)
    net = encoder.backbone
    first = net.act(net.norms[0](net.convs[0](batch.x, batch.edge_index)))
    second = net.act(net.norms[1](net.convs[1](first, batch.edge_index)))
    torch.testing.assert_close(encoder.nodes(batch), torch.cat([first, second], dim=1))


def test_gin_layer_is_the_sum_over_neighbours() -> None:
    """GIN with epsilon 0: MLP(x_v + sum of neighbours), Xu et al. 2019, equation 4.1."""
    conv = encoder_for("gin", norm=None).backbone.convs[0]
    batch = batch_of(PATH)
    x = batch.x
    sums = torch.stack([x[0] + x[1], x[1] + x[0] + x[2], x[2] + x[1]])
    torch.testing.assert_close(conv(x, PATH), conv.nn(sums))


@pytest.mark.parametrize("readout", ["sum", "mean", "max"])
def test_readout_against_a_loop(readout: str) -> None:
    encoder = encoder_for("gcn", readout).eval()
    batch = batch_of(CYCLE, PATH)
    nodes = encoder.nodes(batch)
    rows = [nodes[batch.batch == graph] for graph in range(2)]
    expected = {
        "sum": [row.sum(0) for row in rows],
        "mean": [row.mean(0) for row in rows],
        "max": [row.max(0).values for row in rows],
    }[readout]
    torch.testing.assert_close(encoder(batch), torch.stack(expected))


def test_embedding_does_not_depend_on_the_order_of_nodes() -> None:
    encoder = encoder_for("gin").eval()
    x = torch.randn(3, 5)
    order = torch.tensor([2, 0, 1])
    inverse = order.argsort()
    one = Batch.from_data_list([Data(x=x, edge_index=PATH)])
    other = Batch.from_data_list([Data(x=x[order], edge_index=inverse[PATH])])
    torch.testing.assert_close(encoder(one), encoder(other))


def test_a_class_of_the_users_by_import_path() -> None:
    backbone = make_backbone("torch_geometric.nn.models:GCN", 5, 8, 2, jk="last")
    assert infer_out_channels(backbone, 5) == 8
    custom = GraphEncoder(backbone, 8, readout=global_mean_pool)
    assert custom(batch_of(CYCLE)).shape == (1, 8)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("gni", {}, "Did you mean gin"),
        ("gin", {"nonsense": 1}, "cannot be built"),
        ("no_such_package:Net", {}, "Cannot import"),
        ("torch.nn:NoSuchNet", {}, "Cannot import"),
    ],
)
def test_backbones_that_cannot_be_built(name: str, options: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_backbone(name, 5, 8, 2, options=options)


def test_a_backbone_that_returns_no_matrix() -> None:
    class Pooled(nn.Module):
        def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
            return x.sum(0)

    with pytest.raises(UserError, match=r"got \[5\]"):
        infer_out_channels(Pooled(), 5)


@given(st.floats(0.001, 100), st.integers(0, 100))
def test_normalisations(scale: float, seed: int) -> None:
    z = scale * torch.randn(6, 4, generator=torch.Generator().manual_seed(seed)).double()
    norms = z.norm(dim=1)
    torch.testing.assert_close(normalize(z, "sphere").norm(dim=1), torch.ones(6).double())
    torch.testing.assert_close(normalize(z, "ball").norm(dim=1), norms.clamp(max=1))
    assert normalize(z, "none") is z
    inside = norms <= 1
    assert torch.equal(normalize(z, "ball")[inside], z[inside])


@pytest.mark.parametrize("how", ["sphere", "ball", "none"])
def test_the_zero_vector_has_finite_gradient(how: str) -> None:
    z = torch.zeros(2, 3, requires_grad=True)
    normalize(z, how).sum().backward()
    assert torch.isfinite(z.grad).all()


def test_head_without_layers_contrasts_the_embedding_itself() -> None:
    encoder = encoder_for("gin").eval()
    batch = batch_of(CYCLE, PATH)
    model = ContrastiveModel(encoder, layers=0, normalization="none").eval()
    torch.testing.assert_close(model(batch), encoder(batch))
    assert ContrastiveModel(encoder, layers=2, dim=3)(batch).shape == (2, 3)


READOUTS = [Set2Set(16, 2), MultiAggregation(["mean", "max"])]


@pytest.mark.parametrize("readout", READOUTS)
def test_nodes_have_a_head_of_their_own_width(readout) -> None:
    encoder = encoder_for("gin", readout)
    assert (encoder.node_channels, encoder.out_channels) == (16, 32)
    for dim, width in ((None, 32), (4, 4)):
        model = ContrastiveModel(encoder, dim=dim, local=True)
        nodes, graphs = model.local_and_global(batch_of(CYCLE, PATH))
        assert (nodes.shape, graphs.shape) == ((6, width), (2, width))
    with pytest.raises(UserError, match=r"layers=0 with nodes \[n, 16\] and graphs \[B, 32\], wh"):
        ContrastiveModel(encoder, layers=0, local=True)


@pytest.mark.parametrize(
    ("name", "field", "value", "sentence"),
    [
        ("gine", "edge_attr", torch.ones(4, 5), r"edge_attr \[E, 2\], for which .* got \[4, 5\]"),
        ("gine", "edge_attr", torch.ones(4, 2).long(), r"edge_attr of torch\.float32, .*int64"),
        ("gine", "edge_attr", torch.ones(3, 2), r"a row for each of the 4 edges, but got \[3, 2\]"),
        ("gcn", "edge_weight", torch.ones(4).long(), r"edge_weight of torch\.float32, .*int64"),
        (
            "gcn",
            "edge_weight",
            torch.ones(4).double(),
            r"edge_weight of torch\.float32, .*float64",
        ),
        (
            "graphsage",
            "edge_weight",
            torch.ones(1),
            r"a row for each of the 4 edges, but got \[1\]",
        ),
    ],
)
def test_a_field_that_does_not_fit_is_named(name, field, value, sentence) -> None:
    encoder = encoder_for(name, edge_dim=2 if name == "gine" else None)
    batch = batch_of(PATH)
    batch[field] = value
    with pytest.raises(UserError, match=sentence):
        encoder(batch)
