"""What a command line may hold: each flag with its values, its default and its description."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from argparse import SUPPRESS, Action
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from graph_hcl import config, config_groups
from graph_hcl.config import Config
from graph_hcl.registries import NAMED_BY
from graph_hcl.schema import SHORT, flag, setting_types

METRICS = (
    "accuracy", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision", "rmse", "mae",
    "r2",
)  # fmt: skip
"""The metrics by name; those of `graph_hcl.probes.metrics`, which imports torch."""
DEVICES = ("auto", "cpu", "cuda", "mps")
DEFAULT = " Default: "
"""Comes before a default in words at the end of a description."""


@dataclass(frozen=True)
class Option:
    """A flag or positional argument of a command, as help texts and completions need it.

    `flags` is empty for a positional argument, and `metavar` for a flag without a value. `names`
    are known values; others may be allowed, too. `default` is empty where there is none.
    """

    name: str
    flags: tuple[str, ...]
    metavar: str
    kind: Any
    text: str
    values: str = ""
    names: tuple[str, ...] = ()
    default: str = ""

    @property
    def summary(self) -> str:
        """The first sentence of the description.

        >>> setting_option("encoder.dropout").summary
        'Dropout probability between convolutions, during training.'
        """
        return first_sentence(self.text)

    @property
    def usage(self) -> str:
        """The flags and their value as one types them.

        >>> setting_option("probe.name").usage
        '--probe, --probe.name NAME'
        """
        return f"{', '.join(self.flags)} {self.metavar}".strip()

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that a shell can complete.

        >>> setting_option("temperature").choices, setting_option("data.undirected").choices
        (('auto',), ('true', 'false'))
        """
        words = [word for part in _parts(self.kind) for word in _words(part)]
        return (*self.names, *words)


def first_sentence(text: str) -> str:
    """Return the first sentence of a text.

    >>> first_sentence("Read .csv files. auto guesses."), first_sentence("The loss.")
    ('Read .csv files.', 'The loss.')
    """
    return text.partition(". ")[0].removesuffix(".") + "."


def options_of(actions: Iterable[Action], settings: bool = False) -> list[Option]:
    """Return the options of a command: positional arguments, its own flags, then all settings."""
    own = [_own_option(action) for action in actions if action.help != SUPPRESS]
    own.sort(key=lambda option: bool(option.flags))
    return [*own, *(setting_option(name) for name in setting_types() if settings)]


def _own_option(action: Action) -> Option:
    kind = kind_of(action)
    flags = tuple(text.replace("_", "-") for text in action.option_strings)
    if action.dest in setting_types():
        kind = setting_types()[action.dest]
        flags = setting_option(action.dest).flags
    text, _, default = (action.help or "").partition(DEFAULT)
    if action.default is not None and action.nargs != 0 and action.default != SUPPRESS:
        default = shown(action.default)
    metavar = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    names = known_names(action.dest)
    values = "" if action.nargs == 0 else values_of(without_null(kind), names=_told(action.dest))
    return Option(
        action.dest, flags, metavar, without_null(kind), text, values, names, default.rstrip(".")
    )


@cache
def setting_option(name: str) -> Option:
    """Return a setting of `Config` as an option.

    >>> option = setting_option("encoder.dropout")
    >>> option.usage, option.values, option.default
    ('--encoder.dropout NUMBER', 'a number in [0, 1)', '0.0')
    """
    kind, field = setting_types()[name], _fields()[name]
    default = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    short = tuple(flag(s) for s, full in SHORT.items() if full == name)
    symbols = field.metadata["range"].symbols if "range" in field.metadata else ""
    return Option(
        name=name,
        flags=(*short, flag(name)),
        metavar=field.metadata.get("metavar") or metavar_of(kind),
        kind=kind,
        text=_descriptions()[name],
        values=values_of(kind, symbols, _told(name)),
        names=known_names(name),
        default=shown(default),
    )


def known_names(name: str) -> tuple[str, ...]:
    """Return the names that a setting knows, for completion; empty where it takes no names.

    >>> known_names("readout"), "MUTAG" in known_names("dataset")
    (('sum', 'mean', 'max'), True)
    """
    if name == "dataset":
        from graph_hcl.data.cards import list_datasets

        return tuple(list_datasets())
    if name == "device":
        return DEVICES
    return _told(name)


def _told(name: str) -> tuple[str, ...]:
    """Return the names that a description lists."""
    if name == "probe.metric":
        return METRICS
    return tuple(NAMED_BY[name].names()) if name in NAMED_BY else ()


@cache
def _fields() -> dict[str, dataclasses.Field[Any]]:
    """Return the dataclass field of each setting, by dotted name."""
    found: dict[str, dataclasses.Field[Any]] = {}
    for top in dataclasses.fields(Config):
        if top.name in setting_types():
            found[top.name] = top
        else:
            for member in dataclasses.fields(top.default_factory):  # type: ignore[arg-type]
                found[f"{top.name}.{member.name}"] = member
    return found


@cache
def _descriptions() -> dict[str, str]:
    """Return the text under each field of `Config` and of its groups, by dotted name."""
    texts: dict[str, dict[str, str]] = {}
    for module in (config, config_groups):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                texts[node.name] = dict(_attributes(node))
    found = {}
    for top in dataclasses.fields(Config):
        if top.name in setting_types():
            found[top.name] = texts["Config"][top.name]
        else:
            group = getattr(top.default_factory, "__name__", "")
            found |= {f"{top.name}.{name}": text for name, text in texts[group].items()}
    return found


def _attributes(node: ast.ClassDef) -> Iterable[tuple[str, str]]:
    """Yield the name of each field of a class that a text follows, and that text on one line."""
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            yield ast.unparse(field.target), " ".join(text.split())


def kind_of(action: Action | None) -> Any:
    """Return the type that a flag was declared with."""
    return getattr(action, "_typehint", None) or getattr(action, "type", None)


def _parts(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _words(kind: Any) -> tuple[str, ...]:
    """Return the values of a type that has few."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return ("true", "false") if kind is bool else ()


def without_null(kind: Any) -> Any:
    """Return a type without None.

    >>> without_null(int | None)
    <class 'int'>
    """
    parts = [part for part in _parts(kind) if part is not NoneType]
    return Union[tuple(parts)] if parts else kind  # noqa: UP007


def metavar_of(kind: Any) -> str:
    """Return the word that stands for a value of a type.

    >>> metavar_of(float | None), metavar_of(Literal["sum", "mean"]), metavar_of(dict[str, int])
    ('NUMBER', 'WORD', 'MAPPING')
    """
    first = _parts(kind)[0]
    words = {int: "INTEGER", float: "NUMBER", bool: "true|false", str: "NAME"}
    if get_origin(first) is Literal:
        return "WORD|NUMBER" if float in _parts(kind) else "WORD"
    return {dict: "MAPPING", list: "NAME …"}.get(get_origin(first)) or words.get(first, "VALUE")


def values_of(kind: Any, symbols: str = "", names: tuple[str, ...] = ()) -> str:
    """Return the values that a type allows, in words; of names and text, those that are known.

    >>> values_of(float | Literal["auto"] | None, "> 0"), values_of(str)
    ('a number > 0, auto or null', '')
    >>> values_of(str | None, names=("gin", "gcn"))
    'gin, gcn, pkg.module:attribute or null'
    """
    found: list[str] = []
    for part in _parts(kind):
        if words := _words(part):
            found += words
        elif part in (int, float):
            found.append(f"{'an integer' if part is int else 'a number'} {symbols}".strip())
        elif part is NoneType:
            found += ["null"] if found else []
        elif get_origin(part) is dict:
            found.append("a mapping such as '{name: value}'")
        elif names:
            found += [*names, "pkg.module:attribute"]
    return joined(found)


def joined(words: Sequence[str]) -> str:
    """Return words as an enumeration.

    >>> joined(["true", "false", "null"]), joined(["a number"]), joined([])
    ('true, false or null', 'a number', '')
    """
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def shown(value: Any) -> str:
    """Return a value as one types it.

    >>> shown(None), shown(True), shown("gin"), shown(["a", "b"]), shown(1e-3)
    ('null', 'true', 'gin', '["a", "b"]', '0.001')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
