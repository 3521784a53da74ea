"""Networks and read-outs from outside: right, or refused in a sentence before a folder is made."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import GINConv, GPSConv, Set2Set, global_add_pool, models

from graph_hcl import embed, train
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveModel, GraphEncoder, infer_out_channels, make_backbone

FAST = ["--epochs", "1", "--probe", "class-mean", "--probe.folds", "2", "--out", "run"]


class Centred(nn.Module):
    def __init__(self, in_channels, hidden_channels, num_layers) -> None:
        super().__init__()
        self.first = nn.Linear(in_channels, hidden_channels)

    def forward(self, x, edge_index):
        x = self.first(x)
        return x - x.mean(0)


class Random(Centred):
    def forward(self, x, edge_index):
        return self.first(x) + torch.randn(len(x), 1)


class Attention(Centred):
    def __init__(self, in_channels, hidden_channels, num_layers) -> None:
        super().__init__(in_channels, hidden_channels, num_layers)
        inner = GINConv(nn.Linear(hidden_channels, hidden_channels))
        self.conv = GPSConv(hidden_channels, inner, heads=2, norm="graph_norm")

    def forward(self, x, edge_index, batch):
        return self.conv(self.first(x), edge_index, batch)


class Untold(Attention):
    def forward(self, x, edge_index):
        return self.conv(self.first(x), edge_index)


class Narrow(Centred):
    def __init__(self, in_channels) -> None:
        super().__init__(in_channels, 8, 1)

    def forward(self, x, edge_index):
        return self.first(x)


def narrow(in_channels, hidden_channels):
    return Narrow(in_channels)


def run_of(backbone, *flags) -> None:
    path = backbone if ":" in backbone else f"{__name__}:{backbone}"
    train.main(["--dataset", "MUTAG", "--backbone", path, *FAST, *flags])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("backbone", "flags", "sentence"),
    [
        ("Centred", (), "not to depend on its batch, but Centred"),
        ("Untold", (), "not to depend on its batch, but Untold"),
        ("Random", (), "Random embeds graph 0 at random"),
        ("Narrow", ("--hidden", "8"), "takes no hidden_channels: leave out --hidden"),
        ("Narrow", ("--layers", "2"), "takes no num_layers: leave out --layers"),
        ("narrow", ("--hidden", "8", "--layers", "2"), "takes no num_layers: leave out --layers"),
        ("Narrow", ("--encoder.norm", "null"), "takes no norm"),
    ],
)
def test_refused_before_a_folder_is_made(folder, backbone, flags, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        run_of(backbone, *flags)
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("backbone", "flags"),
    [
        ("Attention", ("--hidden", "8")),
        ("Narrow", ()),
        ("torch_geometric.nn.models:GIN", ("--encoder.norm", "graph_norm")),
        ("torch_geometric.nn.models:GAT", ("--encoder.norm", "pair_norm")),
    ],
)
@pytest.mark.filterwarnings("ignore:Not read in this run")
def test_networks_that_keep_graphs_apart_run(folder, backbone, flags) -> None:
    run_of(backbone, *flags)
    embed.main(["run", "--out", "z.npz", "--trust-code"])
    assert (folder / "z.npz").exists()


@pytest.mark.parametrize("kind", ["GIN", "GCN", "GraphSAGE", "GAT", "PNA", "EdgeCNN"])
def test_pygs_classes_are_the_named_ones(kind) -> None:
    sizes = {"in_channels": 4, "hidden": 8, "layers": 2, "degrees": lambda: torch.tensor([0, 2])}
    named = make_backbone(kind.lower(), **sizes)
    assert type(make_backbone(getattr(models, kind), **sizes)) is type(named)
    assert type(make_backbone(f"torch_geometric.nn:{kind}", **sizes)) is type(named)


def twice(nodes, batch, size):
    return torch.cat([global_add_pool(nodes, batch, size)] * 2, dim=1)


@pytest.mark.parametrize("readout", [Set2Set(16, 2), twice])
def test_a_readout_may_change_the_width(readout) -> None:
    from graph_hcl.data import load

    net = make_backbone("gin", 7, 8, 2)
    encoder = GraphEncoder(net, infer_out_channels(net, 7), readout)
    assert encoder.out_channels == 32
    batch = load("MUTAG").batch(slice(5))
    assert encoder(batch).shape == (5, 32)
    assert ContrastiveModel(encoder)(batch).shape == (5, 32)


@pytest.mark.parametrize(
    ("readout", "sentence"),
    [
        (lambda nodes: nodes, "cannot be called so"),
        (lambda nodes, batch, size: nodes.sum(), r"\[graphs, features\].*got \[\]"),
        (lambda nodes, batch, size: nodes, r"\[graphs, features\].*got \[3, 16\]"),
        (Set2Set, "Set2Set"),
        (Set2Set(5, 2), "Set2Set cannot be called so"),
    ],
)
def test_what_is_no_readout_is_named(readout, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        GraphEncoder(make_backbone("gin", 7, 8, 2), 16, readout)
