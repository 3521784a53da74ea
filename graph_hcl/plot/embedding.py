"""A map of embeddings, one point per graph; many classes are labelled at their medians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from graph_hcl.plot.files import HOVER
from graph_hcl.plot.maps import inside
from graph_hcl.plot.style import COLOURS, MARKERS, canvas, in_style, legend_below

POINTS = 1500
"""Graphs on a map; more are thinned out evenly, so that files stay small."""
MAX_LEGEND_CLASSES = 16
"""Classes up to which a legend names each."""
NAME_SIZE = 7.0
"""Points of the letters that name a class on the map."""


@in_style
def embedding_map(
    points: ArrayLike,
    label: ArrayLike,
    caption: str = "",
    graphs: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw graphs [G, 2] as points, one colour and marker per class, with hover text in SVG.

    With more than sixteen classes, which no colours tell apart, points are grey and each class has
    its name at the median of its graphs, or a dot where there is no room. Points far beyond the
    others stand hollow at the border. `graphs` are the names of the points; their numbers unless
    given.

    >>> embedding_map([[0, 0], [1, 1]], [0, 1], "PCA").get_title(loc="left")
    'Embeddings (PCA)'
    """
    ax = canvas(ax, 4.6, 4.0)
    xy, y = np.asarray(points, dtype=float).reshape(-1, 2), np.asarray(label)
    names = np.arange(len(xy)) if graphs is None else np.asarray(graphs)
    framed, moved = inside(xy)
    where = np.where(moved, ", beyond the border", "")
    rows = zip(names, y, where, strict=True)
    titles = np.array([f"{HOVER}graph {g}, class {c}{w}" for g, c, w in rows])
    shown = np.arange(0, len(xy), max(1, -(-len(xy) // POINTS)))
    size = float(np.clip(6000 / max(1, len(shown)), 6, 30))
    notes = []

    def draw(some: np.ndarray, label: str | None = None, **look: Any) -> None:
        near, far = some[~moved[some]], some[moved[some]]
        x, up = framed.T
        ax.scatter(x[near], up[near], s=size, lw=0, label=label, urls=titles[near].tolist(), **look)
        if len(far):
            look |= {"fc": "none", "ec": look.pop("color"), "lw": 0.8, "zorder": 3}
            ax.scatter(x[far], up[far], s=size + 8, urls=titles[far].tolist(), **look)

    classes = np.unique(y)
    if len(classes) <= MAX_LEGEND_CLASSES:
        for number, name in enumerate(classes):
            colour, turn = COLOURS[number % len(COLOURS)], number // len(COLOURS)
            marker = MARKERS[(number + turn) % len(MARKERS)]
            some = shown[y[shown] == name]
            draw(some, f"class {name}", color=colour, marker=marker, alpha=0.65)
    else:
        draw(shown, color="#999999", alpha=0.45)
        notes.append(_name_classes(ax, framed, y))
    if len(shown) < len(xy):
        notes.append(f"{len(shown)} of {len(xy)} graphs are drawn")
    if moved[shown].any():
        notes.append(f"hollow, at the border: {moved[shown].sum()} far beyond it")
    ax.set(xticks=[], yticks=[], title=f"Embeddings ({caption})" if caption else "Embeddings")
    ax.set_xlabel("; ".join(notes), fontsize=7)
    return legend_below(ax, columns=4, points=20 if notes else 6, markerscale=(30 / size) ** 0.5)


def _name_classes(ax: Axes, xy: np.ndarray, y: np.ndarray) -> str:
    """Write each class's name at its median where no other name stands; return what was done."""
    ax.autoscale_view()
    figure = ax.get_figure(root=True)
    assert figure is not None
    width, height = ax.get_position().size * figure.get_size_inches() * 72
    classes, count = np.unique(y, return_counts=True)
    medians = np.array([np.median(xy[y == name], axis=0) for name in classes])
    places = ax.transAxes.inverted().transform(ax.transData.transform(medians))
    taken: list[tuple[float, float, float]] = []
    for name, members, place, median in zip(classes, count, places, medians, strict=True):
        x, up = place * (width, height)
        half = 0.32 * NAME_SIZE * len(str(name))
        title = f"{HOVER}class {name}, median of {members} graphs"
        if all(abs(x - a) > half + b or abs(up - c) > NAME_SIZE for a, b, c in taken):
            taken.append((x, half, up))
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": NAME_SIZE}
            ax.text(median[0], median[1], str(name), **look | {"url": title})
        else:
            ax.scatter(median[0], median[1], s=5, color="black", lw=0, zorder=3, urls=[title])
    if len(taken) == len(classes):
        return "names: medians of classes"
    return f"names: medians of {len(taken)} of {len(classes)} classes, the others as dots"
