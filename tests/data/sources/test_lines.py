"""JSON-lines: one graph a line, everything optional but the edges, mistakes by line."""

import json
import warnings

import pytest
import torch

from graph_hcl.data import load
from graph_hcl.data.sources import lines
from graph_hcl.errors import UserError

FULL = {
    "edges": [[0, 1], [1, 0]],
    "num_nodes": 2,
    "x": [[6, 1], [8, 0]],
    "edge_attr": [[0.5], [0.5]],
    "edge_weight": [1.0, 2],
    "pos": [[0.0, 0.0], [1.0, 1.5]],
    "y": "acid",
    "id": "first",
}


@pytest.fixture
def read(tmp_path):
    def read(entries, **options):
        file = tmp_path / "g.jsonl"
        lines = [one if isinstance(one, str) else json.dumps(one) for one in entries]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return load(file, **options)

    return read


def test_everything_arrives(read) -> None:
    other = FULL | {"x": [[8, 1], [8, 1]], "y": "base", "id": 7}
    store = read([FULL, "", other])
    assert store.x.tolist() == [[0, 1], [1, 0], [1, 1], [1, 1]]  # categories
    assert store.vocabulary.node.names() == ["x[0]=6", "x[0]=8", "x[1]=0", "x[1]=1"]
    assert store.edge_attr.tolist() == [[0.5]] * 4
    assert store.edge_weight.tolist() == [1, 2, 1, 2]
    assert store.pos.shape == (4, 2)
    assert (store.y.tolist(), store.classes, store.ids) == (
        [0, 1],
        ["acid", "base"],
        ["first", "7"],
    )
    assert read([FULL, other]).sha256 != store.sha256


def test_edges_alone(read) -> None:
    with pytest.warns(UserWarning, match="nor num_nodes tells"):
        store = read([{"edges": [[0, 1], [1, 0]]}, {"edges": [], "num_nodes": 3}])
    assert store.vocabulary.node.names()[0] == "degree=0"
    assert [graph.num_nodes for graph in store] == [2, 3]
    assert (store.y, store.ids, store.classes) == (None, None, [])


def test_one_way_edges_are_counted_once(read) -> None:
    entry = {"edges": [[0, 1], [1, 2]], "num_nodes": 3}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert read([entry]).one_way == 2
    (one,) = caught
    assert "2 of 2 edges of g have no reverse edge" in str(one.message)
    assert one.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = read([entry], undirected=True)
    assert store.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert store.sha256


def test_a_list_is_one_column(read) -> None:
    store = read([{"edges": [[0, 1], [1, 0]], "x": [6, 8]}])
    assert store.x.tolist() == [[0], [1]]


def test_each_column_is_of_one_kind_in_the_whole_file(read) -> None:
    pair = {"edges": [[0, 1], [1, 0]]}
    mixed = pair | {"x": [[0, 0.5], [1, 0.25]], "edge_attr": [[1.5, 7], [2, 7]]}
    whole = pair | {"x": [[4, 1], [4, 0]], "edge_attr": [[1, 9], [1, 7]]}
    for entries in ([mixed, whole], [whole, mixed]):
        store = read(entries)
        assert store.vocabulary.node.names() == ["x[0]=0", "x[0]=1", "x[0]=4", "x[1]"]
        assert store.vocabulary.edge.names() == ["edge_attr[0]", "edge_attr[1]=7", "edge_attr[1]=9"]
        first = store[entries.index(mixed)]
        assert first.x.tolist() == [[1, 0, 0, 0.5], [0, 1, 0, 0.25]]
        assert first.edge_attr.tolist() == [[1.5, 1, 0], [2, 1, 0]]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ([[1.0], [0.5]], [[1], [2]], ["x[0]"]),
        ([1, 2], [0.5, 2], ["x[0]"]),
        ([[1], [2]], [[1], [3]], ["x[0]=1", "x[0]=2", "x[0]=3"]),
        ([[2.0], [2.0]], [[2], [2]], ["x[0]"]),
        ([[True], [False]], [[True], [True]], ["x[0]"]),
        ([[True], [False]], [[2], [1]], ["x[0]=0", "x[0]=1", "x[0]=2"]),
        ([[True, 0.5], [False, 1]], [[True, 1], [False, 1]], ["x[0]=0", "x[0]=1", "x[1]"]),
        ([[10**15, 0.5], [1, 1]], [[1, 1], [1, 1]], ["x[0]=1", f"x[0]={10**15}", "x[1]"]),
        ([[2**62], [1]], [[1], [1]], ["x[0]=1", f"x[0]={2**62}"]),
    ],
)
def test_kinds_of_columns(read, first, second, names) -> None:
    pair = {"edges": [[0, 1], [1, 0]]}
    store = read([pair | {"x": first}, pair | {"x": second}])
    assert store.vocabulary.node.names() == names


def test_edges_with_one_kind_each_and_a_graph_without_any(read) -> None:
    entries = [
        {"edges": [[0, 1], [1, 0]], "edge_attr": [1, 2]},
        {"edges": [], "num_nodes": 2, "edge_attr": []},
        {"edges": [[0, 1], [1, 0]], "edge_attr": [0.5, 2]},
    ]
    entries = [{"num_nodes": 2} | one for one in entries]
    assert read(entries).edge_attr.flatten().tolist() == [1, 2, 0.5, 2]
    assert read(entries[:2]).vocabulary.edge.names() == ["edge_attr[0]=1", "edge_attr[0]=2"]


def test_graphs_without_edges_have_no_bonds(read) -> None:
    bare = {"edges": [], "num_nodes": 1, "x": [[6, 1]]}
    with_list = bare | {"edge_attr": [], "edge_weight": []}
    first = {k: v for k, v in FULL.items() if k != "pos"}
    store = read([first, bare, with_list])
    assert store.edge_ptr.tolist() == [0, 2, 2, 2]
    assert store.edge_attr.shape == (2, 1)


def test_targets(read) -> None:
    graph = {"edges": [], "num_nodes": 1}
    assert read([graph | {"y": y} for y in (3, 7)]).classes == ["3", "7"]
    assert read([graph | {"y": y} for y in (3, 7)], labels="numbers").y.tolist() == [3.0, 7.0]
    assert read([graph | {"y": y} for y in (0.5, 7)]).y.tolist() == [0.5, 7.0]
    y = read([graph | {"y": [1, None]}, graph | {"y": [0, 2]}]).y
    assert torch.equal(y.nan_to_num(9), torch.tensor([[1.0, 9], [0, 2]]))
    with pytest.warns(UserWarning, match="Of 2 graphs, 1 have no 'y'"):
        assert read([graph | {"y": 1}, graph]).y[1].isnan()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", r"but line 3 of .*g.jsonl is not: Expecting"),
        ("[1]", "Expected 'edges' in each graph, but line 3 of .* has none"),
        ({"edgs": []}, r"Expected 'edges' .* line 3 of .* has .*edgs: rename edgs to edges"),
        ({"edges": [[0]]}, r"pairs of node numbers, .* but line 3 of .* has \[\[0\]\]"),
        ({"edges": [[0, 1], [2]]}, "edges as a list of numbers, .* line 3"),
        ({"edges": [[0, 0.5]]}, "pairs of node numbers"),
        ({"edges": [["a", "b"]]}, r'edges as a list of numbers, .* line 3 .*\["a", "b"\]'),
        ({"edges": [[0, 10**30]]}, "edges as a list"),
        ({"edges": 3}, "edges as a list"),
        ({"edges": [[0, 5], [1, 0]]}, "node numbers 0 … 1 in line 3, but an edge names 5"),
        ({"edges": [[-1, 0], [1, 0]]}, "node numbers 0 … 1 in line 3, but an edge names -1"),
        ({"num_nodes": 0}, "num_nodes of 1 or more, .* but line 3 of .* has 0"),
        ({"num_nodes": "2"}, 'num_nodes of 1 or more, a whole number .* has "2"'),
        ({"num_nodes": 5}, "Expected 5|expected 5 rows of x in line 3"),
        ({"num_nodes": 10**30}, "num_nodes of 1 or more, a whole number below 2⁶³"),
        ({"x": [[1, 2], [3]]}, "x as a list of numbers, or of lists of one length, but line 3"),
        ({"x": [["C", "O"]]}, "x as a list of numbers"),
        ({"x": [[1.5, 2**53], [1, 2]]}, r"categories below 2⁵³ in x, but line 3 has .* in x\[1\]"),
        ({"x": [[1.5, 2, 3], [1, 2, 3]]}, "x of one shape"),
        ({"nodes": [{"id": 0}], "edges": [{"source": 0}]}, "node_link_data writes them: read each"),
        ({"x": [[1], [2]]}, "x of one shape"),
        ({"x": None}, "'x' in all graphs or in none, but line 3 has none and line 1 has it"),
        ({"edge_attr": [[0.5]]}, "2 rows of edge_attr in line 3"),
        ({"edge_attr": [[0.5], [float("nan")]]}, "finite numbers in edge_attr, but line 3 has nan"),
        ({"edge_weight": [[1, 2], [3, 4]]}, "edge_weight of one shape"),
        ({"y": 3, "edges": {}}, "edges as a list"),
    ],
)
def test_mistakes_name_the_line(read, line, said) -> None:
    line = line if isinstance(line, str) else {**FULL, **line}
    if isinstance(line, dict) and "edgs" in line:
        del line["edges"]
    with pytest.raises(UserError, match=said) as caught:
        read([FULL, "", line])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [10_000_500, 2**31, 2**40, 2**62, 2**63 - 1])
@pytest.mark.parametrize("named", [False, True])
def test_a_few_characters_do_not_make_a_graph_of_any_size(read, count, named) -> None:
    line = {"edges": [[0, count]]} if named else {"edges": [[0, 1]], "num_nodes": count}
    with pytest.raises(UserError, match=r"as many nodes as .* has text for, but line 2 makes"):
        read([{"edges": [[0, 1]]}, line])


def test_many_small_lines_do_not_make_nodes_without_end(read, monkeypatch) -> None:
    monkeypatch.setattr(lines, "FREE_NODES", 10_000)
    with pytest.raises(UserError, match=r"line 11 makes it over 10,000 more"):
        read([{"edges": [[0, 1000]]}] * 20)
    assert read([{"edges": [[0, 1]], "num_nodes": 9_000}])[0].num_nodes == 9_000


def test_deep_nesting(read) -> None:
    with pytest.raises(UserError, match=r"line 1 of .* (nests too deep|is not)"):
        read(["[" * 10**5 + "]" * 10**5])


def test_unknown_entries_are_named(read) -> None:
    with pytest.warns(
        UserWarning, match=r"'edge_atr' is not read in .* line 2\). Did you mean edge"
    ):
        read([FULL, FULL | {"edge_atr": 1}])


def test_empty(read, tmp_path) -> None:
    with pytest.raises(UserError, match="has none"):
        read([""])
    with pytest.raises(UserError, match="but there is none"):
        load(tmp_path / "other.jsonl")
