"""Graphs that are taken out of a store mean what they mean there."""

import copy
import dataclasses
import pickle
import warnings

import networkx
import numpy as np
import pytest
import torch
from torch.utils.data import Subset
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from graph_hcl import GraphContrast
from graph_hcl.augment import parse, sample_view
from graph_hcl.baselines import wl_subtree
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError

EDGES = torch.tensor([[0, 1], [1, 0]])


def mixed():
    """Two quantities and a category, and labels as words; the last has none."""
    graphs = []
    for n in range(2, 9):
        graph = networkx.path_graph(n)
        for v in graph:
            graph.nodes[v].update(size=0.1 + n * v, charge=v % 3 - 0.25, kind="abc"[(n + v) % 3])
        graphs.append(graph)
    y = ["odd" if n % 2 else "even" for n in range(2, 9)]
    return GraphStore.from_networkx(graphs, node_attrs=["size", "charge", "kind"], y=y)


def view_of(store):
    generator = torch.Generator().manual_seed(0)
    return sample_view(store.batch(slice(None)), parse("identity"), generator)


TAKEN = {
    "a list": list,
    "a batch": lambda store: store.batch(slice(None)),
    "a view": view_of,
    "copies": lambda store: [copy.deepcopy(copy.copy(graph).clone()) for graph in store],
    "a pickled batch": lambda store: pickle.loads(pickle.dumps(store.batch(slice(None)))),
    "pickled graphs": lambda store: pickle.loads(pickle.dumps(list(store))),
    "a batch taken apart": lambda store: store.batch(slice(None)).to_data_list(),
    "a subset": lambda store: Subset(store, range(len(store))),
    "a subset of a list": lambda store: Subset(list(store), range(len(store))),
}
STORES = {
    "categories": lambda: load("MUTAG")[:20],
    "quantities": lambda: load("digits")[:20],
    "both": mixed,
    "degrees": lambda: GraphStore.from_networkx([networkx.star_graph(n) for n in (2, 5, 130)]),
    "tasks": lambda: GraphStore.from_smiles(["C", "CO"], y=torch.tensor([[1.0, 0.5], [0, 1]])),
    "a real target": lambda: GraphStore.from_smiles(["C", "CO"], y=[1.0, 0.5])[:1],
}


@pytest.mark.parametrize("how", TAKEN)
@pytest.mark.parametrize("which", STORES)
@pytest.mark.parametrize("fitted", [False, True])
def test_a_store_of_its_graphs_is_the_store(which: str, how: str, fitted: bool) -> None:
    store = STORES[which]()
    store = store.fitted([0]) if fitted else store
    again = GraphStore.from_data(TAKEN[how](store))
    assert again.vocabulary == store.vocabulary
    assert (again.classes, again.tasks) == (store.classes, store.tasks)
    for name, value in store.tensors().items():
        torch.testing.assert_close(getattr(again, name), value, rtol=1e-6, atol=1e-6)
    if not fitted:
        plain = dataclasses.replace(store, sha256="", ids=None, groups=None, unused=())
        assert again.digest() == plain.digest()


def test_a_model_embeds_graphs_of_its_store() -> None:
    store = load("MUTAG")[:30]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GraphContrast(epochs=1, random_state=0).fit(store)
    z = model.transform(store)[:2]
    for graphs in ([store[0], store[1]], store.batch([0, 1]), view_of(store[:2])):
        assert np.array_equal(model.transform(graphs), z)


def test_standardised_graphs_are_not_so_twice() -> None:
    store = mixed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GraphContrast(epochs=1, random_state=0).fit(store)
    z = model.transform(store)
    np.testing.assert_allclose(model.transform(list(store.fitted([1, 2]))), z, rtol=1e-4, atol=1e-6)


def test_kernels_of_a_store_and_of_its_graphs_agree() -> None:
    store = mixed()
    kernels = (wl_subtree(each, 2) for each in (store, GraphStore.from_data(list(store))))
    for one, other in zip(*kernels, strict=True):
        assert np.array_equal(one, other)


def test_graphs_with_other_columns_are_new_data() -> None:
    store = load("MUTAG")[:3]
    graphs = list(store)
    for graph in graphs:
        graph.x = torch.cat([graph.x, torch.rand(graph.num_nodes, 2)], dim=1)
        graph.y = "abc"[int(graph.y)]
    again = GraphStore.from_data(graphs)
    assert again.vocabulary.node.names() == [f"x[{k}]" for k in range(9)]
    assert again.vocabulary.edge == store.vocabulary.edge
    halves = [graph.update({"x": graph.x / 2}) for graph in store]
    assert torch.equal(GraphStore.from_data(halves).x, torch.cat([graph.x for graph in halves]))


@pytest.mark.parametrize("beside", ["another column", "a graph of none", "categorical"])
def test_a_lost_scale_is_told(beside: str) -> None:
    graphs, options = list(mixed().fitted([0])), {}
    if beside == "another column":
        graphs = [graph.update({"x": torch.cat([graph.x, graph.x], 1)}) for graph in graphs]
    elif beside == "categorical":
        options = {"categorical": False}
    else:
        graphs.append(Data(torch.rand(2, 5), EDGES, y=torch.tensor([0])))
    with pytest.raises(
        UserError, match=r"^Expected x of all graphs as a .* such as store\[\[0\]\]"
    ):
        GraphStore.from_data(graphs, **options)


def edited(store, edit) -> GraphStore:
    """Return the store of the graphs and of the batch of a store, after the same edit of each."""
    graphs, batch = list(store), store.batch(slice(None))
    for each in (*graphs, batch):
        edit(each)
    found, other = GraphStore.from_data(graphs), GraphStore.from_data(batch)
    assert found.vocabulary == other.vocabulary
    assert (found.classes, found.tasks) == (other.classes, other.tasks)
    return found


def test_new_labels_have_no_old_names() -> None:
    store = GraphStore.from_smiles(["C", "CO", "CCO", "CCN"], y=[4.5, 6.5, 7.5, 5.5])
    found = edited(store, lambda graph: graph.update({"y": (graph.y > 6).long()}))
    assert (found.tasks, found.classes, found.num_classes) == ([], [], 2)
    found = edited(load("MUTAG")[:9], lambda graph: graph.update({"y": 1 - graph.y}))
    assert (found.tasks, found.classes) == ([], [])
    assert found.vocabulary == load("MUTAG").vocabulary


@pytest.mark.parametrize("how", ["replaced", "in place"])
@pytest.mark.parametrize("which", ["categories", "quantities"])
def test_other_columns_of_the_same_width_are_new_data(which: str, how: str) -> None:
    def roll(graph):
        values = graph.x.roll(1, dims=1)
        graph.x = values if how == "replaced" else graph.x.copy_(values)

    store = STORES[which]()
    found = edited(store, roll)
    assert found.vocabulary.node.names() == [f"x[{k}]" for k in range(store.num_features)]
    assert found.vocabulary.edge == store.vocabulary.edge


def test_degrees_follow_edited_edges() -> None:
    store = GraphStore.from_networkx([networkx.star_graph(n) for n in (2, 5, 130)])
    found = edited(store, lambda graph: graph.update({"edge_index": graph.edge_index[:, :0]}))
    assert found.x.unique().tolist() == [0]
    cut = [graph.update({"edge_index": graph.edge_index[:, :2]}) for graph in store]
    model = GraphContrast(epochs=1, hidden=4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(store)
        plain = [Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes) for graph in cut]
        assert np.array_equal(model.transform(cut), model.transform(plain))


@pytest.mark.parametrize("text", ["feature_mask(0.5)", "node_drop(0.5)+edge_add(0.5)"])
@pytest.mark.parametrize("which", ["categories", "degrees"])
def test_views_mean_what_their_store_means(which: str, text: str) -> None:
    store = STORES[which]()
    whole = store.batch(slice(None)).clone()
    view = sample_view(whole, parse(text), torch.Generator().manual_seed(0))
    for graphs in (view, view.to_data_list(), pickle.loads(pickle.dumps(view[:]))):
        found = GraphStore.from_data(graphs)
        assert found.vocabulary == store.vocabulary
        assert torch.equal(found.batch(slice(None)).x, view.x)
    view.x.add_(1)
    assert GraphStore.from_data(view).vocabulary.node.names()[0] == "x[0]"


def test_pickled_graphs_hold_no_tensors_of_the_vocabulary() -> None:
    store = load("MUTAG")[:2]
    graph = pickle.loads(pickle.dumps(store[0]))
    assert store.vocabulary.node._layouts
    for features in (graph._meaning.vocabulary.node, copy.deepcopy(store.vocabulary.node)):
        assert list(vars(features)) == ["columns"]


def test_an_edit_leaves_the_copies_alone() -> None:
    store = load("MUTAG")[:2]
    graphs = list(store)
    copies = [graph.clone() for graph in graphs]
    graphs[0].x.zero_()
    assert GraphStore.from_data(copies).vocabulary == store.vocabulary
    assert GraphStore.from_data(graphs).vocabulary.node != store.vocabulary.node
    with torch.inference_mode():
        assert GraphStore.from_data(store.batch([0, 1])).vocabulary == store.vocabulary


def test_a_user_s_own_meaning_is_none() -> None:
    graphs = [Data(torch.ones(2, 1), EDGES) for _ in range(2)]
    for graph in graphs:
        graph._meaning = "mine"
    assert GraphStore.from_data(graphs).vocabulary.node.names() == ["x[0]"]
    graphs = list(load("MUTAG")[:2])
    for graph in graphs:  # pickled before its fields were known again
        del graph._store.__dict__["_given"]
    assert GraphStore.from_data(graphs).vocabulary.node.names()[0] == "x[0]"


def test_batches_of_pyg_hold_the_same_tensors() -> None:
    store = load("MUTAG")[:8]
    for graphs in (store, list(store)):
        (batch,) = DataLoader(graphs, batch_size=8)
        for name, value in store.batch(slice(None)).to_dict().items():
            assert torch.equal(batch[name], value)
        assert len(batch.to_data_list()) == 8
    assert Batch.from_data_list([store[0], store.batch([1])[0]]).num_graphs == 2
