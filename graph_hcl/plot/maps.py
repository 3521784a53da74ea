"""A map of embeddings in two dimensions, one point per graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from graph_hcl.errors import UserError
from graph_hcl.plot.files import HOVER
from graph_hcl.plot.style import COLOURS, MARKERS, canvas, in_style, legend_below

MAPS = ("pca", "umap")
POINTS = 1500
"""Graphs on a map; more are thinned out evenly, so that files stay small."""
NAMED = 16
"""Classes up to which a legend names each."""


def check_map(method: str) -> None:
    """Raise `UserError` unless `method` is a map that can be drawn here.

    >>> check_map("tsne")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the map to be pca or umap, but got 'tsne'.
    """
    if method not in MAPS:
        raise UserError(f"Expected the map to be {' or '.join(MAPS)}, but got '{method}'.")
    if method == "umap":
        try:
            import umap  # noqa: F401
        except ImportError as error:
            raise UserError(
                "The map umap needs one more package: pip install 'graph_hcl[umap]'."
            ) from error


def project(x: ArrayLike, method: str = "pca", seed: int = 0) -> tuple[np.ndarray, str]:
    """Return embeddings [G, D] in two dimensions [G, 2], standardised first, and a caption.

    Raises `UserError` as `check_map` does.

    >>> project([[0.0, 0.0], [1.0, 0.0], [2.0, 3.0]])[1]
    'PCA, 100% of the variance'
    """
    check_map(method)
    scaled = StandardScaler().fit_transform(np.asarray(x, dtype=float))
    if method == "umap":
        from umap import UMAP

        return UMAP(random_state=seed, n_jobs=1).fit_transform(scaled), "UMAP"
    if not scaled.any():
        return np.zeros((len(scaled), 2)), "PCA of equal points"
    width = min(2, *scaled.shape)
    pca = PCA(width, random_state=seed)
    found = np.pad(pca.fit_transform(scaled), ((0, 0), (0, 2 - width)))
    return found, f"PCA, {pca.explained_variance_ratio_.sum():.0%} of the variance"


@in_style
def embedding_map(
    points: ArrayLike,
    label: ArrayLike,
    caption: str = "",
    graphs: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw graphs [G, 2] as points, one colour and marker per class, with hover text in SVG.

    More than sixteen classes are told by a scale of colours instead of a legend. `graphs` are the
    names of the points; their numbers unless given.

    >>> embedding_map([[0, 0], [1, 1]], [0, 1], "PCA").get_title(loc="left")
    'Embeddings (PCA)'
    """
    ax = canvas(ax, 4.6, 4.0)
    xy, y = np.asarray(points), np.asarray(label)
    names = np.arange(len(xy)) if graphs is None else np.asarray(graphs)
    classes = np.unique(y)
    every, step = len(xy), -(-len(xy) // POINTS)
    xy, y, names = xy[::step], y[::step], names[::step]
    size = float(np.clip(6000 / len(xy), 6, 30))
    titles = np.array([f"{HOVER}graph {g}, class {c}" for g, c in zip(names, y, strict=True)])
    if len(classes) <= NAMED:
        for number, name in enumerate(classes):
            some, turn = y == name, number // len(COLOURS)
            ax.scatter(
                xy[some, 0],
                xy[some, 1],
                s=size,
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[(number + turn) % len(MARKERS)],
                alpha=0.65,
                lw=0,
                label=f"class {name}",
                urls=titles[some].tolist(),
            )
        legend_below(ax, columns=4, points=6, markerscale=(30 / size) ** 0.5)
    else:
        drawn = ax.scatter(
            xy[:, 0], xy[:, 1], s=size, c=y, cmap="viridis", alpha=0.8, lw=0, urls=titles.tolist()
        )
        ax.figure.colorbar(drawn, ax=ax, label=f"class ({len(classes)} of them)", fraction=0.046)
    title = f"Embeddings ({caption})" if caption else "Embeddings"
    note = f"{len(xy)} of {every} graphs" if step > 1 else ""
    ax.set(xticks=[], yticks=[], title=title, xlabel="")
    if note:
        ax.annotate(note, (1, 0), xycoords="axes fraction", ha="right", va="bottom", fontsize=7)
    return ax
