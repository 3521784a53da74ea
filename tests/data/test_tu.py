"""TU data sets: equal to PyG's reader to the bit, on real, random and hand-written files."""

import warnings
from itertools import takewhile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_geometric.io import read_tu_data

from graph_hcl.data.codes import one_hot_columns
from graph_hcl.data.fetch import raw_files
from graph_hcl.data.tu import read
from graph_hcl.data.tu_mirror import OFFLINE
from graph_hcl.errors import UserError


def slow_one_hot(labels):
    """Return codes one-hot as PyG has them, cell by cell; None for none."""
    if labels is None:
        return None
    rows = [[] for _ in range(len(labels))]
    for column in labels.t().tolist():
        for value in range(min(column), max(column) + 1) if column else []:
            for row, cell in zip(rows, column, strict=True):
                row.append(float(cell == value))
    return torch.tensor(rows) if rows else None


def joined(*parts):
    parts = [part for part in parts if part is not None and part.numel()]
    return torch.cat(parts, dim=1) if parts else None


def edge_attr(raw):
    return joined(raw.edge_attributes, slow_one_hot(raw.edge_labels))


def equal(one, other) -> bool:
    """Return whether both are equal or empty: PyG has no columns where we have None."""
    if one is None or other is None:
        return all(part is None or part.numel() == 0 for part in (one, other))
    return torch.equal(one, other)


def assert_same_edges(raw, data, slices) -> None:
    assert torch.equal(raw.edge_index, data.edge_index)
    graphs, ends = len(raw.node_ptr) - 1, slices["edge_index"]
    assert torch.equal(raw.edge_ptr[: len(ends)], ends)
    # PyG forgets the last graphs where they have no edges.
    assert raw.edge_ptr[len(ends) :].tolist() == [raw.edge_index.shape[1]] * (
        graphs + 1 - len(ends)
    )
    if "x" in slices:
        assert torch.equal(raw.node_ptr, slices["x"])


def first_graphs(files, count):
    """Cut the files of a set that lists nodes and edges graph by graph to its first graphs."""
    rows = {suffix: file.read_text(encoding="utf-8").splitlines() for suffix, file in files.items()}
    nodes = sum(1 for _ in takewhile(lambda line: int(line) <= count, rows["graph_indicator"]))
    edges = sum(1 for _ in takewhile(lambda line: int(line.split(",")[0]) <= nodes, rows["A"]))
    lengths = {"A": edges, "graph_indicator": nodes, "node_labels": nodes, "graph_labels": count}
    for suffix, length in lengths.items():
        if suffix not in rows:
            continue
        text = "".join(f"{line}\n" for line in rows.pop(suffix)[:length])
        files[suffix].write_text(text, encoding="utf-8")
    assert not rows


def compare(name, tmp_path, mirror=None, graphs=None) -> None:
    files = raw_files(name, str(tmp_path), mirror)
    if graphs is not None:
        first_graphs(files, graphs)
    raw = read(files)
    data, slices, _ = read_tu_data(str(files["A"].parent), name)
    assert equal(joined(raw.node_attributes, slow_one_hot(raw.node_labels)), data.x)
    assert equal(edge_attr(raw), data.edge_attr)
    assert torch.equal(raw.y, data.y)
    assert_same_edges(raw, data, slices)
    lines = files["graph_labels"].read_text(encoding="utf-8").split()
    assert [raw.classes[number] for number in raw.y.tolist()] == [int(line) for line in lines]


def test_equals_pyg_on_mutag(tmp_path) -> None:
    compare(OFFLINE, tmp_path)


LARGE = ["DD", "REDDIT-MULTI-5K"]
SMALL = [
    "COIL-DEL",
    "REDDIT-BINARY",
    "ENZYMES",
    "IMDB-BINARY",
    "IMDB-MULTI",
    "Letter-high",
    "MSRC_21",
    "NCI1",
    "PROTEINS",
]
FIRST = {"DD": 300, "REDDIT-MULTI-5K": 400, "REDDIT-BINARY": 500}
"""How many graphs of the largest sets are compared: PyG takes long to read them all."""


@pytest.mark.parametrize(
    "name", ["PTC_MR", *SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
def test_equals_pyg_on_real_sets(name, tmp_path, mirror) -> None:
    compare(name, tmp_path, mirror, graphs=FIRST.get(name))


def test_equals_pyg_on_dense_graphs(tmp_path, mirror) -> None:
    compare("COLLAB", tmp_path, mirror, graphs=200)


def lines(rows) -> str:
    return "".join(f"{', '.join(map(str, row))}\n" for row in rows)


@st.composite
def tu_sets(draw):
    """Draw the texts of a TU set: unsorted edges, duplicates, self-loops, isolated nodes."""
    # At least two lines per file: PyG fails on one.
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    starts = [sum(sizes[:number]) + 1 for number in range(len(sizes))]
    edges = []
    for start, size in zip(starts, sizes, strict=True):
        node = st.integers(start, start + size - 1)
        edges += draw(st.lists(st.tuples(node, node), max_size=6))
    if draw(st.booleans()):
        edges = list(dict.fromkeys(edges))
    edges = draw(st.permutations([*edges, (1, 1), (sizes[0], sizes[0])]))
    whole, real = st.integers(-3, 3), st.floats(-5, 5, width=32)

    def table(count, cell, width):
        return lines(draw(st.lists(st.tuples(*[cell] * width), min_size=count, max_size=count)))

    nodes = sum(sizes)
    files = {
        "A": lines(edges),
        "graph_indicator": lines([number + 1] for number, s in enumerate(sizes) for _ in range(s)),
    }
    for suffix, count, cell in [
        ("graph_labels", len(sizes), whole),
        ("graph_attributes", len(sizes), real),
        ("node_labels", nodes, whole),
        ("node_attributes", nodes, real),
        ("edge_labels", len(edges), whole),
        ("edge_attributes", len(edges), real),
    ]:
        if draw(st.booleans()):
            columns = 1 if suffix == "graph_labels" else draw(st.integers(1, 2))
            files[suffix] = table(count, cell, columns)
    return files


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tu_sets())
def test_equals_pyg_on_irregular_sets(tmp_path, read_tu, files) -> None:
    raw = read_tu(files)
    data, slices, sizes = read_tu_data(str(tmp_path / "raw"), "T")
    assert_same_edges(raw, data, slices)
    assert equal(joined(raw.node_attributes, slow_one_hot(raw.node_labels)), data.x)
    assert equal(edge_attr(raw), data.edge_attr)
    if raw.edge_attributes is not None:
        assert len(raw.edge_attribute_names) == raw.edge_attributes.shape[1]
        summed = [name for name in raw.edge_attribute_names if name.startswith("edge_labels")]
        assert len(summed) in (0, sizes["num_edge_labels"])
        assert (len(summed) > 0) == ("edge_labels" in files and raw.edge_labels is None)
    if "graph_attributes" in files:  # PyG then forgets the labels
        assert torch.equal(raw.targets.squeeze(), data.y)
    elif "graph_labels" in files:
        assert torch.equal(raw.y, data.y)
    assert (raw.y is None, raw.classes == ()) == (("graph_labels" not in files,) * 2)
    sources, numbers = raw.edge_index[0].tolist(), raw.edge_ptr.tolist()
    degree = [0] * int(raw.node_ptr[-1])
    for start, begin, end in zip(raw.node_ptr.tolist(), numbers, numbers[1:], strict=False):
        for source in sources[begin:end]:
            degree[start + source] += 1
    assert raw.degree().tolist() == degree


def same(one, other) -> bool:
    return all(
        torch.equal(mine, yours) if isinstance(mine, torch.Tensor) else mine == yours
        for mine, yours in zip(vars(one).values(), vars(other).values(), strict=True)
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tu_sets(), st.randoms(use_true_random=False))
def test_nodes_of_a_graph_may_lie_anywhere(read_tu, files, random) -> None:
    """Interleaving the graphs' nodes, those of each in their order, changes nothing."""
    want = read_tu(files)
    graph = files["graph_indicator"].split()
    places = [[node for node, g in enumerate(graph) if g == name] for name in set(graph)]
    order = []  # the old number of each node in its new place
    while places := [left for left in places if left]:
        order.append(random.choice(places).pop(0))
    new = {old + 1: place + 1 for place, old in enumerate(order)}
    moved = dict(files)
    moved["A"] = lines(
        (new[int(field)] for field in line.split(",")) for line in files["A"].splitlines()
    )
    for suffix in ("graph_indicator", "node_labels", "node_attributes"):
        if suffix in files:
            rows = files[suffix].splitlines()
            moved[suffix] = "".join(f"{rows[old]}\n" for old in order)
    assert same(read_tu(moved), want)


def test_by_hand(read_tu, tiny) -> None:
    raw = read_tu(tiny)
    assert raw.edge_index.tolist() == [[0, 0, 1, 1, 2, 2, 0, 1], [1, 2, 0, 2, 0, 1, 1, 0]]
    assert raw.edge_labels is None
    assert raw.edge_attribute_names == ("edge_labels=0", "edge_labels=1", "edge_labels=2")
    assert raw.edge_attributes[0].tolist() == [1, 1, 0]  # the edge that is listed twice
    assert raw.node_ptr.tolist() == [0, 3, 6]
    assert raw.edge_ptr.tolist() == [0, 6, 8]
    assert (raw.y.tolist(), raw.classes) == ([0, 1], (-1, 1))
    assert raw.node_labels[:, 0].tolist() == [3, 5, 3, 4, 3, 3]
    assert raw.node_attributes[5].tolist() == [5, 6.25]
    assert raw.degree().tolist() == [2, 2, 2, 1, 1, 0]


SINGLE = {  # without the edge that is listed twice
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n1, 3\n3, 1\n2, 2\n4, 5\n5, 4\n",
    "edge_labels": "7\n7\n8\n8\n8\n8\n7\n9\n9\n",
}


def test_codes_where_no_edge_is_listed_twice(read_tu, tiny) -> None:
    raw = read_tu(tiny | SINGLE)
    assert raw.edge_labels[:, 0].tolist() == [7, 8, 7, 8, 8, 8, 9, 9]
    assert (raw.edge_attributes, raw.edge_attribute_names) == (None, ())
    raw = read_tu(tiny | SINGLE | {"edge_attributes": "1, 2\n" * 9})
    assert raw.edge_attribute_names == ("edge_attributes[0]", "edge_attributes[1]")
    assert raw.edge_labels.shape == (8, 1)


def test_columns_that_only_a_self_loop_had(read_tu, tiny) -> None:
    loop = {"edge_labels": "7\n7\n8\n8\n8\n8\n11\n9\n9\n"}
    raw = read_tu(tiny | SINGLE | loop)
    assert raw.edge_labels is None
    assert raw.edge_attribute_names == tuple(f"edge_labels={value}" for value in range(7, 12))
    two = {"edge_labels": "7, 0\n7, 0\n8, 0\n8, 0\n8, 0\n8, 0\n11, 0\n9, 0\n9, 0\n"}
    names = read_tu(tiny | SINGLE | two).edge_attribute_names
    assert names[-2:] == ("edge_labels[0]=11", "edge_labels[1]=0")


def test_labels_far_apart(read_tu, tiny) -> None:
    far = {"node_labels": "5\n1000000005\n-9223372036854775808\n5\n5\n9223372036854775807\n"}
    far["edge_labels"] = "0\n0\n1\n1\n1\n1\n0\n1\n2\n9000000000\n"
    raw = read_tu(tiny | far)
    assert one_hot_columns(raw.node_labels) == [(-(2**63), 5, 1000000005, 2**63 - 1)]
    assert raw.edge_attributes.shape == (8, 4)
    assert raw.edge_attribute_names[-1] == "edge_labels=9000000000"


def test_files_that_need_not_be_there(read_tu, tiny) -> None:
    raw = read_tu({s: tiny[s] for s in ("A", "graph_indicator")})
    assert (raw.y, raw.classes, raw.targets, raw.edge_attributes) == (None, (), None, None)
    assert (raw.node_labels, raw.node_attributes, raw.edge_labels) == (None, None, None)
    assert raw.edge_index.shape == (2, 8)


def test_graphs_without_edges(read_tu, tiny) -> None:
    del tiny["edge_labels"]
    for files in ({"A": ""}, {"A": "\n"}, {"A": "", "edge_labels": "", "edge_attributes": "\n"}):
        raw = read_tu(tiny | files)
        assert raw.edge_index.shape == (2, 0)
        assert raw.edge_ptr.tolist() == [0, 0, 0]
        assert (raw.edge_labels, raw.edge_attributes) == (None, None)
    raw = read_tu({"A": "1, 1\n", "graph_indicator": "1\n2\n"})
    assert (raw.edge_index.shape, raw.node_ptr.tolist()) == ((2, 0), [0, 1, 2])
    one = {"A": "", "graph_indicator": "1\n", "graph_labels": "4\n", "node_labels": "6\n"}
    raw = read_tu(one)
    assert (raw.classes, raw.node_labels.tolist()) == ((4,), [[6]])


def test_graphs_without_nodes_are_dropped(read_tu, tiny) -> None:
    want = read_tu(tiny | {"graph_attributes": "0.5\n1.5\n"})
    gaps = {
        "graph_indicator": "2\n2\n2\n4\n4\n4\n",
        "graph_labels": "3\n-1\n9\n1\n5\n",
        "graph_attributes": "9\n0.5\n9\n1.5\n9\n",
    }
    with pytest.warns(UserWarning, match="3 of 5 graphs have no nodes in .*: they are dr") as got:
        raw = read_tu(tiny | gaps)
    assert len(got) == 1
    assert same(raw, want)
    del tiny["graph_labels"]
    with pytest.warns(UserWarning, match=r"999999999998 of 1000000000000 graphs"):
        raw = read_tu(tiny | {"graph_indicator": "7\n" * 3 + "1e12\n" * 3})
    assert raw.node_ptr.tolist() == [0, 3, 6]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_tu(tiny)


def test_lines_for_the_graphs_that_are_there_alone(read_tu, tiny) -> None:
    gap = {"graph_indicator": "1\n1\n1\n5\n5\n5\n"}
    with pytest.raises(UserError, match=r"5 lines in .*, but got 2: number the graphs 1 … 2 with"):
        read_tu(tiny | gap)


def test_edge_between_graphs_whose_nodes_are_not_in_order(read_tu, tiny) -> None:
    mixed = {"graph_indicator": "2\n2\n1\n1\n1\n2\n", "A": "1, 2\n3, 5\n4, 6\n"}
    with pytest.raises(UserError, match=r"between nodes of one graph in .*, but line 3 has 4, 6"):
        read_tu(tiny | mixed)


def test_one_class_is_read(read_tu, tiny) -> None:
    raw = read_tu(tiny | {"graph_labels": "7\n7\n"})
    assert (raw.y.tolist(), raw.classes) == ([0, 0], (7,))
