"""A store's batches equal PyG's own, whatever the graphs and the choice of them."""

from pathlib import Path

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data
from torch_geometric.utils import coalesce, from_networkx

from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError


def random_graphs(count, edge_attr, label, seed):
    draw = torch.Generator().manual_seed(seed)
    graphs = []
    for _ in range(count):
        nodes = int(torch.randint(1, 6, (), generator=draw))
        edges = int(torch.randint(0, 9, (), generator=draw))
        data = Data(
            x=torch.rand(nodes, 3, generator=draw),
            edge_index=torch.randint(0, nodes, (2, edges), generator=draw),
        )
        if edge_attr:
            data.edge_attr = torch.rand(edges, 2, generator=draw)
        if label is not None:
            data.y = torch.randint(0, 4, (1,), generator=draw).to(label)
        graphs.append(data)
    return graphs


def same(one, other):
    assert sorted(one.keys()) == sorted(other.keys())
    for key in one.keys():  # noqa: SIM118
        assert one[key].dtype == other[key].dtype, key
        assert torch.equal(one[key], other[key]), key


@given(
    count=st.integers(1, 7),
    edge_attr=st.booleans(),
    label=st.sampled_from([None, torch.long, torch.float]),
    seed=st.integers(0, 10**6),
    picks=st.lists(st.integers(-1000, 1000), max_size=9),
)
def test_batch_equals_pyg(count, edge_attr, label, seed, picks) -> None:
    graphs = random_graphs(count, edge_attr, label, seed)
    store = GraphStore.from_data(graphs)
    picks = [pick % (2 * count) - count for pick in picks] or [0]  # negative ones count from behind
    batch, expected = store[picks], Batch.from_data_list([graphs[pick] for pick in picks])
    same(batch, expected)
    assert batch.num_graphs == expected.num_graphs
    for one, pick in zip(batch.to_data_list(), picks, strict=True):
        same(one, graphs[pick])
    same(batch.get_example(len(picks) - 1), graphs[picks[-1]])


def test_ways_to_choose() -> None:
    store = GraphStore.from_data(random_graphs(4, True, torch.long, 0))
    expected = store[torch.tensor([1, 3])]
    for chosen in ([1, 3], np.array([1, 3]), torch.tensor([False, True, False, True])):
        same(store[chosen], expected)
    same(store[np.array([1, 3], dtype=np.int32)], expected)
    assert store[torch.zeros(4, dtype=torch.bool)].num_graphs == 0


@pytest.mark.parametrize(
    "chosen", [torch.tensor([0.0]), torch.tensor(1), torch.tensor([True]), torch.tensor([[0]])]
)
def test_wrong_ways_to_choose(chosen) -> None:
    with pytest.raises(UserError, match=r"Expected whole numbers \[B\] or a mask \[2\]"):
        GraphStore.from_data(random_graphs(2, False, None, 0))[chosen]


@pytest.mark.parametrize("chosen", [[2], [-3]])
def test_absent_graphs(chosen) -> None:
    with pytest.raises(IndexError):
        GraphStore.from_data(random_graphs(2, False, None, 0))[chosen]


def test_sizes() -> None:
    graphs = random_graphs(5, False, torch.long, 1)
    store = GraphStore.from_data(iter(graphs))
    assert (len(store), store.num_features) == (5, 3)
    assert store.num_classes == len({int(data.y) for data in graphs})
    assert GraphStore.from_data(random_graphs(5, False, None, 1)).num_classes == 0
    assert all(tensor.is_contiguous() for tensor in (store.x, store.edge_index, store.y))


E0 = torch.zeros(2, 0, dtype=torch.long)
GOOD = Data(x=torch.ones(2, 3), edge_index=E0)


@pytest.mark.parametrize(
    ("graphs", "sentence"),
    [
        ([], "at least one graph"),
        ([Data(edge_index=E0, num_nodes=2)], "Expected node features x .* but got none"),
        ([GOOD, Data(x=torch.ones(2, 4), edge_index=E0)], "Expected 3 .* graph 1 has 4"),
        ([Data(x=torch.ones(2, 3), edge_index=E0, edge_attr=torch.ones(1, 1))], "rows of edge"),
        ([Data(x=torch.ones(2, 3), edge_index=torch.tensor([[0], [2]]))], "0 … 1 .* edge names 2"),
        ([Data(x=torch.ones(2, 3), edge_index=torch.tensor([[0], [-1]]))], "an edge names -1"),
        ([Data(x=torch.ones(2, 3))], "Expected edge_index .* but got none"),
        ([Data(x=torch.ones(0, 3), edge_index=E0)], "at least one node in graph 0"),
        ([GOOD, Data(x=torch.ones(2, 3), edge_index=E0, y=torch.tensor([1]))], "'y' in all graphs"),
        ([Data(x=torch.ones(2, 3), edge_index=E0, y=torch.ones(2))], "one label y in graph 0"),
    ],
)  # fmt: skip
def test_wrong_graphs(graphs, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        GraphStore.from_data(graphs)


def test_from_networkx_equals_pyg() -> None:
    graphs = [networkx.barbell_graph(3, 2), networkx.star_graph(4), networkx.DiGraph([(0, 1)])]
    for number, graph in enumerate(graphs):
        graph.graph["y"] = number
        for node in graph:
            graph.nodes[node]["x"] = [float(node), 1.0]
    store = GraphStore.from_networkx(graphs)
    for number, one in enumerate(store[[0, 1, 2]].to_data_list()):
        expected = from_networkx(graphs[number])
        assert torch.equal(one.edge_index, coalesce(expected.edge_index))
        assert torch.equal(one.x, expected.x)
        assert one.y.tolist() == [number]


def test_from_networkx_takes_any_node_names() -> None:
    store = GraphStore.from_networkx([networkx.Graph([("b", "a"), ("a", (1, 2))])])
    assert store.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert store.x.tolist() == [[1.0]] * 3


def test_wrong_networkx() -> None:
    some = networkx.path_graph(2)
    some.nodes[0]["x"] = 1.0
    words = networkx.path_graph(2)
    networkx.set_node_attributes(words, "red", "x")
    named = networkx.path_graph(2)
    named.graph["y"] = "toxic"
    for graph, sentence in [
        (some, "on all nodes of a graph or on none"),
        (words, "Expected numbers in the node attribute 'x'"),
        (named, "Expected numbers .* the graph attribute 'y'"),
        (networkx.Graph(), "at least one node"),
    ]:
        with pytest.raises(UserError, match=sentence):
            GraphStore.from_networkx([graph])


def test_save_and_open(tmp_path) -> None:
    store = GraphStore.from_data(random_graphs(5, True, torch.float, 3))
    store.save(tmp_path / "a.safetensors", {"made": "today"})
    opened, metadata = GraphStore.open(tmp_path / "a.safetensors")
    assert metadata["made"] == "today"
    assert opened.__dict__["mirrored"] == store.mirrored  # and need not be found out again
    same(opened[[4, 0]], store[[4, 0]])
    assert opened.digest() == store.digest()
    assert GraphStore.from_data(random_graphs(5, True, torch.float, 4)).digest() != store.digest()


def test_open_maps_the_file_and_does_not_read_it(tmp_path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    file = tmp_path / "mapped.safetensors"
    GraphStore.from_data(random_graphs(3, False, None, 0)).save(file)
    store, _ = GraphStore.open(file)
    assert str(file) in maps.read_text()
    assert len(store) == 3


@pytest.mark.parametrize("spoil", [lambda b: b[:-3], lambda b: b"no store", lambda b: b""])
def test_open_what_is_no_store(tmp_path, spoil) -> None:
    file = tmp_path / "a.safetensors"
    GraphStore.from_data(random_graphs(3, False, None, 0)).save(file)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(UserError, match="is damaged or no graph store"):
        GraphStore.open(file)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_on_a_device() -> None:
    store = GraphStore.from_data(random_graphs(6, True, torch.long, 5))
    moved = store.to("cuda")[torch.tensor([5, 1])]
    assert moved.x.is_cuda
    same(moved.cpu(), store[[5, 1]])
    assert len(moved.to_data_list()) == 2
