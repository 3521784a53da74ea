"""Text files of numbers: unusual forms are read, and faults are named with file and line."""

import warnings

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_hcl.errors import UserError


def lines(rows) -> str:
    return "".join(f"{', '.join(map(str, row))}\n" for row in rows)


def same(one, other) -> bool:
    return all(
        torch.equal(mine, yours) if isinstance(mine, torch.Tensor) else mine == yours
        for mine, yours in zip(vars(one).values(), vars(other).values(), strict=True)
    )


def spaced(text):
    return text.replace(", ", " ")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.rstrip("\n"),
        lambda text: f"{text}\n\n  \n",
        lambda text: f"\n{text}",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace(", ", ","),
        lambda text: text.replace(", ", " ,\t"),
        lambda text: text.replace("\n", " \n"),
        lambda text: "".join(f"  {line}\n" for line in text.splitlines()),
        spaced,
        lambda text: text.replace(", ", "\t"),
        lambda text: text.replace(", ", "   "),
    ],
)
def test_other_ways_to_write_lines(read_tu, tiny, change) -> None:
    tiny |= {"edge_attributes": "1e-3, -2.5E+2\n" * 10, "graph_attributes": ".5, 1.\n-3, 7e0\n"}
    want = read_tu(tiny)
    got = read_tu({suffix: change(text) for suffix, text in tiny.items()})
    assert same(got, want)


@pytest.mark.parametrize(
    "numbers", ["{:+d}", "{:d}.0", "{:d}.", "{:.18e}", "{:+.1f}", "{:05d}", "{:d}.000000"]
)
def test_other_ways_to_write_whole_numbers(read_tu, tiny, numbers) -> None:
    want = read_tu(tiny)
    for suffix in ("A", "graph_indicator", "graph_labels", "node_labels", "edge_labels"):
        rows = [line.split(",") for line in tiny[suffix].splitlines()]
        tiny[suffix] = lines([numbers.format(int(field)) for field in row] for row in rows)
        tiny[suffix] = "\ufeff" + tiny[suffix]
    assert same(read_tu(tiny), want)


def test_numbers_that_look_whole_in_the_first_block(read_tu) -> None:
    many = 1 << 19  # lines: more than the block from which a reader guesses types
    files = {
        "A": "1, 2\n2, 1\n",
        "graph_indicator": "1\n" * many,
        "graph_labels": "1\n",
        "node_attributes": "10\n" * (many - 1) + "0.5\n",
    }
    raw = read_tu(files)
    assert raw.node_attributes[[0, -1], 0].tolist() == [10.0, 0.5]
    files["node_attributes"] = "10\n" * (many - 1) + "nan\n"
    with pytest.raises(UserError, match=f"line {many} has 'nan'"):
        read_tu(files)


@pytest.mark.parametrize(
    ("suffix", "text", "sentence"),
    [
        ("A", "1, 2\n2, x\n", "whole numbers of 64 bits in .*_A.txt, but line 2 has 'x': list two"),
        ("A", "1, 2\n\n2\n", "2 whole numbers on each line in .*_A.txt, but line 3 has 1 field:"),
        ("A", "1, 2, 0.5\n", "2 whole numbers on each line in .*_A.txt, but line 1 has 3 fields"),
        ("A", "1\n2\n", "2 whole numbers on each line in .*_A.txt, but line 1 has 1 field"),
        ("A", "1, 2\n\n1, 7\n", "node numbers 1 … 6 in .*_A.txt, but line 3 has 1, 7: compare"),
        ("A", "1, 2\n0, 1\n", "node numbers 1 … 6 in .*_A.txt, but line 2 has 0, 1"),
        ("A", f"1, 2\n{-(2**63)}, 1\n", "node numbers 1 … 6 in .*_A.txt, but line 2 has"),
        ("A", "1, 2\n\n\n1, 4\n", "edges between nodes of one graph .*, but line 4 has 1, 4"),
        ("A", "1, 2\n1, 2.5\n", "whole numbers of 64 bits in .*_A.txt, but line 2 has '2.5'"),
        ("A", "1, 99999999999999999999\n", "but line 1 has '99999999999999999999'"),
        ("A", "1, 9" + "9" * 5000 + "\n", "line 1 has '9{40}…'"),
        ("A", "1, 1e300\n", "line 1 has '1e300'"),
        ("node_labels", "9007199254740993.0\n" * 6, "line 1 has '9007199254740993.0'"),
        ("A", "1, 1_0\n", "line 1 has '1_0'"),
        ("A", "1, 2,\n", "line 1 has 3 fields"),
        ("A", "1" * (1 << 21), "but line 1 has 1048576 characters or more"),
        ("A", "1, 2\n" + "1, 2 " * (1 << 19), "but line 2 has 1048576 characters or more"),
        ("graph_indicator", "", "the graph of each node in .*graph_indicator.txt, but it is empty"),
        ("graph_indicator", "0\n0\n0\n1\n1\n1\n", "from 1 in .*graph_ind.*, but line 1 has 0"),
        ("graph_indicator", "1\n1\n1\n-2\n2\n2\n", "from 1 in .*graph_ind.*, but line 4 has -2"),
        ("graph_indicator", "1, 1\n", "1 whole number on each line .*but line 1 has 2 fields"),
        ("graph_labels", "1\n", "Expected 2 lines in .*, one per graph number, but got 1"),
        ("graph_labels", "", "Expected 2 lines in .*, but got 0: complete the file or remove it"),
        ("graph_labels", "1\nred\n", "line 2 has 'red': give each graph one class"),
        ("graph_labels", "1\n0.5\n", "'0.5': .* real targets belong in …_graph_attributes.txt"),
        ("graph_labels", "1, 0\n0, 1\n", "1 whole number on each line in .*graph_labels"),
        ("graph_labels", "nan\n1\n", "line 1 has 'nan'"),
        ("graph_attributes", "1\nnan\n", "finite .*graph_attributes.txt, but line 2 has 'nan'"),
        ("graph_attributes", "1\n2\n3\n", "Expected 3 lines in .*graph_labels.txt"),
        ("node_labels", "1\n2\n", "Expected 6 lines in .*node_labels.txt, .* but got 2"),
        ("node_labels", "", "Expected 6 lines in .*node_labels.txt, .* but got 0"),
        ("node_labels", "1\n2\n3.5\n4\n5\n6\n", "line 3 has '3.5': .* _?…_node_attributes.txt"),
        ("node_labels", "0,0\n0,0,4,1\n" * 3, "list time, label, time, label, … as the temporal"),
        ("node_labels", "0,0,4,1\n0,0\n" * 3, "list time, label, time, label, … as the temporal"),
        ("node_labels", "0\n0,0,4\n" * 3, "1 whole number on each line .*, but line 2 has 3"),
        ("edge_labels", "1\n2\n", "Expected 10 lines in .*edge_labels.txt, as in .*_A.txt"),
        ("node_attributes", "1, a\n" * 6, "numbers of 32 bits in .*node_at.* line 1 has 'a'"),
        ("node_attributes", "1, 2\n\n1, nan\n", "line 3 has 'nan': give each node"),
        ("node_attributes", "1, -inf\n" * 6, "line 1 has '-inf'"),
        ("node_attributes", "1\n1e39\n" * 3, "line 2 has '1e39'"),
        ("node_attributes", "1,\n" * 6, "line 1 has ''"),
        ("node_attributes", "1;2\n" * 6, "line 1 has '1;2'"),
        ("edge_attributes", "1\n" * 9, "Expected 10 lines in .*edge_attributes.txt, as in T_A.txt"),
        ("graph_labels", b"\x00\xff\xfe binary", "line 1 has 2 fields"),
        ("graph_labels", "1\n2\n".encode("utf-16"), "line 1 has '\ufffd\ufffd1"),
        ("A", b"PK\x03\x04\x00", "line 1 has 1 field:"),
    ],
)  # fmt: skip
def test_spoilt_files(read_tu, tiny, suffix, text, sentence) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        read_tu(tiny | {suffix: text})
    assert "\n" not in str(caught.value)


def test_largest_float32(read_tu, tiny) -> None:
    largest = torch.finfo(torch.float32).max
    for text in (f"{largest!r}", "3.4028235e38", "3.40282356e38"):
        raw = read_tu(tiny | {"node_attributes": f"+{text}\n" * 6})
        assert raw.node_attributes[0, 0] == largest
    with pytest.raises(UserError, match="line 1 has"):
        read_tu(tiny | {"node_attributes": "3.4028236e38\n" * 6})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["A", "graph_indicator", "graph_labels", "node_labels", "edge_labels"]),
       st.text("0123456789-+.e, \n\t\rx\0", max_size=60))  # fmt: skip
def test_any_text_is_read_or_named(read_tu, suffix, text) -> None:
    tiny = {"A": "1, 2\n2, 1\n", "graph_indicator": "1\n1\n2\n", "graph_labels": "1\n2\n"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read_tu(tiny | {suffix: text})
        except UserError as error:
            said = str(error)
        else:
            said = ""
    assert said.isprintable()
