"""Kinds of values that settings have: what fits one, and how it is called in a message."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import yaml


def from_word(word: str, kind: Any) -> Any:
    """Return the value that a word of a command line stands for, not yet checked.

    >>> from_word("3", int | None), from_word("null", int | None), from_word("3", str)
    (3, None, '3')
    """
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    if type(None) in kinds and word == "null":
        return None
    textual = str in kinds or get_origin(kinds[0]) is Literal
    if textual or (get_origin(kinds[0]) is list and not word.lstrip().startswith("[")):
        return word
    try:
        return yaml.safe_load(word)
    except yaml.YAMLError as error:
        raise ValueError from error


def fit(value: Any, kind: Any) -> Any:
    """Return a value as one of its kind; raise `ValueError` for one that is of another.

    A text stands for a list of one, a whole number for a real one; capitals do not matter where
    there is a choice.

    >>> fit("1e-3", float), fit("identity", list[str]), fit("MEAN", Literal["sum", "mean"])
    (0.001, ['identity'], 'mean')
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return None if value is None and type(None) in inner else fit(value, inner[0])
    if origin is Literal and isinstance(value, str) and value.casefold() in inner:
        return value.casefold()
    if kind in (int, str, bool) and type(value) is kind:
        return value
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        number = float(value)  # YAML reads 1e-3, without a point, as a text
        if math.isfinite(number):
            return number
    if origin is list:
        return [fit(v, inner[0]) for v in ([value] if isinstance(value, str) else _list(value))]
    if origin is dict and isinstance(value, Mapping) and all(isinstance(k, str) for k in value):
        return dict(value)
    raise ValueError(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(value)
    return list(value)


def expected(kind: Any) -> str:
    """Return in words what values a kind has.

    >>> expected(int | None), expected(Literal["sum", "mean"])
    ('a whole number or null', 'sum or mean')
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        choices = f"{expected(inner[0])} or null"
        return choices.replace(" or ", ", ", 1) if choices.count(" or ") == 2 else choices
    if origin is Literal:
        return f"{', '.join(inner[:-1])} or {inner[-1]}"
    if origin is list:
        return """a list like '["edge_drop(0.2)", "identity"]'"""
    if origin is dict:
        return "a mapping like '{name: value}'"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return names.get(kind, "a value")


def shown(value: Any) -> str:
    """Return a value as it stands in a message.

    >>> shown("abc"), shown(None), shown(True), shown([1])
    ("'abc'", 'null', 'true', '[1]')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
