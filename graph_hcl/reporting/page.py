"""A self-contained HTML page of tables and figures; nothing in it is fetched when it is opened."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from graph_hcl.reporting.script import FIND, SCRIPT, policy
from graph_hcl.reporting.theme import CSS, adapt


def figure(svg: str, caption: str, name: str, find: bool = False) -> str:
    """Return a drawing with its caption; `name` keeps the names of its parts apart from others'.

    With `find` there is a box that finds its points by what they tell under the pointer.

    >>> figure('<svg ><use href="#a"/></svg>', "b", "c")  # doctest: +NORMALIZE_WHITESPACE
    '<figure><svg role="img" aria-label="b" ><use
    href="#c-a"/></svg><figcaption>b</figcaption></figure>'
    """
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', adapt(svg))
    drawn = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", drawn)
    label = html.escape(caption)
    drawn = drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    box = FIND if find else ""
    return f"<figure>{drawn}{box}<figcaption>{label}</figcaption></figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return an HTML table; every cell is text, the first of a row is its heading.

    `kind` "rows" folds each row into lines on a phone; "long" breaks words that are too long.

    >>> table(["a", "b"], [["<1>", "2"]])  # doctest: +NORMALIZE_WHITESPACE
    '<div class="scroll"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><th
    scope="row">&lt;1&gt;</th><td data-head="b">2</td></tr></tbody></table></div>'
    """
    return raw_table(head, (map(html.escape, row) for row in rows), kind)


def raw_table(head: Sequence[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """Return the same table of cells that are HTML already."""
    names = [html.escape(name) for name in head]
    top = "".join(f"<th>{name}</th>" for name in names)
    body = ""
    for first, *rest in rows:
        cells = (
            f'<td data-head="{name}">{cell}</td>'
            for name, cell in zip(names[1:], rest, strict=True)
        )
        body += f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>'
    thead = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    name = f' class="{kind}"' if kind else ""
    return f'<div class="scroll"><table{name}>{thead}<tbody>{body}</tbody></table></div>'


def named(name: str, about: str = "", note: str = "") -> str:
    """Return the heading of a row with small lines under it, as HTML.

    >>> named("run", "on <b>")
    'run<small>on &lt;b&gt;</small>'
    """
    small = f"<small>{html.escape(about)}</small>" if about else ""
    warning = f'<small class="note">{html.escape(note)}</small>' if note else ""
    return html.escape(name) + small + warning


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
    '<section><h2 id="t">T</h2><p>x</p></section>'
    """
    heading = f'<h2 id="{html.escape(name)}">{html.escape(title)}</h2>'
    return f"<section>{heading}{''.join(parts)}</section>"


def contents(titles: dict[str, str]) -> str:
    """Return links to sections: titles by name.

    >>> contents({"t": "T"})
    '<nav><ul><li><a href="#t">T</a></li></ul></nav>'
    """
    links = (
        f'<li><a href="#{html.escape(name)}">{html.escape(title)}</a></li>'
        for name, title in titles.items()
    )
    return f"<nav><ul>{''.join(links)}</ul></nav>"


def page(title: str, *sections: str) -> str:
    """Return the whole page, which lets no script run but its own.

    >>> page("T").startswith("<!doctype html>")
    True
    """
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy()}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style>"
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{html.escape(title)}</h1>'
        f"{''.join(sections)}<script>{SCRIPT}</script></body></html>\n"
    )
