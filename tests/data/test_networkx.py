"""NetworkX graphs as a store: attributes arrive by name, others are named."""

import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.utils import coalesce
from torch_geometric.utils import from_networkx as pyg_from_networkx

from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError

NAN = float("nan")


def molecule(element="O", length=1.5, charge=0.5, weight=2.0, y=1):
    graph = nx.Graph(y=y)
    graph.add_node("a", element="C", charge=charge)
    graph.add_node("b", element="C", charge=-0.5)
    graph.add_node(("c", 1), element=element, charge=0.0)
    graph.add_edge("a", "b", length=length, bond="single", weight=weight)
    graph.add_edge(("c", 1), "b", length=1.25, bond="double", weight=0.5)
    return graph


def marked(values, graph=None):
    graph = graph or nx.path_graph(len(values))
    nx.set_node_attributes(graph, dict(zip(graph, values, strict=True)), "x")
    return graph


def unlabelled():
    graph = molecule()
    del graph.graph["y"]
    return graph


def store(*graphs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return GraphStore.from_networkx(graphs, **options)


X = {"node_attrs": "x"}
ALL = {"node_attrs": ["element", "charge"], "edge_attrs": ["length", "bond"], "weight": "weight"}


def test_attributes_arrive_by_name() -> None:
    found = store(molecule(), molecule("N"), **ALL)
    assert found.vocabulary.node.names() == ["element=C", "element=N", "element=O", "charge"]
    assert found.vocabulary.edge.names() == ["length", "bond=double", "bond=single"]
    assert found[0].x.tolist() == [[1, 0, 0, 0.5], [1, 0, 0, -0.5], [0, 0, 1, 0]]
    assert found[0].edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    single, double = [1.5, 0, 1], [1.25, 1, 0]
    assert found[0].edge_attr.tolist() == [single, single, double, double]
    assert found[0].edge_weight.tolist() == [2, 2, 0.5, 0.5]
    assert found.y.tolist() == [1, 1]
    assert found.is_sorted_undirected


@pytest.mark.parametrize("missing", [None, NAN])
@pytest.mark.parametrize(("known", "code"), [(1, 1), ("acid", 0), (0.5, 0.5)])
def test_a_label_may_be_missing(known, code, missing) -> None:
    found = store(molecule(y=known), molecule(y=missing), **ALL)
    assert found.y[0] == code
    assert found.y[1].isnan()


def test_what_is_not_read_is_named_once() -> None:
    with pytest.warns(UserWarning, match="are not read unless an argument") as told:
        GraphStore.from_networkx([molecule(), nx.Graph([(0, 1)], label=3, y=0, name=None)])
    assert len(told) == 1
    assert told[0].filename == __file__
    for words in ("of nodes 'charge', 'element' (node_attrs)", "of graphs 'label' (y)"):
        assert words in str(told[0].message)
    assert "of edges 'bond', 'length', 'weight' (edge_attrs, weight)" in str(told[0].message)
    with pytest.warns(UserWarning, match=r"them: of edges 'bond', 'weight' \(edge_attrs, weight\)"):
        GraphStore.from_networkx([molecule()], **ALL | {"edge_attrs": "length", "weight": None})


def test_what_is_meant_to_be_left_out_is_not_named() -> None:
    ignored = ["charge", "length", "bond", "weight"]
    store(molecule(), node_attrs="element", ignored_attrs=ignored)  # a warning would be an error
    with pytest.warns(UserWarning, match=r"them: of edges 'bond' \(edge_attrs, weight\); ignored"):
        GraphStore.from_networkx([molecule()], **ALL | {"edge_attrs": "length"}, ignored_attrs="no")
    both = nx.Graph([(0, 1, {"size": 1.0})], y=0)
    nx.set_node_attributes(both, 1.0, "size")
    store(both, node_attrs="size", ignored_attrs="size")  # that of the edges
    with pytest.raises(UserError, match="not read in ignored_attrs, but 'length' is"):
        store(molecule(), **ALL, ignored_attrs="length")


@pytest.mark.parametrize(
    "change", [{"element": "N"}, {"length": 1.0}, {"charge": 9.0}, {"weight": 3.0}, {"y": 2}]
)
@pytest.mark.parametrize("asked", [ALL, {}])
def test_a_change_is_seen_or_named(change, asked) -> None:
    def digest(graph):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = GraphStore.from_networkx([graph], **asked).digest()
        return found, " ".join(str(one.message) for one in told)

    (before, _), (after, words) = digest(molecule()), digest(molecule(**change))
    assert before != after or f"'{next(iter(change))}'" in words


@pytest.mark.parametrize(
    ("values", "x", "names"),
    [
        ([1.0, 2.5], [[1], [2.5]], ["x"]),
        ([1, 2.5], [[1], [2.5]], ["x"]),
        ([7, 5], [[1], [0]], ["x=5", "x=7"]),
        ([True, False], [[1], [0]], ["x"]),
        (["O", "C"], [[1], [0]], ["x=C", "x=O"]),
        ([np.str_("O"), "C"], [[1], [0]], ["x=C", "x=O"]),
        ([np.float32(1), np.float64(2)], [[1], [2]], ["x"]),
        ([np.int32(7), 5], [[1], [0]], ["x=5", "x=7"]),
        ([torch.tensor(1.0), np.array(2.0)], [[1], [2]], ["x"]),
        ([[1.0, 2.0], (3.0, 4.0)], [[1, 2], [3, 4]], ["x[0]", "x[1]"]),
        ([torch.tensor([1.0]), np.array([3.0])], [[1], [3]], ["x[0]"]),
        ([["O", 2.0], ["C", 4.0]], [[1, 2], [0, 4]], ["x[0]=C", "x[0]=O", "x[1]"]),
    ],
)  # fmt: skip
def test_kinds_of_values(values, x, names) -> None:
    found = store(marked(values), **X)
    assert found.x.tolist() == x
    assert found.vocabulary.node.names() == names
    assert all(type(v) in (int, str) for c in found.vocabulary.node.columns for v in c.values or ())


@pytest.mark.parametrize("vector", [[1.0, 2.0], (1.0, 2.0), np.ones(2), torch.ones(2)])
def test_a_vector_x_is_read_unasked(vector) -> None:
    assert store(marked([vector] * 2)).vocabulary.node.names() == ["x[0]", "x[1]"]


@pytest.mark.parametrize("place", [0.5, 3, "100.0", np.float64(2), torch.tensor(1.0)])
def test_a_position_in_a_drawing_is_no_feature(place) -> None:
    with pytest.warns(UserWarning, match=r"of nodes 'x' \(node_attrs\)"):
        found = GraphStore.from_networkx([marked([place, place])])
    assert found.vocabulary.node.names() == ["degree=0", "degree=1"]
    assert store(marked([place, place]), ignored_attrs="x").vocabulary == found.vocabulary


def test_a_key_that_is_no_number_is_an_attribute() -> None:
    graph = nx.MultiGraph([(0, 1), (0, 1)])
    assert store(graph).edge_ptr.tolist() == [0, 4]  # the keys 0 and 1 are NetworkX's own
    kinds = nx.MultiGraph()
    for kind in ("likes", "knows"):
        kinds.add_edge("a", "b", key=kind)
    with pytest.warns(UserWarning, match=r"of edges 'key' \(edge_attrs, weight\)"):
        GraphStore.from_networkx([kinds])
    store(kinds, ignored_attrs="key")
    found = store(kinds, edge_attrs="key")
    assert found.vocabulary.edge.names() == ["key=knows", "key=likes"]
    assert found.edge_attr.flatten().tolist() == [1, 0, 1, 0]
    kinds.edges["a", "b", "likes"]["key"] = "own"
    assert store(kinds, edge_attrs="key").vocabulary.edge.names() == ["key=knows", "key=own"]


def test_categorical_and_names_that_are_no_words() -> None:
    assert store(marked([7, 5]), **X, categorical=False).x.tolist() == [[7], [5]]
    assert store(marked([7.0, 5.0]), **X, categorical=True).x.tolist() == [[1], [0]]
    with pytest.raises(UserError, match=r"graph 0 has 5\.5 in x"):
        store(marked([7.0, 5.5]), **X, categorical=True)
    graph = nx.path_graph(2)
    nx.set_node_attributes(graph, 1.5, 0)
    assert store(graph, node_attrs=[0]).vocabulary.node.names() == ["0"]


@pytest.mark.parametrize(
    ("graphs", "options", "sentence"),
    [
        ([], {}, "at least one graph, but got none"),
        (nx.path_graph(2), {}, r"a list of NetworkX graphs, but got one graph: write \[graph\]"),
        ("abc", {}, "a list of NetworkX graphs, but got str"),
        (7, {}, "a list of NetworkX graphs, but got int"),
        ([Data(torch.ones(1, 1), edge_index=torch.ones(2, 0))], {}, "graph 0 is Data: .*from_data"),
        ([nx.path_graph(2), None], {}, "graph 1 is NoneType"),
        ([nx.path_graph(2), nx.Graph()], {}, "at least one node in graph 1"),
        ([marked([1.0]), nx.path_graph(2)], X, "'x' on all nodes, but one node of graph 1"),
        ([marked([1.0, None])], X, "'x' on all nodes, but one node of graph 0"),
        ([molecule()], {"node_attrs": ["chrge"]}, "graph 0 has charge, element: did you mean 'c"),
        ([nx.path_graph(2)], {"node_attrs": ["x"]}, "'x' on all nodes, .* 0 has none at all"),
        ([molecule()], {"edge_attrs": "lenght"}, "on all edges, .* did you mean 'length'"),
        ([molecule()], {"weight": "wieght"}, "on all edges, .* did you mean 'weight'"),
        ([molecule()], {"weight": "bond"}, "'bond' of edges for weight, but they are words"),
        ([molecule()], {"node_attrs": ["x", "x"]}, "each attribute once in node_attrs"),
        ([marked([1.0]), marked([[1.0], [1.0, 2.0]])], {}, "'x' of one length .* graph 1 has 1 v"),
        ([marked([[1.0], 1.0])], {}, "has 1 values and one of graph 0 has one value"),
        ([marked([[], []])], {}, "graph 0 has 0 values"),
        ([marked([[[1.0]], [[2.0]]])], {}, r"either words or numbers in 'x\[0\]' .* graph 0"),
        ([marked([1.0]), marked([1.0, "a"])], X, "either words or numbers .* graph 1 has 'a'"),
        ([marked(["a"]), marked(["a", 1])], X, "either words or numbers .* graph 1 has 1"),
        ([marked([1.0]), marked([{}])], X, "either words or numbers .* graph 1 has {}"),
        ([marked([1, 2**70])], X, "either words or numbers"),
        ([marked([1.0]), marked([NAN])], X, "graph 1 has nan in x"),
        ([molecule(), molecule(length=NAN)], {"edge_attrs": "length"}, "graph 1 has nan in length"),
        ([molecule(), molecule(weight=NAN)], {"weight": "weight"}, "graph 1 has nan in weight"),
        ([molecule(), unlabelled()], {}, "'y' in all graphs or in none, but graph 1 has none"),
        ([molecule(), molecule(y="toxic")], {}, "labels y as words or as numbers"),
        ([molecule()], {"y": [1, 2]}, "y with 1 labels, one per graph, but got 2"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:These graphs carry")
def test_refused(graphs, options, sentence) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        GraphStore.from_networkx(graphs, **options)
    assert "\n" not in str(told.value)


def test_labels() -> None:
    assert store(nx.path_graph(2), nx.path_graph(3)).y is None
    words = store(nx.Graph([(0, 1)], y="b"), nx.Graph([(0, 1)], y="a"))
    assert (words.y.tolist(), words.classes) == ([1, 0], ["a", "b"])
    graphs = [nx.Graph([(0, 1)], y="own"), nx.Graph([(0, 1)])]
    assert store(*graphs, y=[0.5, 1]).y.tolist() == [0.5, 1]


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
@given(
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8),
    undirected=st.booleans(),
)
def test_edges_equal_a_slow_loop(kind, pairs, undirected) -> None:
    graph = kind()
    graph.add_nodes_from("edcba")
    for number, (u, v) in enumerate(pairs):
        graph.add_edge("abcde"[u], "abcde"[v], w=number + 0.5)
    order = {node: place for place, node in enumerate(graph)}
    rows = [(order[u], order[v], w) for u, v, w in graph.edges(data="w")]
    if not graph.is_directed():
        expected = rows + [(v, u, w) for u, v, w in rows if u != v]
    else:
        there = {(u, v) for u, v, _ in rows}
        expected = rows + [(v, u, w) for u, v, w in rows if undirected and (v, u) not in there]
    found = store(graph, undirected=undirected, edge_attrs=["w"])
    one = found[0]
    weights = one.edge_attr[:, 0].tolist()
    assert sorted(zip(*one.edge_index.tolist(), weights, strict=True)) == sorted(expected)
    assert one.edge_index[0].tolist() == sorted(one.edge_index[0].tolist())
    assert found.degree().tolist() == found.x[:, 0].tolist()


def test_edges_equal_pyg() -> None:
    graphs = [nx.barbell_graph(3, 2), nx.star_graph(4), nx.DiGraph([(0, 1)])]
    for graph in graphs:
        marked([[float(node), 1.0] for node in graph], graph)
    found = store(*graphs)
    for one, graph in zip(found, graphs, strict=True):
        expected = pyg_from_networkx(graph)
        assert torch.equal(one.edge_index, coalesce(expected.edge_index))
        assert torch.equal(one.x, expected.x)


def test_graphs_are_left_as_they_were() -> None:
    graph, same = molecule(), molecule()
    store(graph, **ALL)
    assert nx.utils.graphs_equal(graph, same)


def test_other_fields_come_from_named_attributes() -> None:
    graph = nx.Graph()
    graph.add_nodes_from([("a", {"at": (0.0, 1)}), ("b", {"at": (2, 0.5)}), ("c", {"at": (1, 1)})])
    graph.add_edge("a", "c")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = GraphStore.from_networkx([graph] * 2, fields={"pos": "at"}, undirected=True)
    assert store.batch([1, 0]).pos.tolist() == [[0, 1], [2, 0.5], [1, 1]] * 2
    assert store.pos.dtype == torch.float32
    with pytest.raises(UserError, match=r"Expected fields among pos, but got 'x'\.$"):
        GraphStore.from_networkx([graph], fields={"x": "at"})
    for node in graph:
        graph.nodes[node]["at"] = "here"
    with pytest.raises(UserError, match="Expected numbers in 'at' of nodes for the field pos"):
        GraphStore.from_networkx([graph], fields={"pos": "at"})
