"""Names for the parts that a user can swap: one registry per kind of part."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from graph_hcl.errors import UserError

T = TypeVar("T")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' for the known names nearest to `name`, or an empty string.

    >>> did_you_mean("PROTEIN", ["PROTEINS", "MUTAG"])
    ' Did you mean PROTEINS?'
    >>> did_you_mean("zzz", ["PROTEINS", "MUTAG"])
    ''
    """
    near = closest(name, known)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of the known names that are nearest to `name`, capitals aside.

    >>> closest("enzyme", ["ENZYMES", "MUTAG"])
    ['ENZYMES']
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    return [folded[n] for n in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]


def same_but_for_case(name: str, known: Iterable[str]) -> str:
    """Return `name` as the known names write it: itself where none is equal but for capitals.

    >>> same_but_for_case("Gin", ["gin", "gcn"]), same_but_for_case("pkg:Net", ["gin"])
    ('gin', 'pkg:Net')
    """
    known = list(known)
    equal = [candidate for candidate in known if candidate.casefold() == name.casefold()]
    return name if name in known or len(equal) != 1 else equal[0]


class Registry(Generic[T]):
    """Parts of one kind by name; an unregistered 'package.module:attribute' is imported instead.

    Raises `UserError` from `get` for an unknown name, or an import path that leads nowhere or
    to what cannot be called.

    >>> shapes: Registry[type] = Registry("shape")
    >>> _ = shapes.register("pair")(tuple)
    >>> shapes.get("Pair"), shapes.get("builtins:list")
    (<class 'tuple'>, <class 'list'>)
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its argument under `name`."""

        def file_under_name(part: T) -> T:
            self._parts[name] = part
            return part

        return file_under_name

    def names(self) -> list[str]:
        """Return the registered names in order of registration."""
        return list(self._parts)

    def parts(self) -> list[T]:
        """Return the registered parts."""
        return list(self._parts.values())

    def canonical(self, name: str) -> str:
        """Return a name as it was registered, whatever its capitals; others as they are."""
        return same_but_for_case(name, self._parts)

    def get(self, name: str) -> T:
        """Return the part called `name`, or the attribute that the import path names.

        Capitals in a registered name do not matter.
        """
        name = self.canonical(name)
        if name in self._parts:
            return self._parts[name]
        if ":" not in name:
            raise UserError(
                f"Unknown {self.kind} '{name}': expected one of {', '.join(self._parts)}, "
                f"or an import path 'package.module:attribute'.{did_you_mean(name, self._parts)}"
            )
        module, _, attribute = name.partition(":")
        try:
            part: T = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise UserError(f"Cannot import the {self.kind} '{name}': {error}.") from error
        if not callable(part):
            raise UserError(
                f"Expected the {self.kind} '{name}' to be a class or a function, but got "
                f"{type(part).__name__}."
            )
        return part
