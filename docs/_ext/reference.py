"""Directives of the reference pages: `entries` of public names, and an `overview` of a page."""

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from docstrings import escape
from docutils import nodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from graph_hcl.registry import Registry

BLOCK = re.compile(
    r"^## (?P<group>.+?)$|^\.\. entries:: (?P<module>\S+)\n\n(?P<names>(?: +.+\n)+)", re.M
)


def groups(page: str) -> dict[str, list[str]]:
    """Return the full names on a page by the heading that they are under.

    >>> groups("## Losses\\n\\n.. entries:: graph_hcl.losses\\n\\n   UCL SCL\\n   HUCL\\n")
    {'Losses': ['graph_hcl.losses.UCL', 'graph_hcl.losses.SCL', 'graph_hcl.losses.HUCL']}
    """
    found: dict[str, list[str]] = {}
    group = ""
    for block in BLOCK.finditer(page):
        if block["group"]:
            group = block["group"]
        else:
            names = [f"{block['module']}.{name}" for name in block["names"].split()]
            found.setdefault(group, []).extend(names)
    return found


def overview(page: str) -> list[str]:
    """Return a table of the names on a page, group by group, as reStructuredText.

    >>> print("\\n".join(overview("## Loss\\n\\n.. entries:: graph_hcl.losses\\n\\n   Psi UCL\\n")))
    **Loss**
    <BLANKLINE>
    .. list-table::
       :width: 100%
       :widths: 30 70
    <BLANKLINE>
       * - :py:obj:`~graph_hcl.losses.Psi`
         - (t [P, K], weights q [P, K]) -> losses [P]; entries with q = 0 must not count.
       * - :py:obj:`~graph_hcl.losses.UCL`
         - Unsupervised contrastive loss: other views attract, all other graphs repel alike.
    <BLANKLINE>
    """
    lines = []
    for group, names in groups(page).items():
        lines += [f"**{group}**", "", ".. list-table::", "   :width: 100%", "   :widths: 30 70", ""]
        for name in names:
            lines += [f"   * - :py:obj:`~{name}`", f"     - {escape(summary(name))}"]
        lines.append("")
    return lines


def summary(name: str) -> str:
    """Return the first line on a public name.

    >>> summary("graph_hcl.losses.UCL")
    'Unsupervised contrastive loss: other views attract, all other graphs repel alike.'
    """
    thing, last = find(name)
    described = inspect.isclass(thing) or inspect.isroutine(thing)
    lines = inspect.cleandoc(thing.__doc__ or "").splitlines() if described else about(last, thing)
    return lines[0]


def find(name: str) -> tuple[Any, str]:
    """Return the object of a full name, and the last part of the name."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last), last


def entry(name: str) -> list[str]:
    """Return the directive of autodoc for a public name, or that of Sphinx for a value.

    >>> entry("graph_hcl.errors.UserError")
    ['.. autoexception:: graph_hcl.errors.UserError', '']
    >>> entry("graph_hcl.losses.UCL")
    ['.. autoclass:: graph_hcl.losses.UCL', '   :members:', '']
    """
    thing, last = find(name)
    if inspect.isclass(thing):
        if issubclass(thing, BaseException):
            return [f".. autoexception:: {name}", ""]
        return [f".. autoclass:: {name}", "   :members:", ""]
    if inspect.isroutine(thing):
        return [f".. autofunction:: {name}", ""]
    return [f".. py:data:: {name}", *value(thing), "", *(f"   {x}" for x in about(last, thing)), ""]


def value(thing: object) -> list[str]:
    """Return the option that shows a value, where it is short.

    >>> from collections.abc import Callable
    >>> value((1, 2)), value(Callable[[int], str]), value({})
    (['   :value: (1, 2)'], ['   :value: Callable[[int], str]'], [])
    """
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", repr(thing))
    return [f"   :value: {text}"] if isinstance(thing, tuple) or "Callable" in text else []


def about(name: str, thing: object) -> list[str]:
    """Return the text under the assignment of a value, and the names that a mapping holds.

    >>> import graph_hcl.registries
    >>> about("PSIS", graph_hcl.registries.PSIS)[-2:]
    ['', '``infonce``, ``triplet``, ``logistic``.']
    """
    homes = [home for home in sorted(sys.modules) if home.startswith("graph_hcl.")]
    for home in homes:
        if vars(sys.modules[home]).get(name) is thing:
            texts = ModuleAnalyzer.for_module(home).find_attr_docs()
            if ("", name) in texts:
                names = thing.names() if isinstance(thing, Registry) else thing
                held = [f"``{key}``" for key in names] if isinstance(names, dict | list) else []
                return texts["", name] + ([", ".join(held) + "."] if held else [])
    raise ValueError(f"Expected a docstring under the assignment of {name}, but there is none.")


class Entries(SphinxDirective):
    """The entries of the names in its content, in the module in its argument."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of each name."""
        names = " ".join(self.content).split()
        lines = [line for name in names for line in entry(f"{self.arguments[0]}.{name}")]
        return self.parse_text_to_nodes("\n".join(lines))


class Overview(SphinxDirective):
    """A table of all names that have an entry on the page."""

    def run(self) -> list[nodes.Node]:
        """Return one small table for each heading."""
        page = Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8")
        return self.parse_text_to_nodes("\n".join(overview(page)))


def setup(app: Any) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("entries", Entries)
    app.add_directive("overview", Overview)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
