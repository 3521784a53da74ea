"""YAML text read without running or expanding anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

MAX_VALUES = 100_000
"""Most values in a text, with those that aliases repeat."""
MAX_DEPTH = 50
"""Most levels of values in each other."""
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters, but for those that stand for the undecodable bytes of a path."""


def parse_yaml(text: str) -> Any:
    r"""Return the value of a YAML text.

    Raises `ValueError`, in a few words with the line, for a text that is no YAML, that gives a key
    twice, that names objects of Python, that holds half of a character, or whose aliases repeat it
    without bounds.

    Numbers are decimal, 010 is 10 and 1e-3 is 0.001, or hexadecimal after 0x, as in YAML 1.2.

    >>> parse_yaml("{a: [1, null]}"), parse_yaml("[010, 1:30, 1e-3, '1e-3']")
    ({'a': [1, None]}, [10, '1:30', 0.001, '1e-3'])
    >>> parse_yaml("lr: 1\nlr: 2")
    Traceback (most recent call last):
    ValueError: it gives the key lr twice, line 2
    >>> parse_yaml("a: &a [*a]")
    Traceback (most recent call last):
    ValueError: it nests more than 50 levels deep
    """
    try:
        loader = _Loader(text)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(_problem(error)) from error
    except RecursionError as error:
        raise ValueError(f"it nests more than {MAX_DEPTH} levels deep") from error
    except Exception as error:  # of whatever kind: a 13th month, a time that is none
        raise ValueError(" ".join(str(error).split())) from error
    _check_size(value)
    return value


def write_yaml(value: Any, **options: Any) -> str:
    """Return the YAML text of a value, whose keys stay in order, for `parse_yaml`.

    `options` are those of `yaml.dump`.

    >>> write_yaml({"b": 0.001, "a": ["1e-3", 1e-5]}, default_flow_style=True)
    "{b: 0.001, a: ['1e-3', 1.0e-05]}\\n"
    """
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, **options)
    return text


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which quotes words that `parse_yaml` would take for numbers, too."""


class _Loader(yaml.SafeLoader):
    """The safe loader, which stops at a depth at which reading on would take seconds.

    Of a key that is given twice, it takes neither: PyYAML itself takes the last without a word.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.depth > MAX_DEPTH:
            raise RecursionError
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no key of ours, which the reader of the mapping says
            if (key.tag, key.value) in seen:
                problem = f"it gives the key {key.value} twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add((key.tag, key.value))
        return node


def _int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """Return an integer whose leading zeros mean nothing, which YAML 1.1 reads as octal."""
    digits = loader.construct_scalar(node).replace("_", "")
    return int(digits, 16 if "x" in digits else 10)


_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?(?:0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)",
    "tag:yaml.org,2002:float": r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\.[0-9][0-9_]*"
    r"(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9]+[eE][-+]?[0-9]+",
}
"""What PyYAML takes for numbers, but for those of base 2 and 60, which YAML 1.2 has no more, and
with those of an exponent without a point, which only YAML 1.2 has."""
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in _NUMBERS]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in _NUMBERS.items():
    for _either in (_Loader, _Dumper):
        _either.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list("-+0123456789."))
_Loader.add_constructor("tag:yaml.org,2002:int", _int)


def _check_size(value: Any) -> None:
    waiting, count = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it nests more than {MAX_DEPTH} levels deep")
        if count > MAX_VALUES:
            raise ValueError(f"it expands to more than {MAX_VALUES:,} values")
        if isinstance(one, str) and (half := _HALF.search(one)):
            raise ValueError(f"it holds half of a character, \\u{ord(half[0]):x}")
        if isinstance(one, Mapping):
            waiting += [(item, depth + 1) for pair in one.items() for item in pair]
        elif isinstance(one, list | tuple | set):
            waiting += [(item, depth + 1) for item in one]


def _problem(error: yaml.YAMLError) -> str:
    """Return what a YAML error reports, with its line, on one line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    where = f", line {mark.line + 1}" if mark else ""
    return f"{' '.join(str(problem).split())}{where}".rstrip(".")
