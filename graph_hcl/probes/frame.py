"""Records as a pandas data frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def data_frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return a pandas data frame with one row for each record, and a column for each value in it.

    Scores have the names of their metrics, values of other mappings dotted ones (`params.C`).

    Raises `ImportError` where pandas is not installed.

    >>> data_frame([{"seed": 0, "scores": {"accuracy": 0.5}, "params": {"C": 1.0}}]).to_dict("list")
    {'seed': [0], 'accuracy': [0.5], 'params.C': [1.0]}
    """
    try:
        import pandas  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError("Expected pandas to be installed: pip install pandas.") from error
    return pandas.DataFrame([_flat(row) for row in rows])


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its scores by their own names, settings and params by dotted names."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "scores":
            flat |= value
        elif isinstance(value, Mapping):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat
