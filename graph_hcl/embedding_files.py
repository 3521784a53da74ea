"""Files of embeddings, with the names and labels of the graphs: .npz, .parquet and .csv."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graph_hcl.data import GraphStore
from graph_hcl.own_labels import own_labels
from graph_hcl.warn import warn_user

Columns = dict[str, np.ndarray[Any, Any]]


def label_columns(store: GraphStore, width: int = 0) -> Columns:
    """Return what is known of each graph [G] by column: id, and label or one column per task.

    Labels are in the user's own words or numbers; missing ones are '' or NaN. A task that has the
    name of another column, id or one of e0, e1, … of embeddings of this width, gets label_ before.

    >>> import networkx
    >>> graphs = [networkx.path_graph(2)] * 2
    >>> label_columns(GraphStore.from_networkx(graphs, y=["ring", "path"]))
    {'label': array(['ring', 'path'], dtype=object)}
    """
    columns: Columns = {}
    if store.ids is not None:
        columns["id"] = np.array(store.ids, dtype=object)
    labels = _labels(store)
    names = ["label"]
    if store.y is not None and store.y.ndim == 2:
        tasks = store.tasks or [f"label{number}" for number in range(len(labels))]
        names = _free_names(tasks, {*columns, *(f"e{index}" for index in range(width))})
    return columns | dict(zip(names, labels, strict=False))


def _labels(store: GraphStore) -> list[np.ndarray[Any, Any]]:
    """Return the labels [G] in the user's own words or numbers: none, one, or one per task."""
    if store.y is None:
        return []
    y = store.y.cpu().numpy()
    if y.ndim == 2:
        return list(y.T)
    return [own_labels(y, store.classes)]


def _free_names(tasks: list[str], taken: set[str]) -> list[str]:
    """Return the names of tasks, with label_ before those that are taken."""
    names = []
    for task in tasks:
        name = task
        while name in taken or (name != task and name in tasks):
            name = f"label_{name}"
        if name != task:
            warn_user(f"The task '{task}' is written as '{name}': there is another '{task}'.")
        names.append(name)
    return names


def write_npz(to: Path, embeddings: np.ndarray[Any, Any], store: GraphStore) -> None:
    """Write the arrays `embeddings` [G, D], and `labels` and `ids` if there are any."""
    arrays = {"embeddings": embeddings}
    if store.ids is not None:
        arrays["ids"] = np.array(store.ids, dtype=object).astype(str)
    if store.y is not None:
        # Text is of fixed width there: objects would need pickle.
        labels = [one.astype(str) if one.dtype == object else one for one in _labels(store)]
        arrays["labels"] = labels[0] if store.y.ndim == 1 else np.stack(labels, axis=1)
    with to.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _rows(embeddings: np.ndarray[Any, Any], store: GraphStore) -> Columns:
    numbered = {f"e{index}": column for index, column in enumerate(embeddings.T)}
    return label_columns(store, embeddings.shape[1]) | numbered


def write_parquet(to: Path, embeddings: np.ndarray[Any, Any], store: GraphStore) -> None:
    """Write one row per graph, with the columns id, label, e0, e1, …."""
    import pyarrow
    import pyarrow.parquet

    with to.open("wb") as file:  # pyarrow opens no path that is not valid UTF-8
        pyarrow.parquet.write_table(pyarrow.table(_rows(embeddings, store)), file)


def write_csv(to: Path, embeddings: np.ndarray[Any, Any], store: GraphStore) -> None:
    """Write one line per graph, with the columns id, label, e0, e1, …, and numbers in full."""
    columns = _rows(embeddings, store)
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        # Scalars of numpy are written as briefly as their precision allows.
        for row in zip(*columns.values(), strict=True):
            writer.writerow("" if value != value else value for value in row)


WRITERS: dict[str, Callable[[Path, np.ndarray[Any, Any], GraphStore], None]] = {
    ".npz": write_npz,
    ".parquet": write_parquet,
    ".csv": write_csv,
}
