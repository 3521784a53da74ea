"""Files of embeddings, with the names and labels of the graphs: .npz, .parquet and .csv."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graph_hcl.data import GraphStore

Columns = dict[str, np.ndarray[Any, Any]]


def label_columns(store: GraphStore) -> Columns:
    """Return what is known of each graph [G] by column: id, and label or one column per task.

    Labels are in the user's own words or numbers; missing ones are '' or NaN.

    >>> import networkx
    >>> graphs = [networkx.path_graph(2)] * 2
    >>> label_columns(GraphStore.from_networkx(graphs, y=["ring", "path"]))
    {'label': array(['ring', 'path'], dtype=object)}
    """
    columns: Columns = {}
    if store.ids is not None:
        columns["id"] = np.array(store.ids, dtype=object)
    if store.y is None:
        return columns
    y = store.y.cpu().numpy()
    if y.ndim == 2:
        names = store.tasks or [f"label{number}" for number in range(y.shape[1])]
        return columns | dict(zip(names, y.T, strict=True))
    return columns | {"label": _own_classes(y, store.classes) if store.classes else y}


def _own_classes(codes: np.ndarray[Any, Any], classes: list[str]) -> np.ndarray[Any, Any]:
    missing = np.isnan(codes)
    place = np.where(missing, 0, codes).astype(int)
    try:
        numbers = np.array(list(map(int, classes)))
    except (ValueError, OverflowError):
        return np.where(missing, "", np.array(classes, dtype=object)[place])
    return np.where(missing, np.nan, numbers[place]) if missing.any() else numbers[place]


def write_npz(to: Path, embeddings: np.ndarray[Any, Any], store: GraphStore) -> None:
    """Write the arrays `embeddings` [G, D], and `labels` and `ids` if there are any."""
    columns = label_columns(store)
    arrays = {"embeddings": embeddings}
    if (ids := columns.pop("id", None)) is not None:
        arrays["ids"] = ids.astype(str)
    if columns:
        labels = list(columns.values())
        # Text is of fixed width there: objects would need pickle.
        labels = [one.astype(str) if one.dtype == object else one for one in labels]
        arrays["labels"] = labels[0] if "label" in columns else np.stack(labels, axis=1)
    with to.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _rows(embeddings: np.ndarray[Any, Any], store: GraphStore) -> Columns:
    numbered = {f"e{index}": column for index, column in enumerate(embeddings.T)}
    return label_columns(store) | numbered


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
