"""The user's own code that settings name by import path, and the hashes of its files."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.warn import warn_user

IMPORT_PATH = re.compile(r"(?<![\w.:/\\])([^\W\d][\w.]*):[^\W\d]")
"""An import path `package.module:name`, anywhere in a string such as a view."""
OWN = __name__.partition(".")[0]

_imported: dict[str, tuple[ModuleSpec | None, str]] = {}
"""The hash of each user module when it was imported, with the spec it was imported by."""


def user_code(*values: Any) -> dict[str, str]:
    """Return the sha256 of every file of the user's that import paths among the values lead to.

    These are the modules that the paths name, the packages they are in, and the modules that these
    import in turn, wherever in their code; the standard library, installed packages and this one
    are left out. A path into an installed package gives the name and version of its distribution.
    `values` are strings, or mappings and sequences of them. Nothing is imported.

    Files that the code reads, and modules whose names it computes, are not found. Warns of code
    that was typed into a console, which is in no file.

    >>> user_code({"backbone": "gin", "views": ["graph_hcl.augment:Identity | edge_drop(0.1)"]})
    {}
    >>> list(user_code("numpy.linalg:norm"))
    ['numpy']
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    named = {name: None for value in values for name in _named(value)}
    waiting = [(name, True) for name in named]
    while waiting:
        name, is_named = waiting.pop()
        if name == "__main__" and _spec(name, None) is None:
            warn_user(
                "The code of __main__ is in no file, so that changes of it go unnoticed: move it "
                "to a module."
            )
        for module, spec in _specs(name):
            if spec.origin is None or module in seen:
                continue  # a package without code of its own, or known
            if _is_standard(spec.origin):
                break
            if distribution := _distribution(module, spec.origin):
                if is_named:
                    found[module.partition(".")[0]] = distribution
                break
            seen.add(module)
            file = Path(spec.origin)
            content = file.read_bytes()
            if file.suffix == ".py":
                content = content.replace(b"\r\n", b"\n")  # as another system checks it out
                package = module if spec.submodule_search_locations else module.rpartition(".")[0]
                waiting += [(other, False) for other in _imports(content, package)]
            found[module] = hashlib.sha256(content).hexdigest()
    return dict(sorted(found.items()))


def remember_import(path: str) -> None:
    """Note the hashes of the user's modules that an import path just imported."""
    for module, digest in user_code(path).items():
        if not _is_known(module):
            _imported[module] = _loaded_spec(module), digest


def check_imported(code: Mapping[str, str]) -> None:
    """Raise `UserError` where this process imported another state of the code than these hashes."""
    changed = [name for name in code if _is_known(name) and _imported[name][1] != code[name]]
    if changed:
        raise UserError(
            f"Expected the code of {', '.join(changed)} as it was imported, but its file has "
            "changed since: run this in a new process."
        )


def _loaded_spec(module: str) -> ModuleSpec | None:
    return getattr(sys.modules.get(module), "__spec__", None)


def _is_known(module: str) -> bool:
    """Tell whether the hash of the module as it is loaded is noted: reloading gives a new spec."""
    return module in _imported and _imported[module][0] is _loaded_spec(module)


def changed_code(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the modules whose hashes differ, or that only one of the two has.

    >>> changed_code({"mine": "1", "helper": "2"}, {"mine": "3", "helper": "2", "more": "4"})
    ['mine', 'more']
    """
    return sorted({name for name, _ in set(before.items()) ^ set(now.items())})


def _named(value: Any) -> Iterator[str]:
    """Yield the modules of all import paths in a value."""
    if isinstance(value, str):
        yield from IMPORT_PATH.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _named(item)


def _specs(module: str) -> Iterator[tuple[str, ModuleSpec]]:
    """Yield the packages that a module is in, then itself, as far as they can be found."""
    path: Any = None
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = _spec(name, path)
        if spec is None or name == OWN:
            return
        yield name, spec
        path = spec.submodule_search_locations
        if path is None:
            return


def _spec(name: str, path: Any) -> ModuleSpec | None:
    """Return where a module was imported from, or would be; unlike `find_spec`, import nothing."""
    if (module := sys.modules.get(name)) is not None:
        known: ModuleSpec | None = getattr(module, "__spec__", None)
        if known is not None:
            return known
        file = getattr(module, "__file__", None)  # a script that is run by its path has no spec
        return importlib.util.spec_from_file_location(name, file) if file else None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = None if find is None else find(name, path)
        if spec is not None:
            return spec
    return None


def is_standard(module: str) -> bool:
    """Tell whether a module would be imported from the standard library; import nothing.

    >>> is_standard("os"), is_standard("builtins"), is_standard("torch")
    (True, True, False)
    """
    spec = _spec(module, None)
    return spec is None or spec.origin is None or _is_standard(spec.origin)


@lru_cache(maxsize=4096)
def _is_standard(origin: str) -> bool:
    """Tell whether a module is of the standard library, or in no file."""
    file, library = Path(origin), Path(sysconfig.get_path("stdlib")).resolve()
    return not file.is_file() or (library in file.resolve().parents and not _is_installed(origin))


def _is_installed(origin: str) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(Path(origin).parts)


def _distribution(module: str, origin: str) -> str:
    """Return name and version of the installed distribution of a file, '' for the user's own."""
    return _release(module.partition(".")[0]) if _is_installed(origin) else ""


@cache
def _release(package: str) -> str:
    names = sorted(set(importlib.metadata.packages_distributions().get(package, ())))
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


@lru_cache(maxsize=1024)
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    """Return the modules that a source may import, and names that may be modules."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()  # importing it says what is wrong
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name: None for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            parents = parents[: len(parents) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            names |= {f"{origin}.{alias.name}".rstrip(".*"): None for alias in node.names}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                name = node.args[0].value
                names[f"{package}{name}" if name.startswith(".") else name] = None
    return tuple(name for name in names if name and name[0] != ".")
