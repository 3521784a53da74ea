"""Every field of the graphs is read by the encoder, or a message names it."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.losses.objective import ObjectiveTags
from graph_hcl.model_factory import describe_model, make_model
from graph_hcl.nn import BACKBONES
from graph_hcl.spec import describe_unread
from graph_hcl.training import embed, set_seed

FIELDS = ("x", "edge_attr", "edge_weight", "pos")


class Reader(nn.Module):
    """Reads all there is."""

    def __init__(self, in_channels, hidden_channels, num_layers, edge_dim=None) -> None:
        super().__init__()
        self.node, self.place = nn.Linear(in_channels, 8), nn.Linear(2, 8)
        self.edge = None if edge_dim is None else nn.Linear(edge_dim, 8)

    def forward(self, x, edge_index, edge_attr=None, edge_weight=None, pos=None):
        x = self.node(x) if pos is None else self.node(x) + self.place(pos)
        message = x[edge_index[0]]
        message = message if edge_attr is None else message + self.edge(edge_attr)
        message = message if edge_weight is None else message * edge_weight[:, None]
        return x + torch.zeros_like(x).index_add_(0, edge_index[1], message.relu())


class Deaf(Reader):
    """Reads node features and edges alone."""

    def forward(self, x, edge_index):
        return super().forward(x, edge_index)


OUTSIDE = [f"{__name__}:Reader", f"{__name__}:Deaf"]
READ = {  # what of FIELDS each backbone reads
    "gin": {"x"},
    "gine": {"x", "edge_attr"},
    "gcn": {"x", "edge_weight"},
    "graphsage": {"x", "edge_weight"},
    "gps": {"x", "edge_attr"},
    "gat": {"x", "edge_attr"},
    "pna": {"x", "edge_attr"},
    "edgecnn": {"x"},
    OUTSIDE[0]: set(FIELDS),
    OUTSIDE[1]: {"x"},
}


def graphs(codes: bool, seed: int = 0) -> list[Data]:
    """Wheels whose nodes and edges carry every field, as codes or as quantities."""
    rng = torch.Generator().manual_seed(seed)

    def numbers(rows, columns):
        if codes:
            return torch.randint(0, 3, (rows, columns), generator=rng)
        return torch.randn(rows, columns, generator=rng)

    found = []
    for n in (5, 6, 7, 8):
        one = [(0, k) for k in range(1, n)] + [(k, k % (n - 1) + 1) for k in range(1, n)]
        edges = torch.tensor(sorted(one + [(b, a) for a, b in one])).t()
        found.append(
            Data(
                x=numbers(n, 2),
                edge_index=edges,
                edge_attr=numbers(edges.shape[1], 2),
                edge_weight=torch.rand(edges.shape[1], generator=rng) + 0.5,
                pos=torch.randn(n, 2, generator=rng),
                y=torch.tensor(n % 2),
            )
        )
    return found


def changed(given: list[Data], name: str) -> list[Data]:
    """The graphs with one field of one node or edge changed to another known value."""
    given = [data.clone() for data in given]
    values = given[1][name]
    values[0] = values[0] + 1 if values.is_floating_point() else (values[0] + 1) % 3
    return given


def without(given: list[Data], name: str) -> list[Data]:
    given = [data.clone() for data in given]
    for data in given:
        del data[name]
    return given


def one_way(given: list[Data]) -> list[Data]:
    """The graphs, of which one lacks one direction of an edge."""
    given = [data.clone() for data in given]
    for name in ("edge_attr", "edge_weight"):
        given[1][name] = given[1][name][1:]
    given[1].edge_index = given[1].edge_index[:, 1:]
    return given


class Run:
    """A new encoder for some graphs, and what was said of them."""

    def __init__(self, backbone: str, given: list[Data]) -> None:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.store = GraphStore.from_data(given)
        self.config = Config(dataset="MUTAG", backbone=backbone)
        self.spec = describe_model(self.config, self.store, ObjectiveTags())
        set_seed(0)
        self.model = make_model(self.config, self.spec)
        self.said = " ".join(str(each.message) for each in said) + describe_unread(
            self.store, self.spec, backbone
        )
        self.own = self.embed(self.store)

    def embed(self, store: GraphStore) -> np.ndarray:
        return embed(self.model, self.spec.prepare(store), torch.device("cpu"))

    def of_new(self, given: list[Data]) -> tuple[np.ndarray | None, str]:
        """Embeddings of other graphs, as `graph_hcl.embed` makes them, and what was said."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                store = self.spec.prepare(GraphStore.from_data(given))
                found = embed(self.model, store, torch.device("cpu"))
            except UserError as error:
                return None, str(error)
        texts = [str(each.message) for each in said]
        assert len(set(texts)) == len(texts)
        return found, " ".join(texts) + describe_unread(store, self.spec, self.config.backbone)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-6)


def test_all_backbones_are_here() -> None:
    assert set(READ) == {*BACKBONES.names(), *OUTSIDE}


@pytest.mark.parametrize("codes", [True, False])
@pytest.mark.parametrize("backbone", READ)
def test_a_changed_field_changes_embeddings_or_is_named(backbone, codes) -> None:
    given = graphs(codes)
    run = Run(backbone, given)
    assert same(run.own, run.of_new(given)[0])
    for name in FIELDS:
        other = changed(given, name)
        again, (new, said) = Run(backbone, other), run.of_new(other)
        read = name in READ[backbone]
        assert same(run.own, again.own) == (not read) == same(run.own, new), name
        assert (name in again.said) == (not read) == (name in said), name


@pytest.mark.parametrize("backbone", READ)
def test_a_missing_or_additional_field_is_named_or_not_needed(backbone) -> None:
    given = graphs(codes=False)
    full = Run(backbone, given)
    for name in FIELDS[1:]:
        bare, read = without(given, name), name in READ[backbone]
        found, said = full.of_new(bare)
        assert (found is None) == read == (name in said), name
        lacking = Run(backbone, bare)
        found, said = lacking.of_new(given)
        assert same(found, lacking.own), name
        assert name in said, name
        assert said.count("left out") <= 1  # once
        assert name not in lacking.said


@pytest.mark.parametrize("backbone", READ)
def test_one_way_edges_are_named_and_followed(backbone) -> None:
    given = graphs(codes=True)
    run, other = Run(backbone, given), one_way(given)
    again, (new, said) = Run(backbone, other), run.of_new(other)
    for text, found in ((again.said, again.own), (said, new)):
        assert "1 of 87 edges have no reverse edge" in text
        assert not same(found, run.own)


def test_fields_that_no_store_keeps_are_named_at_the_door() -> None:
    given = graphs(codes=True)
    for data in given:
        data.time = torch.ones(data.num_nodes)
    assert "time" in Run("gin", given).said


def test_codes_that_training_never_saw_are_counted() -> None:
    given = graphs(codes=True)
    run = Run(OUTSIDE[0], given)
    other = [data.clone() for data in given]
    other[0].x[0, 0], other[1].edge_attr[:2, 1] = 9, 7
    found, said = run.of_new(other)
    assert "Of 26 nodes" in said
    assert "1 with 'x[0]'" in said
    assert "edges" in said
    assert "2 with 'edge_attr[1]'" in said
    assert np.isfinite(found).all()


def test_codes_serve_as_quantities_but_not_the_other_way() -> None:
    found, said = Run(OUTSIDE[0], graphs(codes=True)).of_new(graphs(codes=False))
    assert found is None
    assert "'x[0]'" in said
    found, _ = Run(OUTSIDE[0], graphs(codes=False)).of_new(graphs(codes=True))
    assert np.isfinite(found).all()
