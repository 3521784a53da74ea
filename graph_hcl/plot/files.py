"""Figures as SVG text with hover, and as files."""

from __future__ import annotations

import io
import re
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graph_hcl.files import write_atomically, write_text
from graph_hcl.plot.style import styled

HOVER = "hover:"
"""Prefix of the "addresses" of points whose rest is shown when the pointer rests on them.

matplotlib writes an address per element, in order, and nothing else; `svg` makes titles of them.
"""

_LINK = re.compile(rf'<a xlink:href="{HOVER}([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def svg(ax: Axes) -> str:
    """Return the figure of `ax` as an SVG element; the same drawing gives the same text.

    Points with a hover text have it as `<title>`, which browsers show without any script.

    >>> from graph_hcl.plot import embedding_map
    >>> "<title>graph 1, class 7</title>" in svg(embedding_map([[0, 0], [1, 1]], [7, 7]))
    True
    """
    buffer = io.StringIO()
    with styled():
        _figure(ax).savefig(buffer, format="svg", metadata=_NO_METADATA)
    text = buffer.getvalue()
    text = _LINK.sub(r'<g class="point"><title>\1</title>\2</g>', text)
    return text[text.index("<svg") :]


def save(ax: Axes, stem: Path) -> str:
    """Write the figure of `ax` as STEM.svg and STEM.png, each whole or not at all; return `svg`."""
    drawn = svg(ax)
    text = f'<?xml version="1.0" encoding="utf-8"?>\n{drawn}'
    write_text(stem.with_name(f"{stem.name}.svg"), text)
    with styled():
        write_atomically(
            stem.with_name(f"{stem.name}.png"),
            lambda to: _figure(ax).savefig(to, format="png", dpi=160),
        )
    return drawn


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
