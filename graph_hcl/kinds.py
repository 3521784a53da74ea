"""Types of settings: values parsed, converted to a type, and described in messages."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Union, get_args, get_origin

from graph_hcl.yaml_text import parse_yaml


def parse_value(text: str, kind: Any) -> Any:
    """Return the value of a command-line argument, not yet checked against its type.

    >>> parse_value("3", int | None), parse_value("null", int | None), parse_value("3", str)
    (3, None, '3')
    >>> parse_value("010", int)
    10
    """
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    if type(None) in kinds and text == "null":
        return None
    if any(get_origin(one) is list for one in kinds):
        is_text = not text.lstrip().startswith("[")
    else:
        is_text = str in kinds or get_origin(kinds[0]) is Literal
    if is_text:
        return text
    return parse_yaml(text)


def plain(value: Any) -> Any:
    """Return a scalar of NumPy, or a tensor of one number without dimensions, as Python's own.

    Anything else stays as it is.

    >>> import numpy as np
    >>> plain(np.int64(3)), plain([3])
    (3, [3])
    """
    is_scalar = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_scalar else value


def coerce(value: Any, kind: Any) -> Any:
    """Return a value converted to a type; raise `ValueError` where it does not fit.

    A string becomes a list of one item and an integer a float; choices ignore case. Digits and
    numbers such as 1e-3 may be strings. Scalars of NumPy count as Python's own.

    >>> coerce("1e-3", float), coerce("identity", list[str]), coerce("MEAN", Literal["sum", "mean"])
    (0.001, ['identity'], 'mean')
    >>> coerce("008", int), coerce("008", str)
    (8, '008')
    >>> coerce("254", Literal["sum", "mean"] | float)
    254.0
    """
    origin, inner = get_origin(kind), get_args(kind)
    value = plain(value)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _coerce_to_any(value, inner)
    if origin is Literal and isinstance(value, str) and value.casefold() in inner:
        return value.casefold()
    if kind in (int, str, bool) and type(value) is kind:
        return value
    if kind is int and isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+", value):
        return int(value)  # YAML takes 008, which is no octal number, for a string
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError as error:
            raise ValueError(value) from error
        if math.isfinite(number):
            return number
    if origin is list:
        return [coerce(v, inner[0]) for v in ([value] if isinstance(value, str) else _list(value))]
    if origin is dict and isinstance(value, Mapping) and all(isinstance(k, str) for k in value):
        return {key: plain(item) for key, item in value.items()}
    raise ValueError(value)


def _coerce_to_any(value: Any, kinds: Sequence[Any]) -> Any:
    """Return a value converted to the first of some types that it fits."""
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None):
            with suppress(ValueError):
                return coerce(value, kind)
    raise ValueError(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(value)
    return list(value)


def describe_kind(kind: Any) -> str:
    """Return the values that a type allows, in words.

    >>> describe_kind(bool | None), describe_kind(Literal["sum", "mean"] | float)
    ('true, false or null', 'sum, mean or a number')
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _enumerated([c for part in inner for c in _choices(part)])
    if origin is Literal:
        return _enumerated(inner)
    if origin is list:
        return """a list like '["edge_drop(0.2)", "identity"]'"""
    if origin is dict:
        return "a mapping like '{name: value}'"
    names = {int: "an integer", float: "a number", bool: "true or false", str: "a string"}
    return names.get(kind, "a value")


def _choices(kind: Any) -> Sequence[str]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if kind is bool:
        return ["true", "false"]
    return ["null" if kind is type(None) else describe_kind(kind)]


def _enumerated(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def format_value(value: Any) -> str:
    """Return a value as messages show it.

    >>> format_value("abc"), format_value(None), format_value(True), format_value([1])
    ("'abc'", 'null', 'true', '[1]')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
