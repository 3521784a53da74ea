"""The embedding of a graph is the same alone, in any batch and in any order."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    AttentionalAggregation,
    GCNConv,
    GINConv,
    GPSConv,
    MeanAggregation,
    MultiAggregation,
    SAGEConv,
    Sequential,
    Set2Set,
    SumAggregation,
)
from torch_geometric.nn import norm as pyg_norms

from graph_hcl.errors import UserError
from graph_hcl.nn import (
    BACKBONES,
    GraphEncoder,
    check_independent,
    infer_out_channels,
    make_backbone,
)
from graph_hcl.nn.norms import make_norm

NORMS = {
    "batch_norm": {},
    "graph_norm": {},
    "instance_norm": {},
    "pair_norm": {},
    "layer_norm": {},
    "graph_size_norm": {},
    "mean_subtraction_norm": {},
    "diff_group_norm": {"groups": 3},
}
REFUSED = {"hetero_batch_norm", "hetero_layer_norm", "message_norm"}


def graphs(seed: int, sizes: tuple[int, ...] = (5, 1, 4, 7, 2)) -> list[Data]:
    """Undirected graphs with all fields, one of them a single node, one perhaps without edges."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for n in sizes:
        weight = torch.rand(n, n, generator=generator).triu(1)
        edges = ((weight + weight.t()) > 0.5).nonzero().t()
        found.append(
            Data(
                x=torch.randn(n, 5, generator=generator),
                edge_index=edges,
                edge_attr=torch.randn(edges.shape[1], 3, generator=generator),
                edge_weight=torch.rand(edges.shape[1], generator=generator) + 0.5,
                pos=torch.randn(n, 3, generator=generator),
            )
        )
    return found


def unlike(net: nn.Module, seed: int) -> nn.Module:
    """The network with parameters and statistics that are nobody's first ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(torch.randn(value.shape, generator=generator) / 2)
        for name, value in net.named_buffers():
            if "running" in name:
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return net


def assert_independent(encoder: GraphEncoder, seed: int) -> None:
    encoder.double().eval()
    parts = [
        data.apply(lambda t: t.double() if t.is_floating_point() else t) for data in graphs(seed)
    ]
    order = torch.randperm(len(parts), generator=torch.Generator().manual_seed(seed)).tolist()
    with torch.no_grad():
        alone = torch.cat([encoder(Batch.from_data_list([data])) for data in parts])
        batch = encoder(Batch.from_data_list(parts))
        mixed = encoder(Batch.from_data_list([parts[k] for k in order]))
    torch.testing.assert_close(batch, alone, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(mixed, alone[order], rtol=1e-6, atol=1e-6)


def test_every_norm_of_pyg_is_tried_here() -> None:
    kinds = {
        n for n, k in vars(pyg_norms).items() if isinstance(k, type) and issubclass(k, nn.Module)
    }
    tried = {name.replace("_", "").lower() for name in [*NORMS, *REFUSED]}
    assert {name.lower() for name in kinds} == tried


@pytest.mark.parametrize("readout", ["sum", "mean", "max"])
@pytest.mark.parametrize("norm", [*NORMS, None])
@pytest.mark.parametrize("name", BACKBONES.names())
def test_by_name(name, norm, readout) -> None:
    for jk, act_first, edge_dim in (("cat", False, 3), ("last", True, None)):
        options = {"norm_kwargs": NORMS.get(norm, {}), "act_first": act_first and name != "gps"}
        net = make_backbone(
            name,
            5,
            6,
            2,
            norm=norm,
            jk=jk,
            edge_dim=edge_dim,
            degrees=lambda: torch.tensor([1, 2, 3, 4]),
            options=options,
        )
        encoder = GraphEncoder(unlike(net, 0), infer_out_channels(net, 5, edge_dim), readout)
        assert_independent(encoder, seed=len(name))


@pytest.mark.parametrize("name", ["gin", "gine", "edgecnn"])
@given(seed=st.integers(0, 2**20), norm=st.sampled_from(sorted(NORMS)))
@settings(max_examples=10, deadline=None)
def test_norms_inside_of_convolutions(name, seed, norm) -> None:
    net = make_backbone(name, 5, 6, 3, norm=norm, options={"norm_kwargs": NORMS[norm]})
    inner = net.convs[0].nn.norms[0]
    assert type(inner) is type(make_norm(norm, 6, NORMS[norm]))
    assert_independent(GraphEncoder(unlike(net, seed), 18), seed)


@pytest.mark.parametrize("name", ["gcn", "graphsage", "gat", "gin", "edgecnn"])
@pytest.mark.parametrize("norm", ["graph_norm", "instance_norm", "layer_norm"])
def test_a_single_graph_is_pygs_own(name, norm) -> None:
    net = unlike(make_backbone(name, 5, 6, 2, norm=norm), 0).eval()
    kind = next(kind for kind in type(net).__mro__ if kind.__module__.startswith("torch_geometric"))
    pyg = kind(5, 6, 2, norm=norm, jk="cat").eval()
    pyg.lin = nn.Identity()
    pyg.load_state_dict(net.state_dict())
    data = Data(graphs(1)[3].x, graphs(1)[3].edge_index)
    found = GraphEncoder(net, 12).nodes(Batch.from_data_list([data]))
    torch.testing.assert_close(found, pyg(data.x, data.edge_index), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("norm", sorted(REFUSED))
def test_norms_that_need_more_are_refused(norm) -> None:
    with pytest.raises(UserError, match="Expected a norm of node features, but got"):
        make_backbone("gin", 5, 6, 2, norm=norm)


@pytest.mark.parametrize(
    ("norm", "options", "sentence"),
    [
        ("grpah_norm", {}, "Did you mean GraphNorm"),
        ("diff_group_norm", {}, "cannot be built: .*groups.*norm_kwargs"),
        ("graph_norm", {"norm_kwargs": {"nonsense": 1}}, "cannot be built: .*nonsense"),
    ],
)
def test_norms_that_cannot_be_built(norm, options, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        make_backbone("gat", 5, 6, 2, norm=norm, options=options)


def test_norms_without_channels_are_not_scaled_by_them() -> None:
    net = make_backbone("gin", 5, 64, 2, norm="pair_norm")
    assert [norm.scale for norm in net.norms] == [1, 1]
    assert net.convs[0].nn.norms[0].scale == 1


class Attention(nn.Module):
    """Global attention between graph convolutions, told the graph of each node or not."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        self.first, self.told = nn.Linear(5, 8), told
        self.conv = GPSConv(8, SAGEConv(8, 8), heads=2, norm=None)

    def forward(self, x, edge_index, batch=None):
        return self.conv(self.first(x), edge_index, batch if self.told else None)


class Alone(nn.Module):
    """Batch normalisation that uses the statistics of the batch in evaluation, too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = GCNConv(5, 8), nn.BatchNorm1d(8, track_running_stats=False)

    def forward(self, x, edge_index):
        return self.norm(self.conv(x, edge_index))


READOUTS = {
    "sum": SumAggregation(),
    "mean": MeanAggregation(),
    "set2set": Set2Set(8, 2),
    "attention": AttentionalAggregation(nn.Linear(8, 1)),
    "several": MultiAggregation(["mean", "max", "std"]),
    "own": lambda nodes, batch, size: nodes.new_zeros(size, 8).index_add_(0, batch, nodes.exp()),
}


@pytest.mark.parametrize("readout", READOUTS)
def test_a_network_and_a_readout_from_outside(readout) -> None:
    encoder = GraphEncoder(Attention(told=True), 8, READOUTS[readout])
    assert_independent(encoder, seed=3)
    check_independent(encoder, Batch.from_data_list(graphs(0)).apply(doubled))


def doubled(value):
    return value.double() if torch.is_tensor(value) and value.is_floating_point() else value


def test_pygs_sequential_is_told_the_graphs() -> None:
    norm = pyg_norms.GraphNorm(8)
    net = Sequential(
        "x, edge_index, batch", [(GCNConv(5, 8), "x, edge_index -> x"), (norm, "x, batch -> x")]
    )
    assert_independent(GraphEncoder(net, 8), seed=4)


@pytest.mark.parametrize("make", [lambda: Attention(told=False), Alone])
def test_a_network_that_mixes_graphs_is_named(make) -> None:
    encoder = GraphEncoder(make(), 8).eval()
    with pytest.raises(UserError, match=f"{type(encoder.backbone).__name__} embeds graph 0 alone"):
        check_independent(encoder, Batch.from_data_list(graphs(0, sizes=(4, 5, 6, 7))))


def test_a_readout_that_mixes_graphs_is_named() -> None:
    def centred(nodes, batch, size):
        sums = nodes.new_zeros(size, nodes.shape[1]).index_add_(0, batch, nodes)
        return sums - sums.mean(0)

    encoder = GraphEncoder(make_backbone("gcn", 5, 8, 2), 16, centred)
    with pytest.raises(UserError, match=r"the read-out centred embeds graph 0 .* take one that"):
        check_independent(encoder, Batch.from_data_list(graphs(0)))


def test_a_readout_of_the_users_is_tried_on_more_graphs() -> None:
    """One that shifts a single graph, which four of the batch would miss."""

    def shifted(nodes, batch, size):
        sums = nodes.new_zeros(size, nodes.shape[1]).index_add_(0, batch, nodes)
        return sums + (torch.arange(size) == 3)[:, None]

    encoder = GraphEncoder(make_backbone("gcn", 5, 8, 2), 16, shifted)
    batch = Batch.from_data_list(graphs(0, sizes=(5, 4, 6, 7, 3, 5, 4, 8)))
    with pytest.raises(UserError, match="the read-out shifted embeds graph 3 alone"):
        check_independent(encoder, batch)


def test_the_check_leaves_no_trace() -> None:
    net = make_backbone("gin", 5, 8, 2, dropout=0.5)
    net.norms[0].eval()  # a part that a user has frozen
    encoder = GraphEncoder(net, 16).train()
    net.norms[0].eval()
    modes = [module.training for module in encoder.modules()]
    state = {name: value.clone() for name, value in encoder.state_dict().items()}
    lots = torch.get_rng_state()
    check_independent(encoder, Batch.from_data_list(graphs(0)))
    infer_out_channels(net, 5)
    assert [module.training for module in encoder.modules()] == modes
    assert torch.equal(torch.get_rng_state(), lots)
    assert all(torch.equal(value, state[name]) for name, value in encoder.state_dict().items())


def test_a_user_may_put_another_network_into_a_gin() -> None:
    net = make_backbone("gin", 5, 8, 2, norm="graph_norm")
    net.convs[0] = GINConv(nn.Linear(5, 8))
    net.convs[1].nn = nn.Linear(8, 8)
    with pytest.raises(TypeError):  # PyG's own convolution takes no batch
        GraphEncoder(net, 16)(Batch.from_data_list(graphs(0)))
