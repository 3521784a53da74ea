"""Damaged data files end in graphs or in one sentence."""

import io
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from graph_hcl.data import load
from graph_hcl.data.readme import parse
from tests.hostile.readers import data, stores

READERS = data.READERS | stores.READERS
FEW, MANY = 80, 50_000
"""Inputs per reader, in every run of the tests and in the long campaign."""


def test_the_name_of_a_column_that_is_not_utf_8(attempt, tmp_path: Path) -> None:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"smiles": ["C"], "aacolumnaa": [1]}), stream)
    content = stream.getvalue().replace(b"aacolumnaa", b"\xff\xfecolumnaa")
    (tmp_path / "t.parquet").write_bytes(content)
    outcome, said = attempt(lambda: load(tmp_path / "t.parquet", data_dir=str(tmp_path / "d")))
    assert outcome in ("value", "refused"), said


def test_a_label_of_many_digits_has_no_name() -> None:
    assert parse(f"Node labels:\n  1  N\n  {'9' * 5000}  C\n") == {("node", 0): {1: "N"}}


def test_a_line_of_blanks_takes_no_time(attempt) -> None:
    assert attempt(lambda: parse(f"Node labels:\n 1 x{' ' * 200_000}y\n")) == ("value", "")


@pytest.fixture
def few(survey, tmp_path, monkeypatch):
    monkeypatch.delenv("GRAPH_HCL_DATA", raising=False)
    return lambda name, count, seed=0: survey(
        tmp_path / "files", READERS[name](tmp_path), count, seed
    )


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_data_file_ends_in_graphs_or_a_sentence(few, name: str) -> None:
    few(name, FEW)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_no_damaged_data_file_is_a_traceback(few, name: str) -> None:
    few(name, MANY, seed=1)
