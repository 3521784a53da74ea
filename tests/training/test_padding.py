"""Padded batches give what the batches themselves do: features, losses, gradients, statistics."""

import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import MeanAggregation, SumAggregation

from benchmarks.device.checks.common import some_graphs
from graph_hcl import losses
from graph_hcl.data import GraphStore
from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.errors import UserError
from graph_hcl.nn import BACKBONES, READOUTS, ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.nn.neighbours import Neighbours
from graph_hcl.nn.over_real import over_real
from graph_hcl.training.padding import (
    check_padding,
    pad,
    padded_shape,
    real_rows,
    rung,
)

NORMS = (
    "batch_norm",
    "graph_norm",
    "layer_norm",
    "instance_norm",
    "pair",
    "mean_subtraction",
    None,
)
LOSSES = (losses.HUCL(), losses.HSCL(beta=0.5), losses.UCL(temperature=0.2), losses.SupCon())


def batch_of(start: int = 0, count: int = 12, *, flipped: bool = False) -> Batch:
    """Return two views' worth of graphs in float64, with edges in an order that is not known."""
    store = some_graphs()
    if flipped:
        turned = store.edge_index.flip(0)
        store = dataclasses.replace(store, edge_index=turned, vocabulary=None)
    batch = store.batch((torch.arange(start, start + count) % len(store)).repeat(2))
    double = {"x": batch.x.double(), "edge_attr": batch.edge_attr.double()}
    for name, value in double.items():
        batch[name] = value
    return batch


def model_of(backbone: str, norm: str | None, readout="sum") -> ContrastiveModel:
    torch.manual_seed(0)
    degrees = torch.tensor([1, 5, 9, 4])
    net = make_backbone(
        backbone, 7, 8, 2, norm=norm, edge_dim=2, degrees=lambda: degrees, act="elu"
    )
    return ContrastiveModel(GraphEncoder(net, 16, readout)).double().train()


def assert_equal(model: ContrastiveModel, batch: Batch, loss: nn.Module) -> None:
    """Take features, loss and gradients of a batch and of its padding, by two copies of a model."""
    nodes, edges = padded_shape(batch)
    graph = torch.arange(batch.num_graphs // 2).repeat(2)
    found = []
    for padded in (False, True):
        own = copy.deepcopy(model)
        if padded:
            with over_real(own, real_rows(batch, nodes, edges)):
                z = own(pad(batch, nodes, edges))[:-1]
        else:
            z = own(batch)
        value = loss(z, graph=graph, label=batch.y if loss.uses_labels else None)
        value.backward()
        gradients = [p.grad for p in own.parameters() if p.grad is not None]
        found.append([z.detach(), value.detach(), *gradients, *own.buffers()])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(theirs, mine, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("backbone", BACKBONES.names())
def test_all_networks_and_norms_give_what_they_give_unpadded(backbone: str, norm: str) -> None:
    for number, flipped in enumerate((False, True)):
        model = model_of(backbone, norm, tuple(READOUTS.names())[number])
        assert_equal(model, batch_of(3, flipped=flipped), LOSSES[number])


@pytest.mark.parametrize("readout", [*READOUTS.names(), SumAggregation(), MeanAggregation()])
@pytest.mark.parametrize("backbone", ["gin", "gcn", "pna"])
def test_all_readouts_do(backbone: str, readout) -> None:
    for loss in LOSSES:
        assert_equal(model_of(backbone, "batch_norm", readout), batch_of(), loss)


@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_batches_of_any_sizes_do(sizes, seed) -> None:
    made = torch.Generator().manual_seed(seed)
    graphs = []
    for size in sizes:
        upper = (torch.rand(size, size, generator=made) < 0.5).triu(1)
        x = torch.randn(size, 7, generator=made, dtype=torch.double)
        edges = (upper | upper.t()).nonzero().t()
        weight = torch.rand(edges.shape[1], 2, generator=made, dtype=torch.double)
        graphs.append(Data(x, edges, weight, y=torch.tensor([0])))
    if sum(sizes) < 2:
        return
    batch = Batch.from_data_list(graphs * 2)
    for backbone in ("gin", "gine"):
        assert_equal(model_of(backbone, "batch_norm"), batch, losses.UCL())


@given(count=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_the_ladder_is_even_not_below_and_at_most_a_fifth_above(count) -> None:
    size = rung(count)
    assert size % 2 == 0
    assert count <= size
    assert size <= max(16, 1.19 * count + 4)
    assert rung(size) == size


@given(more=st.integers(2, 9), new=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_the_added_graph_is_alone_and_its_edges_are_sorted_and_mirrored(more, new) -> None:
    batch = some_graphs().batch([4, 7])
    n, e = batch.num_nodes, batch.num_edges
    padded = pad(batch, n + more, e + new)
    assert (padded.num_nodes, padded.num_edges, padded.num_graphs) == (n + more, e + new, 3)
    assert torch.equal(padded.x[:n], batch.x)
    assert not padded.x[n:].any()
    assert torch.equal(padded.edge_attr[:e], batch.edge_attr)
    assert torch.equal(padded.edge_index[:, :e], batch.edge_index)
    assert torch.equal(padded.batch, torch.repeat_interleave(padded.ptr.diff()))
    assert "y" not in padded
    source, target = padded.edge_index[:, e:]
    assert bool(((source >= n) & (target >= n) & (source != target)).all())
    assert bool(((source < n + more) & (target < n + more)).all())
    assert is_sorted_undirected(padded) == (new % 2 == 0)
    if is_sorted_undirected(padded):
        assert bool((padded.edge_index[0].diff() >= 0).all())
        pairs = (source * 100 + target).sort().values
        assert torch.equal(pairs, (target * 100 + source).sort().values)
        degree = Neighbours.of(padded.edge_index, n + more).degree()[n:]
        assert int(degree.max() - degree[: more // 2 * 2].min()) <= 1


def test_statistics_are_taken_over_the_real_rows_alone_and_only_inside_the_block() -> None:
    torch.manual_seed(0)
    x = torch.randn(9, 3)
    for options in ({}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}):
        mine = nn.BatchNorm1d(3, **options)
        theirs = copy.deepcopy(mine)
        for _ in range(2):
            with over_real(mine, {9: torch.tensor(5)}):
                found = mine(x)[:5]
                others = mine(x[:4])
            torch.testing.assert_close(found, theirs(x[:5]), rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(others, theirs(x[:4]))
        assert type(mine) is nn.BatchNorm1d
        assert mine.state_dict().keys() == theirs.state_dict().keys()
        for name, value in mine.state_dict().items():
            torch.testing.assert_close(value, theirs.state_dict()[name], rtol=1e-5, atol=1e-6)
        assert "real" not in vars(mine)
    mine.eval()
    with pytest.raises(ZeroDivisionError), over_real(mine, {9: torch.tensor(5)}):
        raise ZeroDivisionError
    assert type(mine) is nn.BatchNorm1d


def test_half_precision_is_summed_in_float32() -> None:
    x = torch.randn(400, 2).bfloat16() + 8
    norm = nn.BatchNorm1d(2)
    with over_real(norm, {400: torch.tensor(399)}):
        found = norm(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found[:399], norm(x[:399]), rtol=2e-2, atol=2e-2)


class OverAll(nn.Module):
    """A network that looks over all nodes of a batch."""

    def forward(self, x, edge_index):
        return x - x.mean(0)


def test_a_network_that_padding_changes_is_refused_by_name() -> None:
    model = ContrastiveModel(GraphEncoder(OverAll(), 7))
    with pytest.raises(UserError, match=r"but those of OverAll change by .* leave --cuda-graphs"):
        check_padding(model.double(), batch_of())


def test_the_check_changes_neither_the_model_nor_the_random_state() -> None:
    model = model_of("gin", "batch_norm")
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    check_padding(model, batch_of())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training


def test_a_network_with_hooks_is_refused() -> None:
    model = model_of("gin", "batch_norm")
    model.encoder.register_forward_hook(lambda *given: None)
    with pytest.raises(UserError, match=r"^Expected a network without hooks with --cuda-graphs"):
        check_padding(model, batch_of())


def test_a_batch_without_edges_is_padded() -> None:
    graphs = [Data(torch.ones(2, 1), torch.empty(2, 0, dtype=torch.long)) for _ in range(2)]
    batch = GraphStore.from_data(graphs).batch([0, 1])
    padded = pad(batch, *padded_shape(batch))
    assert padded.num_edges == 18
    assert padded.num_nodes == 16
