"""After any edit by a user, an encoder gives what it gives of the same tensors in a plain batch."""

import copy
import io

import pytest
import torch
import torch_geometric.transforms as T
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations
from torch_geometric.data import Batch, Data
from torch_geometric.utils import add_random_edge, dropout_edge, dropout_node, to_undirected

from graph_hcl.data import GraphStore
from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.nn import GraphEncoder, infer_out_channels, make_backbone
from graph_hcl.nn.neighbours import Neighbours


def batch_of(seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for n in (6, 1, 9, 4):
        half = (torch.rand(n, n, generator=generator) < 0.5).triu(1)
        edges = (half | half.t()).nonzero().t()
        graphs.append(Data(torch.randn(n, 5, generator=generator), edges))
    return GraphStore.from_data(graphs).batch([2, 0, 1, 3, 2])


def encoder_of(name: str, **options) -> GraphEncoder:
    torch.manual_seed(0)
    net = make_backbone(name, 5, 8, 2, **options)
    return GraphEncoder(net, infer_out_channels(net, 5)).double().eval()


def plain(batch: Batch) -> Batch:
    fields = {key: value for key, value in batch.to_dict().items() if key != "ptr"}
    found = Batch(**fields)
    found._num_graphs = 5
    return found


def assert_same(encoder: GraphEncoder, batch: Batch) -> None:
    batch._num_graphs = 5
    results = []
    for each in (batch, plain(batch)):
        each.x = each.x.detach().double().requires_grad_()
        z = encoder(each)
        weights = torch.linspace(-1, 2, z.numel(), dtype=z.dtype).view_as(z)
        wanted = [each.x, *encoder.parameters()]
        results.append((z, torch.autograd.grad((z * weights).sum(), wanted, allow_unused=True)))
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


def drop(batch):
    batch.edge_index = dropout_edge(batch.edge_index, p=0.5)[0]


def add(batch):
    batch.edge_index = add_random_edge(batch.edge_index, p=0.3, num_nodes=batch.num_nodes)[0]


def drop_nodes(batch):
    batch.edge_index = dropout_node(batch.edge_index, p=0.3, num_nodes=batch.num_nodes)[0]


def shuffle(batch):
    batch.edge_index = batch.edge_index[:, torch.randperm(batch.num_edges)]


def one_way(batch):
    batch.edge_index = batch.edge_index[:, batch.edge_index[0] < batch.edge_index[1]]


def both_again(batch):
    one_way(batch)
    batch.edge_index = to_undirected(batch.edge_index)


def rolled(batch):
    batch.edge_index[1] = batch.edge_index[1].roll(1)


def by_view(batch):
    batch.edge_index[1][:3] = 0


def cloned(batch):
    other = batch.clone()
    rolled(other)
    return other


def shallow(batch):
    other = copy.copy(batch)
    drop(other)
    return other


def subgraph(batch):
    return batch.subgraph(torch.arange(batch.num_nodes) % 3 != 0)


def regrouped(batch):
    batch.batch = (torch.arange(batch.num_nodes) * 5) // batch.num_nodes


def regrouped_in_place(batch):
    batch.batch[batch.ptr[1]] -= 1


def pickled(batch):
    file = io.BytesIO()
    torch.save(batch, file)
    file.seek(0)
    other = torch.load(file, weights_only=False)
    rolled(other)
    return other


def copied_deeply(batch):
    other = copy.deepcopy(batch)
    rolled(other)
    return other


def reloaded(batch):
    return Batch.from_data_list(batch.to_data_list())


EDITS = [
    drop,
    add,
    drop_nodes,
    shuffle,
    one_way,
    both_again,
    rolled,
    by_view,
    cloned,
    shallow,
    subgraph,
    regrouped,
    regrouped_in_place,
    pickled,
    copied_deeply,
    T.AddSelfLoops(),
    T.AddRemainingSelfLoops(),
    T.RemoveSelfLoops(),
    T.ToUndirected(),
    T.VirtualNode(),
    T.GCNNorm(),
    T.RemoveDuplicatedEdges(),
    T.RemoveIsolatedNodes(),
    T.LargestConnectedComponents(),
    T.Compose([T.AddSelfLoops(), drop]),
    lambda batch: None,
    lambda batch: batch.to("cpu"),
    lambda batch: batch.contiguous(),
    reloaded,
]


@pytest.mark.parametrize("name", ["gin", "gcn", "graphsage"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda e: getattr(e, "__name__", type(e).__name__))
def test_after_an_edit(edit, name) -> None:
    torch.manual_seed(1)
    batch = batch_of()
    assert is_sorted_undirected(batch)
    found = edit(batch)
    found = batch if found is None else found
    assert_same(encoder_of(name), found)


@given(
    seed=st.integers(0, 2**16),
    edits=st.lists(st.sampled_from(EDITS[:10]), min_size=1, max_size=4),
    name=st.sampled_from(["gin", "gcn", "graphsage"]),
)
@settings(max_examples=40, deadline=None)
def test_after_several_edits(seed, edits, name) -> None:
    torch.manual_seed(seed)
    batch = batch_of(seed)
    for edit in edits:
        found = edit(batch)
        batch = batch if found is None else found
    assert_same(encoder_of(name), batch)


def test_features_alone_may_change() -> None:
    batch = batch_of()
    batch.x = batch.x * 2
    batch.x[0] = 0
    assert is_sorted_undirected(batch)
    assert_same(encoder_of("gin"), batch)


def test_inference_tensors_are_not_trusted() -> None:
    with torch.inference_mode():
        batch = batch_of()
        assert not is_sorted_undirected(batch)
        rolled(batch)
        encoder = encoder_of("gin")
        batch.x = batch.x.double()
        torch.testing.assert_close(encoder(batch), encoder(plain(batch)))
    known = batch_of()
    with torch.inference_mode():
        assert is_sorted_undirected(known)


def test_weights_on_the_edges_are_read(monkeypatch) -> None:
    batch = batch_of()
    batch.edge_weight = torch.rand(batch.num_edges).double()
    assert_same(encoder_of("gcn"), batch)
    other = batch.clone()
    other.edge_weight = other.edge_weight * torch.rand(batch.num_edges)
    assert not torch.allclose(encoder_of("gcn")(other), encoder_of("gcn")(batch))


def bags(monkeypatch) -> list:
    calls, summed = [], Neighbours.sum
    monkeypatch.setattr(Neighbours, "sum", lambda *given: calls.append(1) or summed(*given))
    return calls


def part(net: nn.Module, path: str) -> nn.Module:
    return net.get_submodule(path)


PARTS = {
    "gin": ["", "convs.0", "convs.1.nn", "convs.0.nn.lins.1", "convs.0.nn.norms.0", "norms.1"],
    "gcn": ["", "convs.1", "convs.0.lin", "norms.0.module", "act"],
    "graphsage": ["", "convs.0", "convs.1.lin_r", "convs.0.lin_l", "norms.0"],
}
WHERE = [(name, path) for name, paths in PARTS.items() for path in paths]


@pytest.mark.parametrize(("name", "path"), WHERE)
def test_hooks_fire(name, path, monkeypatch) -> None:
    encoder, fast = encoder_of(name), bags(monkeypatch)
    batch = batch_of()
    batch.x = batch.x.double().requires_grad_()
    encoder(batch)
    assert fast
    module, seen = part(encoder.backbone, path), []
    for register in (
        module.register_forward_hook,
        module.register_forward_pre_hook,
        module.register_full_backward_hook,
        module.register_full_backward_pre_hook,
    ):
        seen.clear()
        handle = register(lambda *given: seen.append(1) and None)
        encoder(batch).sum().backward()
        handle.remove()
        assert seen, register
    fast.clear()
    encoder(batch)
    assert fast  # and without them it is fast again


def test_hooks_of_message_passing_and_of_all_modules_fire() -> None:
    encoder, batch, seen = encoder_of("gin"), batch_of(), []
    batch.x = batch.x.double()
    handle = encoder.backbone.convs[0].register_message_forward_hook(
        lambda *given: seen.append(1) and None
    )
    encoder(batch)
    assert seen
    handle.remove()
    seen.clear()
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, *given: seen.append(type(module)) and None
    )
    encoder(batch)
    handle.remove()
    assert any("GINConv" in kind.__name__ for kind in seen)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("name", "path"),
    [("gin", "convs.0.nn.lins.0"), ("gcn", "convs.1.lin"), ("graphsage", "convs.0.lin_l")],
)
@pytest.mark.parametrize(
    "wrap",
    [
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
    ],
)
def test_parametrised_weights_are_the_current_ones(name, path, wrap) -> None:
    encoder, batch = encoder_of(name), batch_of()
    wrap(part(encoder.backbone, path))
    encoder.eval()
    assert_same(encoder, batch)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    assert_same(encoder, batch)


def swap_mlp(net):
    net.convs[0].nn = nn.Linear(5, 8).double()


def swap_linear(net):
    net.convs[0].nn.lins[1] = nn.Sequential(nn.Linear(8, 8), nn.Tanh()).double()


def swap_norm(net):
    net.norms[0] = nn.LayerNorm(8).double()


def swap_inner_norm(net):
    net.convs[0].nn.norms[0] = nn.LayerNorm(8).double()


def own_forward(net):
    net.convs[0].forward = lambda x, edge_index, **rest: x.new_ones(len(x), 8)


def own_message(net):
    net.convs[0].message = lambda x_j: 2 * x_j


@pytest.mark.parametrize(
    "swap", [swap_mlp, swap_linear, swap_norm, swap_inner_norm, own_forward, own_message]
)
def test_other_parts_are_used(swap) -> None:
    encoder = encoder_of("gin")
    swap(encoder.backbone)
    assert not encoder.backbone.accepts_neighbours
    assert_same(encoder, batch_of())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gin", {"aggr": "mean"}),
        ("gin", {"act_first": True}),
        ("gcn", {"aggr": "mean"}),
        ("gcn", {"improved": True}),
        ("graphsage", {"aggr": "max"}),
        ("graphsage", {"project": True}),
        ("graphsage", {"root_weight": False}),
        ("gin", {"norm_kwargs": {"allow_single_element": True}}),
    ],
)
def test_other_options_are_heeded(name, options) -> None:
    encoder = encoder_of(name, options=options)
    assert_same(encoder, batch_of())
    assert_same(encoder.train(), batch_of())


def test_a_class_made_of_ours_keeps_its_own_forward() -> None:
    class Twice(type(make_backbone("gin", 5, 8, 2))):
        def forward(self, x, edge_index, **rest):
            return 2 * super().forward(x, edge_index, **rest)

    torch.manual_seed(0)
    encoder = GraphEncoder(make_backbone(Twice, 5, 8, 2), 16).double().eval()
    batch = batch_of()
    batch.x = batch.x.double()
    torch.testing.assert_close(encoder(batch), 2 * encoder_of("gin")(batch))
