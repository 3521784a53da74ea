"""Reads docstrings as plain text with `names` and indented formulas, as they are in the code."""

import importlib.util
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import ArrayLike
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import stringify_annotation

ITEM = re.compile(r"\s*([\w*]+(, [\w*]+)*|[-•]) ?(\(.*\))?:? ")
COLON = "\ue000"
ARRAY_LIKE = stringify_annotation(ArrayLike, "smart")


def escape(line: str) -> str:
    """Escape what reStructuredText would read as markup, outside of backticks.

    >>> escape("`x_` times **y_ | z*")
    '`x_` times \\\\*\\\\*y\\\\_ \\\\| z\\\\*'
    """
    parts = line.split("`")
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"([*|]|_(?!\w))", r"\\\1", parts[index])
    return "`".join(parts)


def formulas(lines: list[str]) -> Iterator[str]:
    """Yield the lines, with indented paragraphs that follow no item as literal blocks."""
    section, literal, blank = False, False, True
    for line in lines:
        if re.fullmatch(r"\w[\w ]*:", line):
            section = True
        elif line and not line.startswith(" "):
            section = False
        indented = line.startswith("    ")
        example = line.lstrip().startswith((">>>", "..."))
        if indented and blank and not section and not literal:
            yield "::"
            yield ""
            literal = True
        elif line and not indented:
            literal = False
        blank = not line.strip()
        yield line if literal or example else escape(line)


def arguments(thing: object) -> list[str]:
    """Return the names of the arguments of a function or class.

    >>> arguments(escape), arguments("neither")
    (['line'], [])
    """
    try:
        return list(inspect.signature(thing).parameters) if callable(thing) else []
    except ValueError:  # a class that is made in C
        return []


def as_code(line: str, names: Iterable[str]) -> str:
    """Mark names in backticks as code, so that an argument is no link to a namesake.

    >>> as_code("`folds` of `evaluate`", ["folds"])
    '``folds`` of `evaluate`'
    """
    for name in names:
        line = re.sub(rf"(?<!`)`{name}`(?!`)", f"``{name}``", line)
    return line


def homes(name: str, known: Iterable[str]) -> list[str]:
    """Return the full names that a name in a docstring may stand for, the nearest first.

    >>> homes("HUCL.keys", ["graph_hcl.losses.HUCL.keys", "graph_hcl.losses.HUCL"])
    ['graph_hcl.losses.HUCL.keys']
    """
    return sorted((k for k in known if k == name or k.endswith(f".{name}")), key=len)


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of a docstring in place."""
    names = arguments(thing)
    lines[:] = [as_code(line, names) for line in formulas(list(lines))]
    if what in ("attribute", "property", "data") and lines:
        lines[0] = lines[0].replace(":", COLON)


def restore(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Put back what `process` hid from napoleon, to which 'words: more' of a field is a type."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def shorten(
    app: Any,
    what: str,
    name: str,
    thing: Any,
    options: Any,
    signature: str | None,
    kind: str | None,
) -> tuple[str | None, str | None]:
    """Write ArrayLike by its name, as the code does, and a protocol without arguments."""
    if getattr(thing, "_is_protocol", False):
        return "", kind
    return signature and signature.replace(ARRAY_LIKE, "ArrayLike"), kind


def skip(app: Any, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, which the docstring of the class describes."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Link a public name in backticks from any page; leave arguments and the like as they are."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains["py"]
    target = node["reftarget"].removesuffix("()")
    # A word alone may be an argument or a field, so it is no link to a method of that name.
    kinds = {"class", "function", "exception", "data"} | ({"method"} if "." in target else set())
    public = {name for name, entry in domain.objects.items() if entry.objtype in kinds}
    found = homes(target, public)
    if len(found) == 1 or (found and len(found[0]) < len(found[1])):
        entry = domain.objects[found[0]]
        page = env.app.builder
        return make_refnode(page, node["refdoc"], entry.docname, entry.node_id, content, found[0])
    # A command has a page of its own, and an argument none: neither is a broken link.
    plain = node["reftype"] == "obj" and (not target.startswith("graph_hcl.") or is_module(target))
    return content if plain else None


def is_module(name: str) -> bool:
    """Tell whether a full name is that of a module.

    >>> is_module("graph_hcl.train"), is_module("graph_hcl.errors.UserError")
    (True, False)
    """
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def setup(app: Any) -> dict[str, Any]:
    """Register the steps, of which the first comes before that of sphinx.ext.napoleon."""
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("autodoc-process-docstring", restore, priority=900)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
