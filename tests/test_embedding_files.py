"""Files of embeddings keep the words and the tasks of the user."""

import csv
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

from graph_hcl.data import GraphStore
from graph_hcl.embedding_files import WRITERS, label_columns

STORE = GraphStore.from_networkx([nx.path_graph(3)] * 3)
Z = np.arange(6.0).reshape(3, 2)


def tasks(*names: str) -> GraphStore:
    y = torch.arange(3.0)[:, None] + 10 * torch.arange(len(names))
    return replace(STORE, y=y, tasks=list(names), ids=["a", "b", "c"])


def written(store: GraphStore, folder: Path, suffix: str) -> dict[str, list[str]]:
    """Return the columns of a .csv or .parquet file as text."""
    file = folder / f"z{suffix}"
    WRITERS[suffix](file, Z, store)
    if suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as stream:
            table = np.array(list(csv.reader(stream)))
        return {names[0]: names[1:].tolist() for names in table.T}
    parquet = pytest.importorskip("pyarrow.parquet").read_table(file).to_pydict()
    return {name: [str(value) for value in column] for name, column in parquet.items()}


@pytest.mark.parametrize("names", [("label", "blank"), ("blank", "label"), ("id", "e0"), ("one",)])
def test_arrays_have_all_tasks(names, tmp_path) -> None:
    store = tasks(*names)
    WRITERS[".npz"](tmp_path / "z.npz", Z, store)
    found = np.load(tmp_path / "z.npz")
    assert np.array_equal(found["labels"], store.y.numpy())
    assert found["ids"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_no_task_takes_the_place_of_a_name_or_an_embedding(suffix, tmp_path) -> None:
    store = tasks("id", "e0", "label_e0", "e2")
    with pytest.warns(UserWarning, match="is written as") as told:
        found = written(store, tmp_path, suffix)
    assert [str(one.message) for one in told] == [
        "The task 'id' is written as 'label_id': there is another 'id'.",
        "The task 'e0' is written as 'label_label_e0': there is another 'e0'.",
    ]
    assert list(found) == ["id", "label_id", "label_label_e0", "label_e0", "e2", "e0", "e1"]
    assert found["id"] == ["a", "b", "c"]
    assert found["e0"] == ["0.0", "2.0", "4.0"]
    assert found["label_id"] == ["0.0", "1.0", "2.0"]
    assert found["label_label_e0"] == ["10.0", "11.0", "12.0"]
    assert list(written(replace(tasks("id"), ids=None), tmp_path, suffix)) == ["id", "e0", "e1"]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["1_0", "1_1"], ["1_0", "1_1", "1_0"]),
        (["01", "1"], ["01", "1", "01"]),
        (["+1", "2"], ["+1", "2", "+1"]),
        (["٣", "4"], ["٣", "4", "٣"]),
        (["-3", "9"], [-3, 9, -3]),
        (["2", str(2**53 + 1)], [2, 2**53 + 1, 2]),
        (["2", str(2**80)], ["2", str(2**80), "2"]),
    ],
)
def test_classes_are_written_as_they_are(classes, expected) -> None:
    labelled = replace(STORE, y=torch.tensor([0, 1, 0]), classes=classes)
    assert label_columns(labelled)["label"].tolist() == expected


def test_large_numbers_beside_missing_ones_are_not_rounded() -> None:
    y = torch.tensor([0, 1, float("nan")])
    small = label_columns(replace(STORE, y=y, classes=["2", "7"]))["label"]
    assert np.array_equal(small, [2, 7, np.nan], equal_nan=True)
    large = label_columns(replace(STORE, y=y, classes=["2", str(2**53 + 1)]))["label"]
    assert large.tolist() == ["2", str(2**53 + 1), ""]
