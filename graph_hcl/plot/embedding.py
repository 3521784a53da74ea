"""A map of embeddings with one point per graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.plot.files import HOVER
from graph_hcl.plot.maps import clip_outliers
from graph_hcl.plot.style import MARKERS, canvas, in_style, legend_below
from graph_hcl.plot.themes import CLASSES, colour

MAX_POINTS = 1500
"""Largest number of graphs on a map; of more graphs, every k-th is drawn."""
MAX_LEGEND_CLASSES = 16
"""Largest number of classes that a legend lists."""
NAME_SIZE = 7.0
"""Font size of class names on the map, in points."""


@names_arguments()
@in_style
def embedding_map(
    points: ArrayLike,
    label: ArrayLike | None,
    caption: str = "",
    graphs: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw graphs [G, 2] as points, one colour and marker per class, with hover text in SVG.

    With more than `MAX_LEGEND_CLASSES` classes, points are grey and each class name stands at the
    median of its graphs, or a dot where there is no room. Outliers are drawn hollow, at the border.

    Args:
        points: places [G, 2], such as those of `project`.
        label: class [G] of each graph; None draws all in one colour.
        caption: words behind the title.
        graphs: names of the points, by default 0, 1, ….
        ax: where it is drawn; a new figure unless given.

    >>> embedding_map([[0, 0], [1, 1]], [0, 1], "PCA").get_title(loc="left")
    'Embeddings (PCA)'
    """
    xy = np.asarray(points, dtype=float)
    if xy.size and (xy.ndim != 2 or xy.shape[1] != 2):
        raise UserError(
            f"Expected points [G, 2], such as those of project, but got {list(xy.shape)}."
        )
    ax = canvas(ax, 4.6, 4.0)
    xy = xy.reshape(-1, 2)
    y = np.zeros(len(xy), dtype=int) if label is None else np.asarray(label)
    if len(y) != len(xy):
        raise UserError(f"Expected one class for each of the {len(xy)} points, but got {len(y)}.")
    names = np.arange(len(xy)) if graphs is None else np.asarray(graphs)
    clipped, is_outlier = clip_outliers(xy)
    suffixes = np.where(is_outlier, ", beyond the border", "")
    rows = zip(names, y, suffixes, strict=True)
    titles = np.array(
        [
            f"{HOVER}graph {g}{'' if label is None else f', class {c}'}{suffix}"
            for g, c, suffix in rows
        ]
    )
    shown = np.arange(0, len(xy), max(1, -(-len(xy) // MAX_POINTS)))
    size = float(np.clip(6000 / max(1, len(shown)), 6, 30))
    notes = []

    def draw(rows: np.ndarray, label: str | None = None, **style: Any) -> None:
        x, height = clipped.T
        inliers, outliers = rows[~is_outlier[rows]], rows[is_outlier[rows]]
        urls = titles[inliers].tolist()
        ax.scatter(x[inliers], height[inliers], s=size, lw=0, label=label, urls=urls, **style)
        if len(outliers):
            style |= {"fc": "none", "ec": style.pop("color"), "lw": 0.8, "zorder": 3}
            urls = titles[outliers].tolist()
            ax.scatter(x[outliers], height[outliers], s=size + 8, urls=urls, **style)

    classes = np.unique(y)
    if label is None:
        draw(shown, color=colour(0), alpha=0.65)
    elif len(classes) <= MAX_LEGEND_CLASSES:
        for number, name in enumerate(classes):
            shade = colour(CLASSES[number % len(CLASSES)])
            marker = MARKERS[number % len(MARKERS)]
            members = shown[y[shown] == name]
            draw(members, f"class {name}", color=shade, marker=marker, alpha=0.65)
    else:
        draw(shown, color=colour("grey"), alpha=0.45)
        notes.append(_name_classes(ax, clipped, y))
    if len(shown) < len(xy):
        notes.append(f"{len(shown)} of {len(xy)} graphs are drawn")
    if is_outlier[shown].any():
        notes.append(f"hollow, at the border: {is_outlier[shown].sum()} outliers")
    ax.set(xticks=[], yticks=[], title=f"Embeddings ({caption})" if caption else "Embeddings")
    ax.set_xlabel("; ".join(notes), fontsize=7)
    return legend_below(ax, columns=4, points=20 if notes else 6, markerscale=(30 / size) ** 0.5)


def _name_classes(ax: Axes, xy: np.ndarray, y: np.ndarray) -> str:
    """Write each class name at its median if it overlaps no other; return a note about them."""
    ax.autoscale_view()
    figure = ax.get_figure(root=True)
    assert figure is not None
    width, height = ax.get_position().size * figure.get_size_inches() * 72
    classes, count = np.unique(y, return_counts=True)
    medians = np.array([np.median(xy[y == name], axis=0) for name in classes])
    places = ax.transAxes.inverted().transform(ax.transData.transform(medians))
    drawn: list[tuple[float, float, float]] = []
    for name, members, place, median in zip(classes, count, places, medians, strict=True):
        x, height_above = place * (width, height)
        half = 0.32 * NAME_SIZE * len(str(name))
        title = f"{HOVER}class {name}, median of {members} graphs"
        if all(abs(x - a) > half + b or abs(height_above - c) > NAME_SIZE for a, b, c in drawn):
            drawn.append((x, half, height_above))
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": NAME_SIZE}
            ax.text(median[0], median[1], str(name), **style | {"url": title})
        else:
            ax.scatter(median[0], median[1], s=5, color=colour("ink"), lw=0, zorder=3, urls=[title])
    if len(drawn) == len(classes):
        return "names: medians of classes"
    return f"names: medians of {len(drawn)} of {len(classes)} classes, the others as dots"
