"""Codes to one-hot columns, however far apart they are."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_hcl.data.codes import one_hot, one_hot_columns
from graph_hcl.errors import UserError


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2), max_size=5))
def test_one_hot_columns(rows) -> None:
    labels = torch.tensor(rows, dtype=torch.int64).reshape(-1, 2)
    columns = one_hot_columns(labels)
    for column, values in zip(labels.t().tolist(), columns, strict=True):
        assert len(values) <= 10 * len(set(column))
        assert list(values) == sorted(set(values))
        assert set(column) <= set(values)
        spread = max(column) - min(column) + 1 if column else 0
        assert len(values) == (spread if spread <= 10 * len(set(column)) else len(set(column)))
    first = [[float(v == row[0]) for v in columns[0]] for row in rows]
    second = [[float(v == row[1]) for v in columns[1]] for row in rows]
    assert one_hot(labels, columns).tolist() == [a + b for a, b in zip(first, second, strict=True)]


def test_range_of_ten_times_the_distinct_values_is_spelt_out() -> None:
    assert one_hot_columns(torch.tensor([[5], [24]])) == [tuple(range(5, 25))]
    assert one_hot_columns(torch.tensor([[5], [25]])) == [(5, 25)]


def test_one_hot_within_a_budget() -> None:
    labels = torch.tensor([[1], [2], [3]])
    with pytest.raises(UserError, match="3 rows of 3 different labels take"):
        one_hot(labels, one_hot_columns(labels), max_bytes=35)
    assert one_hot(labels, one_hot_columns(labels), max_bytes=36).equal(torch.eye(3))


def test_one_hot_of_many_rows_is_refused_before_it_is_made() -> None:
    labels = torch.arange(1 << 20)[:, None]
    with pytest.raises(UserError, match=r"at most 4 GiB, but .* take 4096 GiB: merge rare labels"):
        one_hot(labels, one_hot_columns(labels))
