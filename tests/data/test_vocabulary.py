"""What columns mean: encoding against a slow loop, scaling against numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_hcl.data.columns import Column, degree_column
from graph_hcl.data.vocabulary import MAX_COLUMNS, Features, Vocabulary
from graph_hcl.errors import UserError

reals = st.floats(-100, 100, width=32)
quantities = st.builds(Column, st.text(max_size=3), mean=reals, std=st.floats(0.125, 100, width=32))
values = st.one_of(
    st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=4, unique=True),
    st.lists(st.text(max_size=3), min_size=1, max_size=4, unique=True),
)
categories = st.builds(Column, st.text(max_size=3), values.map(tuple), clamp=st.booleans())


@st.composite
def tables(draw):
    columns = draw(st.lists(st.one_of(quantities, categories), min_size=1, max_size=5))
    cells = [
        st.floats(-50, 50, width=32)
        if column.values is None
        else st.integers(-1, len(column.values) - 1 + 2 * column.clamp)
        for column in columns
    ]
    rows = draw(st.lists(st.tuples(*cells), max_size=6))
    features = Features(tuple(columns))
    kind = torch.long if features.categorical else torch.float
    return features, torch.tensor(rows, dtype=kind).reshape(len(rows), len(columns)), rows


@given(tables())
def test_encode_equals_a_slow_loop(table) -> None:
    features, stored, rows = table
    expected = []
    for row in rows:
        line = []
        for column, value in zip(features.columns, row, strict=True):
            if column.values is None:
                line.append((value - column.mean) / column.std)
            else:
                place = min(value, len(column.values) - 1)
                line += [float(k == place) for k in range(len(column.values))]
        expected.append(line)
    found = features.encode(stored)
    assert found.shape == (len(rows), features.width) == (len(rows), len(features.names()))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, np.array(expected).reshape(found.shape), rtol=1e-4, atol=1e-5)


@given(tables())
def test_a_vocabulary_survives_json(table) -> None:
    features, _, _ = table
    vocabulary = Vocabulary(features, Features(features.columns[:1]))
    again = Vocabulary.from_json(vocabulary.to_json())
    assert again == vocabulary
    assert hash(again) == hash(vocabulary)


def test_names_and_widths() -> None:
    features = Features((Column("charge"), Column("element", ("C", 7)), degree_column(1)))
    assert features.names() == ["charge", "element=C", "element=7", "degree=0", "degree=1"]
    assert (features.width, features.categorical) == (5, False)
    assert not Features().categorical
    assert Features.quantities(2, "e").names() == ["e[0]", "e[1]"]


@given(st.integers(1, 30), st.integers(1, 4), st.integers(0, 10**6), st.floats(-1e4, 1e4), reals)
def test_fitted_equals_numpy(rows, columns, seed, shift, scale) -> None:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(rows, columns)) * scale + shift).float()
    fitted = Features.quantities(columns).fitted(x)
    z = fitted.encode(x).double()
    for column, given_values, scaled in zip(fitted.columns, x.double().numpy().T, z.T, strict=True):
        std = given_values.std()
        if std <= 1e-12 * max(1.0, np.abs(given_values).max()):
            assert (column.mean, column.std) == (0, 1)
        else:
            assert math.isclose(column.mean, given_values.mean(), rel_tol=1e-9, abs_tol=1e-9)
            assert math.isclose(column.std, std, rel_tol=1e-9)
            noise = 1e-3 + 1e-5 * np.abs(given_values).max() / std
            assert abs(float(scaled.mean())) < noise


def test_fitted_leaves_categories_indicators_and_constants() -> None:
    columns = (Column("e", ("a", "b")), Column("flag"), Column("same"), Column("size"))
    x = torch.tensor([[0.0, 0, 7, 1], [1, 1, 7, 3], [1, 0, 7, 5]])
    fitted = Features(columns).fitted(x)
    assert fitted.columns[:3] == columns[:3]
    assert fitted.columns[3].mean == 3
    assert Features(columns).fitted(x[:0]) == Features(columns)
    assert fitted.fitted(x) == fitted
    again = fitted.fitted(torch.tensor([[0.0, 0, 7, 4]] * 2))
    assert (again.columns[3].mean, again.columns[3].std) == (0, 1)
    assert Features((Column("w"),)).fitted(torch.tensor([1.0, 5])).columns[0].std == 2


def test_one_quantity_as_a_row() -> None:
    features = Features((Column("w", mean=1.0, std=2.0),))
    assert features.encode(torch.tensor([1.0, 5.0])).tolist() == [0, 2]
    assert Features.quantities(1).encode(torch.tensor([1.0, 5.0])).tolist() == [1, 5]


def test_a_budget_of_columns() -> None:
    most = Features((Column("id", tuple(range(MAX_COLUMNS))),))
    assert most.width == MAX_COLUMNS
    with pytest.raises(UserError, match=r"at most 100,000 .* 'id' alone has 100,000 different"):
        Features((*most.columns, Column("x")))


@pytest.mark.parametrize(("largest", "cap"), [(0, 5), (5, 5), (6, 5), (1000, 5), (3, 100)])
def test_degree_column(largest, cap) -> None:
    column = degree_column(largest, cap)
    assert column.values == tuple(range(min(largest, cap) + 1))
    assert column.clamp == (largest > cap)


@pytest.mark.parametrize("standardize", [True, False])
def test_values_that_some_rows_lack_are_absent(standardize: bool) -> None:
    columns = (Column("size"), Column("element", ("C", "N", "O")), degree_column(9, cap=2))
    x = torch.tensor([[1.0, 0, 0], [3.0, 2, 9], [3.0, -1, 0]])
    size, element, degree = Features(columns).fitted(x, standardize).columns
    assert (element.absent, degree.absent) == ((1,), (1,))
    assert (size.mean == 0.0) is not standardize


def test_an_unknown_value_is_not_the_first_one() -> None:
    column = Column("element", ("C", "N")).seen_in(torch.tensor([-1, 1]))
    assert column.absent == (0,)
