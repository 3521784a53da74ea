"""The style sheet of a page, for screens of any width, dark mode and print."""

from __future__ import annotations

import re

from graph_hcl.plot.themes import THEMES

INKS = {colour: (name, THEMES["dark"][name]) for name, colour in THEMES["light"].items()}
"""Colours of figures: their names, and their values in dark mode."""

_COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})\b")


def adapt(svg: str) -> str:
    """Return an SVG whose colours follow the page's theme.

    >>> adapt('<path style="fill: #0072b2; stroke: #123456"/>')
    '<path style="fill: var(--blue, #0072b2); stroke: #123456"/>'
    """

    def variable(match: re.Match[str]) -> str:
        kind, colour = match.groups()
        return f"{kind}: var(--{INKS[colour][0]}, {colour})" if colour in INKS else match[0]

    return _COLOUR.sub(variable, _STYLE.sub("", svg))


_STYLE = re.compile(r"<style\b.*?</style>", re.DOTALL)
"""What matplotlib writes into each drawing; `CSS` has it, so that the page has one style alone."""
_LIGHT = " ".join(f"--{name}: {colour};" for colour, (name, _) in INKS.items())
_DARK = " ".join(f"--{name}: {dark};" for name, dark in INKS.values())

CSS = f"""
:root {{ color-scheme: light; {_LIGHT}
  --text: #1a1a1a; --quiet: #4a4f55; --rule: #d8dce0; --band: #f1f4f7; --link: #0060a0;
  --warn: #8a3d00; }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ color-scheme: dark; {_DARK}
    --text: #e6e8ea; --quiet: #a9b0b7; --rule: #343a40; --band: #20252a; --link: #7cc0f2;
    --warn: #f2a65e; }}
}}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper);
  max-width: 1180px; margin: 0 auto; padding: 1.5rem clamp(.9rem, 3vw, 1.5rem);
  overflow-wrap: anywhere; }}
a {{ color: var(--link); }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 .4rem; }}
h2 {{ font-size: 1.2rem; line-height: 1.3; margin: 2.4rem 0 .6rem;
  border-bottom: 2px solid var(--blue); padding-bottom: .2rem; }}
h3 {{ font-size: 1rem; margin: 1.5rem 0 .5rem; }}
p {{ margin: .4rem 0; max-width: 80ch; }}
.small {{ font-size: .85rem; color: var(--quiet); }}
.note {{ color: var(--warn); font-weight: 600; }}
nav ul {{ list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; margin: .4rem 0;
  padding: 0; font-size: .9rem; }}
.figures {{ display: grid; gap: 1rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(350px, 100%), 1fr)); }}
figure {{ margin: 0; border: 1px solid var(--rule); border-radius: 6px; padding: .6rem;
  background: var(--paper); min-width: 0; }}
figure svg {{ width: 100%; height: auto; display: block; fill: var(--ink); }}
figcaption {{ font-size: .85rem; color: var(--quiet); margin-top: .4rem; }}
.find {{ display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .6rem; margin-top: .4rem;
  font-size: .85rem; color: var(--quiet); }}
.find[hidden] {{ display: none; }}
.find input {{ font: inherit; width: 11rem; max-width: 100%; padding: .15rem .4rem;
  color: var(--text); background: var(--paper); border: 1px solid var(--rule);
  border-radius: 4px; }}
.searched .point {{ opacity: .18; }}
.searched .point.hit {{ opacity: 1; }}
figure svg * {{ stroke-linejoin: round; stroke-linecap: butt; }}
.searched .hit use, .searched .hit path {{ fill: var(--vermilion) !important;
  fill-opacity: 1 !important; stroke: var(--ink) !important; stroke-width: .5 !important; }}
.searched g[id*="text"] .hit use {{ stroke-width: 0 !important; }}
.scroll {{ overflow-x: auto; margin: .7rem 0; }}
table {{ border-collapse: collapse; font-size: .88rem; }}
th, td {{ padding: .3rem .65rem; border-bottom: 1px solid var(--rule); text-align: left;
  font-variant-numeric: tabular-nums; vertical-align: top; }}
thead th {{ background: var(--band); max-width: 14rem; overflow-wrap: break-word; }}
tbody th {{ font-weight: 600; overflow-wrap: normal; }}
.rows thead th {{ white-space: nowrap; }}
.rows tbody th {{ min-width: 14rem; overflow-wrap: anywhere; }}
td {{ overflow-wrap: normal; max-width: 24rem; }}
.rows td {{ white-space: nowrap; }}
.long td {{ overflow-wrap: anywhere; }}
th small {{ display: block; font-weight: 400; color: var(--quiet); }}
th small.note {{ color: var(--warn); font-weight: 600; }}
pre {{ font-size: .8rem; white-space: pre-wrap; margin: .4rem 0; }}
details {{ margin: .6rem 0; }}
summary {{ cursor: pointer; }}
@media screen and (max-width: 1000px) {{
  .rows, .rows tbody {{ display: block; }}
  .rows thead {{ display: none; }}
  .rows tr {{ display: grid; padding: .5rem 0;
    grid-template-columns: repeat(auto-fill, minmax(min(10rem, 46%), 1fr));
    border-bottom: 1px solid var(--rule); }}
  .rows tr > * {{ border: 0; padding: .15rem .3rem .15rem 0; min-width: 0; }}
  .rows th {{ grid-column: 1 / -1; }}
  .rows td:empty {{ display: none; }}
  .rows td {{ white-space: normal; }}
  .rows td::before {{ content: attr(data-head); display: block; font-size: .8rem;
    color: var(--quiet); }}
}}
@media print {{
  @page {{ size: A4; margin: 14mm 12mm; }}
  html {{ font-size: 11px; }}
  body {{ max-width: none; padding: 0 1px; font-size: 1rem; }}
  h2, h3, summary, thead {{ break-after: avoid; }}
  tr, figure {{ break-inside: avoid; }}
  thead {{ display: table-header-group; }}
  .figures {{ grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }}
  figure {{ border-color: #bbb; padding: .4rem; }}
  .find, nav {{ display: none; }}
  .scroll {{ overflow: visible; }}
  table {{ width: 100%; font-size: .88rem; }}
  th, td {{ padding: .2rem .4rem; }}
  thead th, tbody th, td {{ overflow-wrap: anywhere; }}
  .rows thead th {{ white-space: normal; overflow-wrap: normal; }}
  .rows tbody th {{ min-width: 8rem; }}
}}
"""
