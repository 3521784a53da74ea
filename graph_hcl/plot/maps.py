"""Two-dimensional maps of embeddings that are robust to outliers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.plot.inputs import finite_floats

MAPS = ("pca", "tsne", "umap")
QUARTILE_WIDTH, MIDDLE_WIDTH = 1.349, 4.107
"""Widths of the middle 50 % and 96 % of a normal distribution with standard deviation 1."""
MIN_UNIT = 0.1
"""Smallest unit of a column, relative to the standard deviation implied by its middle 96 %."""
MARGIN = 3.0
"""Margin of a map around the middle 96 % of its graphs, in widths of that range."""
PERPLEXITY = 30.0
"""Number of neighbours that t-SNE keeps near, less for few graphs."""
MIN_POINTS = 20
"""Smallest number of graphs for which outliers are detected."""


def check_map(method: str) -> None:
    """Raise `UserError` unless `method` is a map that can be drawn here.

    >>> check_map("mds")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the map to be pca, tsne or umap, but got 'mds'.
    """
    if method not in MAPS:
        raise UserError(f"Expected the map to be pca, tsne or umap, but got '{method}'.")
    if method == "umap":
        try:
            import umap  # noqa: F401
        except ImportError as error:
            raise UserError(
                "The map umap needs one more package: pip install 'graph_hcl[umap]'."
            ) from error


def compress(x: ArrayLike) -> np.ndarray:
    """Return asinh((x − median)/σ) of the columns of x [G, D], standardised; σ from the quartiles.

    The map is linear near the median, which preserves clusters, and logarithmic far from it, so
    that outliers and long tails do not set the scale. A constant column becomes 0.

    >>> compress([[0.0], [1.0], [2.0], [3.0], [1e6]]).round(1).ravel().tolist()
    [-0.6, -0.6, -0.4, -0.3, 2.0]
    """
    values = np.asarray(x, dtype=float)
    low, median, high = np.percentile(values, [25, 50, 75], axis=0)
    lower, upper = _middle(values)
    unit = np.maximum((high - low) / QUARTILE_WIDTH, MIN_UNIT * (upper - lower) / MIDDLE_WIDTH)
    unit = np.where(unit > 0, unit, values.std(axis=0))
    compressed = np.arcsinh((values - median) / np.where(unit > 0, unit, 1))
    deviation = compressed.std(axis=0)
    scaled: np.ndarray = (compressed - compressed.mean(axis=0)) / np.where(
        deviation > 0, deviation, 1
    )
    return scaled


@names_arguments()
def project(x: ArrayLike, method: str = "pca", seed: int = 0) -> tuple[np.ndarray, str]:
    """Return a map [G, 2] of embeddings [G, D] after `compress`, and its caption.

    Args:
        x: embeddings [G, D].
        method: pca, whose distances are those in the plane with the most variance, or tsne or
            umap, which keep neighbours near: distances between groups mean nothing there.
        seed: seed of tsne and umap, which draw numbers.

    Raises `UserError` as `check_map` does, and for what are no finite embeddings.

    >>> project([[0.0, 0.0], [1.0, 0.0], [2.0, 3.0]])[1]
    'PCA, 100% of the variance'
    """
    check_map(method)
    values = finite_floats("embeddings to draw a map", x)
    if values.ndim != 2 or not values.size:
        raise UserError(
            f"Expected embeddings [G, D] of one graph or more, but got {list(values.shape)}."
        )
    scaled = compress(values)
    if method == "umap":
        from umap import UMAP

        return UMAP(random_state=seed, n_jobs=1).fit_transform(scaled), "UMAP"
    if not scaled.any():
        return np.zeros((len(scaled), 2)), "PCA of equal points"
    width = min(2, *scaled.shape)
    pca = PCA(width, random_state=seed)
    points = np.pad(pca.fit_transform(scaled), ((0, 0), (0, 2 - width)))
    if method == "tsne":
        deviation = points[:, 0].std()
        perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
        tsne = TSNE(init=1e-4 * points / deviation, perplexity=perplexity, random_state=seed)
        return tsne.fit_transform(scaled), "t-SNE"
    return points, f"PCA, {pca.explained_variance_ratio_.sum():.0%} of the variance"


def clip_outliers(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points [G, 2] with outliers moved to the border, and which points those are [G].

    The border lies `MARGIN` widths of the middle 96 % beyond it on each side. With fewer than
    `MIN_POINTS` points there are no outliers.

    >>> points = np.array([[0.0, 0.0]] * 50 + [[1.0, 1.0]] * 50 + [[99.0, 0.5]])
    >>> clipped, is_outlier = clip_outliers(points)
    >>> clipped[-1].tolist(), int(is_outlier.sum())
    ([4.0, 0.5], 1)
    """
    if len(points) < MIN_POINTS:
        return points, np.zeros(len(points), dtype=bool)
    low, high = _middle(points)
    # If the middle 96 % coincide, no width defines outliers.
    reach = np.where(high > low, MARGIN * (high - low), np.inf)
    clipped = np.clip(points, low - reach, high + reach)
    return clipped, (clipped != points).any(axis=1)


def _middle(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the middle 96 % of each column, rounded inwards to existing values."""
    low = np.percentile(x, 2, axis=0, method="higher")
    return low, np.percentile(x, 98, axis=0, method="lower")
