"""Reads docstrings as plain text with `names` and indented formulas, as they are in the code."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sphinx.util.nodes import make_refnode

ITEM = re.compile(r"\s*([\w*]+(, [\w*]+)*|[-•]) ?(\(.*\))?:? ")
COLON = "\ue000"


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


def homes(name: str, known: Iterable[str]) -> list[str]:
    """Return the full names that a name in a docstring may stand for, the nearest first.

    >>> homes("HUCL.keys", ["graph_hcl.losses.HUCL.keys", "graph_hcl.losses.HUCL"])
    ['graph_hcl.losses.HUCL.keys']
    """
    return sorted((k for k in known if k == name or k.endswith(f".{name}")), key=len)


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of a docstring in place."""
    lines[:] = list(formulas(list(lines)))
    if what in ("attribute", "property", "data") and lines:
        lines[0] = lines[0].replace(":", COLON)


def restore(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Put back what `process` hid from napoleon, to which 'words: more' of a field is a type."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def skip(app: Any, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, which the docstring of the class describes."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Link a public name in backticks from any page; leave arguments and the like as they are."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains["py"]
    # `x` may be the argument of one function and the field of another class: no link, then.
    public = {name for name, entry in domain.objects.items() if entry.objtype != "attribute"}
    target = node["reftarget"].removesuffix("()")
    found = homes(target, public) if len(target) > 2 else []
    if len(found) == 1 or (found and len(found[0]) < len(found[1])):
        entry = domain.objects[found[0]]
        page = env.app.builder
        return make_refnode(page, node["refdoc"], entry.docname, entry.node_id, content, found[0])
    return content if node["reftype"] == "obj" and not target.startswith("graph_hcl.") else None


def setup(app: Any) -> dict[str, Any]:
    """Register the steps, of which the first comes before that of sphinx.ext.napoleon."""
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("autodoc-process-docstring", restore, priority=900)
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
