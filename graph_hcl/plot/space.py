"""The geometry of a feature space: similarities of negatives, and singular spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike
from torch import Tensor

from graph_hcl.errors import UserError
from graph_hcl.geometry import negative_weights
from graph_hcl.geometry.collapse import LIVE
from graph_hcl.keywords import names_arguments
from graph_hcl.losses import Adaptive, LogEta
from graph_hcl.plot.style import (
    canvas,
    in_style,
    legend_below,
    line_style,
    short_names,
)
from graph_hcl.plot.themes import colour

BINS = 50
MIN_RATIO = 1e-8
"""Lower bound on singular values in a plot, relative to the largest."""


@names_arguments()
@in_style
def similarities(
    z: Tensor,
    graph: Tensor,
    label: Tensor,
    *,
    temperature: float = 0.5,
    hardening: LogEta | Adaptive | None = None,
    positives: str = "views",
    negatives: str = "all",
    ax: Axes | None = None,
) -> Axes:
    """Draw histograms of anchor–negative similarities, unweighted and weighted by η, by class.

    Filled and hatched areas are shares of all pairs of rows of different graphs; outlines are
    shares of the weight on an anchor's negatives, averaged over anchors. Hardening moves weight to
    the right and between the classes. With `negatives` "label" the same class has no outline,
    because its graphs are not negatives.

    Args:
        z: features [M, d], as the loss gets them.
        graph: graph [M] that each row is a view of.
        label: class [M] of each row.
        temperature: T > 0 of the logits.
        hardening: log η as a function of the logits, or an adaptive hardening; None for η = e^s.
        positives: "views" or "label", as in `HSCL`.
        negatives: "all" other graphs, or those of another "label" only.
        ax: where it is drawn; a new figure unless given.

    >>> z, graph = torch.eye(4), torch.arange(4)
    >>> similarities(z, graph, torch.tensor([0, 0, 1, 1])).get_xlabel()
    'inner product of anchor and negative'
    """
    ax = canvas(ax)
    z = z.detach().float()
    product = (z @ z.t()).cpu().numpy()
    weight = negative_weights(
        z,
        graph,
        label,
        temperature=temperature,
        hardening=hardening,
        positives=positives,
        negatives=negatives,
    )
    shares = (weight / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)).cpu().numpy()
    other_graph = (graph[:, None] != graph).cpu().numpy()
    same_class = (label[:, None] == label).cpu().numpy()
    low, high = float(product[other_graph].min()), float(product[other_graph].max())
    bins = np.linspace(low, max(high, low + 1e-3), BINS + 1).tolist()
    # Filled and hatched, to be distinguishable in greyscale.
    for name, is_class, shade, fill, dash in (
        ("same class", same_class, colour(0), {"fc": (colour(0), 0.35)}, "-"),
        ("other class", ~same_class, colour(1), {"fc": "none", "hatch": "/////"}, "--"),
    ):
        pairs = is_class & other_graph
        uniform = np.full(int(pairs.sum()), 1 / other_graph.sum())
        ax.hist(
            product[pairs],
            bins,
            weights=uniform,
            histtype="stepfilled",
            ec=(shade, 0.6),
            lw=0.4,
            **fill,
            label=f"{name}: {uniform.sum():.0%} of pairs",
        )
        mass = shares[pairs].sum()
        if mass > 0:
            ax.hist(
                product[pairs],
                bins,
                weights=shares[pairs],
                color=shade,
                histtype="step",
                lw=1.7,
                ls=dash,
                label=f"{name}: {mass:.0%} of the weight",
            )
    ax.set(
        xlabel="inner product of anchor and negative",
        ylabel="share per bin",
        title="Similarity of negatives",
    )
    return legend_below(ax)


@names_arguments()
@in_style
def weights(
    hardenings: Mapping[str, LogEta],
    products: ArrayLike,
    *,
    temperature: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """Draw how much a negative counts by its inner product with the anchor, for each hardening.

    The curves are η(s/T) divided by the mean of η over all negatives: 1 is the weight without
    hardening. The grey area below is the histogram of the negatives. A threshold's curve ends where
    the weight is 0.

    Args:
        hardenings: functions of logits by name, such as those of `graph_hcl.losses`.
        products: inner products [K] of negatives with their anchors.
        temperature: T of the logits.
        ax: axes to draw on; new ones by default.

    Raises `UserError` for adaptive hardenings, which have a curve for each anchor, and for one that
    gives no negative any weight.

    >>> from graph_hcl.losses import Exponential
    >>> ax = weights({"β = 1": Exponential(1.0)}, [-0.5, 0.0, 0.5])
    >>> ax.get_lines()[0].get_ydata()[[0, -1]].round(3).tolist()
    [0.27, 1.996]
    """
    ax = canvas(ax)
    s = torch.as_tensor(np.asarray(products, dtype=float)).flatten()
    grid = torch.linspace(float(s.min()), float(s.max()), 301, dtype=s.dtype)
    for number, (name, log_eta) in enumerate(hardenings.items()):
        if isinstance(log_eta, Adaptive):
            raise UserError(
                f"Expected hardenings that are functions of the logit, but got "
                f"{type(log_eta).__name__}, whose β differs by anchor: use plot.similarities."
            )
        mean = log_eta(s / temperature).logsumexp(0) - math.log(len(s))
        if not mean.isfinite():
            raise UserError(
                f"Expected hardenings that give some negative a weight, but got {name!r}: its "
                "logits are all below the threshold."
            )
        weight = (log_eta(grid / temperature) - mean).exp().numpy()
        curve = np.where(weight > 0, weight, np.nan)
        ax.plot(grid.numpy(), curve, label=name, **line_style(number))
    count, edges = np.histogram(s.numpy(), BINS)
    ax.stairs(
        0.25 * count / count.max(),
        edges,
        fill=True,
        color=colour("grey"),
        alpha=0.4,
        transform=ax.get_xaxis_transform(),
        label="negatives",
    )
    ax.set(
        xlabel="inner product of anchor and negative",
        ylabel="weight / mean weight",
        title="Weights of negatives",
        yscale="log",
    )
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    return legend_below(ax, columns=3)


@names_arguments()
@in_style
def spectra(
    spectrums: Mapping[str, ArrayLike], title: str = "Singular spectra", ax: Axes | None = None
) -> Axes:
    """Draw singular values of covariances relative to the largest, on a logarithmic scale.

    A curve that drops early shows dimensional collapse (arXiv 2311.05139, section 5). Dimensions
    above the dotted line count as live.

    Args:
        spectrums: singular values by name, descending.
        title: title of the figure.
        ax: where it is drawn; a new figure unless given.

    >>> spectra({"class means": [1.0, 0.5, 0.1]}).get_yscale()
    'log'
    """
    if not isinstance(spectrums, Mapping):
        raise UserError(
            "Expected spectra by name, such as {'class means': values}, but got "
            f"{type(spectrums).__name__}."
        )
    ax = canvas(ax)
    names = short_names(spectrums)
    for number, (name, values) in enumerate(zip(names, spectrums.values(), strict=True)):
        spectrum = np.asarray(values, dtype=float)
        ratio = np.maximum(spectrum / max(spectrum.max(), 1e-300), MIN_RATIO)
        ax.plot(
            np.arange(1, len(ratio) + 1),
            ratio,
            marker="." if len(ratio) < 40 else None,
            label=name,
            **line_style(number),
        )
    ax.axhline(
        LIVE, color=colour("reference"), lw=1.1, ls=(0, (1, 1)), label=f"live above {LIVE:g}"
    )
    ax.set(xlabel="dimension", ylabel="σ / largest σ", title=title, yscale="log")
    ax.set_ylim(MIN_RATIO / 2, 2)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    return legend_below(ax)
