"""Arguments in Python that have the meaning of a setting, checked by its type and range."""

from __future__ import annotations

import numbers
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.ranges import Range
from graph_hcl.schema import field_types

WORDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a string"}
NUMBERS: dict[Any, type] = {int: numbers.Integral, float: numbers.Real}


def check_setting(setting: str, value: Any, name: str | None = None) -> None:
    """Raise `UserError` for an argument that the setting of a dotted name would not take.

    `name` is that of the argument, by default the last part of the setting's.

    >>> check_setting("optimizer.clip", None)
    >>> check_setting("optimizer.clip", -1.0)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected clip to be above 0, but got -1.0.
    """
    kind, allowed = _declared(setting)
    check_value(name or setting.rpartition(".")[2], value, kind, allowed)


def check_value(name: str, value: Any, kind: Any, allowed: Range | None = None) -> None:
    """Raise `UserError` for a value of another type, or a number outside a range.

    >>> check_value("every", 1.5, int, Range(1))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected every to be a whole number, but got 1.5.
    """
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if not any(_fits(value, one) for one in kinds):
        words = [word for one in kinds for word in _words(one)]
        expected = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
        raise UserError(f"Expected {name} to be {expected}, but got {value!r:.60}.")
    if allowed is not None and value is not None and value not in allowed:
        raise UserError(f"Expected {name} to be {allowed.expected(value)}, but got {value!r:.60}.")


@cache
def _declared(setting: str) -> tuple[Any, Range | None]:
    """Return the type of a setting of `Config`, and the range of its numbers if it has one."""
    group, _, last = setting.rpartition(".")
    owner: Any = field_types(Config)[group] if group else Config
    return field_types(owner)[last], owner.__dataclass_fields__[last].metadata.get("range")


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, NUMBERS.get(kind, kind))


def _words(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return ("None" if kind is NoneType else WORDS[kind],)
