"""What the constructor of a network is given, whatever it calls its sizes, and what is refused."""

from functools import partial

import pytest
import torch
from torch import nn
from torch_geometric import nn as pyg
from torch_geometric.data import Data
from torch_geometric.nn import models

from graph_hcl import GraphContrast
from graph_hcl.errors import UserError
from graph_hcl.nn import infer_out_channels, make_backbone


class Tutorial(nn.Module):
    """The network of PyG's tutorials."""

    def __init__(self, in_channels, hidden_channels, out_channels, dropout=0.5):
        super().__init__()
        self.first = pyg.GCNConv(in_channels, hidden_channels)
        self.last = pyg.GCNConv(hidden_channels, out_channels)

    def forward(self, x, edge_index):
        return self.last(self.first(x, edge_index).relu(), edge_index)


class Classes(Tutorial):
    def __init__(self, num_features, hidden, num_classes):
        super().__init__(num_features, hidden, num_classes)


class OneSize(Tutorial):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, 4, out_channels)


def path(n: int) -> Data:
    edges = torch.tensor([[*range(n - 1), *range(1, n)], [*range(1, n), *range(n - 1)]])
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(n))
    return Data(x=x, edge_index=edges)


GRAPHS = [path(n) for n in range(3, 13)]
OUTSIDE = [
    Tutorial,
    Classes,
    OneSize,
    pyg.GCNConv,
    pyg.GATConv,
    pyg.SAGEConv,
    pyg.GraphConv,
    pyg.GENConv,
    models.Polynormer,
]


@pytest.mark.parametrize("make", OUTSIDE)
def test_an_output_is_as_wide_as_the_hidden_layers(make) -> None:
    net = make_backbone(make, 3, 8, 2)
    assert infer_out_channels(net, 3) == 8
    assert not getattr(net, "improved", False)
    assert getattr(net, "heads", 1) == 1


def test_a_class_of_a_tutorial_is_trained() -> None:
    model = GraphContrast(backbone=Tutorial, hidden=16, epochs=1, random_state=0)
    assert model.fit(GRAPHS).transform(GRAPHS).shape == (10, 16)


@pytest.mark.parametrize("make", [Tutorial, partial(Tutorial, out_channels=4)])
def test_an_output_of_a_width_of_its_own(make) -> None:
    options = {} if isinstance(make, partial) else {"out_channels": 4}
    assert infer_out_channels(make_backbone(make, 3, 8, 2, options=options), 3) == 4


def called(text: str, **options):
    """Return what a function of these parameters is given as sizes 5, 8 and 2."""
    kind = type("Called", (nn.Module,), {})
    lines: dict = {"new": kind}
    body = "net = new(); net.given = given; return net"
    exec(f"def make({text}):\n given = dict(locals())\n {body}", lines)
    return make_backbone(lines["make"], 5, 8, 2, options=options).given


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("in_channels, hidden, layers", {"hidden": 8, "layers": 2}),
        ("in_channels, hidden, num_layers", {"hidden": 8, "num_layers": 2}),
        ("f, h, bias=True", {"f": 5, "h": 8, "bias": True}),
        ("f, h, name=None", {"name": None}),
        ("f, h, depth=7", {"depth": 2}),
        ("f, h, rate=0.5", {"rate": 0.5}),
        ("f, h, heads=1", {"heads": 1}),
        ("f, h, K=3", {"K": 3}),
        ("f, h, out_dim=3", {"out_dim": 3}),
        ("f, h, nclass, /", {"f": 5, "h": 8, "nclass": 8}),
        ("in_channels, dim=4, depth=6", {"in_channels": 5, "dim": 4, "depth": 6}),
        ("in_channels, hidden_channels, num_layers, *, out_channels", {"out_channels": 8}),
    ],
)
def test_what_is_a_size_and_what_is_not(text, given) -> None:
    found = called(text)
    assert {name: found[name] for name in given} == given


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("in_channels, hidden_channels, slope", "slope"),
        ("in_channels, out_channels, alpha", "alpha"),
        ("features, num_classes, width", "width"),
        ("f, h, heads", "heads"),
    ],
)
def test_what_may_be_no_size_is_asked_for(text, missing) -> None:
    sentence = f"needs {missing}: give it among its own options, --encoder.options.{missing}, or"
    with pytest.raises(UserError, match=sentence):
        called(text)
    assert called(text, **{missing: 0.1})[missing] == 0.1


def test_a_size_that_a_convolution_has_none_of_is_named() -> None:
    with pytest.raises(UserError, match="'GCNConv' takes no num_layers: leave out --layers"):
        make_backbone(pyg.GCNConv, 3, 8, 2, explicit=["num_layers"])


@pytest.mark.parametrize("jk", ["cat", "max", "last"])
@pytest.mark.parametrize("name", ["gin", "gat", "gps"])
def test_the_option_out_channels_is_the_width(name, jk) -> None:
    net = make_backbone(name, 3, 8, 2, jk=jk, options={"out_channels": 4})
    assert infer_out_channels(net, 3) == 4
    assert infer_out_channels(make_backbone(partial(models.GAT, out_channels=4), 3, 8, 2), 3) == 4


def test_a_map_that_pyg_did_not_make_is_kept() -> None:
    class Ends(models.GCN):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.lin = nn.Sequential(nn.Linear(16, 5))

    assert infer_out_channels(make_backbone(Ends, 3, 8, 2), 3) == 5


def test_a_narrower_subclass_is_given_what_it_names() -> None:
    class Narrow(models.GCN):
        def __init__(self, in_channels, hidden_channels, num_layers, dropout=0.5):
            super().__init__(in_channels, hidden_channels, num_layers, dropout=dropout)

    net = make_backbone(Narrow, 3, 8, 2)
    assert (net.jk_mode, net.norm, net.dropout.p, infer_out_channels(net, 3)) == (None, None, 0, 8)
    with pytest.raises(UserError, match=r"takes no jk: leave out --encoder\.jk"):
        make_backbone(Narrow, 3, 8, 2, jk="max")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"dropout": 0.5, "options": {"dropout": 0.1}}, r"dropout .* by --encoder\.dropout: leave"),
        ({"jk": "max", "options": {"jk": "cat"}}, r"Expected jk .* once"),
        ({"norm": "graph_norm", "name": partial(models.GAT, norm=None)}, r"Expected norm .* once"),
        ({"act": "elu", "options": {"act": "relu"}}, r"Expected act .* once"),
        ({"edge_dim": 2, "options": {"edge_dim": 3}}, "edge_dim to be 2, the columns of edge_attr"),
        ({"options": {"hidden_channels": 4}}, "no option 'hidden_channels' .* by --hidden"),
        ({"options": {"num_layers": 4}}, "no option 'num_layers' .* by --layers"),
        ({"options": {"in_channels": 4}}, "no option 'in_channels' .*: the graphs tell it"),
    ],
)
def test_what_is_given_twice_is_refused(given, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        make_backbone(**{"name": "gat", "in_channels": 3, "hidden": 8, "layers": 2} | given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"heads": 0}, "heads to be 1 or more, but got 0"),
        ({"heads": -2}, "heads to be 1 or more, but got -2"),
        ({"heads": "4"}, "heads to be a whole number, but got '4'"),
        ({"heads": 2.0}, "heads to be a whole number, but got 2.0"),
    ],
)
@pytest.mark.parametrize("name", ["gat", "gps"])
def test_heads_are_a_whole_number(name, given, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        make_backbone(name, 3, 8, 2, options=given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"options": {"towers": 3}}, "that 3 towers divide, but got 8: take a width of 6 or 9, or"),
        ({"options": {"towers": 2, "divide_input": True}}, "cannot be built: AssertionError at"),
        ({"options": {"scalers": ["foo"]}}, "cannot be .*foo"),
        ({"options": ["a"]}, r"options to be a mapping of names to values, but got \['a'\]"),
        ({"jk": "sum"}, "jk to be cat, max or last, but got 'sum'"),
        ({"hidden": 0}, "hidden to be 1 or more, but got 0"),
        ({"hidden": "8"}, "hidden to be a whole number, but got '8'"),
        ({"layers": 0}, "layers to be 1 or more, but got 0"),
        ({"dropout": 1.0}, r"dropout to be in \[0, 1\), but got 1\.0"),
    ],
)
def test_values_that_pyg_asserts(given, sentence) -> None:
    degrees = {"degrees": lambda: torch.tensor([0, 2])}
    arguments = {"name": "pna", "in_channels": 3, "hidden": 8, "layers": 2} | degrees | given
    with pytest.raises(UserError, match=sentence):
        infer_out_channels(make_backbone(**arguments), 3)


def test_a_network_of_points_in_the_plane() -> None:
    class Plane(nn.Module):
        def __init__(self, in_channels, hidden_channels):
            super().__init__()
            self.map = nn.Linear(in_channels + 2, hidden_channels)

        def forward(self, x, edge_index, pos):
            return self.map(torch.cat([x, pos], 1))

    assert infer_out_channels(make_backbone(Plane, 3, 8, 2), 3) == 8
    with pytest.raises(
        UserError, match=r"made by Plane\(in_channels=9, .* cannot be run .* shapes"
    ):
        infer_out_channels(make_backbone(Plane, 9, 8, 2), 3)


def test_pna_needs_neighbours() -> None:
    lonely = [Data(x=torch.randn(n, 3), edge_index=torch.empty(2, 0).long()) for n in range(3, 9)]
    with pytest.raises(
        UserError, match=r"graphs with edges for the backbone 'pna', .* such as gin"
    ):
        GraphContrast(backbone="pna", epochs=1).fit(lonely)
