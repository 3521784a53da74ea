"""Class labels of any container, validated once."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.missing import is_missing
from graph_hcl.probes.checks import square_limit

Labels = NDArray[Any]
"""One class label per graph [G]: integers, booleans, whole floats or strings."""


@names_arguments()
def check_labels(labels: Any) -> Labels:
    """Return the class labels [G] as an array of the user's own values.

    Classes are integers of any width, booleans, floats that are whole numbers, or strings, in a
    list, an array, a pandas column or a torch tensor on any device; a column [G, 1] is flattened.

    Raises `UserError` for labels that are missing, real-valued, of mixed kinds, of several tasks
    [G, T], or all of one class.

    >>> check_labels([[0.0], [1.0], [1.0]])
    array([0., 1., 1.])
    >>> check_labels([0.5, 1.5])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected class labels, but graph 0 has 0.5: real numbers are no \
classes.
    """
    y = as_array(labels)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise UserError(
            f"Expected one class label per graph [G], but got labels of shape {list(y.shape)}: "
            "give one task at a time."
        )
    if y.dtype.kind == "O":
        y = _same_kind(y)
    if y.dtype.kind not in "biufU":
        raise UserError(
            f"Expected class labels that are integers, booleans, whole floats or strings, but got "
            f"{y.dtype}: number the classes."
        )
    if y.dtype.kind == "f":
        _check_whole(y)
    if len(np.unique(y)) < 2:
        raise UserError(
            f"Expected labels of two classes or more, but all {len(y)} graphs are of one class: "
            "there is nothing to tell apart."
        )
    return y


def is_real(labels: Any) -> bool:
    """Tell whether labels are numbers of which some are not whole, and none is missing.

    >>> is_real([0.5, 1]), is_real([1.0, 2.0]), is_real(["a", "b"])
    (True, False, False)
    """
    real = _numbers(labels)
    if real is None:
        return False
    finite = real[np.isfinite(real)]
    return bool((finite != np.floor(finite)).any())


def as_numbers(labels: Any) -> Labels:
    """Return real targets [G] of any container; a column [G, 1] is flattened.

    Raises `UserError` for anything but finite numbers whose squares are finite, too, and for one
    number alone.

    >>> as_numbers([1, 0.5])
    array([1. , 0.5])
    """
    y = _numbers(labels)
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is None or y.ndim != 1:
        raise UserError(
            "Expected a real number for each graph [G] or each graph and task [G, T], but got "
            + ("labels that are none." if y is None else f"labels of shape {list(y.shape)}.")
        )
    for graph in np.flatnonzero(~np.isfinite(y))[:1]:
        raise UserError(
            f"Expected a finite number for every graph, but graph {graph} has {y[graph]}: leave "
            "out the graphs without one."
        )
    if len(np.unique(y)) < 2:
        raise UserError(
            f"Expected different targets, but all {len(y)} graphs have the same one: there is "
            "nothing to predict."
        )
    _check_squares(y)
    return y


def tasks_of(labels: Any, *, single: bool = False) -> Labels | None:
    """Return numbers of several tasks [G, T] with NaN where they are missing, None for others.

    A column [G, 1] is one task only where `single` says so.

    >>> tasks_of([[1, None], [0, 1]])
    array([[ 1., nan],
           [ 0.,  1.]])
    """
    y = _numbers(labels)
    if y is None or y.ndim != 2 or y.shape[1] < 1 or (y.shape[1] == 1 and not single):
        return None
    for graph, task in np.argwhere(np.isinf(y))[:1]:
        raise UserError(f"Expected finite targets, but graph {graph} has {y[graph, task]}.")
    _check_squares(y)
    return y


def _check_squares(targets: Labels) -> None:
    """Raise `UserError` for targets whose squared errors overflow."""
    limit = square_limit(len(targets))
    for wrong in targets[np.abs(targets) > limit][:1]:
        raise UserError(
            f"Expected targets of {limit:.2g} or less in size, but got {wrong:.2g}, whose square "
            "overflows: give them in a larger unit."
        )


def _numbers(labels: Any) -> Labels | None:
    """Return labels as floats, missing ones as NaN; None where some are no numbers."""
    y = as_array(labels)
    if y.dtype.kind == "O":
        flat = [math.nan if is_missing(value) else value for value in y.ravel().tolist()]
        if not all(isinstance(value, numbers.Real) for value in flat):
            return None
        y = np.array(flat, dtype=float).reshape(y.shape)
    return y.astype(np.float64) if y.dtype.kind in "biuf" else None


def as_array(values: Any, what: str = "class label") -> Labels:
    """Return any container as an array, strings as objects so that no number turns into one.

    Raises `UserError` for what makes no array; `what` says what there is of each graph.

    >>> as_array(["a", 1])
    array(['a', 1], dtype=object)
    """
    values = on_host(values)
    try:
        y = np.asarray(values)
        return np.asarray(values, dtype=object) if y.dtype.kind == "U" else y
    except (ValueError, TypeError) as error:
        raise UserError(
            f"Expected one {what} per graph [G], but the {what.split()[-1]}s make no array "
            f"({error})."
        ) from error


def on_host(values: Any) -> Any:
    """Return a torch tensor as one that NumPy takes, on any device and with any history.

    >>> on_host([1, 2])
    [1, 2]
    """
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return values.float() if str(values.dtype) == "torch.bfloat16" else values  # NumPy has none


def _same_kind(y: Labels) -> Labels:
    """Return labels that are Python objects as an array of their common kind."""
    values = y.tolist()
    for graph, value in enumerate(values):
        if is_missing(value):
            raise _no_label(graph, value)
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=str)
    for kind, dtype in (((bool, np.bool_), bool), (numbers.Integral, None), (numbers.Real, float)):
        if all(isinstance(value, kind) for value in values):
            return np.array(values, dtype=dtype)
    kinds = sorted({type(value).__name__ for value in values})
    raise UserError(
        f"Expected class labels of one kind (integers, booleans, whole floats or strings), but got "
        f"{', '.join(kinds)}: number the classes."
    )


def _check_whole(y: Labels) -> None:
    for graph in np.flatnonzero(~np.isfinite(y) | (y != np.floor(y)))[:1]:
        if math.isnan(y[graph]):
            raise _no_label(int(graph), y[graph])
        raise UserError(
            f"Expected class labels, but graph {graph} has {y[graph]}: real numbers are no classes."
        )


def _no_label(graph: int, value: Any) -> UserError:
    return UserError(
        f"Expected a class label for every graph, but graph {graph} has {value}: leave out the "
        "graphs without one."
    )
