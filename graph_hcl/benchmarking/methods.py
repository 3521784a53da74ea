"""Methods of a benchmark: settings, the candidates that folds select from, and their number."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Union, get_args, get_origin

from graph_hcl.benchmarking.drawing import draw
from graph_hcl.data.fetch import canonical_name
from graph_hcl.errors import UserError
from graph_hcl.kinds import coerce, describe_kind, format_value
from graph_hcl.layers import Layer
from graph_hcl.registry import did_you_mean
from graph_hcl.schema import MOVED, SHORT, field_types, setting_groups, setting_of

MAX_POINTS = 10_000
"""Largest number of candidates of a method."""
NO_ITEM = ("datasets", "selected_on")
"""Lists of which a text is no single item."""
LISTS = {
    "datasets": "a list of data sets such as [MUTAG, NCI1]",
    "selected_on": "a list of data sets such as [MUTAG, NCI1], or a benchmark file",
    "protocols": "a list of protocols such as [transductive]",
    "compare": "a list of pairs of methods such as [[H-UCL, UCL]]",
    "epochs": "a list of epochs such as [20, 40]",
}
"""Lists of a benchmark file, as messages describe them."""


@dataclass(frozen=True)
class Tune:
    """Random search: `trials` different points of a fixed quasi-random sequence over `space`.

    A range is `{low: 0.001, high: 0.1, log: true}`, a choice is a list. All points are drawn before
    training: a sequential search over the validation parts of all folds would use graphs that
    other folds test. See `graph_hcl.benchmarking.drawing.draw`.
    """

    trials: int
    space: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """One row of the table: settings, and candidates that validation parts choose from.

    `config` is a YAML file of `graph_hcl.train`, `settings` go on top of it. Each point of `grid`
    (every combination of its lists) or of `tune`, at each of `epochs`, is a candidate. `baseline`
    names features or kernels that need no training (bag, wl-subtree, wl-oa or majority) and
    `measure` the import path of a `Measurement` that replaces the probe.

    `selected_on` lists the data sets whose labels the settings were chosen by; a file may name the
    benchmark that did it. Scores on these are too high: tables mark them and do not test them.
    """

    config: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    tune: Tune | None = None
    epochs: list[int] = field(default_factory=list)
    baseline: str | None = None
    measure: str | None = None
    selected_on: list[str] = field(default_factory=list)

    def points(self) -> list[dict[str, Any]]:
        """Return the points of the grid or of the random search, by dotted name.

        >>> Method(grid={"beta": [0.1, 0.5]}).points()
        [{'beta': 0.1}, {'beta': 0.5}]
        """
        if self.tune is not None:
            return draw(self.tune.trials, self.tune.space)
        values = itertools.product(*self.grid.values())
        return [dict(zip(self.grid, one, strict=True)) for one in values]

    def candidates(self, name: str, count: int | None) -> list[dict[str, Any]]:
        """Return the points, each with every draw of the weights that `count` candidates need.

        `count` includes the epochs; None draws the weights once, as methods that need no training
        do. Raises `UserError` where it is no multiple of the points and epochs.

        >>> Method(epochs=[10, 20]).candidates("UCL", 4)
        [{'restart': 0}, {'restart': 1}]
        """
        points = self.points()
        if count is None or self.baseline is not None or self.measure is not None:
            return points
        settings = len(points) * max(1, len(set(self.epochs)))
        if count % settings:
            raise UserError(
                f"Expected candidates to be a multiple of the {settings} settings and epochs of the"
                f" method '{name}', but got {count}: each method has as many candidates."
            )
        if count == settings:
            return points
        return [point | {"restart": k} for point in points for k in range(count // settings)]


def read_method(name: str, given: Any) -> Method:
    """Return a method from its fields in a benchmark file.

    Raises `UserError` for an unknown field, and for fields that exclude each other.

    >>> read_method("UCL", {"settings": {"objective": "ucl"}}).epochs
    []
    """
    where = f"the method '{name}'"
    if not isinstance(given, dict):
        raise UserError(
            f"Expected {where} to have config, settings or baseline, but got {given!r}."
        )
    if "control" in given:
        raise UserError(f"'control' is now 'baseline': rename it in {where}.")
    tune = given.get("tune")
    if tune is not None:
        given = given | {"tune": build(Tune, tune, f"tune of {where}")}
    method: Method = build(Method, given, where)
    if method.grid and method.tune:
        raise UserError(f"Expected a grid or tune in {where}, not both.")
    if method.baseline is not None and method.measure is not None:
        raise UserError(f"Expected a baseline or measure in {where}, not both.")
    if not isinstance(method.selected_on, list):
        raise UserError(
            f"Expected a list of data sets under 'selected_on' of {where}, got "
            f"{method.selected_on!r}."
        )
    names = [canonical_name(str(dataset)) for dataset in method.selected_on]
    method = dataclasses.replace(method, selected_on=names)
    bad = [key for key, values in method.grid.items() if not isinstance(values, list)]
    if bad:
        raise UserError(f"Expected a list of values for '{bad[0]}' in the grid of {where}.")
    for key, values in method.grid.items():
        if twice := repeated(values):
            raise UserError(
                f"Expected different values of '{key}' in the grid of {where}, but got "
                f"{format_value(twice[0])} twice: leave one out."
            )
    points = (
        math.prod(map(len, method.grid.values())) if method.tune is None else method.tune.trials
    )
    if not 1 <= points <= MAX_POINTS:
        raise UserError(f"Expected 1 to {MAX_POINTS:,} candidates of {where}, but got {points}.")
    if method.tune is not None:
        _check_space(method.tune, where)
    if any(epoch < 0 for epoch in method.epochs):
        raise UserError(f"Expected epochs of 0 or more in {where}, but got {method.epochs}.")
    return method


def _check_space(tune: Tune, where: str) -> None:
    """Raise `UserError` for a space of unknown settings, a value twice, or too few points."""
    for key, values in tune.space.items():
        if setting_of(key) is None and key not in (*SHORT, *MOVED, *setting_groups()):
            raise Layer({}, f" in tune of {where}").unknown(key)
        if isinstance(values, list) and (twice := repeated(values)):
            raise UserError(
                f"Expected different values of '{key}' in tune of {where}, but got "
                f"{format_value(twice[0])} twice: leave one out."
            )
    draw(tune.trials, tune.space)


def repeated(values: Sequence[Any]) -> list[Any]:
    """Return the values that occurred before, in order.

    >>> repeated([1, 2, 1, [3], [3]])
    [1, [3]]
    """
    return [one for index, one in enumerate(values) if one in values[:index]]


def build(kind: Any, given: Any, where: str) -> Any:
    """Return a dataclass of the given fields; raise `UserError` for one unknown or missing."""
    known = [field.name for field in dataclasses.fields(kind)]
    for key in given if isinstance(given, dict) else []:
        if key not in known:
            raise UserError(f"Unknown field '{key}' in {where}.{did_you_mean(str(key), known)}")
    required = [one.name for one in dataclasses.fields(kind) if _is_required(one)]
    if not isinstance(given, dict):
        raise UserError(
            f"Expected {where} to be a mapping of {' and '.join(required or known)}, but got "
            f"{format_value(given)}."
        )
    if missing := [name for name in required if name not in given]:
        raise UserError(f"Expected {where} to have '{missing[0]}', but it is missing.")
    return kind(**{name: _checked(kind, name, value, where) for name, value in given.items()})


def _is_required(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _checked(kind: Any, name: str, value: Any, where: str) -> Any:
    """Return the value of a field; raise `UserError` for one of another type."""
    wanted = field_types(kind)[name]
    plain = get_origin(wanted) in (list, dict, Union, UnionType) or wanted in (int, str, bool)
    of_ours = any(dataclasses.is_dataclass(one) for one in (wanted, *get_args(wanted)))
    try:
        is_text = isinstance(value, str) and name in NO_ITEM
        return value if is_text or of_ours or not plain else coerce(value, wanted)
    except ValueError as error:
        raise UserError(
            f"Expected '{name}' of {where} to be {LISTS.get(name) or describe_kind(wanted)}, but "
            f"got {format_value(value)}."
        ) from error
