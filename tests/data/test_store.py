"""A store's graphs and batches equal PyG's own, whatever the graphs and the choice of them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from graph_hcl.data import GraphStore
from graph_hcl.data.levels import LEVELS
from graph_hcl.data.store import TENSORS
from graph_hcl.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:.* have no reverse edge")

FIELDS = ("edge_attr", "flat edge_attr", "edge_weight", "pos", "class", "real", "tasks")


def random_graphs(count, fields, seed):
    draw = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(shape, generator=draw)

    graphs = []
    for _ in range(count):
        nodes = int(torch.randint(1, 6, (), generator=draw))
        edges = int(torch.randint(0, 9, (), generator=draw))
        data = Data(rand(nodes, 3), torch.randint(0, nodes, (2, edges), generator=draw))
        made = {
            "edge_attr": ("edge_attr", rand(edges, 2)),
            "flat edge_attr": ("edge_attr", rand(edges)),
            "edge_weight": ("edge_weight", rand(edges)),
            "pos": ("pos", rand(nodes, 3)),
            "class": ("y", torch.randint(0, 4, (1,), generator=draw)),
            "real": ("y", rand(1)),
            "tasks": ("y", rand(1, 2)),
        }
        for field in FIELDS:
            if field in fields:
                name, value = made[field]
                data[name] = value
        graphs.append(data)
    return graphs


def same(one, other):
    assert sorted(one.keys()) == sorted(other.keys())
    for key in one.keys():  # noqa: SIM118
        assert one[key].dtype == other[key].dtype, key
        assert torch.equal(one[key], other[key]), key


def random_store(count=5, fields=("edge_attr", "class"), seed=0):
    return GraphStore.from_data(random_graphs(count, fields, seed))


some_fields = st.sets(st.sampled_from(FIELDS))


@given(
    count=st.integers(1, 7),
    fields=some_fields,
    seed=st.integers(0, 10**6),
    picks=st.lists(st.integers(-1000, 1000), max_size=9),
)
def test_batch_equals_pyg(count, fields, seed, picks) -> None:
    graphs = random_graphs(count, fields, seed)
    store = GraphStore.from_data(graphs)
    picks = [pick % (2 * count) - count for pick in picks] or [0]  # negative ones count from behind
    batch, expected = store.batch(picks), Batch.from_data_list([graphs[pick] for pick in picks])
    same(batch, expected)
    same(batch, Batch.from_data_list([store[pick] for pick in picks]))
    same(batch, store[picks].batch(slice(None)))
    assert batch.num_graphs == expected.num_graphs
    for one, pick in zip(batch.to_data_list(), picks, strict=True):
        same(one, graphs[pick])
    same(batch.get_example(len(picks) - 1), graphs[picks[-1]])
    assert GraphStore.from_data(batch.to_data_list()).digest() == store[picks].digest()
    assert GraphStore.from_data(batch).digest() == store[picks].digest()


@given(count=st.integers(1, 7), fields=some_fields, seed=st.integers(0, 10**6), data=st.data())
def test_taken_apart_like_a_list(count, fields, seed, data) -> None:
    graphs = random_graphs(count, fields, seed)
    store = GraphStore.from_data(graphs)
    assert len(store) == count
    for one, expected in zip(store, graphs, strict=True):
        same(one, expected)
    number = data.draw(st.integers(-count, count - 1))
    for kind in (int, np.int64, np.int32, torch.tensor):
        assert isinstance(store[kind(number)], Data)
        same(store[kind(number)], graphs[number])
    part = data.draw(st.slices(count))
    mask = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    for chosen, kept in ((part, graphs[part]), (mask, [g for g, m in zip(graphs, mask) if m])):  # noqa: B905
        some = store[chosen]
        assert isinstance(some, GraphStore)
        assert some.vocabulary == store.vocabulary
        assert len(some) == len(kept)
        for one, expected in zip(some, kept, strict=True):
            same(one, expected)


def test_ways_to_choose() -> None:
    store = random_store(4)
    expected = store.batch(torch.tensor([1, 3]))
    mask = [False, True, False, True]
    ways = [[1, 3], (1, 3), np.array([1, 3]), np.array([1, 3], dtype=np.int32), mask]
    for chosen in [*ways, torch.tensor(mask), np.array(mask), slice(1, None, 2), range(1, 4, 2)]:
        same(store.batch(chosen), expected)
        same(store[chosen].batch([0, 1]), expected)
    for nothing in (torch.zeros(4, dtype=torch.bool), [], slice(2, 2), np.array([], dtype=int)):
        assert store.batch(nothing).num_graphs == 0
        assert store.batch(nothing).to_data_list() == []
        assert len(store[nothing]) == 0
        assert list(store[nothing]) == []


@pytest.mark.parametrize(
    "chosen",
    [
        torch.tensor([0.0]),
        torch.tensor([True]),
        torch.tensor([[0]]),
        True,
        [True, 2.5],
        "x",
        None,
        0.0,
        ["a"],
        {0},
        torch.tensor([1j]),
    ],
)
def test_wrong_ways_to_choose(chosen) -> None:
    with pytest.raises(UserError, match=r"Expected whole numbers \[B\] or a mask \[2\]"):
        random_store(2)[chosen]
    with pytest.raises(UserError, match=r"Expected whole numbers \[B\] or a mask \[2\]"):
        random_store(2).batch(chosen)


@pytest.mark.parametrize("chosen", [2, -3, [2], [-3], np.int64(2), torch.tensor([0, 5])])
def test_absent_graphs(chosen) -> None:
    with pytest.raises(IndexError):
        random_store(2)[chosen]


@pytest.mark.parametrize("graphs", [[Data(x=torch.ones(2, 1))], "MUTAG", None])
def test_graphs_are_given_to_what_makes_a_store_of_them(graphs) -> None:
    with pytest.raises(UserError, match=r"^Expected the tensors .*: make one of graphs with as_s"):
        GraphStore(graphs)


def test_a_graph_is_the_users_to_change() -> None:
    store = random_store(3, FIELDS)
    before = store.digest()
    one, batch = store[1], store.batch([1])
    for taken in (one, batch):
        for key in ("x", "edge_index", "edge_attr", "edge_weight", "pos", "y"):
            taken[key].zero_().sub_(1)
    assert store.digest() == before


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_loaders(workers) -> None:
    graphs = random_graphs(5, ("edge_attr", "class"), 2)
    loader = DataLoader(GraphStore.from_data(graphs), batch_size=2, num_workers=workers)
    batches = list(loader)
    assert [batch.num_graphs for batch in batches] == [2, 2, 1]
    for batch, start in zip(batches, (0, 2, 4), strict=True):
        same(batch, Batch.from_data_list(graphs[start : start + 2]))
    plain = torch.utils.data.DataLoader(
        GraphStore.from_data(graphs), batch_size=3, shuffle=True, collate_fn=Batch.from_data_list
    )
    assert sorted(batch.num_graphs for batch in plain) == [2, 3]


def test_categories_come_out_one_hot() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    graphs = [
        Data(torch.tensor([[6], [8]]), edges, edge_attr=torch.tensor([2, 1])),
        Data(torch.tensor([[8], [17]]), edges, edge_attr=torch.tensor([1, 1])),
    ]
    store = GraphStore.from_data(graphs)
    assert store.x.tolist() == [[0], [1], [1], [2]]
    assert store[1].x.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert store.batch([1, 0]).edge_attr.tolist() == [[1, 0], [1, 0], [0, 1], [1, 0]]
    assert (store.num_features, store.num_edge_features) == (3, 2)
    same(store.batch([1, 0]), Batch.from_data_list([store[1], store[0]]))
    assert store.batch([]).x.shape == (0, 3)


def test_a_store_takes_no_part_in_comparisons_of_tensors() -> None:
    store = random_store(2)
    assert store == store
    assert store != random_store(2)
    assert store in {store}


def test_sizes() -> None:
    graphs = random_graphs(5, ["class"], 1)
    store = GraphStore.from_data(iter(graphs))
    assert (len(store), store.num_features, store.num_node_features) == (5, 3, 3)
    assert store.num_classes == len({int(data.y) for data in graphs})
    assert GraphStore.from_data(random_graphs(5, [], 1)).num_classes == 0
    assert all(tensor.is_contiguous() for tensor in (store.x, store.edge_index, store.y))


def test_a_store_of_bare_tensors_knows_its_widths() -> None:
    ptr = torch.tensor([0, 2])
    edges = torch.tensor([[0, 1], [1, 0]])
    for attr, width in ((None, 0), (torch.ones(2), 1), (torch.ones(2, 3), 3)):
        store = GraphStore(torch.ones(2, 4), edges, ptr, ptr, edge_attr=attr)
        assert (store.num_features, store.num_edge_features) == (4, width)


@given(seed=st.integers(0, 10**6), undirected=st.booleans())
def test_what_is_known_of_edges_equals_a_slow_loop(seed, undirected) -> None:
    graphs = random_graphs(4, [], seed)
    store = GraphStore.from_data(graphs, undirected=undirected)
    alone, mirrored = 0, True
    for data in store:
        pairs = list(zip(*data.edge_index.tolist(), strict=True))
        alone += sum((v, u) not in pairs for u, v in pairs)
        both = sorted(pairs) == sorted((v, u) for u, v in pairs)
        in_order = data.edge_index[0].tolist() == sorted(data.edge_index[0].tolist())
        mirrored &= both and in_order and all(u != v for u, v in pairs)
    assert store.one_way == alone
    assert store.is_sorted_undirected == mirrored
    rest = store[1:]
    assert rest.is_sorted_undirected == GraphStore.from_data(list(rest)).is_sorted_undirected


def test_save_and_open(tmp_path) -> None:
    store = GraphStore.from_data(random_graphs(5, FIELDS, 3), y=["b", "a", "b", "b", "c"])
    store = dataclasses.replace(store, name="mine")
    store.save(tmp_path / "a.safetensors", {"made": "today"})
    opened, metadata = GraphStore.open(tmp_path / "a.safetensors")
    assert metadata["made"] == "today"
    # Read from the file, not computed again.
    assert opened.__dict__["is_sorted_undirected"] == store.is_sorted_undirected
    assert (opened.vocabulary, opened.classes) == (store.vocabulary, ["a", "b", "c"])
    assert opened.name == "mine" == opened[1:].name
    same(opened.batch([4, 0]), store.batch([4, 0]))
    assert opened.digest() == store.digest()


@pytest.mark.parametrize("whole", [False, True])
def test_digest_differs_when_anything_does(whole) -> None:
    graphs = random_graphs(5, set(FIELDS) - {"flat edge_attr"}, 3)
    for data in graphs if whole else []:
        data.x = (4 * data.x).long()
    store = GraphStore.from_data(graphs)
    digests = {store.digest()}
    for name, tensor in store.tensors().items():
        changed = tensor.clone()
        changed.view(-1)[-1] += 1
        digests.add(dataclasses.replace(store, **{name: changed}).digest())
    column = dataclasses.replace(store.vocabulary.node.columns[0], name="other")
    node = dataclasses.replace(
        store.vocabulary.node, columns=(column, *store.vocabulary.node.columns[1:])
    )
    meaning = dataclasses.replace(store.vocabulary, node=node)
    digests.add(dataclasses.replace(store, vocabulary=meaning).digest())
    digests.add(dataclasses.replace(store, classes=["a", "b"]).digest())
    digests.add(dataclasses.replace(store, edge_weight=None).digest())
    assert len(digests) == len(store.tensors()) + 4


def test_an_open_store_keeps_no_tie_to_its_file(tmp_path) -> None:
    file = tmp_path / "a.safetensors"
    random_store(3).save(file)
    store, _ = GraphStore.open(file)
    before = store.digest()
    with file.open("r+b") as stream:  # in place: a mapped store would change
        stream.truncate(0)
        stream.write(bytes(file.stat().st_size))
    assert store.digest() == before
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(file) not in maps.read_text(encoding="utf-8")


@pytest.mark.parametrize("spoil", [lambda b: b[:-3], lambda b: b"no store", lambda b: b""])
def test_open_what_is_no_store(tmp_path, spoil) -> None:
    file = tmp_path / "a.safetensors"
    random_store(3).save(file)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(UserError, match="is damaged or not a graph store"):
        GraphStore.open(file)


def test_no_damage_to_a_saved_store_is_silent(tmp_path) -> None:
    file = tmp_path / "a.safetensors"
    GraphStore.from_data(random_graphs(3, FIELDS, 3), y=["b", "a", "b"]).save(file, {"made": "1"})

    def outcome() -> object:
        try:
            store, metadata = GraphStore.open(file)
        except UserError as error:
            return None if "\n" not in str(error) else error
        # The raw data's hash and the order of edges are no part of the digest.
        return store.digest(), store.sha256, store.is_sorted_undirected, store.unused, metadata

    whole, content = outcome(), file.read_bytes()
    generator = np.random.default_rng(0)
    noticed = 0
    for place in generator.integers(len(content), size=400):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(generator.integers(8))
        file.write_bytes(damaged)
        found = outcome()
        assert found in (None, whole)
        noticed += found is None
    for length in generator.integers(len(content), size=30):
        file.write_bytes(content[:length])
        assert outcome() is None
    assert noticed > 350


def test_a_store_without_a_hash_is_refused(tmp_path) -> None:
    save_file(random_store(3).tensors(), tmp_path / "a.safetensors", {"vocabulary": "{}"})
    with pytest.raises(UserError, match="has no sha256: it is of an earlier version"):
        GraphStore.open(tmp_path / "a.safetensors")


def test_every_field_with_a_level_is_an_attribute_of_the_store() -> None:
    kinds = {field.name: field.type for field in dataclasses.fields(GraphStore)}
    tensors = {name for name, kind in kinds.items() if str(kind).startswith("Tensor")}
    assert tensors == {*LEVELS, "edge_index", "node_ptr", "edge_ptr"} == set(TENSORS)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.ones(1), 1.5, "gpu"])
def test_a_store_is_moved_to_a_device_alone(kind) -> None:
    graph = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    store = GraphStore.from_data([graph])
    with pytest.raises(UserError, match=r"^Expected a device, such as cpu or cuda, but got .*\.$"):
        store.to(kind)
    assert store.to("cpu").batch([0]).x.device == store.to(torch.device("cpu")).x.device


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64"])
def test_numbers_of_any_type_are_no_mask(kind: str) -> None:
    store = random_store()
    for chosen in ([0, 1, 1], [0, 1, 1, 0, 2], [0, 1, 1, 0, 1]):
        if kind == "uint8" and chosen == [0, 1, 1, 0, 1]:
            continue  # which may be a mask
        numbers = np.array(chosen, dtype=kind)
        for given_numbers in (numbers, torch.from_numpy(numbers)):
            same(store.batch(given_numbers), store.batch(chosen))
            assert store[given_numbers].digest() == store[chosen].digest()


def test_a_mask_of_uint8_is_refused() -> None:
    store = random_store()
    for mask in (torch.zeros(len(store), dtype=torch.uint8), np.ones(len(store), np.uint8)):
        for choose in (store.batch, store.__getitem__):
            with pytest.raises(UserError, match=r"bool for a mask, or int64 for numbers\.$"):
                choose(mask)
    assert len(store[:2][np.array([1, 0], np.uint8)]) == 2
