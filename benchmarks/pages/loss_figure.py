"""The figure of docs/scale/performance.md: time and memory of the losses over the rows."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from graph_hcl import plot
from graph_hcl.files import write_text

STEM = "losses-time"
LINES = {
    "h-ucl": ("H-UCL, ours", 0, "o", "-"),
    "dense h-ucl": ("H-UCL, the whole matrix", 1, "s", "--"),
    "ucl": ("UCL, ours", 2, "^", "-"),
    "pml nt-xent": ("UCL, pytorch-metric-learning", 3, "D", "--"),
}
"""What is drawn: label, colour, marker, dashes."""
THEMES = {
    "light": {"ink": "#222222", "lines": ["#0072B2", "#D55E00", "#009E73", "#AA4499"]},
    "dark": {"ink": "#d6d6d6", "lines": ["#56B4E9", "#FF8C42", "#3DDBA5", "#E39CC8"]},
}
SECONDS = {0.001: "1 ms", 0.01: "10 ms", 0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s"}
MEBIBYTES = {10.0: "10 MiB", 100.0: "100 MiB", 1024.0: "1 GiB", 10240.0: "10 GiB"}

Rows = dict[str, dict[str, dict[str, Any]]]
"""Measurements by the number of rows and the name of the loss."""


def drawn(rows: Rows, key: str) -> dict[str, list[tuple[int, float]]]:
    """Return the points of each line.

    >>> drawn({"256": {"h-ucl": {"seconds": 0.1}, "ucl": {"failed": "memory"}}}, "seconds")["h-ucl"]
    [(256, 0.1)]
    """
    return {
        name: [
            (int(count), row[name][key]) for count, row in rows.items() if key in row.get(name, {})
        ]
        for name in LINES
    }


def digest(rows: Rows) -> str:
    """Return a hash of what is drawn, which the files carry."""
    points = {key: drawn(rows, key) for key in ("seconds", "mib")}
    return hashlib.sha256(json.dumps(points).encode()).hexdigest()[:16]


def svg(rows: Rows, theme: str) -> str:
    """Return the figure as SVG on a transparent ground."""
    ink, colours = THEMES[theme]["ink"], THEMES[theme]["lines"]
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    clear = {"figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none"}
    with plot.styled(), mpl.rc_context(dict.fromkeys(inks, ink) | clear | {"grid.color": ink}):
        figure = Figure(figsize=(7.2, 3.1))
        for ax, key, ticks, title in zip(
            figure.subplots(1, 2),
            ("seconds", "mib"),
            (SECONDS, MEBIBYTES),
            ("time, forward and backward", "memory beyond the rows"),
            strict=True,
        ):
            for name, points in drawn(rows, key).items():
                label, number, marker, dashes = LINES[name]
                x, y = zip(*points, strict=True)
                ax.plot(x, y, dashes, color=colours[number], marker=marker, ms=4, label=label)
            ax.set(xscale="log", yscale="log", title=title, xlabel="rows")
            ax.xaxis.set_major_locator(FixedLocator([int(count) for count in rows][::2]))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}".replace(",", " ")))
            ax.yaxis.set_major_locator(FixedLocator(list(ticks)))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _, known=ticks: known.get(y, "")))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_minor_locator(NullLocator())
        handles, labels = ax.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        text = plot.svg(ax)
    return re.sub("(<svg[^>]*>)", rf"\1\n <desc>data {digest(rows)}</desc>", text, count=1)


def draw(rows: Rows, folder: Path) -> None:
    """Write the figure in both themes."""
    for theme in THEMES:
        write_text(folder / f"{STEM}-{theme}.svg", svg(rows, theme))


def is_current(rows: Rows, folder: Path) -> bool:
    """Tell whether the files show these measurements, whatever version of matplotlib drew them."""
    files = [folder / f"{STEM}-{theme}.svg" for theme in THEMES]
    mark = f"<desc>data {digest(rows)}</desc>"
    return all(file.is_file() and mark in file.read_text(encoding="utf-8") for file in files)
