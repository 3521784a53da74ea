"""Embeddings in two dimensions, made so that a few extreme graphs do not hide all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA

from graph_hcl.errors import UserError

MAPS = ("pca", "umap")
QUARTILES, MIDDLE = 1.349, 4.107
"""Widths of the middle 50 % and 96 % of a normal distribution with standard deviation 1."""
NARROWEST = 0.1
"""Least unit of a column, as a share of the deviation that its middle 96 % tell."""
MARGIN = 3.0
"""How many times the width of the middle 96 % of the graphs a map reaches beyond it, at most."""
FEW = 20
"""Graphs below which none counts as far from the others."""


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


def compress(x: ArrayLike) -> np.ndarray:
    """Return the columns of x [G, D] by asinh((x − median)/σ), standardised; σ from the quartiles.

    Near the median this is linear, so that clusters stay; far away it is logarithmic, so that
    neither a few huge graphs nor a long tail set the scale. A column with one value becomes 0.

    >>> compress([[0.0], [1.0], [2.0], [3.0], [1e6]]).round(1).ravel().tolist()
    [-0.6, -0.6, -0.4, -0.3, 2.0]
    """
    values = np.asarray(x, dtype=float)
    low, middle, high = np.percentile(values, [25, 50, 75], axis=0)
    least, most = _middle(values)
    unit = np.maximum((high - low) / QUARTILES, NARROWEST * (most - least) / MIDDLE)
    unit = np.where(unit > 0, unit, values.std(axis=0))
    bent = np.arcsinh((values - middle) / np.where(unit > 0, unit, 1))
    deviation = bent.std(axis=0)
    return (bent - bent.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def project(x: ArrayLike, method: str = "pca", seed: int = 0) -> tuple[np.ndarray, str]:
    """Return embeddings [G, D] in two dimensions [G, 2], by `compress` first, and a caption.

    Raises `UserError` as `check_map` does, and for values that are not finite.

    >>> project([[0.0, 0.0], [1.0, 0.0], [2.0, 3.0]])[1]
    'PCA, 100% of the variance'
    """
    check_map(method)
    if not np.isfinite(np.asarray(x, dtype=float)).all():
        raise UserError("Expected finite embeddings to draw a map, but got NaN or infinity.")
    scaled = compress(x)
    if method == "umap":
        from umap import UMAP

        return UMAP(random_state=seed, n_jobs=1).fit_transform(scaled), "UMAP"
    if not scaled.any():
        return np.zeros((len(scaled), 2)), "PCA of equal points"
    width = min(2, *scaled.shape)
    pca = PCA(width, random_state=seed)
    points = np.pad(pca.fit_transform(scaled), ((0, 0), (0, 2 - width)))
    return points, f"PCA, {pca.explained_variance_ratio_.sum():.0%} of the variance"


def inside(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points [G, 2] moved to the border of where most are, and which were moved [G].

    The border is `MARGIN` widths of the middle 96 % beyond it, on each side; without outliers, or
    with fewer than `FEW` points, nothing moves.

    >>> points, moved = inside(np.array([[0.0, 0.0]] * 50 + [[1.0, 1.0]] * 50 + [[99.0, 0.5]]))
    >>> points[-1].tolist(), int(moved.sum())
    ([4.0, 0.5], 1)
    """
    if len(points) < FEW:
        return points, np.zeros(len(points), dtype=bool)
    low, high = _middle(points)
    # Where most are at one place, there is no width that tells near from far.
    reach = np.where(high > low, MARGIN * (high - low), np.inf)
    kept = np.clip(points, low - reach, high + reach)
    return kept, (kept != points).any(axis=1)


def _middle(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of each column's middle 96 %, without its extremes even in small sets."""
    low = np.percentile(x, 2, axis=0, method="higher")
    return low, np.percentile(x, 98, axis=0, method="lower")
