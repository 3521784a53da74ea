"""A map of embeddings with one point per graph."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.missing import is_missing
from graph_hcl.plot.files import HOVER
from graph_hcl.plot.inputs import finite_floats
from graph_hcl.plot.maps import clip_outliers
from graph_hcl.plot.style import MARKERS, canvas, in_style, legend_below, short_names
from graph_hcl.plot.themes import CLASSES, colour
from graph_hcl.probes.labels import as_array

MAX_POINTS = 1500
"""Largest number of graphs on a map; of more graphs, every k-th is drawn."""
MAX_LEGEND_CLASSES = 16
"""Largest number of classes that a legend lists."""
NO_CLASS = -1
"""Number of the class of points without one."""
NAME_LENGTH = 20
"""Longest name of a class on the map and in the legend, in characters."""
LEGEND_WIDTH, HANDLE_WIDTH = 72, 8
"""Widths of a legend below the map, and of a marker with its space, in characters."""
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
        label: class [G] of each graph, None or NaN where it has none; None draws all in one
            colour.
        caption: words behind the title.
        graphs: names of the points, by default 0, 1, ….
        ax: where it is drawn; a new figure unless given.

    Raises `UserError` for points that are not finite, and for other numbers of labels or names.

    >>> embedding_map([[0, 0], [1, 1]], [0, 1], "PCA").get_title(loc="left")
    'Embeddings (PCA)'
    """
    xy = finite_floats("points", points)
    if xy.size and (xy.ndim != 2 or xy.shape[1] != 2):
        raise UserError(
            f"Expected points [G, 2], such as those of project, but got {list(xy.shape)}."
        )
    xy = xy.reshape(-1, 2)
    classes, member = _members(label, len(xy))
    names = list(range(len(xy)) if graphs is None else graphs)
    if len(names) != len(xy):
        raise UserError(f"Expected one name for each of {len(xy)} points, but got {len(names)}.")
    ax = canvas(ax, 4.6, 4.0)
    clipped, is_outlier = clip_outliers(xy)
    suffixes = np.where(is_outlier, ", beyond the border", "")
    groups = [""] * len(xy) if label is None else _hover_classes(classes, member)
    rows = zip(names, groups, suffixes, strict=True)
    titles = np.array([f"{HOVER}graph {g}{group}{suffix}" for g, group, suffix in rows])
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

    columns = 4
    if label is None:
        draw(shown, color=colour(0), alpha=0.65)
    elif len(classes) <= MAX_LEGEND_CLASSES:
        listed = [f"class {name}" for name in short_names(classes, NAME_LENGTH)]
        for number, name in enumerate(listed):
            shade = colour(CLASSES[number % len(CLASSES)])
            marker = MARKERS[number % len(MARKERS)]
            draw(shown[member[shown] == number], name, color=shade, marker=marker, alpha=0.65)
        if (member == NO_CLASS).any():
            draw(shown[member[shown] == NO_CLASS], "no class", color=colour("grey"), alpha=0.45)
        columns = _columns(listed)
    else:
        draw(shown, color=colour("grey"), alpha=0.45)
        notes.append(_name_classes(ax, clipped, classes, member))
    if len(shown) < len(xy):
        notes.append(f"{len(shown)} of {len(xy)} graphs are drawn")
    if is_outlier[shown].any():
        notes.append(f"hollow, at the border: {is_outlier[shown].sum()} outliers")
    ax.set(xticks=[], yticks=[], title=f"Embeddings ({caption})" if caption else "Embeddings")
    ax.set_xlabel("; ".join(notes), fontsize=7)
    return legend_below(
        ax, columns=columns, points=20 if notes else 6, markerscale=(30 / size) ** 0.5
    )


def _members(label: ArrayLike | None, count: int) -> tuple[list[Any], np.ndarray]:
    """Return the classes in order and the position among them of each of `count` points [G]."""
    if label is None:
        return [], np.full(count, NO_CLASS)
    y = as_array(label)
    if y.shape != (count,):
        found = len(y) if y.ndim == 1 else list(y.shape)
        raise UserError(f"Expected one class for each of the {count} points, but got {found}.")
    known = np.array([not is_missing(value) for value in y], dtype=bool)
    given = y[known]
    if given.dtype.kind == "O":
        values = given.tolist()
        are_numbers = all(isinstance(value, numbers.Real) for value in values)
        given = np.array(values if are_numbers else [str(value) for value in values])
    classes, number = np.unique(given, return_inverse=True)
    member = np.full(count, NO_CLASS)
    member[known] = number
    return list(classes), member


def _hover_classes(classes: list[Any], member: np.ndarray) -> list[str]:
    """Return the words on the class of each point."""
    return [", no class" if k == NO_CLASS else f", class {classes[k]}" for k in member]


def _columns(names: list[str]) -> int:
    """Return the number of columns, four or less, at which the legend is no wider than the map.

    >>> _columns(["class 1"]), _columns(["class aromatic amine, ring"])
    (4, 2)
    """
    longest = max(map(len, names), default=0)
    return int(np.clip(LEGEND_WIDTH // (longest + HANDLE_WIDTH), 1, 4))


def _name_classes(ax: Axes, xy: np.ndarray, classes: list[Any], member: np.ndarray) -> str:
    """Write each class name at its median if it overlaps no other; return a note about them."""
    ax.autoscale_view()
    figure = ax.get_figure(root=True)
    assert figure is not None
    width, height = ax.get_position().size * figure.get_size_inches() * 72
    count = np.bincount(member[member != NO_CLASS])
    medians = np.array([np.median(xy[member == k], axis=0) for k in range(len(classes))])
    places = ax.transAxes.inverted().transform(ax.transData.transform(medians))
    drawn: list[tuple[float, float, float]] = []
    names = short_names(classes, NAME_LENGTH)
    rows = zip(classes, names, count, places, medians, strict=True)
    for full_name, name, members, place, median in rows:
        x, height_above = place * (width, height)
        half = 0.32 * NAME_SIZE * len(name)
        title = f"{HOVER}class {full_name}, median of {members} graphs"
        if all(abs(x - a) > half + b or abs(height_above - c) > NAME_SIZE for a, b, c in drawn):
            drawn.append((x, half, height_above))
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": NAME_SIZE}
            ax.text(median[0], median[1], name, **style | {"url": title})
        else:
            ax.scatter(median[0], median[1], s=5, color=colour("ink"), lw=0, zorder=3, urls=[title])
    if len(drawn) == len(classes):
        return "names: medians of classes"
    return f"names: medians of {len(drawn)} of {len(classes)} classes, the others as dots"
