"""The colours of figures on light and on dark backgrounds."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from graph_hcl.errors import UserError

THEMES = {
    "light": {
        "blue": "#0072b2",
        "vermilion": "#d55e00",
        "green": "#009e73",
        "purple": "#cc79a7",
        "orange": "#e69f00",
        "sky": "#56b4e9",
        "wine": "#882255",
        "olive": "#7a7a00",
        "ink": "#000000",
        "grey": "#999999",
        "reference": "#666666",
        "lines": "#b0b0b0",
        "paper": "#ffffff",
    },
    "dark": {
        "blue": "#4ba3de",
        "vermilion": "#f0803c",
        "green": "#2fbf93",
        "purple": "#dd97bd",
        "orange": "#f0b740",
        "sky": "#93d3f8",
        "wine": "#d9608f",
        "olive": "#c6c84a",
        "ink": "#e6e8ea",
        "grey": "#a5abb1",
        "reference": "#aab0b6",
        "lines": "#8b939a",
        "paper": "#131416",
    },
}
"""Colours by name for each theme; text has the colour ink.

Those of data are the palette of Okabe and Ito, highest contrast first, and two more for maps; on a
dark background they are lighter ones of the same hues.
"""
DATA = ("blue", "vermilion", "green", "purple", "orange", "sky", "ink", "grey")
"""Names of the colours of data, by number."""
CLASSES = (*DATA[:7], "wine", "olive", "grey")
"""Names of the colours of classes on a map, by number; with the markers, 40 combinations."""


def colour(which: int | str) -> str:
    """Return a colour of the theme in effect: of data by number, or any by name.

    >>> colour(0), colour(8), colour("reference")
    ('#0072b2', '#0072b2', '#666666')
    """
    name = DATA[which % len(DATA)] if isinstance(which, int) else which
    return THEMES[theme_of(mpl.rcParams["figure.facecolor"])][name]


def theme_of(background: Any) -> str:
    """Return the theme for a background: dark for dark colours, else light.

    Figures have the theme of their background, so axes that are dark already, such as those of a
    matplotlib style, are drawn on in light colours. A transparent background counts as light.

    >>> theme_of("#131416"), theme_of("white"), theme_of("none")
    ('dark', 'light', 'light')
    """
    *_, alpha = to_rgba(background)
    return "dark" if alpha > 0.5 and luminance(background) < 0.18 else "light"


def theme_of_axes(ax: Axes) -> str:
    """Return the theme of the figure that the axes are on."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return theme_of(figure.get_facecolor())


def theme_settings(theme: str) -> dict[str, Any]:
    """Return a theme as settings of matplotlib; raise `UserError` for one that does not exist.

    >>> theme_settings("dark")["axes.facecolor"]
    '#131416'
    >>> theme_settings("blue")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the theme to be light or dark, but got 'blue'.
    """
    if theme not in THEMES:
        raise UserError(f"Expected the theme to be {' or '.join(THEMES)}, but got {theme!r}.")
    colours = THEMES[theme]
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    papers = ("figure.facecolor", "axes.facecolor")
    return {
        **dict.fromkeys(inked, colours["ink"]),
        **dict.fromkeys(papers, colours["paper"]),
        "grid.color": colours["lines"],
        "legend.labelcolor": colours["ink"],
        "hatch.color": colours["ink"],
        "patch.edgecolor": colours["ink"],
    }


def luminance(colour: Any) -> float:
    """Return the relative luminance of a colour, from 0 of black to 1 of white (WCAG 2).

    >>> round(luminance("#777777"), 2)
    0.18
    """
    channels = to_rgba(colour)[:3]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: Any, second: Any) -> float:
    """Return the contrast of two colours, from 1 to 21; text needs 4.5 or more (WCAG 2).

    >>> round(contrast("black", "white"), 6)
    21.0
    """
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
