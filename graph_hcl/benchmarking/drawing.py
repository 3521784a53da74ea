"""Quasi-random points of a space of settings, which are the candidates of `tune`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.kinds import coerce, format_value
from graph_hcl.schema import setting_types

BLOCKS = 16
"""How many points of the sequence are tried for each that is wanted, at least."""


@dataclass(frozen=True)
class Axis:
    """The values of a setting: `at` is that of a number in [0, 1), `values` all if these count."""

    at: Callable[[float], Any]
    values: Sequence[Any] | None = None


def draw(trials: int, space: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the first different points of a fixed Sobol sequence over a space, by dotted name.

    A space is a list of values or a range {low: …, high: …, log: …} for each setting. Whole numbers
    are drawn where the setting takes no others, and for an option, which may take any, where both
    bounds are whole: 0.0 to 1 is a range of real numbers. Raises `UserError` for anything else, and
    for a space of fewer points.

    >>> draw(3, {"readout": ["sum", "mean"], "layers": {"low": 2, "high": 3}})
    [{'readout': 'sum', 'layers': 3}, {'readout': 'mean', 'layers': 2}, \
{'readout': 'mean', 'layers': 3}]
    """
    axes = [_axis(name, values) for name, values in space.items()]
    found: list[tuple[Any, ...]] = []
    seen: set[str] = set()
    for point in itertools.chain(_sequence(trials, axes), _all_points(trials, axes)):
        key = repr(point)
        if key not in seen:
            seen.add(key)
            found.append(point)
        if len(found) == trials:
            return [dict(zip(space, one, strict=True)) for one in found]
    raise UserError(
        f"Expected a space of tune with {trials} points or more for its {trials} trials, but got "
        f"{len(found)}: lower trials, or add values{_hint(space)}."
    )


def _hint(space: Mapping[str, Any]) -> str:
    """Return what makes a range of whole numbers of an option, which may be any, one of reals."""
    for name, given in space.items():
        low = given["low"] if isinstance(given, Mapping) and _kind(name) == int | float else None
        if isinstance(low, int):
            return f", or write {{low: {low}.0, …}} if '{name}' takes real numbers"
    return ""


def _sequence(trials: int, axes: Sequence[Axis]) -> Iterator[tuple[Any, ...]]:
    """Yield points of the sequence, some of them repeatedly where the values are few."""
    from scipy.stats import qmc

    if not axes:
        return
    engine = qmc.Sobol(len(axes), scramble=True, seed=np.random.default_rng(0))
    block = 2 ** (trials - 1).bit_length()  # the first of another length would not be balanced
    for _ in range(BLOCKS):
        for row in engine.random(block).tolist():
            yield tuple(axis.at(number) for axis, number in zip(axes, row, strict=True))


def _all_points(trials: int, axes: Sequence[Axis]) -> Iterator[tuple[Any, ...]]:
    """Yield every point of a space that has no more than `trials`, or as many of a larger one."""
    columns = [axis.values for axis in axes if axis.values is not None]
    if len(columns) == len(axes):
        yield from itertools.product(*(column[:trials] for column in columns))


def _axis(name: str, given: Any) -> Axis:
    """Return the values of a setting from a list or a range."""
    try:
        if isinstance(given, list):
            return _steps(given)
        known = {"low", "high", "log"}
        if isinstance(given, Mapping) and "step" in given:
            raise ValueError("its step is not read, so list the values")
        if not isinstance(given, Mapping) or not {"low", "high"} <= set(given) <= known:
            raise ValueError
        return _range(name, given["low"], given["high"], coerce(given.get("log", False), bool))
    except (ValueError, OverflowError) as error:
        reason = f": {error}" if str(error).startswith("its") else ""
        raise UserError(
            f"Expected a list or {{low: …, high: …}} for '{name}' in the space of tune, but got "
            f"{format_value(given)}{reason}."
        ) from error


def _range(name: str, low: Any, high: Any, log: bool) -> Axis:
    kind = _kind(name)
    try:
        low, high = coerce(low, kind), coerce(high, kind)
    except ValueError as error:
        raise ValueError(f"its bounds are no {'whole ' if kind is int else ''}numbers") from error
    if high < low or not math.isfinite(high - low):
        raise ValueError("its bounds are in no order, or too far apart")
    if log and low <= 0:
        raise ValueError("its logarithm needs a low above 0")
    if isinstance(low, int) and isinstance(high, int):
        return _whole(low, high) if log else _steps(range(low, high + 1))
    if log:
        start, stop = math.log(low), math.log(high)
        return Axis(lambda u: min(high, max(low, math.exp(start + u * (stop - start)))))
    return Axis(lambda u: min(high, float(low + u * (high - low))))


def _steps(values: Sequence[Any]) -> Axis:
    """Return the axis of values that are drawn equally often."""
    if not values:
        raise ValueError("its list is empty")
    count = len(values)
    return Axis(lambda u: values[min(count - 1, int(u * count))], values)


def _whole(low: int, high: int) -> Axis:
    """Return the axis of whole numbers that are drawn evenly in their logarithm."""
    start, stop = math.log(low - 0.5), math.log(high + 0.5)
    values = range(low, high + 1)
    return Axis(lambda u: min(high, max(low, round(math.exp(start + u * (stop - start))))), values)


def _kind(name: str) -> Any:
    """Return the type of the numbers of a setting: one of both for options of the user's parts."""
    kind = setting_types().get(name)
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if float in kinds:
        return float
    return int if int in kinds else int | float
