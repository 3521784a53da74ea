"""New graphs under the meaning that a trained encoder gave its features."""

import dataclasses
import warnings

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graph_hcl.data import GraphStore
from graph_hcl.data.columns import Column, degree_column
from graph_hcl.data.translate import translate
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:Of .* training never saw")


def chemistry(elements, bonds=(1, 2)):
    return GraphStore.from_data(
        [
            Data(
                torch.tensor([[element] for element in elements]),
                torch.tensor([[0, 1], [1, 0]]),
                edge_attr=torch.tensor([[bond] for bond in bonds]),
            )
        ]
    )


def test_new_graphs_under_an_old_meaning() -> None:
    old = chemistry([6, 7, 8, 9])
    with pytest.warns(UserWarning, match=r"Of 4 nodes, .* of 1 with 'x\[0\]'") as told:
        new = chemistry([7, 8, 9, 10]).with_vocabulary(old.vocabulary)
    assert len(told) == 1
    nitrogen = old[0].x[1]
    assert new[0].x[0].equal(nitrogen)
    assert new[0].x[3].tolist() == [0, 0, 0, 0]  # an element that is not known
    assert new.vocabulary == old.vocabulary
    assert old.with_vocabulary(old.vocabulary) is old


def test_edges_keep_their_meaning_too() -> None:
    old = chemistry([6, 7], (1, 3))
    with pytest.warns(UserWarning, match=r"Of 2 edges, .* 1 with 'edge_attr\[0\]'"):
        new = chemistry([6, 7], (3, 2)).with_vocabulary(old.vocabulary)
    assert new[0].edge_attr.tolist() == [[0, 1], [0, 0]]
    without = dataclasses.replace(old.vocabulary, edge=Features())
    bare = dataclasses.replace(old, edge_attr=None, vocabulary=without)
    with pytest.raises(UserError, match=r"Expected the edge feature 'edge_attr\[0\]'"):
        bare.with_vocabulary(old.vocabulary)
    with pytest.warns(UserWarning, match=r"edge features edge_attr\[0\] are left out"):
        assert old.with_vocabulary(without).edge_attr is None


def test_degrees_are_counted_where_they_are_asked_for() -> None:
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    old = GraphStore.from_data([Data(edge_index=edges, num_nodes=3)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        star = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
        new = GraphStore.from_data([Data(edge_index=star, num_nodes=5)])
    with pytest.warns(UserWarning, match="Of 5 nodes, .* 2 with 'degree'"):  # 3 and 0
        seen = new.with_vocabulary(old.vocabulary)
    assert seen[0].x.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]
    labelled = GraphStore.from_data([Data(torch.rand(5, 2), star)])
    with pytest.warns(UserWarning, match=r"x\[0\], x\[1\] are left out"):
        assert labelled.with_vocabulary(old.vocabulary)[0].x.equal(seen[0].x)


def one_real(*values: float) -> GraphStore:
    edges = torch.tensor([[0, 1], [1, 0]])
    return GraphStore.from_data([Data(torch.tensor(values)[:, None], edges)])


def test_numbers_and_categories_are_not_confused() -> None:
    whole, real = chemistry([6, 7]), one_real(0.5, 0.25)
    named = dataclasses.replace(
        whole, vocabulary=Vocabulary(Features((Column("x[0]", ("C", "N")),)), whole.vocabulary.edge)
    )
    for one, other in ((real, whole), (named, real)):
        with pytest.raises(UserError, match=r"Expected the node feature 'x\[0\]' as a "):
            one.with_vocabulary(dataclasses.replace(other.vocabulary, edge=one.vocabulary.edge))


@pytest.mark.parametrize("numbers", [[3, 1], [0, 1], [-2, 40]])
def test_whole_numbers_serve_as_quantities(numbers: list[int]) -> None:
    """Whether a list of graphs happens to hold whole numbers alone must not matter."""
    trained = one_real(0.5, 2.5).fitted([0])
    whole = GraphStore.from_data([Data(torch.tensor(numbers)[:, None], trained[0].edge_index)])
    assert whole.vocabulary.node.columns[0].values is not None
    expected = one_real(*map(float, numbers)).with_vocabulary(trained.vocabulary)
    assert torch.equal(whole.with_vocabulary(trained.vocabulary)[0].x, expected[0].x)


def test_unknown_values_are_no_numbers() -> None:
    trained, whole = one_real(0.5, 2.5), chemistry([6, 7])
    lost = dataclasses.replace(whole, x=torch.full_like(whole.x, -1))
    with pytest.raises(UserError, match="as a number"):
        lost.with_vocabulary(dataclasses.replace(trained.vocabulary, edge=whole.vocabulary.edge))


def roles(*nodes: int, degrees: dict[str, int | str] | None = None) -> GraphStore:
    """Return paths with a role, and with what a user calls "degree"."""
    graphs = []
    for n in nodes:
        graph = networkx.path_graph(n)
        for node in graph:
            graph.nodes[node]["role"] = "ab"[node % 2]
            if degrees is not None:
                graph.nodes[node]["degree"] = list(degrees.values())[node % len(degrees)]
        graphs.append(graph)
    names = ["role"] if degrees is None else ["role", "degree"]
    return GraphStore.from_networkx(graphs, node_attrs=names)


@pytest.mark.parametrize("degrees", [{"a": 1, "b": 2}, {"a": 0, "b": 1}, {"a": "BSc", "b": "MSc"}])
def test_a_feature_that_a_user_calls_degree_is_not_computed(degrees) -> None:
    trained = roles(4, 5, degrees=degrees)
    with pytest.raises(UserError, match="Expected the node feature 'degree'"):
        roles(4).with_vocabulary(trained.vocabulary)


def test_a_real_feature_called_log_degree_beside_others_is_not_computed() -> None:
    columns = (Column("role", ("a", "b")), Column("log_degree"))
    with pytest.raises(UserError, match="Expected the node feature 'log_degree'"):
        roles(4).with_vocabulary(Vocabulary(Features(columns)))


words = st.lists(st.sampled_from("CNOFSPIBH"), min_size=1, unique=True).map(tuple)
numbers = st.lists(st.integers(-3, 12), min_size=1, unique=True).map(tuple)


@given(st.one_of(st.tuples(words, words), st.tuples(numbers, numbers)), st.data())
def test_values_are_found_by_what_they_are(meanings, data) -> None:
    own, wanted = meanings
    rows = st.lists(st.integers(-1, len(own) - 1), min_size=1, max_size=9)
    codes = torch.tensor(data.draw(rows))
    found = translate(
        codes[:, None],
        Features((Column("a", own),)),
        Features((Column("a", wanted),)),
        level="node",
    )
    expected = [
        wanted.index(own[code]) if code >= 0 and own[code] in wanted else -1
        for code in codes.tolist()
    ]
    assert found[:, 0].tolist() == expected


def test_warnings_point_at_the_caller() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    data = Data(torch.tensor([[3], [4]]), edges, torch.tensor([[0], [1]]))
    store = GraphStore.from_data([data])
    other = GraphStore.from_data([Data(torch.tensor([[5], [4]]), edges)]).vocabulary
    more = Features((*store.vocabulary.node.columns, Column("mood")))
    named = Vocabulary(more, store.vocabulary.edge)
    with_mood = dataclasses.replace(store, x=torch.ones(2, 2), vocabulary=named)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store.with_vocabulary(other)  # an unknown value, and edge features that are left out
        with_mood.with_vocabulary(store.vocabulary)  # a node feature that is left out
    assert [warning.filename for warning in caught] == [__file__] * 3


def test_columns_are_found_by_name_and_extra_ones_are_named() -> None:
    own = Features((Column("size"), Column("element", ("C", "O")), Column("mood", (0, 1))))
    wanted = Features((Column("element", ("O", "N", "C")), Column("size", mean=2.0, std=4.0)))
    stored = torch.tensor([[6.0, 1.0, 0.0], [2.0, 0.0, 1.0]])
    with pytest.warns(UserWarning, match="The node features mood are left out"):
        found = translate(stored, own, wanted, level="node")
    assert found.tolist() == [[0, 6], [2, 2]]
    assert wanted.encode(found).tolist() == [[1, 0, 0, 1], [0, 0, 1, 0]]
    with pytest.raises(UserError, match=r"Expected the node feature 'mood', .* have element, size"):
        translate(stored[:, :2], wanted, own, level="node")


def test_names_are_not_matched_with_bare_numbers() -> None:
    for values in (("C", "N"), ("6", "7")):
        own, wanted = Features((Column("e", (6, 7)),)), Features((Column("e", values),))
        for one, other in ((own, wanted), (wanted, own)):
            with pytest.raises(UserError, match="numbers and names cannot be matched"):
                translate(torch.tensor([[0], [1]]), one, other, level="node")


@given(st.lists(st.integers(0, 20), min_size=1, max_size=9), st.integers(0, 20), st.integers(1, 9))
def test_degrees_beyond_the_last(degrees, largest, cap) -> None:
    own, wanted = degree_column(max(degrees)), degree_column(largest, cap)
    x = translate(
        torch.tensor(degrees)[:, None], Features((own,)), Features((wanted,)), level="node"
    )
    encoded = Features((wanted,)).encode(x)
    last = len(wanted.values) - 1
    for row, degree in zip(encoded, degrees, strict=True):
        place = min(degree, last) if wanted.clamp else degree
        assert row.tolist() == [float(k == place) for k in range(last + 1)]


def test_one_column_given_as_a_row_stays_so() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    store = GraphStore.from_data([Data(torch.ones(2, 1), edges, edge_attr=torch.tensor([1.0, 5]))])
    scaled = dataclasses.replace(
        store.vocabulary, edge=store.vocabulary.edge.fitted(store.edge_attr)
    )
    new = store.with_vocabulary(scaled)
    np.testing.assert_allclose(new[0].edge_attr, [-1, 1])
    assert new.edge_attr.equal(store.edge_attr)


def test_a_value_inside_the_range_that_training_never_saw_is_unknown() -> None:
    wanted = Features((Column("label", (0, 1, 2, 3)).seen_in(torch.tensor([0, 3, 1])),))
    assert wanted.columns[0].absent == (2,)
    for own in ((0, 1, 2, 3), (1, 2, 3)):  # by position, and by a table
        x = torch.tensor([[k] for k in range(len(own))])
        with pytest.warns(UserWarning, match=rf"Of {len(own)} nodes, .* 1 with 'label'"):
            found = translate(x, Features((Column("label", own),)), wanted, level="node")
        assert found.flatten().tolist() == [-1 if value == 2 else value for value in own]
    assert Features.from_list(wanted.to_list()) == wanted


def test_a_degree_between_those_of_training_is_unknown_and_one_beyond_a_cap_is_not() -> None:
    column = degree_column(9, cap=4).seen_in(torch.tensor([0, 1, 3, 9]))
    assert (column.clamp, column.absent) == (True, (2,))
    x = torch.arange(7)[:, None]
    with pytest.warns(UserWarning, match="1 with 'degree'"):
        found = translate(x, Features((degree_column(6),)), Features((column,)), level="node")
    assert found.flatten().tolist() == [0, 1, -1, 3, 4, 5, 6]


def test_other_values_have_a_code_where_training_saw_it() -> None:
    own = Features((Column("atom", (0, 6, 7)),))
    codes = torch.tensor([[0], [1], [2]])
    wanted = Features((Column("atom", (6, 7, "misc")),))
    assert translate(codes, own, wanted, level="node").tolist() == [[2], [0], [1]]
    unseen = Features((Column("atom", (6, 7, "misc"), absent=(2,)),))
    with pytest.warns(UserWarning, match="never saw the value of 1 with 'atom'"):
        assert translate(codes, own, unseen, level="node").tolist() == [[-1], [0], [1]]
    with pytest.warns(UserWarning, match="never saw the value of 1 with 'atom'"):
        assert translate(codes, wanted, own, level="node").tolist() == [[1], [2], [-1]]
