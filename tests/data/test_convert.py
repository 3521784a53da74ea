"""PyG's graphs as a store: every field is kept, named in a warning, or refused with its graph."""

import warnings

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric import EdgeIndex
from torch_geometric.data import Data

from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError

E = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
NAN = float("nan")


def graph(**changes):
    """A path of three nodes, with x, and what else is given; None takes a field away."""
    given_fields = {"x": torch.ones(3, 2), "edge_index": E} | changes
    return Data(**{name: value for name, value in given_fields.items() if value is not None})


def store(*graphs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return GraphStore.from_data(graphs, **options)


# Fields


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x": None, "edge_index": None}, "'x' in all graphs or in none, but graph 1 has none"),
        ({"x": torch.ones(3, 4)}, r"x of one shape .* \[·, 2\] in graph 0 and \[·, 4\] in graph 1"),
        ({"x": torch.ones(3, 2, 2)}, "x of one shape"),
        ({"x": torch.ones(3)}, "x of one shape"),
        ({"x": torch.ones(3, 2).long()}, "x as whole numbers in all .* torch.int64 in graph 1"),
        ({"x": torch.ones(3, 2) * 1j}, "real numbers in x, but graph 1"),
        ({"x": torch.tensor(1.0)}, "rows in x, but graph 1 has a single number"),
        ({"x": np.ones((3, 2))}, "x as a tensor, but got ndarray in graph 1"),
        ({"x": torch.tensor([[1, 2], [1, NAN], [0, 0]])}, r"graph 1 has nan in x\[1\]"),
        ({"x": torch.full((3, 2), float("inf"))}, r"graph 1 has inf in x\[0\]"),
        ({"x": torch.full((3, 2), 1e300, dtype=torch.double)}, r"graph 1 has 1e\+300 in x\[0\]"),
        ({"x": torch.ones(0, 2), "edge_index": E[:, :0]}, "at least one node in graph 1"),
        ({"num_nodes": 5}, "5 rows of x in graph 1 as num_nodes says, but got 3"),
        ({"edge_index": None}, "'edge_index' in all graphs or in none, but graph 1 has none"),
        ({"edge_index": E + 1}, "0 … 2 in graph 1, but an edge names 3"),
        ({"edge_index": E - 1}, "0 … 2 in graph 1, but an edge names -1"),
        ({"edge_index": E.float()}, "whole numbers, but graph 1 has torch.float32: use .long"),
        ({"edge_index": E.bool()}, "whole numbers, but graph 1 has torch.bool"),
        ({"edge_index": E.t()}, r"edge_index \[2, edges\], but graph 1 has \[4, 2\]: transpose"),
        ({"edge_index": E[0]}, r"edge_index \[2, edges\], but graph 1 has \[4\]"),
        ({"edge_index": E.tolist()}, "edge_index as a tensor, but got list in graph 1"),
        ({"pos": torch.ones(3, 2)}, "'pos' in all graphs or in none, but graph 0 has none"),
        ({"edge_attr": torch.ones(4, 2)}, "'edge_attr' in all .* graph 0 has none and graph 1 has"),
        ({"edge_weight": torch.ones(4)}, "'edge_weight' in all graphs or in none"),
        ({"y": 1}, "'y' in all graphs or in none"),
    ],
)  # fmt: skip
def test_one_graph_differs(changes, sentence) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        GraphStore.from_data([graph(), graph(**changes)])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"edge_index": None}, r"edge_index \[2, edges\], but graph 0 has none: set torch.empty"),
        ({"edge_attr": torch.ones(5, 1)}, "4 rows of edge_attr in graph 0, .* but got 5"),
        ({"edge_attr": torch.ones(4, 1, 1)}, r"edge_attr as one row .* got \[·, 1, 1\]"),
        ({"edge_attr": torch.ones(4, 0)}, "edge_attr with at least one column"),
        ({"edge_attr": torch.full((4,), NAN)}, "graph 0 has nan in edge_attr"),
        ({"edge_weight": torch.ones(3)}, "4 rows of edge_weight in graph 0, .* but got 3"),
        ({"edge_weight": torch.ones(4, 2)}, r"one edge_weight for each edge, but got \[4, 2\]"),
        ({"edge_weight": torch.full((4,), NAN)}, "graph 0 has nan in edge_weight"),
        ({"pos": torch.full((3, 2), NAN)}, r"graph 0 has nan in pos\[0\]"),
        ({"pos": torch.ones(2, 2)}, "3 rows of pos in graph 0, one per node, but got 2"),
        ({"x": torch.ones(3)}, r"x \[nodes, features\] in graph 0, but got \[3\]"),
        ({"x": torch.ones(3, 0)}, "x with at least one column"),
        ({"x": torch.ones(3, 1, 1)}, "x as one row of columns for each node"),
        ({"x": None, "num_nodes": 0, "edge_index": E[:, :0]}, "at least one node in graph 0"),
        ({"x": None, "num_nodes": 2}, "0 … 1 in graph 0, but an edge names 2"),
    ],
)  # fmt: skip
def test_all_graphs_are_wrong(changes, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        GraphStore.from_data([graph(**changes)])


def test_the_graph_with_the_fault_is_named() -> None:
    for number in range(3):
        graphs = [graph(edge_attr=torch.ones(4, 2), edge_weight=torch.ones(4)) for _ in range(3)]
        graphs[number].edge_attr = torch.tensor([[0, 0], [0, NAN], [0, 0], [0, 0]])
        with pytest.raises(UserError, match=rf"graph {number} has nan in edge_attr\[1\]"):
            GraphStore.from_data(graphs)


def test_adjacency_instead_of_edges() -> None:
    data = T.ToSparseTensor(layout=torch.sparse_csr)(graph())
    with pytest.raises(UserError, match="graph 0 has none: it has adj_t instead"):
        GraphStore.from_data([data])


def test_kinds_of_numbers() -> None:
    for kind in (torch.float64, torch.float16, torch.bfloat16, torch.bool):
        one = store(graph(x=torch.ones(3, 2).to(kind), edge_weight=torch.ones(4, 1).to(kind)))
        assert one.x.dtype == one.edge_weight.dtype == torch.float32
        assert one.edge_weight.shape == (4,)
    assert store(graph(), graph(x=torch.ones(3, 2).double())).x.dtype == torch.float32
    assert store(graph(x=torch.eye(3).to_sparse())).x.equal(torch.eye(3))
    assert store(graph(x=torch.ones(3, 2, requires_grad=True))).x.requires_grad is False
    assert store(graph(edge_index=E.int())).batch([0]).edge_index.dtype == torch.int64
    assert store(graph(edge_index=torch.empty(2, 0))).batch([0]).edge_index.dtype == torch.int64
    index = EdgeIndex(E, sparse_size=(3, 3), sort_order="row", is_undirected=True)
    known = store(graph(edge_index=index), graph(edge_index=index))
    assert type(known.edge_index) is torch.Tensor
    assert known.edge_index.equal(torch.cat([E, E], dim=1))
    assert store(graph(edge_weight=torch.arange(4))).edge_weight.tolist() == [0, 1, 2, 3]
    assert store(graph(pos=torch.arange(3))).pos.dtype == torch.float32


def test_edge_attributes_keep_the_shape_of_numbers() -> None:
    flat = store(*[graph(edge_attr=torch.rand(4))] * 2)
    assert flat.batch([0, 1]).edge_attr.shape == (8,)
    assert flat.num_edge_features == 1
    codes = store(*[graph(edge_attr=torch.tensor([1, 1, 4, 4]))] * 2)
    assert codes.batch([0, 1]).edge_attr.shape == (8, 2)
    assert codes.vocabulary.edge.names() == ["edge_attr[0]=1", "edge_attr[0]=4"]


def test_no_features_at_all() -> None:
    bare = store(graph(x=None, num_nodes=4), graph(x=None, num_nodes=3))
    assert bare.x.tolist() == [[1], [2], [1], [0], [1], [2], [1]]
    assert bare.vocabulary.node.names() == ["degree=0", "degree=1", "degree=2"]
    assert store(graph(x=None, pos=torch.ones(5, 2))).node_ptr.tolist() == [0, 5]
    with pytest.warns(UserWarning, match="tells how many nodes graph 1 has"):
        inferred = GraphStore.from_data([graph(x=None, num_nodes=4), graph(x=None)])
    assert inferred.node_ptr.tolist() == [0, 4, 7]
    one = store(graph(x=None, num_nodes=3, edge_index=E[:, :2]), undirected=True)
    assert one.x.tolist() == [[1], [1], [0]]


def test_what_is_not_read_is_named_once() -> None:
    graphs = [graph(smiles="CCC", train_mask=torch.ones(3).bool()), graph(z=torch.ones(3))]
    with pytest.warns(UserWarning, match="smiles, train_mask, z are not read") as told:
        GraphStore.from_data(graphs)
    assert len(told) == 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GraphStore.from_data(graphs, ignored_attrs=["smiles", "train_mask", "z"])
    with pytest.raises(UserError, match="not read in ignored_attrs, but 'x' is"):
        GraphStore.from_data(graphs, ignored_attrs="x")


# Categories


@given(
    rows=st.lists(st.tuples(st.integers(-3, 3), st.integers(-(10**15), 10**15)), min_size=1),
    kind=st.sampled_from(["auto", True]),
)
def test_codes_equal_a_slow_loop(rows, kind) -> None:
    x = torch.tensor(rows)
    found = store(
        graph(x=x if kind == "auto" else x.double(), edge_index=E[:, :0]), categorical=kind
    )
    for number, column in enumerate(found.vocabulary.node.columns):
        values = sorted({row[number] for row in rows})
        assert (column.name, column.values) == (f"x[{number}]", tuple(values))
        places = [values.index(row[number]) for row in rows]
        assert found.x[:, number].tolist() == places
    assert found.x.dtype == torch.int64


def test_categorical() -> None:
    whole = graph(x=torch.tensor([[6], [8], [6]]), edge_attr=torch.ones(4, 1))
    assert store(whole).x.tolist() == [[0], [1], [0]]
    numbers = store(whole, categorical=False)
    assert numbers.x.tolist() == [[6], [8], [6]]
    assert numbers.x.dtype == torch.float32
    both = store(whole, graph(x=torch.tensor([[0.0]] * 3), edge_attr=E[0].float()[:, None]),
                 categorical=False)  # fmt: skip
    assert both.x[:, 0].tolist() == [6, 8, 6, 0, 0, 0]
    assert store(whole, categorical=True).vocabulary.edge.names() == ["edge_attr[0]=1"]
    broken = graph(x=torch.tensor([[1.0, 1], [1, 1], [1, 1.5]]))
    with pytest.raises(UserError, match=r"graph 1 has 1.5 in x\[1\]"):
        GraphStore.from_data([graph(), broken], categorical=True)
    assert store(graph(x=torch.ones(3, 2).bool()), categorical=True).x.tolist() == [[0, 0]] * 3
    for wrong in ("yes", 2, None):
        with pytest.raises(UserError, match="categorical as 'auto', True or False"):
            GraphStore.from_data([graph()], categorical=wrong)
    with pytest.raises(UserError, match="but got a GraphStore"):
        GraphStore.from_data(store(graph()), categorical=False)
    with pytest.raises(UserError, match="100,000 columns"):
        GraphStore.from_data([graph(x=torch.arange(100_001)[:, None], edge_index=E)])


def test_codes_far_apart_are_two_columns() -> None:
    assert store(graph(x=torch.tensor([[5], [10**9], [5]]))).num_features == 2


# Any one change


CHANGES = {
    "x": torch.ones(3, 2).index_fill(0, torch.tensor([1]), 2.0),
    "x kind": torch.ones(3, 2).long(),
    "edge_index": E[:, [2, 3, 0, 1]],
    "edge_attr": torch.arange(8.0).reshape(4, 2) + 1,
    "edge_weight": torch.arange(4.0) + 1,
    "pos": torch.arange(9.0).reshape(3, 3) + 1,
    "y": 1,
    "num_nodes": 4,
    "node_mask": torch.zeros(3).bool(),
    "name": "other",
    "y words": "toxic",
}


@pytest.mark.parametrize("changed", list(CHANGES))
def test_a_change_is_seen_or_named(changed) -> None:
    name = changed.split()[0]

    def made(value=None):
        fields = {
            "edge_attr": torch.arange(8.0).reshape(4, 2),
            "edge_weight": torch.arange(4.0),
            "pos": torch.arange(9.0).reshape(3, 3),
            "y": 0,
            "node_mask": torch.ones(3).bool(),
            "name": "this",
        }
        data = graph(**(fields if value is None else fields | {name: value}))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = GraphStore.from_data([data])
        words = " ".join(str(one.message) for one in told)
        return (
            {k: (v.dtype, v.tolist()) for k, v in found.batch([0]).to_dict().items()},
            found,
            words,
        )

    before, _, _ = made()
    if changed == "num_nodes":
        with pytest.raises(UserError, match=name):
            made(CHANGES[changed])
        return
    after, found, words = made(CHANGES[changed])
    assert after != before or found.classes == ["toxic"] or name in words
