"""What the figures take: values by name, records of epochs, and arrays of finite numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import on_host

Records = Sequence[Mapping[str, Any]]


def check_by_name(what: str, values: object) -> None:
    """Raise `UserError` unless values are a mapping by name.

    >>> check_by_name("runs", [1, 2])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected runs by name, such as {'a': …}, but got list.
    """
    if not isinstance(values, Mapping):
        raise UserError(
            f"Expected {what} by name, such as {{'a': …}}, but got {type(values).__name__}."
        )


def check_records(records: object) -> None:
    """Raise `UserError` unless records are a sequence of mappings with an epoch.

    >>> check_records([{"loss": 1.0}])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected every record to have a whole number as its epoch, but got \
None.
    """
    if not isinstance(records, Sequence) or not all(isinstance(one, Mapping) for one in records):
        raise UserError(
            "Expected records of epochs, such as the rows of History or the lines of metrics.jsonl "
            f"as dictionaries, but got {type(records).__name__}."
        )
    for record in records:
        try:
            int(record.get("epoch"))
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                "Expected every record to have a whole number as its epoch, but got "
                f"{record.get('epoch')!r}."
            ) from None


def finite_floats(what: str, values: ArrayLike) -> np.ndarray:
    """Return finite numbers of any shape as float64, or raise `UserError`; tensors are copied.

    >>> finite_floats("products", [0.5, float("nan")])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected finite products, but got NaN or infinity.
    """
    try:
        array = np.asarray(on_host(values), dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise UserError(
            f"Expected {what} to be an array of numbers, but got {type(values).__name__}."
        ) from None
    if not np.isfinite(array).all():
        raise UserError(f"Expected finite {what}, but got NaN or infinity.")
    return array


def finite_row(what: str, values: ArrayLike) -> np.ndarray:
    """Return one finite number or more in a row as float64, or raise `UserError`.

    >>> finite_row("products", [])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected products [K] of one number or more, but got [0].
    """
    array = finite_floats(what, values)
    if array.ndim != 1 or not len(array):
        raise UserError(f"Expected {what} [K] of one number or more, but got {list(array.shape)}.")
    return array
