"""The style of all figures: colour-blind safe colours, and dashes and markers for print."""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.plot.themes import colour, theme_of, theme_of_axes, theme_settings

P = ParamSpec("P")

DASHES: list[Any] = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
LEVEL_DASHES: list[Any] = [
    (0, (1, 1)),
    (0, (4, 2, 1, 2)),
    (0, (8, 2)),
    (0, (1, 3)),
    (0, (6, 2, 1, 2, 1, 2)),
]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
NOTEBOOK_DPI = 130

STYLE: dict[str, Any] = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    # Names of runs and classes may contain dollar signs.
    "text.parse_math": False,
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


@names_arguments()
@contextmanager
def styled(theme: str | None = None) -> Iterator[None]:
    """Apply the style to figures drawn inside the block, for a light or a dark page.

    Without a theme, "light" or "dark", it is that of the background which matplotlib's settings
    give figures. Figures keep the theme that they were created in: they may be saved outside the
    block, and whatever is drawn on their axes later has it too. Raises `UserError` for a theme that
    does not exist.

    >>> from graph_hcl import plot
    >>> with plot.styled("dark"):
    ...     ax = plot.losses([{"epoch": 1, "ucl": 1.0}])
    >>> mpl.colors.to_hex(ax.figure.get_facecolor()), ax.get_lines()[0].get_color()
    ('#131416', '#4ba3de')
    """
    theme = theme_of(mpl.rcParams["figure.facecolor"]) if theme is None else theme
    settings = STYLE | theme_settings(theme)
    with mpl.rc_context(settings):  # type: ignore[arg-type]
        yield


def in_style(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Return the drawing function with the style applied, in the theme of the axes it is given.

    >>> in_style(lambda ax: ax)(None) is None
    True
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **options: P.kwargs) -> Axes:
        given = [each for each in (*args, *options.values()) if isinstance(each, Axes)]
        with styled(theme_of_axes(given[0]) if given else None):
            return draw(*args, **options)

    return drawn


class NotebookFigure(Figure):
    """A figure that a notebook displays as the value of a cell, without pyplot."""

    def _repr_png_(self) -> bytes:
        """Return the figure as PNG, for IPython."""
        buffer = io.BytesIO()
        with styled(theme_of(self.get_facecolor())):
            # The tight box includes artists beyond the edge of the figure, such as a legend.
            self.savefig(buffer, format="png", dpi=NOTEBOOK_DPI, bbox_inches="tight")
        return buffer.getvalue()


class NotebookAxes(Axes):
    """Axes that a notebook displays as their whole figure when they are the value of a cell."""

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure(root=True)
        return figure._repr_png_() if isinstance(figure, NotebookFigure) else None


def canvas(ax: Axes | None, width: float = 4.6, height: float = 3.4) -> Axes:
    """Return `ax`, or the axes of a new figure that a notebook displays.

    New figures are not registered with pyplot, so they are not drawn twice, not kept in memory and
    need no window. Raises `UserError` for anything other than axes, such as a figure or an array.

    >>> canvas(None).figure.get_size_inches().tolist()
    [4.6, 3.4]
    >>> canvas(None)._repr_png_()[:4]
    b'\\x89PNG'
    """
    if isinstance(ax, Axes):
        return ax
    if ax is not None:
        raise UserError(
            f"Expected ax to be matplotlib axes, but got {type(ax).__name__}: "
            "pass a single axes object."
        )
    return NotebookFigure(figsize=(width, height)).add_subplot(axes_class=NotebookAxes)


def legend_below(ax: Axes, columns: int = 2, points: float = 32, **options: Any) -> Axes:
    """Place the legend `points` below the axes, if anything is labelled."""
    if ax.get_legend_handles_labels()[0]:
        figure = ax.get_figure(root=True)
        assert figure is not None
        down = ScaledTranslation(0, -points / 72, figure.dpi_scale_trans)
        ax.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            bbox_transform=ax.transAxes + down,
            ncols=columns,
            handlelength=2.6,
            columnspacing=1.4,
            borderaxespad=0,
            **options,
        )
    return ax


def line_style(number: int) -> dict[str, Any]:
    """Return the colour and dashes of a line by its number; there are 40 combinations.

    >>> line_style(1)
    {'color': '#d55e00', 'ls': '--'}
    """
    return {"color": colour(number), "ls": DASHES[number % len(DASHES)]}


def draw_levels(ax: Axes, levels: Mapping[str, float]) -> None:
    """Draw grey level lines with their names; dashes are repeated after the fifth."""
    for dash, (name, level) in zip(itertools.cycle(LEVEL_DASHES), levels.items(), strict=False):
        ax.axhline(level, color=colour("reference"), lw=1.1, ls=dash, label=legend_name(name))


def start_at_zero(ax: Axes) -> None:
    """Let the vertical axis start at 0 unless its scale has none; more curves may raise its top."""
    ax.set_ylim(bottom=zero_of(ax), auto=None)


def zero_of(ax: Axes) -> float | None:
    """Return 0 as the lower end of the vertical axis, None on a scale without 0.

    >>> ax = canvas(None)
    >>> zero_of(ax), ax.set_yscale("log"), zero_of(ax)
    (0.0, None, None)
    """
    return None if ax.get_yscale() in ("log", "logit") else 0.0


def legend_name(name: object) -> str:
    """Return a name that legends show: matplotlib leaves out empty ones and those with `_` first.

    Such a name gets a character without width in front.

    >>> legend_name("a"), legend_name("_a")
    ('a', '\\u200b_a')
    """
    text = str(name)
    return f"\u200b{text}" if not text or text.startswith("_") else text


def short_names(names: Iterable[object], length: int = 28) -> list[str]:
    """Return names shortened in the middle to `length`; those that become equal are numbered.

    Long names of folders would leave no room for the axes.

    >>> short_names(["ucl", "PROTEINS-h-ucl-five-layers-seed-0"])
    ['ucl', 'PROTEINS-h-ucl…layers-seed-0']
    """
    half = length // 2
    texts = [str(name) for name in names]
    short = [f"{n[:half]}…{n[1 - half :]}" if len(n) > length else n for n in texts]
    return [
        f"{number}: {name}" if short.count(name) > 1 else name
        for number, name in enumerate(short, 1)
    ]
