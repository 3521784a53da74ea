"""The reader equals PyG's, on real sets and on small ones with every irregularity."""

import shutil

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_geometric.datasets import TUDataset
from torch_geometric.io import read_tu_data

from graph_hcl.data.fetch import OFFLINE, raw_files
from graph_hcl.data.tu import read
from graph_hcl.errors import UserError


def features(raw):
    parts = [part for part in (raw.node_attributes, raw.node_labels) if part is not None]
    return torch.cat(parts, dim=1) if parts else None


def equal(one, other) -> bool:
    return one is other if one is None or other is None else torch.equal(one, other)


def assert_equals_pyg(raw, data, slices) -> None:
    assert equal(features(raw), data.x)
    assert torch.equal(raw.edge_index, data.edge_index)
    assert equal(raw.edge_attr, data.edge_attr)
    assert torch.equal(raw.y, data.y)
    ends = slices["edge_index"]
    assert torch.equal(raw.edge_ptr[: len(ends)], ends)
    # PyG forgets the last graphs where they have no edges.
    assert raw.edge_ptr[len(ends) :].tolist() == [raw.edge_index.shape[1]] * (
        len(raw.y) + 1 - len(ends)
    )
    if "x" in slices:
        assert torch.equal(raw.node_ptr, slices["x"])


def compare(name, tmp_path, mirror=None) -> None:
    files = raw_files(name, str(tmp_path / "ours"), mirror)
    raw = tmp_path / "pyg" / name / "raw"
    shutil.copytree(files["A"].parent, raw)
    theirs = TUDataset(str(tmp_path / "pyg"), name, use_node_attr=True, use_edge_attr=True)
    assert_equals_pyg(read(files), theirs._data, theirs.slices)


def test_equals_pyg_on_mutag(tmp_path) -> None:
    compare(OFFLINE, tmp_path)


@pytest.mark.parametrize("name", ["PTC_MR", "ENZYMES", "IMDB-MULTI", "Letter-high", "MSRC_21"])
def test_equals_pyg_on_real_sets(name, tmp_path, mirror) -> None:
    compare(name, tmp_path, mirror)


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
    edges = draw(st.permutations([*edges, (1, 1), (1, 1)]))
    whole, real = st.integers(-3, 3), st.floats(-5, 5, width=32)

    def table(count, cell, width):
        return lines(draw(st.lists(st.tuples(*[cell] * width), min_size=count, max_size=count)))

    nodes = sum(sizes)
    files = {
        "A": lines(edges),
        "graph_indicator": lines([number + 1] for number, s in enumerate(sizes) for _ in range(s)),
        "graph_labels": table(len(sizes), whole, 1),
    }
    for suffix, count, cell in [
        ("node_labels", nodes, whole),
        ("node_attributes", nodes, real),
        ("edge_labels", len(edges), whole),
        ("edge_attributes", len(edges), real),
    ]:
        if draw(st.booleans()):
            files[suffix] = table(count, cell, draw(st.integers(1, 2)))
    return files


def write(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for suffix, text in files.items():
        (folder / f"T_{suffix}.txt").write_text(text)
    return {suffix: folder / f"T_{suffix}.txt" for suffix in files}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tu_sets())
def test_equals_pyg_on_irregular_sets(tmp_path, files) -> None:
    paths = write(tmp_path / "raw", files)
    data, slices, _ = read_tu_data(str(tmp_path / "raw"), "T")
    raw = read(paths)
    assert_equals_pyg(raw, data, slices)
    sources, numbers = raw.edge_index[0].tolist(), raw.edge_ptr.tolist()
    degree = [0] * int(raw.node_ptr[-1])
    for start, begin, end in zip(raw.node_ptr.tolist(), numbers, numbers[1:], strict=False):
        for source in sources[begin:end]:
            degree[start + source] += 1
    assert raw.degree().tolist() == degree


def test_by_hand(tmp_path, tiny) -> None:
    raw = read(write(tmp_path / "raw", tiny))
    assert raw.edge_index.tolist() == [[0, 0, 1, 1, 2, 2, 0, 1], [1, 2, 0, 2, 0, 1, 1, 0]]
    assert raw.edge_attr[0].tolist() == [1, 1, 0]  # the edge that is listed twice
    assert raw.node_ptr.tolist() == [0, 3, 6]
    assert raw.edge_ptr.tolist() == [0, 6, 8]
    assert raw.y.tolist() == [0, 1]
    assert raw.node_labels.argmax(1).tolist() == [0, 2, 0, 1, 0, 0]
    assert raw.degree().tolist() == [2, 2, 2, 1, 1, 0]


def test_numbers_that_look_whole_in_the_first_block(tmp_path, tiny) -> None:
    many = 1 << 19  # lines: more than the block from which a reader guesses types
    files = {
        "A": "1, 2\n2, 1\n",
        "graph_indicator": "1\n" * many,
        "graph_labels": "1\n",
        "node_attributes": "10\n" * (many - 1) + "0.5\n",
    }
    raw = read(write(tmp_path / "raw", files))
    assert raw.node_attributes[[0, -1], 0].tolist() == [10.0, 0.5]


@pytest.mark.parametrize(
    ("suffix", "text", "sentence"),
    [
        ("A", "1, 2\n2, x\n", "columns of whole numbers in .*_A.txt, but reading failed: .*'x'"),
        ("A", "1, 2\n2\n", "Expected 2 columns .*_A.txt"),
        ("A", "1\n2\n", "Expected two columns in .*_A.txt, but got 1"),
        ("A", "", "whole numbers in .*_A.txt, but reading failed: Empty"),
        ("A", "1, 7\n", "node numbers 1 … 6 .*_A.txt"),
        ("A", "0, 1\n", "node numbers 1 … 6 .*_A.txt"),
        ("A", "1, 4\n", "edges inside graphs in .*_A.txt"),
        ("A", "1, 2\n1, 2.5\n", "whole numbers"),
        ("A", "1, 99999999999999999999\n", "whole numbers"),
        ("graph_indicator", "1\n1\n1\n3\n3\n3\n", "no number left out"),
        ("graph_indicator", "2\n2\n2\n1\n1\n1\n", "ascending order"),
        ("graph_indicator", "1\n1\n2\n2\n1\n2\n", "ascending order"),
        ("graph_indicator", "1, 1\n", "one column of graph numbers"),
        ("graph_labels", "1\n", "Expected 2 lines in .*graph_labels.txt"),
        ("graph_labels", "red\nblue\n", "whole numbers in .*graph_labels"),
        ("node_labels", "1\n2\n", "Expected 6 lines in .*node_labels.txt, .* but got 2"),
        ("edge_labels", "1\n2\n", "Expected 10 lines in .*edge_labels.txt, as in .*_A.txt"),
        ("node_attributes", "1, a\n" * 6, "columns of numbers in .*node_attributes"),
        ("node_attributes", "1, nan\n" * 6, "finite numbers in .*node_attributes"),
        ("node_attributes", "1,\n" * 6, "numbers in .*node_attributes"),
        ("graph_labels", "\x00\xff\xfe binary", "whole numbers in .*graph_labels"),
    ],
)  # fmt: skip
def test_spoilt_files(tmp_path, tiny, suffix, text, sentence) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        read(write(tmp_path / "raw", tiny | {suffix: text}))
    assert "\n" not in str(caught.value)


def test_one_class_is_read(tmp_path, tiny) -> None:
    assert read(write(tmp_path / "raw", tiny | {"graph_labels": "7\n7\n"})).y.tolist() == [0, 0]
