"""Sums over neighbours are PyG's message passing: same values, same gradients, same parameters."""

import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.nn import models

from graph_hcl.data import GraphStore
from graph_hcl.data.batch import is_mirrored
from graph_hcl.nn import GraphEncoder, infer_out_channels, make_backbone
from graph_hcl.nn.neighbours import Neighbours


def plain(batch: Batch) -> Batch:
    """The same tensors in a batch of PyG's, of which nothing is known."""
    return Batch(x=batch.x, edge_index=batch.edge_index, batch=batch.batch, ptr=batch.ptr)


def store(count: int = 6) -> GraphStore:
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for k in range(count):
        n = 1 + k  # the first has no edge
        adjacency = torch.rand(n, n, generator=generator).triu(1) > 0.5
        edges = (adjacency | adjacency.t()).nonzero().t()
        graphs.append(Data(torch.randn(n, 5, generator=generator), edges))
    return GraphStore.from_data(graphs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["gin", "gcn", "graphsage"])
def test_equal_to_pyg(name, dtype) -> None:
    torch.manual_seed(0)
    ours = make_backbone(name, 5, 8, 3).to(dtype)
    kind = {"gin": models.GIN, "gcn": models.GCN, "graphsage": models.GraphSAGE}[name]
    pyg = kind(5, 8, 3, jk="cat", norm="batch_norm").to(dtype)
    pyg.lin = torch.nn.Identity()
    pyg.load_state_dict(ours.state_dict())
    batch = store().batch(torch.tensor([3, 0, 5, 5]))
    assert is_mirrored(batch)
    x = batch.x.to(dtype).requires_grad_()
    neighbours = Neighbours.of(batch.edge_index, len(x))
    results = []
    for net, edges in ((ours, neighbours), (pyg, batch.edge_index)):
        out = net(x, edges)
        weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
        slopes = torch.autograd.grad((out * weights).sum(), [x, *net.parameters()])
        results.append((out, slopes))
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {}
    torch.testing.assert_close(*results, **(tolerance or {"rtol": 1e-3, "atol": 1e-4}))


@pytest.mark.parametrize("jk", ["cat", "max", "last"])
@pytest.mark.parametrize("options", [{}, {"train_eps": True}, {"act_first": True}])
@pytest.mark.parametrize("wide", [5, 11])
def test_three_steps_of_training_and_then_evaluation_equal_pyg(jk, options, wide) -> None:
    torch.manual_seed(0)
    ours = make_backbone("gin", wide, 7, 3, jk=jk, options=options).double()
    jumping = None if jk == "last" else jk
    pyg = models.GIN(wide, 7, 3, jk=jumping, norm="batch_norm", **options).double()
    if jumping:
        pyg.lin = torch.nn.Identity()
    pyg.load_state_dict(ours.state_dict())
    given = store().batch(torch.tensor([3, 0, 5, 5]))
    given.x = torch.randn(len(given.x), wide, dtype=torch.float64)
    found = []
    for net in (ours, pyg):
        batch = given if net is ours else plain(given)
        encoder = GraphEncoder(net, infer_out_channels(net.to(torch.float32), wide)).train()
        net.double()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for _ in range(3):
            loss = encoder(batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found.append([encoder.eval()(batch), *net.state_dict().values()])
        assert all(p.grad is not None for p in net.parameters())
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("readout", ["sum", "mean", "max"])
def test_layers_read_out_one_by_one_are_the_nodes_read_out(readout) -> None:
    batch = store().batch(torch.tensor([3, 0, 5, 5]))
    encoder = GraphEncoder(make_backbone("gin", 5, 8, 3), 24, readout)
    expected = encoder.readout(encoder.nodes(batch), batch.batch, batch.num_graphs)
    torch.testing.assert_close(encoder(batch), expected)
    whole = GraphEncoder(encoder.backbone, 24, lambda x, batch, size: x[:size].softmax(1))
    torch.testing.assert_close(whole(batch).sum(1), torch.ones(4))


def test_gradient_of_the_sum_twice() -> None:
    batch = store().batch(torch.arange(6))
    neighbours = Neighbours.of(batch.edge_index, len(batch.x))
    x = batch.x.double().requires_grad_()
    assert torch.autograd.gradcheck(neighbours.sum, (x,))
    assert torch.autograd.gradgradcheck(neighbours.sum, (x,))
    loop = torch.zeros_like(x)
    for u, v in batch.edge_index.t().tolist():
        loop[v] += x[u]
    torch.testing.assert_close(neighbours.sum(x), loop)


@pytest.mark.parametrize("name", ["gin", "gcn", "graphsage", "gat"])
def test_the_encoder_takes_the_fast_way_only_where_it_holds(name, monkeypatch) -> None:
    backbone = make_backbone(name, 5, 8, 2)
    encoder = GraphEncoder(backbone, infer_out_channels(backbone, 5)).eval()
    batch, calls = store().batch(torch.arange(6)), []
    summed = Neighbours.sum
    monkeypatch.setattr(Neighbours, "sum", lambda *given: calls.append(1) or summed(*given))
    fast = encoder(batch)
    assert bool(calls) == (name != "gat")
    calls.clear()
    batch = plain(batch)
    torch.testing.assert_close(encoder(batch), fast, rtol=1e-4, atol=1e-5)
    assert not calls


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gcn", {"improved": True}),
        ("gcn", {"add_self_loops": False}),
        ("gcn", {"normalize": False}),
        ("graphsage", {"aggr": "max"}),
        ("graphsage", {"normalize": True}),
    ],
)
def test_other_options_take_the_usual_way(name, options) -> None:
    backbone = make_backbone(name, 5, 8, 2, options=options)
    assert not backbone.accepts_neighbours
    assert (
        GraphEncoder(backbone, infer_out_channels(backbone, 5))(store().batch(torch.arange(6)))
        .isfinite()
        .all()
    )
