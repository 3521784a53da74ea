"""A self-contained HTML page of tables and figures, which loads nothing from elsewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from graph_hcl.reporting.script import SCRIPT, SEARCH_BOX, policy
from graph_hcl.reporting.theme import CSS, adapt


def figure(
    svg: str,
    caption: str,
    name: str,
    searchable: bool = False,
    title: str = "",
    numbers: Sequence[Sequence[str]] = (),
) -> str:
    """Return a figure with its caption; `name` prefixes the ids in its SVG to keep them unique.

    With `searchable` there is a search box for its points, by their hover texts. Letters in the SVG
    are paths, so the `title` is told to those who do not see it, and `numbers` are the rows of a
    table of what it shows, header first.

    >>> figure('<svg ><use href="#a"/></svg>', "b", "c", title="T")
    ... # doctest: +NORMALIZE_WHITESPACE
    '<figure><svg role="img" aria-label="T: b" ><use
    href="#c-a"/></svg><figcaption>b</figcaption></figure>'
    """
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', adapt(svg))
    drawn = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", drawn)
    label = html.escape(f"{title}: {caption}" if title else caption)
    drawn = drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    below = f"<figcaption>{html.escape(caption)}</figcaption>"
    if numbers:
        below += collapsible("As a table", table(numbers[0], numbers[1:]))
    return f"<figure>{drawn}{SEARCH_BOX if searchable else ''}{below}</figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return an HTML table of text cells; the first cell of a row is its header.

    `kind` "rows" stacks the cells of a row on narrow screens; "long" breaks long words.

    >>> table(["a", "b"], [["<1>", "2"]])  # doctest: +NORMALIZE_WHITESPACE
    '<div class="scroll"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><th
    scope="row">&lt;1&gt;</th><td data-head="b">2</td></tr></tbody></table></div>'
    """
    return raw_table(head, (map(html.escape, row) for row in rows), kind)


def raw_table(head: Sequence[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """Return a table as `table` does, from cells that are HTML."""
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


def row_header(name: str, about: str = "", note: str = "") -> str:
    """Return the header of a row with small lines below it, as HTML.

    >>> row_header("run", "on <b>")
    'run<small>on &lt;b&gt;</small>'
    """
    small = f"<small>{html.escape(about)}</small>" if about else ""
    warning = f'<small class="note">{html.escape(note)}</small>' if note else ""
    return html.escape(name) + small + warning


def collapsible(summary: str, content: str) -> str:
    """Return collapsible content with a summary.

    >>> collapsible("a", "<p>b</p>")
    '<details><summary>a</summary><p>b</p></details>'
    """
    return f"<details><summary>{html.escape(summary)}</summary>{content}</details>"


def grid(title: str, figures: Sequence[str]) -> str:
    """Return figures side by side under a small heading; empty without figures.

    >>> grid("T", [])
    ''
    """
    if not figures:
        return ""
    return f'<h3>{html.escape(title)}</h3><div class="figures">{"".join(figures)}</div>'


def section(name: str, title: str, *parts: str) -> str:
    """Return a section whose heading has an id for links.

    >>> section("t", "T", "<p>x</p>")
    '<section><h2 id="t">T</h2><p>x</p></section>'
    """
    heading = f'<h2 id="{html.escape(name)}">{html.escape(title)}</h2>'
    return f"<section>{heading}{''.join(parts)}</section>"


def contents(titles: dict[str, str]) -> str:
    """Return links to sections, given their titles by id.

    >>> contents({"t": "T"})
    '<nav><ul><li><a href="#t">T</a></li></ul></nav>'
    """
    links = (
        f'<li><a href="#{html.escape(name)}">{html.escape(title)}</a></li>'
        for name, title in titles.items()
    )
    return f"<nav><ul>{''.join(links)}</ul></nav>"


def page(title: str, *sections: str) -> str:
    """Return the whole page; its content security policy allows only its own script.

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
