"""Several stores as one: the same graphs, features by name, categories and classes by value."""

import dataclasses
import warnings

import networkx as nx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import ConcatDataset, Subset, random_split
from torch_geometric.data import Data

from graph_hcl.data import GraphStore, as_store, load
from graph_hcl.errors import UserError
from tests.one_sentence import ends_in_one_sentence

EDGES = torch.tensor([[0, 1], [1, 0]])


def molecule(**about) -> GraphStore:
    return GraphStore.from_smiles(["CO"], **about)


def path(atoms: str, sizes: list[int]) -> nx.Graph:
    graph = nx.path_graph(len(atoms))
    for node, atom in enumerate(atoms):
        graph.nodes[node].update(atom=atom, size=sizes[node % len(sizes)] + 0.5)
    for edge in graph.edges:
        graph.edges[edge]["bond"] = 1 + len(atoms) % 3
    return graph


def read(graphs: list[nx.Graph], labels: list[str]) -> GraphStore:
    return GraphStore.from_networkx(
        graphs, node_attrs=["atom", "size"], edge_attrs=["bond"], y=labels
    )


GRAPHS = st.lists(
    st.tuples(
        st.text("CNOFS", min_size=2, max_size=5),
        st.lists(st.integers(0, 9), min_size=1, max_size=3),
        st.sampled_from(["toxic", "inert", "odd"]),
    ),
    min_size=2,
    max_size=8,
)


@given(GRAPHS, st.data())
def test_parts_read_apart_are_the_whole(described, data) -> None:
    """Reading all graphs at once is the independent way."""
    graphs = [path(atoms, sizes) for atoms, sizes, _ in described]
    labels = [label for _, _, label in described]
    cut = data.draw(st.integers(1, len(graphs) - 1))
    whole = read(graphs, labels)
    joined = GraphStore.concat([read(graphs[:cut], labels[:cut]), read(graphs[cut:], labels[cut:])])
    assert joined.vocabulary == whole.vocabulary
    assert (joined.classes, joined.y.tolist()) == (whole.classes, whole.y.tolist())
    for one, other in zip(joined, whole, strict=True):
        for name, value in other.to_dict().items():
            assert torch.equal(one[name], value), name
    assert joined.is_sorted_undirected == whole.is_sorted_undirected


@pytest.mark.parametrize("name", ["MUTAG", "digits"])
def test_halves_of_a_data_set_are_the_set(name: str) -> None:
    store = load(name)
    half = len(store) // 2
    joined = GraphStore.concat([store[:half], store[half:]])
    assert joined.digest() == dataclasses.replace(store, sha256="").digest()
    assert joined.name == store.name


def test_splits_of_torch_keep_the_store() -> None:
    store = GraphStore.from_smiles(["CO", "CN", "CC"], y=["a", "b", "a"], ids=["1", "2", "3"])
    some = as_store(Subset(Subset(store, [2, 1]), [1, 0]))
    assert (some.vocabulary, some.classes, some.ids) == (store.vocabulary, ["a", "b"], ["2", "3"])
    parts = random_split(store, [2, 1])
    both = as_store(ConcatDataset(parts))
    assert both.ids == [store.ids[i] for part in parts for i in part.indices]
    assert both.vocabulary == store.vocabulary


def test_graphs_of_stores_with_other_meanings_are_not_mixed() -> None:
    one, two = (GraphStore.from_smiles([text]) for text in ("CO", "CN"))
    classes = [read([path("CC", [1])], [name]) for name in ("toxic", "inert")]
    for first, second in ((one, two), classes):
        with pytest.raises(UserError, match=r"join the stores by GraphStore\.concat"):
            as_store([*first, *second])
    twice = as_store([*one, *one])
    assert len(twice) == 2


def test_missing_labels_and_unknown_values_stay_so() -> None:
    one = GraphStore.from_smiles(["CO", "CN"], y=["a", None])
    two = GraphStore.from_smiles(["CC"], y=["c"])
    joined = GraphStore.concat(iter([two, one]))
    assert joined.classes == ["a", "c"]
    assert joined.y[:2].tolist() == [1.0, 0.0]
    assert joined.y[2].isnan()


def test_whole_numbers_beside_real_ones_are_quantities() -> None:
    one = GraphStore.from_data([Data(torch.tensor([[0.5], [2.0]]), EDGES)])
    two = GraphStore.from_data([Data(torch.tensor([[3], [1]]), EDGES)])
    for stores in ((one, two), (two, one)):
        joined = GraphStore.concat(stores)
        assert sorted(joined.x.flatten().tolist()) == [0.5, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: [], "one GraphStore or more"),
        (lambda: None, "one GraphStore or more"),
        (lambda: load("digits")[:2], "one GraphStore or more"),
        (lambda: [molecule(), "MUTAG"], "one GraphStore or more"),
        (lambda: [load("digits")[:2], molecule()], "edge_attr in all stores or in none"),
        (lambda: [load("MUTAG")[:2], molecule(y=[1])], "the same node features"),
        (lambda: [molecule(y=[1]), molecule()], "y in all stores or in none"),
        (lambda: [molecule(y=[1]), molecule(y=["a"])], "labels of one kind"),
        (lambda: [molecule(y=[[1, 2]]), molecule(y=[1])], "labels of one kind"),
        (lambda: [molecule(groups=["a"]), molecule()], "groups in all stores or in none"),
    ],
)
def test_what_cannot_be_joined_is_named(make, sentence: str) -> None:
    ends_in_one_sentence(lambda: GraphStore.concat(make()), sentence)


def test_ids_of_some_are_left_out_with_a_warning() -> None:
    one = GraphStore.from_smiles(["CO"], ids=["a"])
    with pytest.warns(UserWarning, match="The ids are left out"):
        assert GraphStore.concat([one, GraphStore.from_smiles(["CO"])]).ids is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert GraphStore.concat([one, one]).ids == ["a", "a"]
