"""Targets from text: classes, numbers, tasks, missing entries."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_hcl.data.numerals import parse_number
from graph_hcl.data.targets import as_text, column_targets, graph_targets, task_row
from graph_hcl.errors import UserError
from graph_hcl.missing import MISSING


def read(values, labels="auto"):
    places = [f"line {number + 2}" for number in range(len(values))]
    return column_targets(values, labels, "target", places)


@pytest.mark.parametrize(
    ("values", "labels", "y", "classes"),
    [
        (["0", "1", "0"], "auto", [0, 1, 0], ["0", "1"]),
        (["10", "9", "-3"], "auto", [2, 1, 0], ["-3", "9", "10"]),  # by value
        (["1000000000", "0"], "auto", [1, 0], ["0", "1000000000"]),
        (["9007199254740993", "9007199254740992"], "auto", [1, 0], None),  # 2⁵³ + 1
        (["1.0", "0.0"], "auto", [1, 0], ["0", "1"]),
        (["inert", "active"], "auto", [1, 0], ["active", "inert"]),
        (["Na", "K", "Na"], "auto", [1, 0, 1], ["K", "Na"]),  # sodium is there
        (["NONE", "Some"], "auto", [0, 1], ["NONE", "Some"]),
        (["0.5", "2"], "auto", [0.5, 2.0], []),
        (["1", "2"], "numbers", [1.0, 2.0], []),
        (["0.5", "2"], "classes", [0, 1], ["0.5", "2"]),
        (["1", "b"], "classes", [0, 1], ["1", "b"]),
    ],
)
def test_one_column(values, labels, y, classes) -> None:
    found, names = read(values, labels)
    assert found.tolist() == y
    assert found.dtype == (torch.float if isinstance(y[0], float) else torch.long)
    assert names == (sorted(values) if classes is None else classes)


@pytest.mark.parametrize("absent", ["", "nan", "NaN", "NA", "n/a", "null", "<NA>", "None", "#N/A"])
@pytest.mark.parametrize(
    ("values", "y", "classes"),
    [
        (["3", "{}", "7"], [0, math.nan, 1], ["3", "7"]),
        (["b", "{}", "a"], [1, math.nan, 0], ["a", "b"]),
        (["0.5", "{}", "2"], [0.5, math.nan, 2], []),
    ],
)
def test_missing_entries_are_nan_and_counted(values, y, classes, absent) -> None:
    with pytest.warns(UserWarning, match="Of 3 graphs, 1 have no 'target': y is NaN there"):
        found, names = read([text.format(absent) for text in values])
    assert torch.equal(found.nan_to_num(9), torch.tensor(y).nan_to_num(9))
    assert names == classes


@pytest.mark.parametrize(
    ("values", "labels", "said"),
    [
        (["1", "high"], "auto", "either words or finite numbers .* line 3 has 'high'"),
        (["high", "1"], "auto", "line 2 has 'high'"),
        (["1", "inf"], "auto", "line 3 has 'inf'"),
        (["1e39", "1"], "numbers", "line 2 has '1e39'"),
        (["a", "b"], "numbers", "finite numbers in the column 'target', but line 2"),
        (["", ""], "auto", "all 2 entries are missing"),
    ],
)
def test_refused(values, labels, said) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match=said):
            read(values, labels)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1))
def test_codes_are_positions_among_sorted_values(numbers) -> None:
    y, classes = read(list(map(str, numbers)))
    assert [int(classes[code]) for code in y.tolist()] == numbers
    assert list(map(int, classes)) == sorted(set(numbers))


@given(st.lists(st.floats(width=32, allow_infinity=False), min_size=1))
def test_numbers_keep_their_values(numbers) -> None:
    if all(map(math.isnan, numbers)):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y, _ = read([as_text(number) for number in numbers], "numbers")
    assert np.array_equal(y.numpy(), np.array(numbers, np.float32), equal_nan=True)


def test_tasks() -> None:
    row = task_row(["1", "", "null", "0.25"], list("abcd"), "line 2")
    assert np.array_equal(row, np.array([1, np.nan, np.nan, 0.25], np.float32), equal_nan=True)
    with pytest.raises(UserError, match="column 'b', one of several tasks, but line 2 has 'x'"):
        task_row(["1", "x"], ["a", "b"], "line 2")


def test_labels_of_graphs() -> None:
    places = ["line 1", "line 2", "line 3"]
    with pytest.warns(UserWarning, match="1 have no 'y'"):
        found = graph_targets([True, None, False], "auto", "y", places)
    assert found["y"].tolist()[::2] == [1, 0]
    assert (found["classes"], found["tasks"]) == (["0", "1"], [])
    assert graph_targets([None] * 3, "auto", "y", places) == {}
    assert graph_targets([1, 2, 3], "numbers", "y", places)["tasks"] == ["y"]
    tasks = graph_targets([[1, None], None, [0, 2.5]], "auto", "y", places)
    assert tasks["tasks"] == ["y[0]", "y[1]"]
    assert torch.equal(tasks["y"].nan_to_num(9), torch.tensor([[1, 9], [9, 9], [0, 2.5]]))
    for wrong, said in (
        ([[1, 2], [1], [1, 2]], "list of 2 tasks in all graphs, as in line 1, but line 2 has"),
        ([[1, 2], 3, [1, 2]], r"line 2 has 3"),
        ([{"a": 1}, 2, 3], "a word, a number or a list, but line 1 has"),
        ([[], [], []], "list of 0 tasks"),
        ([[1, [2]], [1, 2], [1, 2]], "finite numbers"),
    ):
        with pytest.raises(UserError, match=said):
            graph_targets(wrong, "auto", "y", places)


def test_missing_entries_are_those_of_pandas() -> None:
    parsers = pytest.importorskip("pandas._libs.parsers")
    assert MISSING == parsers.STR_NA_VALUES


@pytest.mark.parametrize("labels", ["auto", "numbers"])
@pytest.mark.parametrize("words", [["0,5", "1,5"], ["1,000", "12"], ["1", "−5"], ["10%", "2.5 %"]])
def test_numbers_that_python_does_not_read_are_no_classes(words, labels) -> None:
    with pytest.raises(UserError, match=r"to be written with a decimal point, and without .* line"):
        read(words, labels)
    assert len(read(words, "classes")[1]) == 2


def test_words_with_digits_are_classes() -> None:
    for words in (["1.1.1.1", "3.4.21.4"], ["v1.0", "v2.0"], ["2020-01", "2021-01"], ["0,5", "b"]):
        assert read(words)[1] == words


def test_whole_quantities_are_told() -> None:
    points = [str(300 + 7 * number) for number in range(30)] * 1 + ["300"] * 5
    with pytest.warns(UserWarning, match=r"30 classes, 29 of which .* say so with labels=.numbers"):
        read(points)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(points, "numbers")
        read(points, "classes")
        read(points * 2)  # two graphs of each class
        read(points[:20])  # few classes
        read([f"lot {point}" for point in points])


def test_true_and_false_of_several_tasks() -> None:
    assert task_row(["True", "false", "TRUE"], list("abc"), "line 2").tolist() == [1, 0, 1]


def test_parse_number() -> None:
    assert parse_number("1_000") is None
    assert parse_number("-1e-3") == -0.001
    assert math.isnan(parse_number("n/a"))
