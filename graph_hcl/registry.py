"""Registries of swappable parts: one for each kind."""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from graph_hcl.errors import UserError
from graph_hcl.user_code import is_standard, remember_import

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


def import_path(path: str, what: str) -> Any:
    """Return the class or function at an import path 'package.module:attribute'.

    The standard library holds no part of ours, and calling `os:abort` or importing `antigravity`
    does harm, so nothing of it is imported or returned, under whatever name.

    Raises `UserError` for it, and for a path that cannot be imported or names no class or function;
    `what` names the part in the message.

    >>> import_path("os:abort", "the backbone")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the backbone 'os:abort' to be code of yours or of an \
installed package, but it is of Python's standard library: correct the path.
    """
    part = None
    if not _is_standard(path.partition(":")[0]):
        part = _imported(path, what)
        remember_import(path)
        if not callable(part):
            raise UserError(
                f"Expected {what} '{path}' to be a class or a function, but got "
                f"{type(part).__name__}."
            )
    inner = part
    while isinstance(inner, functools.partial):
        inner = inner.func
    if part is None or _is_standard(str(getattr(inner, "__module__", None))):
        raise UserError(
            f"Expected {what} '{path}' to be code of yours or of an installed package, but it is "
            "of Python's standard library: correct the path."
        )
    return part


def label_of(part: Any) -> str:
    """Return the name of the class or function behind an object.

    >>> label_of(functools.partial(int, base=8)), label_of(1), label_of(label_of)
    ('int', 'int', 'label_of')
    """
    while isinstance(part, functools.partial):
        part = part.func
    return str(getattr(part, "__name__", type(part).__name__))


def path_of(part: Any) -> str | None:
    """Return the import path of a class, a function, or an object in the module of its class.

    None where there is none, as for what a console or another function made.

    >>> path_of(import_path), path_of(lambda: 0)
    ('graph_hcl.registry:import_path', None)
    """
    module = getattr(part, "__module__", None) or ""
    home = sys.modules.get(module)
    if module == "__main__" or getattr(home, "__spec__", None) is None:
        return None
    named = [part.__qualname__] if hasattr(part, "__qualname__") else list(vars(home))
    return next((f"{module}:{name}" for name in named if getattr(home, name, None) is part), None)


def _imported(path: str, what: str) -> Any:
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UserError(f"Cannot import {what} '{path}': {error}.") from error


def _is_standard(module: str) -> bool:
    """Tell whether a module is of the standard library, and not one of the user's of that name."""
    first = module.partition(".")[0]
    return first in sys.stdlib_module_names and is_standard(first)


def _has(kind: type, method: str) -> bool:
    """Tell whether instances of a class have a method; that classes can be called counts not."""
    return any(method in vars(one) for one in kind.__mro__ if one is not type)


class Registry(Generic[T]):
    """Parts of one kind by name, each imported when it is first used.

    Users refer to parts of their own by an import path 'package.module:attribute'.

    `offers` are the methods that a class must have to be such a part; one at an import path that
    lacks them is refused before it is called.

    >>> shapes: Registry[type] = Registry("shape", {"pair": "builtins:tuple"})
    >>> shapes.get("Pair"), shapes.get("graph_hcl.registry:Registry")
    (<class 'tuple'>, <class 'graph_hcl.registry.Registry'>)
    """

    def __init__(
        self, kind: str, paths: Mapping[str, str] | None = None, offers: Sequence[str] = ()
    ) -> None:
        self.kind = kind
        self.offers = tuple(offers)
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

        Raises `UserError` for an unknown name, and for an import path that cannot be imported, or
        names what is no such part.
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
        if name in self._paths:
            part: T = _imported(path, f"the {self.kind}")
            self._loaded[name] = part
            return part
        return self._import(path)

    def _import(self, path: str) -> T:
        part = import_path(path, f"the {self.kind}")
        missing = [one for one in self.offers if isinstance(part, type) and not _has(part, one)]
        if missing:
            raise UserError(
                f"Expected the {self.kind} '{path}' to have {' and '.join(missing)}, but the class "
                f"{part.__name__} has none: name a {self.kind}."
            )
        checked: T = part
        return checked

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
