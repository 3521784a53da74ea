"""A backbone is built and called with what its signatures name, and what it cannot use is named."""

import functools

import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GINEConv, models

from graph_hcl.errors import UserError
from graph_hcl.nn import GraphEncoder, infer_out_channels, make_backbone

EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
FIELDS = {"edge_attr": (4, 3), "edge_weight": (4,), "pos": (3, 3)}


def batch_of(*fields: str, seed: int = 0) -> Batch:
    torch.manual_seed(seed)
    data = Data(x=torch.randn(3, 5), edge_index=EDGES)
    for name in fields:
        data[name] = torch.rand(FIELDS[name])
    return Batch.from_data_list([data, data])


class Recorder(nn.Module):
    """Keeps what it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict = {}

    def forward(
        self, x, edge_index, batch, edge_weight=None, *, pos=None, edge_attr="mine", **rest
    ):
        self.seen = {"batch": batch, "weight": edge_weight, "pos": pos, "attr": edge_attr, **rest}
        return x


def test_what_the_forward_names_is_given_and_no_more() -> None:
    encoder = GraphEncoder(Recorder(), 5)
    assert encoder.reads == {"x", "edge_index", "edge_weight", "pos", "edge_attr"}
    batch = batch_of("edge_weight", "pos")
    encoder(batch)
    seen = encoder.backbone.seen
    assert seen["batch"] is batch.batch
    assert seen["weight"] is batch.edge_weight
    assert seen["pos"] is batch.pos
    assert seen["attr"] == "mine"
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("name", "edge_dim", "fields"),
    [
        ("gin", 3, set()),
        ("graphsage", 3, {"edge_weight"}),
        ("edgecnn", 3, set()),
        ("gcn", 3, {"edge_weight"}),
        ("gat", 3, {"edge_attr"}),
        ("gat", None, set()),
        ("pna", 3, {"edge_attr"}),
        ("pna", None, set()),
        ("gine", 3, {"edge_attr"}),
        ("gine", None, set()),
        ("torch_geometric.nn.models:GAT", 3, {"edge_attr"}),
        ("torch_geometric.nn.models:GCN", 3, {"edge_weight"}),
        ("gps", 3, {"edge_attr"}),
        ("gps", None, set()),
        ("torch_geometric.nn.models:GraphSAGE", 3, {"edge_weight"}),
    ],
)
def test_a_field_is_read_exactly_if_it_moves_the_embedding(name, edge_dim, fields) -> None:
    net = make_backbone(
        name, 5, 8, 2, edge_dim=edge_dim, degrees=lambda: torch.tensor([0, 2, 1])
    ).double()
    encoder = GraphEncoder(net, infer_out_channels(net, 5, edge_dim)).eval()
    assert encoder.reads - {"x", "edge_index"} == fields
    batch = batch_of(*FIELDS).apply(lambda t: t.double() if t.is_floating_point() else t)
    before = encoder(batch)
    for field in FIELDS:
        other = batch.clone()
        other[field] = other[field] + torch.rand_like(other[field])
        moved = not torch.allclose(encoder(other), before, rtol=1e-9)
        assert moved == (field in fields), field


@pytest.mark.parametrize("name", ["gine", "gps", "gat", "pna"])
def test_a_network_built_to_read_bonds_asks_for_them(name) -> None:
    net = make_backbone(name, 5, 8, 2, edge_dim=3, degrees=lambda: torch.tensor([0, 2, 1]))
    with pytest.raises(UserError, match="Expected a batch with edge_attr, which"):
        GraphEncoder(net, 16)(batch_of())
    with pytest.raises(UserError, match="Expected a batch with edge_attr, which"):
        infer_out_channels(net, 5)


def test_gine_is_its_formula() -> None:
    net = make_backbone("gine", 5, 8, 1, edge_dim=3, norm=None, jk="last").eval()
    batch, conv = batch_of("edge_attr"), net.convs[0]
    total = batch.x.clone()
    for (u, v), e in zip(batch.edge_index.t().tolist(), batch.edge_attr, strict=True):
        total[v] += (batch.x[u] + conv.lin(e)).relu()
    torch.testing.assert_close(GraphEncoder(net, 8).nodes(batch), conv.nn(total))
    plain = make_backbone("gine", 5, 8, 1, norm=None, jk="last").eval()
    total = batch.x.clone()
    for u, v in batch.edge_index.t().tolist():
        total[v] += batch.x[u].relu()
    torch.testing.assert_close(GraphEncoder(plain, 8).nodes(batch), plain.convs[0].nn(total))


def test_a_single_graph_need_not_be_a_batch() -> None:
    net = make_backbone("gin", 5, 8, 2, norm="graph_norm")
    encoder = GraphEncoder(net, 16).eval()
    batch = batch_of()
    one = encoder(batch[0])
    assert one.shape == (1, 16)
    torch.testing.assert_close(one[0], encoder(batch)[0], rtol=1e-4, atol=1e-4)


def test_a_batch_without_edges_of_its_own_is_named() -> None:
    batch = batch_of()
    del batch.edge_index
    with pytest.raises(UserError, match="Expected a batch with edge_index, which GIN reads"):
        GraphEncoder(make_backbone("gin", 5, 8, 2), 16)(batch)


def _forward(*names: str):
    lines = {}
    exec(f"def forward(self, {', '.join(names)}): return x", lines)
    return type("Net", (nn.Module,), {"forward": lines["forward"]})()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("x", "edge_index", "adjacency"), "but got adjacency: rename it"),
        (("edge_index", "x"), r"first, but got \(edge_index, x\)"),
        (("data",), r"first, but got \(data\)"),
    ],
)
def test_a_forward_that_asks_for_something_else_is_refused(names, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        GraphEncoder(_forward(*names), 5)


def test_other_names_and_defaults_are_the_networks_own_affair() -> None:
    assert GraphEncoder(_forward("x", "edges", "depth=3", "**rest"), 5).reads == {"x", "edge_index"}


class Bonds(nn.Module):
    def __init__(self, in_channels, hidden_channels, num_layers, edge_dim, width=8, dropout=0.0):
        super().__init__()
        self.first, self.width, self.dropout = (
            nn.Linear(in_channels, hidden_channels),
            width,
            dropout,
        )
        self.convs = nn.ModuleList(
            GINEConv(nn.Linear(hidden_channels, hidden_channels), edge_dim=edge_dim)
            for _ in range(num_layers)
        )

    def forward(self, x, edge_index, edge_attr):
        x = self.first(x)
        for conv in self.convs:
            x = conv(x, edge_index, edge_attr).relu()
        return x


def test_a_class_is_called_by_what_it_names() -> None:
    net = make_backbone(functools.partial(Bonds, width=4), 5, 16, 2, edge_dim=3, dropout=0.5)
    assert (net.first.weight.shape, len(net.convs), net.width, net.dropout) == ((16, 5), 2, 4, 0.5)
    assert infer_out_channels(net, 5, 3) == 16
    encoder = GraphEncoder(net, 16)
    assert encoder.reads == {"x", "edge_index", "edge_attr"}
    with pytest.raises(UserError, match="with edge_attr, which Bonds reads"):
        encoder(batch_of())
    with pytest.raises(UserError, match="'Bonds' needs an edge_dim"):
        make_backbone(Bonds, 5, 16, 2)
    assert make_backbone(Bonds, 5, 16, 2, options={"edge_dim": 7}).convs[0].lin.in_channels == 7


def _class(*names: str):
    lines = {}
    exec(f"def make({', '.join(names)}): return Net(locals())", {"Net": Called}, lines)
    return lines["make"]


class Called(nn.Module):
    def __init__(self, given) -> None:
        super().__init__()
        self.given = given


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("width", "depth", "size"), {"width": 5, "depth": 8, "size": 2}),
        (("in_channels", "dim", "depth"), {"in_channels": 5, "dim": 8, "depth": 2}),
        (("num_layers", "in_channels", "hidden_channels"), {"num_layers": 2, "in_channels": 5}),
        (("in_channels", "hidden_channels", "edge_dim"), {"in_channels": 5, "edge_dim": 3}),
        (("in_channels",), {"in_channels": 5}),
        (("*sizes",), {"sizes": (5, 8, 2)}),
        (("a", "b", "c", "**rest"), {"a": 5, "rest": {}}),
        (("**rest",), {"rest": {"in_channels": 5, "hidden_channels": 8, "num_layers": 2}}),
    ],
)
def test_by_keyword_where_names_are_ours_and_by_position_otherwise(names, expected) -> None:
    found = make_backbone(_class(*names), 5, 8, 2, edge_dim=3).given
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "setting", [{"jk": "cat"}, {"norm": None}, {"act": "relu"}, {"dropout": 0.0}]
)
def test_a_setting_that_a_class_does_not_take_is_named(setting) -> None:
    (name,) = setting
    with pytest.raises(UserError, match=f"takes no {name}: leave out --encoder.{name}"):
        make_backbone(_class("a", "b", "c"), 5, 8, 2, **setting)
    taken = make_backbone(_class("a", "b", "c", f"{name}=4"), 5, 8, 2, **setting).given
    assert taken[name] == setting[name]
    left = make_backbone(_class("a", "b", "c", f"{name}=4"), 5, 8, 2).given
    assert left[name] == 4


def test_what_is_not_said_is_the_default() -> None:
    net = make_backbone("gin", 5, 8, 2)
    assert (net.jk_mode, net.norm, net.dropout.p) == ("cat", "batch_norm", 0.0)
    assert type(make_backbone("gin", 5, 8, 2, norm=None).norms[0]) is nn.Identity


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "gat", "hidden": 30, "options": {"heads": 4}}, "take a width of 28 or 32"),
        ({"name": "gat", "hidden": 3, "options": {"heads": 4}}, "take a width of 4, or"),
        ({"name": "gcn", "options": {"cached": True}}, "no option 'cached'"),
        (
            {"name": models.GCN(5, 8, 2)},
            "a class or function that makes the backbone, but got a GCN",
        ),
        (
            {"name": Bonds, "edge_dim": 3, "options": {"nonsense": 1}},
            "'Bonds' cannot be built: .*nons",
        ),
        ({"name": "gin", "act": "nonsense"}, "cannot be built: .*nonsense"),
    ],
)
def test_one_sentence_for_what_cannot_be_built(given, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        make_backbone(**({"in_channels": 5, "hidden": 8, "layers": 2} | given))


@pytest.mark.parametrize("aggr", ["mean", "sum", "max"])
def test_graphsage_reads_weights_as_its_formula_says(aggr) -> None:
    options = {"aggr": aggr, "project": True}
    net = make_backbone("graphsage", 5, 8, 1, norm=None, jk="last", options=options).eval()
    batch, conv = batch_of("edge_weight"), net.convs[0]
    messages: dict[int, list] = {v: [] for v in range(6)}
    for (u, v), w in zip(batch.edge_index.t().tolist(), batch.edge_weight, strict=True):
        messages[v].append(w * conv.lin(batch.x[u]).relu())
    reduce = {"mean": lambda m: m.mean(0), "sum": lambda m: m.sum(0), "max": lambda m: m.amax(0)}
    pooled = torch.stack([reduce[aggr](torch.stack(messages[v])) for v in range(6)])
    expected = conv.lin_l(pooled) + conv.lin_r(batch.x)
    torch.testing.assert_close(GraphEncoder(net, 8).nodes(batch), expected)
    batch.edge_weight = torch.ones(8)
    weighted = GraphEncoder(net, 8).nodes(batch)
    del batch.edge_weight
    torch.testing.assert_close(GraphEncoder(net, 8).nodes(batch), weighted)


def test_an_embedding_comes_before_the_network() -> None:
    embedding = nn.Linear(5, 4, bias=False)
    net = make_backbone("gin", 4, 8, 2).eval()
    batch = batch_of()
    encoder = GraphEncoder(net, 16, embedding=embedding)
    expected = GraphEncoder(net, 16)(
        Batch.from_data_list(
            [Data(x=embedding(data.x), edge_index=data.edge_index) for data in batch.to_data_list()]
        )
    )
    before = batch.x.clone()
    torch.testing.assert_close(encoder(batch), expected)
    assert batch.x.equal(before)


def test_a_partial_is_its_class_with_options() -> None:
    net = make_backbone(functools.partial(models.GAT, heads=2, v2=True), 5, 8, 2, edge_dim=3)
    assert (net.convs[0].heads, net.jk_mode, net.norm) == (2, "cat", "batch_norm")
    assert type(net).__module__.startswith("graph_hcl")
    with pytest.raises(UserError, match="hidden_channels of the backbone 'Bonds' once"):
        make_backbone(
            functools.partial(Bonds, hidden_channels=4),
            5,
            16,
            2,
            edge_dim=3,
            explicit=["hidden_channels"],
        )
