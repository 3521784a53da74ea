"""What a probe returned: predictions and decision values, one for each test graph."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels, as_array, on_host
from graph_hcl.probes.probe import Probe, ProbeInput, ProbeResult
from graph_hcl.probes.targets import Targets


def checking(probe: Probe, targets: Targets) -> Probe:
    """Return the probe, each of whose results is checked by `checked_result`."""

    def checked(given: ProbeInput) -> ProbeResult:
        return checked_result(probe(given), given, targets)

    return checked


def checked_result(result: Any, given: ProbeInput, targets: Targets) -> ProbeResult:
    """Return what a probe returned for the input of one task, as arrays and plain parameters.

    Lists, tensors and columns [Q, 1] are taken. Raises `UserError` for anything but a
    `ProbeResult`, for another number of predictions than of test graphs, for predictions that are
    no class of the targets, or not finite numbers of real ones, for decision values of another
    shape than in `ProbeResult` or that are not finite, and for a score that is no number.

    >>> given = ProbeInput(np.zeros((2, 1)), np.array([3, 7]), np.zeros((1, 1)))
    >>> checked_result(ProbeResult([[7]]), given, Targets.of([3, 7])).predictions
    array([7])
    """
    if not isinstance(result, ProbeResult):
        raise UserError(
            f"Expected the probe to return a ProbeResult, but got {type(result).__name__}: return "
            "ProbeResult(predictions)."
        )
    count = len(given.x_test)
    predictions = for_each_graph(result.predictions, count)
    if targets.kind == "regression":
        _check_finite(predictions, "predictions")
    else:
        _check_classes(predictions, targets)
    decision = result.decision
    if decision is not None:
        decision = for_each_graph(decision, count, "decision value", _widths(given, targets))
        _check_finite(decision, "decision values")
    return ProbeResult(predictions, decision, _plain(result.params), _score(result))


def for_each_graph(
    values: Any, count: int, what: str = "prediction", widths: set[int] | None = None
) -> Labels:
    """Return values [Q] of any container, one for each of `count` test graphs.

    A column [Q, 1] is flattened; `widths` other than 1 allow as many columns. Raises `UserError`
    for another shape.

    >>> for_each_graph([[3], [7]], 2)
    array([3, 7])
    """
    array = np.asarray(values) if isinstance(values, np.ndarray) else as_array(values, what)
    if array.shape == (count, 1):
        array = array[:, 0]
    widths = widths or {1}
    if array.shape not in [(count,) if width == 1 else (count, width) for width in widths]:
        due = " or ".join(f"[{count}]" if w == 1 else f"[{count}, {w}]" for w in sorted(widths))
        raise UserError(
            f"Expected one {what} of the probe for each of {count} test graphs, {due}, but got "
            f"{list(array.shape)}."
        )
    return array


def _check_classes(predictions: Labels, targets: Targets) -> None:
    """Raise `UserError` for predictions that are no classes; equal numbers are of one class."""
    classes = targets.classes if targets.has_classes else np.array([0, 1])
    known = frozenset(classes.tolist())
    for value in predictions.tolist():
        if value not in known:
            some = ", ".join(map(repr, classes[:5].tolist())) + ", …" * (len(classes) > 5)
            raise UserError(
                f"Expected the probe to predict classes of the labels ({some}), but got "
                f"{value!r:.60}."
            )


def _check_finite(values: Labels, what: str) -> None:
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise UserError(f"Expected finite {what} of the probe, but some are none.")


def _widths(given: ProbeInput, targets: Targets) -> set[int]:
    """Return how many columns decision values may have: those of the classes that are fitted."""
    if targets.kind != "multiclass":
        return {1}
    fitted = (len(np.unique(one.y_train)) for one in (given, given.final()))
    return {1 if classes == 2 else classes for classes in fitted}


def _score(result: ProbeResult) -> float | None:
    score = result.validation_score
    if score is None:
        return None
    if not isinstance(score, numbers.Real) or not math.isfinite(score):
        raise UserError(
            f"Expected the probe's validation score to be a finite number, or None where nothing "
            f"selects, but got {score!r:.60}."
        )
    return float(score)


def _plain(value: Any) -> Any:
    """Return parameters as JSON has them: numbers and arrays of any library as Python's own.

    >>> _plain({"C": np.float32(0.5), "sizes": (np.int64(3), None), "solver": len})
    {'C': 0.5, 'sizes': [3, None], 'solver': '<built-in function len>'}
    """
    value = on_host(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
