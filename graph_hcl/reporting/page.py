"""A self-contained HTML page of tables and figures; nothing in it is fetched when it is opened."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

CSS = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 1180px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-bottom: 2px solid #0072B2;
  padding-bottom: .2rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
h2, h3 { break-after: avoid; }
p { margin: .4rem 0; max-width: 80ch; }
.small { font-size: .85rem; color: #444; }
.note { color: #7a3b00; font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(350px, 1fr));
  gap: 1rem; align-items: start; }
figure { margin: 0; border: 1px solid #ddd; border-radius: 6px; padding: .6rem;
  break-inside: avoid; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { font-size: .85rem; color: #444; margin-top: .3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .88rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left;
  font-variant-numeric: tabular-nums; vertical-align: top; overflow-wrap: break-word; }
th { background: #f3f6f9; }
nav { font-size: .9rem; }
pre { font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .6rem 0; }
summary { cursor: pointer; }
@media print {
  body { max-width: none; padding: 0; font-size: 11px; }
  .figures { grid-template-columns: 1fr 1fr; }
  figure { border-color: #999; }
}
"""


def figure(svg: str, caption: str, name: str) -> str:
    """Return a drawing with its caption; `name` keeps the names of its parts apart from others'.

    >>> figure('<svg ><use href="#a"/></svg>', "b", "c")  # doctest: +NORMALIZE_WHITESPACE
    '<figure><svg role="img" aria-label="b" ><use
    href="#c-a"/></svg><figcaption>b</figcaption></figure>'
    """
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    drawn = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", drawn)
    label = html.escape(caption)
    drawn = drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return f"<figure>{drawn}<figcaption>{label}</figcaption></figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; every cell is text.

    >>> table(["a"], [["<1>"]])
    '<div class="scroll"><table><tr><th>a</th></tr><tr><td>&lt;1&gt;</td></tr></table></div>'
    """

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    lines = (line(head, "th") if any(head) else "") + "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table>{lines}</table></div>'


def folded(summary: str, content: str) -> str:
    """Return content that shows when its summary is clicked.

    >>> folded("a", "<p>b</p>")
    '<details><summary>a</summary><p>b</p></details>'
    """
    return f"<details><summary>{html.escape(summary)}</summary>{content}</details>"


def grid(title: str, figures: Sequence[str]) -> str:
    """Return figures side by side under a small heading; nothing when there are none.

    >>> grid("T", [])
    ''
    """
    if not figures:
        return ""
    return f'<h3>{html.escape(title)}</h3><div class="figures">{"".join(figures)}</div>'


def section(name: str, title: str, *parts: str) -> str:
    """Return a section with a heading that links find by its name.

    >>> section("t", "T", "<p>x</p>")
    '<h2 id="t">T</h2><p>x</p>'
    """
    return f'<h2 id="{html.escape(name)}">{html.escape(title)}</h2>{"".join(parts)}'


def contents(titles: dict[str, str]) -> str:
    """Return links to sections: titles by name.

    >>> contents({"t": "T"})
    '<nav><a href="#t">T</a></nav>'
    """
    links = (f'<a href="#{html.escape(k)}">{html.escape(v)}</a>' for k, v in titles.items())
    return f"<nav>{' · '.join(links)}</nav>"


def page(title: str, *sections: str) -> str:
    """Return the whole page.

    >>> page("T").startswith("<!doctype html>")
    True
    """
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style>"
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{html.escape(title)}</h1>'
        f"{''.join(sections)}</body></html>\n"
    )
