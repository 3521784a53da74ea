"""What an embedding space looks like: similarities of negatives, spectra, a map of the graphs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from graph_hcl.errors import UserError
from graph_hcl.losses import Exponential, LogEta, hardness_weights
from graph_hcl.plot.style import COLOURS, DASHES, MARKERS, canvas, in_style

SAMPLE = 1000
"""Rows of which all pairs are drawn; more are thinned out evenly."""


@in_style
def similarities(
    z: Tensor,
    label: Tensor,
    temperature: float = 0.5,
    log_eta: LogEta | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how similar negatives are, by same and other class, as they are and as η weighs them.

    One row of features z [G, d] per graph; areas are shares of all negatives, so hardening moves
    area to the right, and from one class to the other. η is e^s unless given.

    >>> similarities(torch.eye(4), torch.tensor([0, 0, 1, 1])).get_xlabel()
    'inner product of anchor and negative'
    """
    ax = canvas(ax)
    chosen = slice(None, None, -(-len(z) // SAMPLE))
    z, label = z[chosen].float(), label[chosen]
    product = z @ z.t()
    apart = ~torch.eye(len(z), dtype=torch.bool)
    weight = hardness_weights(product / temperature, apart, log_eta or Exponential(1.0))
    alike = label[:, None] == label
    low, high = float(product[apart].min()), float(product[apart].max())
    bins = np.linspace(low, max(high, low + 1e-3), 60).tolist()
    total = float(apart.sum())
    for number, (name, side) in enumerate((("same class", alike), ("other class", ~alike))):
        kept = side & apart
        values, share = product[kept].numpy(), np.full(int(kept.sum()), 1 / total)
        hardened = weight[kept].numpy() / total
        colour = COLOURS[number]
        plain_mass, mass = share.sum(), hardened.sum()
        ax.hist(
            values, bins, weights=share, color=colour, alpha=0.3, label=f"{name} ({plain_mass:.0%})"
        )
        ax.hist(
            values,
            bins,
            weights=hardened,
            color=colour,
            histtype="step",
            lw=1.6,
            ls=DASHES[number],
            label=f"{name}, weighed by η ({mass:.0%})",
        )
    ax.set(
        xlabel="inner product of anchor and negative",
        ylabel="share of all negatives",
        title="Similarity of negatives",
    )
    ax.legend()
    return ax


@in_style
def spectra(spectrums: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw singular values of covariances over the largest, on a logarithmic scale.

    A line that falls early is dimensional collapse (arXiv 2311.05139, section 5).

    >>> spectra({"class means": [1.0, 0.5, 0.1]}).get_yscale()
    'log'
    """
    ax = canvas(ax)
    for number, (name, values) in enumerate(spectrums.items()):
        spectrum = np.asarray(values, dtype=float)
        ratio = np.maximum(spectrum / max(spectrum.max(), 1e-300), 1e-8)
        ax.plot(
            np.arange(1, len(ratio) + 1),
            ratio,
            color=COLOURS[number % len(COLOURS)],
            ls=DASHES[number % len(DASHES)],
            marker="." if len(ratio) < 40 else None,
            label=name,
        )
    ax.set(xlabel="dimension", ylabel="σ / largest σ", title="Singular spectrum", yscale="log")
    ax.set_ylim(1e-8, 2)
    ax.legend()
    return ax


def project(x: ArrayLike, method: str = "pca", seed: int = 0) -> tuple[np.ndarray, str]:
    """Return embeddings [G, D] in two dimensions [G, 2], standardised first, and a caption.

    `method` is pca or umap, which needs the extra `umap`. Raises `UserError` for another name.

    >>> project(np.eye(4)[:, :2])[0].shape
    (4, 2)
    """
    scaled = StandardScaler().fit_transform(np.asarray(x, dtype=float))
    if method == "pca":
        width = min(2, *scaled.shape)
        pca = PCA(width, random_state=seed)
        found = np.pad(pca.fit_transform(scaled), ((0, 0), (0, 2 - width)))
        return found, f"PCA, {pca.explained_variance_ratio_.sum():.0%} of the variance"
    if method != "umap":
        raise UserError(f"Expected the map to be pca or umap, but got '{method}'.")
    try:
        from umap import UMAP
    except ImportError as error:
        raise UserError("The map umap needs one more package: pip install umap-learn.") from error
    return UMAP(random_state=seed, n_jobs=1).fit_transform(scaled), "UMAP"


@in_style
def embedding_map(
    points: ArrayLike, label: ArrayLike, caption: str = "", ax: Axes | None = None
) -> Axes:
    """Draw graphs [G, 2] as points, one colour and marker per class.

    More than eight classes are told by a scale of colours instead of a legend.

    >>> embedding_map([[0, 0], [1, 1]], [0, 1], "PCA").get_title(loc="left")
    'Embeddings (PCA)'
    """
    ax = canvas(ax, 4.6, 4.0)
    xy, y = np.asarray(points), np.asarray(label)
    classes = np.unique(y)
    size = float(np.clip(4000 / len(xy), 4, 30))
    if len(classes) <= len(COLOURS):
        for number, name in enumerate(classes):
            some = xy[y == name]
            ax.scatter(
                some[:, 0],
                some[:, 1],
                s=size,
                color=COLOURS[number],
                marker=MARKERS[number],
                alpha=0.6,
                lw=0,
                label=f"class {name}",
                rasterized=True,
            )
        ax.legend(markerscale=1.5)
    else:
        drawn = ax.scatter(
            xy[:, 0], xy[:, 1], s=size, c=y, cmap="viridis", alpha=0.7, lw=0, rasterized=True
        )
        ax.figure.colorbar(drawn, ax=ax, label="class")
    ax.set(xticks=[], yticks=[], title=f"Embeddings ({caption})" if caption else "Embeddings")
    return ax
