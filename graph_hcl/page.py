"""A self-contained HTML page of tables and figures; nothing in it is fetched when it is opened."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from graph_hcl.plot import styled

CSS = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 1120px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem;
border-bottom: 2px solid #0072B2; padding-bottom: .2rem; } p { margin: .4rem 0; max-width: 75ch; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid #ddd; border-radius: 6px; padding: .6rem;
         break-inside: avoid; } figure.wide { grid-column: 1 / -1; }
figure svg { width: 100%; height: auto; display: block; } figcaption { font-size: .85rem;
color: #444; margin-top: .3rem; } table { border-collapse: collapse; margin: .6rem 0;
font-size: .9rem; } th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left;
font-variant-numeric: tabular-nums; } th { background: #f3f6f9; } code { font-size: .85em;
overflow-wrap: anywhere; } details { margin: .6rem 0; } .note { color: #7a3b00; }
@media print { body { max-width: none; padding: 0; } figure { border-color: #999; } }
"""


def figure(ax: Axes, caption: str, name: str, wide: bool = False) -> str:
    """Return a drawing as inline SVG with its caption; `name` keeps its inner names apart.

    >>> from graph_hcl.plot import losses
    >>> "<figcaption>hi" in figure(losses([{"epoch": 1, "ucl": 1.0}]), "hi", "one")
    True
    """
    buffer = io.StringIO()
    root = ax.get_figure(root=True)
    assert root is not None
    with styled():
        root.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # Two drawings on a page must not share the names of their parts.
    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(caption)}" ', 1)
    kind = ' class="wide"' if wide else ""
    return f"<figure{kind}>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; every cell is text.

    >>> table(["a"], [["<1>"]])
    '<table><tr><th>a</th></tr><tr><td>&lt;1&gt;</td></tr></table>'
    """

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def section(title: str, *parts: str) -> str:
    """Return a section with a heading; figures among the parts stand in a grid.

    >>> section("T", "<p>x</p>")
    '<h2>T</h2><p>x</p>'
    """
    grid = "".join(part for part in parts if part.startswith("<figure"))
    text = "".join(part for part in parts if not part.startswith("<figure"))
    figures = f'<div class="figures">{grid}</div>' if grid else ""
    return f"<h2>{html.escape(title)}</h2>{text}{figures}"


def page(title: str, *sections: str) -> str:
    """Return the whole page.

    >>> page("T").startswith("<!doctype html>")
    True
    """
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style>"
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{html.escape(title)}</h1>'
        f"{''.join(sections)}</body></html>\n"
    )
