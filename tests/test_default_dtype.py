"""Training under another default type of torch."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from graph_hcl import GraphContrast
from graph_hcl.augment import ColumnMask, RandomWalkSubgraph
from graph_hcl.data import GraphStore, load
from graph_hcl.data.columns import Column
from graph_hcl.data.vocabulary import Features


@pytest.fixture(params=[torch.float64, torch.bfloat16, torch.float16])
def default(request) -> Iterator[torch.dtype]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", ["MUTAG", "digits"])
def test_the_default_view_trains(default: torch.dtype, name: str) -> None:
    store = load(name)[:24]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GraphContrast(epochs=1, batch_size=24, random_state=0).fit(store)
    assert {p.dtype for p in model.model_.parameters()} == {default}
    assert np.isfinite(model.transform(store)).all()


def test_draws_do_not_depend_on_it(default: torch.dtype) -> None:
    batch = load("MUTAG").batch([0, 1, 2])
    drawn = []
    for kind in (default, torch.float32):
        torch.set_default_dtype(kind)
        generator = torch.Generator().manual_seed(0)
        drawn.append(RandomWalkSubgraph(0.5)(batch, generator).nodes)
        drawn.append(ColumnMask(0.5)(batch, generator).masked)
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])


def test_features_and_weights_are_of_it(default: torch.dtype) -> None:
    fields = {"x": (2, 1), "edge_weight": (2,), "pos": (2, 3), "y": (1,)}
    values = {name: torch.ones(shape).float() for name, shape in fields.items()}
    ends = torch.tensor([0, 2])
    edges = torch.tensor([[0, 1], [1, 0]])
    store = GraphStore(**values, edge_index=edges, node_ptr=ends, edge_ptr=ends)
    for graph in (store[0], store.batch([0])):
        assert {graph[name].dtype for name in ("x", "edge_weight", "pos")} == {default}
        assert graph.y.dtype == torch.float32


def test_a_scale_is_not_rounded(default: torch.dtype) -> None:
    features = Features((Column("size", mean=1000.5, std=0.25), Column("kind", ("a", "b"))))
    x = torch.tensor([[1000.75, 1.0]], dtype=torch.float32)
    encoded = features.encode(x)
    assert (encoded.tolist(), encoded.dtype) == ([[1.0, 0.0, 1.0]], default)
    torch.set_default_dtype(torch.float32)
    assert torch.equal(features.encode(x), encoded.float())
