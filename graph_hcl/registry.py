"""Registries of swappable parts: one for each kind."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from graph_hcl.errors import UserError
from graph_hcl.user_code import remember_import

T = TypeVar("T")

IN_MEMORY = "in memory: "
"""What the name of an object without an import path starts with."""


def not_handed_over(kind: str, name: str) -> UserError:
    """Return the error for a part whose name alone is known.

    >>> str(not_handed_over("backbone", "in memory: Net"))
    "Expected the backbone 'Net' to be handed over again, since it has no import path, but got its \
name alone: give the object as backbone=…, or give the class a place in a module."
    """
    return UserError(
        f"Expected the {kind} '{name.removeprefix(IN_MEMORY)}' to be handed over again, since it "
        f"has no import path, but got its name alone: give the object as {kind}=…, or give the "
        "class a place in a module."
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' with the known names closest to `name`, or an empty string.

    >>> did_you_mean("PROTEIN", ["PROTEINS", "MUTAG"])
    ' Did you mean PROTEINS?'
    >>> did_you_mean("zzz", ["PROTEINS", "MUTAG"])
    ''
    """
    matches = closest(name, known)
    return f" Did you mean {' or '.join(matches)}?" if matches else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among those known of a kind of thing.

    >>> str(unknown_name("metric", "acuracy", ["accuracy"]))
    "Expected a metric of accuracy, but got 'acuracy'. Did you mean accuracy?"
    """
    known = list(known)
    return UserError(
        f"Expected a {kind} of {', '.join(known)}, but got '{name}'.{did_you_mean(name, known)}"
    )


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of the known names that are closest to `name`, ignoring case.

    >>> closest("enzyme", ["ENZYMES", "MUTAG"])
    ['ENZYMES']
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    return [folded[n] for n in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]


def match_ignoring_case(name: str, known: Iterable[str]) -> str:
    """Return the known name that equals `name` up to case, or `name` itself if there is none.

    >>> match_ignoring_case("Gin", ["gin", "gcn"]), match_ignoring_case("pkg:Net", ["gin"])
    ('gin', 'pkg:Net')
    """
    known = list(known)
    equal = [candidate for candidate in known if candidate.casefold() == name.casefold()]
    return name if name in known or len(equal) != 1 else equal[0]


class Registry(Generic[T]):
    """Parts of one kind by name, each imported when it is first used.

    Users refer to parts of their own by an import path 'package.module:attribute'.

    >>> shapes: Registry[type] = Registry("shape", {"pair": "builtins:tuple"})
    >>> shapes.get("Pair"), shapes.get("builtins:list")
    (<class 'tuple'>, <class 'list'>)
    """

    def __init__(self, kind: str, paths: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._paths = dict(paths or {})
        self._loaded: dict[str, T] = {}

    def names(self) -> list[str]:
        """Return the names in the order of registration."""
        return list(self._paths | self._loaded)

    def parts(self) -> list[T]:
        """Return the parts in the order of their names."""
        return [self.get(name) for name in self.names()]

    def canonical(self, name: str) -> str:
        """Return the registered spelling of a name, or the name itself if it is not registered."""
        return match_ignoring_case(name, self.names())

    def name_of(self, part: Any) -> str | None:
        """Return the name of a part, or None if it is not registered.

        >>> Registry("shape", {"pair": "builtins:tuple"}).name_of(tuple)
        'pair'
        """
        return next((name for name in self.names() if self.get(name) is part), None)

    def get(self, name: str) -> T:
        """Return the part called `name`, ignoring case, or the one at an import path.

        Raises `UserError` for an unknown name, and for an import path that cannot be imported or
        is not callable.
        """
        name = self.canonical(name)
        if name in self._loaded:
            return self._loaded[name]
        if name.startswith(IN_MEMORY):
            raise not_handed_over(self.kind, name)
        path = self._paths.get(name, name)
        if ":" not in path:
            names = self.names()
            raise UserError(
                f"Unknown {self.kind} '{name}': expected one of {', '.join(names)}, "
                f"or an import path 'package.module:attribute'.{did_you_mean(name, names)}"
            )
        part: T = self._import(path)
        if name in self._paths:
            self._loaded[name] = part
        return part

    def _import(self, path: str) -> Any:
        module, _, attribute = path.partition(":")
        try:
            part = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise UserError(f"Cannot import the {self.kind} '{path}': {error}.") from error
        remember_import(path)
        if not callable(part):
            raise UserError(
                f"Expected the {self.kind} '{path}' to be a class or a function, but got "
                f"{type(part).__name__}."
            )
        return part

    @contextmanager
    def temporarily(self, name: str, part: T) -> Iterator[None]:
        """Register `part` as `name` inside the block.

        >>> shapes: Registry[type] = Registry("shape", {"pair": "builtins:tuple"})
        >>> with shapes.temporarily("pair", list):
        ...     shapes.get("pair")
        <class 'list'>
        >>> shapes.get("pair")
        <class 'tuple'>
        """
        original = self._loaded.copy()
        self._loaded[name] = part
        try:
            yield
        finally:
            self._loaded = original
