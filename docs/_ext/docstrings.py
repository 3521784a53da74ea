"""Reads docstrings as plain text with `names` and indented formulas, as they are in the code."""

import re
from collections.abc import Iterator
from typing import Any

ITEM = re.compile(r"\s*([\w*]+(, [\w*]+)*|[-•]) ?(\(.*\))?:? ")


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


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of a docstring in place."""
    lines[:] = list(formulas(list(lines)))


def setup(app: Any) -> dict[str, Any]:
    """Register the step, which comes before that of sphinx.ext.napoleon."""
    app.connect("autodoc-process-docstring", process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
