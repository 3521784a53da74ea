"""Figures as SVG with hover text, and as files."""

from __future__ import annotations

import io
import re
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graph_hcl.files import as_path, write_atomically, write_text
from graph_hcl.keywords import names_arguments
from graph_hcl.plot.style import styled
from graph_hcl.plot.themes import theme_of_axes

HOVER = "hover:"
"""Prefix of hover texts, which are passed to matplotlib as the URLs of elements.

A URL is the only text that matplotlib writes per element; `svg` turns these into titles.
"""

IMAGE_DPI = 180
"""Resolution of images in an SVG; nothing else in it depends on this."""

# matplotlib puts a text with double quotes between single ones.
_LINK = re.compile(rf"""<a xlink:href=(["']){HOVER}(.*?)\1[^>]*>(.*?)</a>""", re.DOTALL)
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@names_arguments()
def svg(ax: Axes, hover: bool = True) -> str:
    """Return the figure of `ax` as an SVG element; the output is deterministic.

    Hover texts become `<title>` elements, which browsers show without a script in pages that
    contain the SVG. With `hover` False they are left out and points are one image in the SVG, which
    is smaller, for pages that link to a file.

    >>> from graph_hcl.plot import embedding_map
    >>> "<title>graph 1, class 7</title>" in svg(embedding_map([[0, 0], [1, 1]], [7, 7]))
    True
    """
    buffer = io.StringIO()
    points = [] if hover else _points(_figure(ax))
    try:
        for each in points:
            each.set_rasterized(True)
        with styled(theme_of_axes(ax)):
            _figure(ax).savefig(buffer, format="svg", metadata=_NO_METADATA, dpi=IMAGE_DPI)
    finally:
        for each in points:
            each.set_rasterized(False)
    text = buffer.getvalue()
    text = _LINK.sub(r'<g class="point"><title>\2</title>\3</g>' if hover else r"\3", text)
    return text[text.index("<svg") :]


@names_arguments()
def save(ax: Axes, stem: str | Path) -> str:
    """Write the figure of `ax` atomically as STEM.svg and STEM.png; return its `svg`.

    >>> import tempfile
    >>> from graph_hcl.plot import ranks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = save(ranks([{"epoch": 1, "effective_rank": 7.0}]), Path(folder, "ranks"))
    ...     print(sorted(file.name for file in Path(folder).iterdir()))
    ['ranks.png', 'ranks.svg']
    """
    stem = as_path(stem, "stem")
    drawn = svg(ax)
    text = f'<?xml version="1.0" encoding="utf-8"?>\n{drawn}'
    write_text(stem.with_name(f"{stem.name}.svg"), text)
    with styled(theme_of_axes(ax)):
        write_atomically(
            stem.with_name(f"{stem.name}.png"),
            lambda to: _figure(ax).savefig(to, format="png", dpi=160),
        )
    return drawn


def _points(figure: Figure) -> list[Artist]:
    """Return the points of the figure that have hover texts."""
    marked = [each for ax in figure.axes for each in ax.collections if any(each.get_urls())]
    return [each for each in marked if not each.get_rasterized()]


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
