"""One look for all figures: colours for colour-blind readers, dashes and markers for print."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graph_hcl.files import write_atomically

P = ParamSpec("P")

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"]
"""Okabe and Ito's palette, darkest contrasts first."""
DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]

STYLE: dict[str, Any] = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "graph_hcl",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw figures made inside the block in the library's look.

    >>> with styled():
    ...     mpl.rcParams["axes.spines.top"]
    False
    """
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        yield


def in_style(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Return the drawing function with everything it draws in the library's look.

    >>> in_style(lambda ax: ax)(None) is None
    True
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **options: P.kwargs) -> Axes:
        with styled():
            return draw(*args, **options)

    return drawn


def canvas(ax: Axes | None, width: float = 4.6, height: float = 3.2) -> Axes:
    """Return the axes given, or those of a new figure that no window manager knows of.

    >>> canvas(None).figure.get_size_inches().tolist()
    [4.6, 3.2]
    """
    return Figure(figsize=(width, height)).subplots() if ax is None else ax


def save(ax: Axes, stem: Path) -> None:
    """Write the figure of `ax` as STEM.svg and STEM.png, each whole or not at all."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    with styled():
        write_atomically(
            stem.with_name(f"{stem.name}.svg"),
            lambda to: figure.savefig(to, format="svg", metadata={"Date": None}),
        )
        write_atomically(
            stem.with_name(f"{stem.name}.png"), lambda to: figure.savefig(to, format="png", dpi=160)
        )
