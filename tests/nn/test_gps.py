"""GPS is its formula, attends within graphs alone, and reads bonds."""

import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.nn import conv as pyg

from graph_hcl.errors import UserError
from graph_hcl.nn import GraphEncoder, infer_out_channels, make_backbone
from graph_hcl.nn.gps import GPSConv

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def path(seed: int, channels: int = 4) -> Data:
    generator = torch.Generator().manual_seed(seed)
    return Data(
        x=torch.randn(3, channels, generator=generator),
        edge_index=PATH,
        edge_attr=torch.randn(4, 2, generator=generator),
    )


def test_one_layer_against_loops() -> None:
    torch.manual_seed(0)
    net = make_backbone("gps", 4, 4, 1, edge_dim=2, norm=None, jk="last", options={"heads": 1})
    layer = net.eval().convs[0].gps
    data = path(0)
    local = data.x.clone()
    for (u, v), bond in zip(PATH.t().tolist(), data.edge_attr, strict=True):
        local[v] += (data.x[u] + layer.conv.lin(bond)).relu()
    local = layer.conv.nn(local) + data.x
    attend = layer.attn
    weights, biases = attend.in_proj_weight.chunk(3), attend.in_proj_bias.chunk(3)
    query, key, value = (data.x @ w.t() + b for w, b in zip(weights, biases, strict=True))
    share = (query @ key.t() / 2.0).softmax(1)  # √4
    both = local + attend.out_proj(share @ value) + data.x
    expected = both + layer.mlp(both)
    torch.testing.assert_close(net(data.x, PATH, edge_attr=data.edge_attr), expected)


def test_attention_sees_no_other_graph_in_training_mode_either() -> None:
    net = make_backbone("gps", 4, 8, 2, edge_dim=2, norm=None)
    encoder = GraphEncoder(net, infer_out_channels(net, 4, 2))
    batch = Batch.from_data_list([path(0), path(1)])
    batch.x.requires_grad_()
    encoder(batch)[0].sum().backward()
    assert batch.x.grad[:3].abs().min() > 0
    assert not batch.x.grad[3:].any()


def test_every_node_reaches_every_other_of_its_graph() -> None:
    net = make_backbone("gps", 4, 8, 1)
    x = torch.randn(5, 4, requires_grad=True)
    net(x, torch.tensor([[0], [1]]), batch=torch.tensor([0, 0, 0, 1, 1]))[2].sum().backward()
    assert x.grad[:3].abs().sum(1).min() > 0


@pytest.mark.parametrize(
    ("width", "options", "sentence"),
    [
        (30, {"heads": 4}, "4 attention heads divide, but got 30: take a width of 28 or 32"),
        (32, {"act_first": True}, "no option 'act_first' with gps"),
        (32, {"attn_type": "big_bird"}, "cannot be built: big_bird is not supported"),
    ],
)
def test_what_it_cannot_do_is_refused(width, options, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        make_backbone("gps", 4, width, 2, options=options)


@pytest.mark.parametrize(("width", "heads"), [(32, 4), (6, 2), (5, 1)])
def test_heads_divide_the_width(width, heads) -> None:
    assert make_backbone("gps", 4, width, 2).convs[1].gps.heads == heads


def test_norm_activation_and_dropout_act_inside_the_layers() -> None:
    net = make_backbone("gps", 4, 8, 2, norm="graph_norm", act="elu", dropout=0.5)
    layer = net.convs[0].gps
    assert [type(getattr(layer, f"norm{k}")).__name__ for k in (1, 2, 3)] == ["GraphNorm"] * 3
    assert type(layer.mlp[1]).__name__ == "ELU"
    assert layer.dropout == 0.5
    assert [type(norm).__name__ for norm in net.norms] == ["Identity"] * 2


def test_the_layer_is_pygs_whatever_the_sizes() -> None:
    net = make_backbone("gps", 4, 8, 1, edge_dim=2, norm="graph_norm", jk="last").eval()
    layer = net.convs[0]
    sizes = (1, 7, 2, 8, 30, 3)
    graphs = []
    for n in sizes:
        edges = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
        graphs.append(Data(x=torch.randn(n, 4), edge_index=edges, edge_attr=torch.randn(n - 1, 2)))
    batch = Batch.from_data_list(graphs)
    theirs = pyg.GPSConv(8, layer.gps.conv, heads=4, norm="graph_norm").eval()
    theirs.load_state_dict(layer.gps.state_dict())
    given = (layer.first(batch.x), batch.edge_index, batch.batch)
    expected = theirs(*given, edge_attr=batch.edge_attr)
    found = layer.gps(*given, edge_attr=batch.edge_attr)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_large_graph_does_not_pad_the_small_ones(monkeypatch) -> None:
    shapes = []
    attention = GPSConv._attention

    def note(self, dense, real):
        shapes.append(tuple(real.shape))
        return attention(self, dense, real)

    monkeypatch.setattr(GPSConv, "_attention", note)
    layer = make_backbone("gps", 4, 8, 1, jk="last").convs[0]
    sizes = torch.tensor([3, 90, 2, 3, 120])
    owner = torch.arange(5).repeat_interleave(sizes)
    layer(torch.randn(218, 4), torch.empty(2, 0, dtype=torch.long), batch=owner)
    assert shapes == [(3, 3), (2, 120)]


def test_no_matrix_among_all_nodes_is_held_in_evaluation(monkeypatch) -> None:
    net = make_backbone("gps", 4, 8, 2).eval()
    x, graph = torch.randn(9, 4), torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 2])
    edges = torch.tensor([[0, 3], [1, 4]])
    expected = net(x, edges, batch=graph)

    def native(*given):
        raise AssertionError("its weights are N × N")

    monkeypatch.setattr(torch, "_native_multi_head_attention", native)
    with torch.no_grad():
        torch.testing.assert_close(net(x, edges, batch=graph), expected)


def test_a_performer_attends_within_graphs_alone() -> None:
    options = {"attn_type": "performer"}
    net = make_backbone("gps", 4, 8, 2, options=options)
    encoder = GraphEncoder(net, infer_out_channels(net, 4)).double().eval()
    graphs = [Data(x=torch.randn(n, 4).double(), edge_index=PATH) for n in (3, 5, 4, 7, 3, 6)]
    alone = torch.cat([encoder(Batch.from_data_list([one])) for one in graphs])
    torch.testing.assert_close(encoder(Batch.from_data_list(graphs)), alone)
