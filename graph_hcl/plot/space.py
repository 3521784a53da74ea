"""The geometry of a feature space: similarities of negatives, and singular spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike
from torch import Tensor

from graph_hcl.errors import UserError
from graph_hcl.geometry import negative_weights
from graph_hcl.geometry.collapse import LIVE
from graph_hcl.geometry.inputs import check_positive
from graph_hcl.keywords import names_arguments
from graph_hcl.losses import Adaptive, Exponential, LogEta
from graph_hcl.plot.inputs import check_by_name, finite_row
from graph_hcl.plot.style import (
    canvas,
    in_style,
    legend_below,
    legend_name,
    line_style,
    short_names,
)
from graph_hcl.plot.themes import colour
from graph_hcl.probes.labels import on_host

BINS = 50
MIN_RATIO = 1e-8
"""Lower bound on singular values in a plot, relative to the largest."""


@names_arguments()
@in_style
def similarities(
    z: Tensor,
    graph: Tensor,
    label: Tensor | None = None,
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
        label: class [M] of each row; None draws one histogram, of all pairs.
        temperature: T > 0 of the logits.
        hardening: log η as a function of the logits, or an adaptive hardening; None for η = e^s.
        positives: "views" or "label", as in `HSCL`.
        negatives: "all" other graphs, or those of another "label" only.
        ax: where it is drawn; a new figure unless given.

    Raises `ValueError` as `negative_weights` does, and `UserError` for rows of one graph alone and
    for positives or negatives by label without labels.

    >>> z, graph = torch.eye(4), torch.arange(4)
    >>> similarities(z, graph, torch.tensor([0, 0, 1, 1])).get_xlabel()
    'inner product of anchor and negative'
    """
    if label is None and "label" in (positives, negatives):
        raise UserError("Expected a label of each row for pairs that depend on it, but got None.")
    ax = canvas(ax)
    weight = negative_weights(
        z,
        graph,
        graph if label is None else label,
        temperature=temperature,
        hardening=hardening,
        positives=positives,
        negatives=negatives,
    )
    z = z.detach().float()
    product = (z @ z.t()).cpu().numpy()
    shares = (weight / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)).cpu().numpy()
    other_graph = (graph[:, None] != graph).cpu().numpy()
    if not other_graph.any():
        raise UserError(f"Expected rows of two graphs or more, but got {len(z)} of one graph.")
    low, high = float(product[other_graph].min()), float(product[other_graph].max())
    bins = np.linspace(low, max(high, low + 1e-3), BINS + 1).tolist()
    # Filled and hatched, to be distinguishable in greyscale.
    filled: dict[str, Any] = {"fc": (colour(0), 0.35)}
    hatched: dict[str, Any] = {"fc": "none", "hatch": "/////"}
    if label is None:
        parts = [("all pairs", other_graph, colour(0), filled, "-")]
    else:
        same_class = (label[:, None] == label).cpu().numpy()
        parts = [
            ("same class", same_class, colour(0), filled, "-"),
            ("other class", ~same_class, colour(1), hatched, "--"),
        ]
    for name, is_class, shade, fill, dash in parts:
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
    hardenings: Mapping[str, LogEta | None],
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
        hardenings: functions of logits by name, such as those of `graph_hcl.losses`; None for
            η = e^s.
        products: inner products [K] of negatives with their anchors.
        temperature: T of the logits.
        ax: axes to draw on; new ones by default.

    Raises `UserError` for adaptive hardenings, which have a curve for each anchor, for one that
    gives no negative any weight, and for products that are not finite; `ValueError` for a
    temperature that is not above 0.

    >>> from graph_hcl.losses import Exponential
    >>> ax = weights({"β = 1": Exponential(1.0)}, [-0.5, 0.0, 0.5])
    >>> ax.get_lines()[0].get_ydata()[[0, -1]].round(3).tolist()
    [0.27, 1.996]
    """
    check_by_name("hardenings", hardenings)
    check_positive("temperature", temperature)
    s = torch.as_tensor(finite_row("products", np.ravel(on_host(products))))
    ax = canvas(ax)
    grid = torch.linspace(float(s.min()), float(s.max()), 301, dtype=s.dtype)
    for number, (name, given) in enumerate(hardenings.items()):
        log_eta = Exponential(1.0) if given is None else given
        if isinstance(log_eta, Adaptive):
            raise UserError(
                f"Expected hardenings that are functions of the logit, but got "
                f"{type(log_eta).__name__}, whose β differs by anchor: use plot.similarities."
            )
        if not callable(log_eta):
            raise UserError(
                "Expected hardenings to be functions of the logit, such as Exponential(1.0), but "
                f"got {type(log_eta).__name__} for {name!r}."
            )
        mean = log_eta(s / temperature).logsumexp(0) - math.log(len(s))
        if not mean.isfinite():
            raise UserError(
                f"Expected hardenings that give some negative a weight, but got {name!r}: its "
                "logits are all below the threshold."
            )
        weight = (log_eta(grid / temperature) - mean).exp().numpy()
        curve = np.where(weight > 0, weight, np.nan)
        ax.plot(grid.numpy(), curve, label=legend_name(name), **line_style(number))
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
    spectrums: Mapping[str, ArrayLike | None],
    title: str = "Singular spectra",
    ax: Axes | None = None,
) -> Axes:
    """Draw singular values of covariances relative to the largest, on a logarithmic scale.

    A curve that drops early shows dimensional collapse (arXiv 2311.05139, section 5). Dimensions
    above the dotted line count as live.

    Args:
        spectrums: singular values by name, descending; None has no curve, and the others keep their
            colours.
        title: title of the figure.
        ax: where it is drawn; a new figure unless given.

    Raises `UserError` for what are no rows of finite numbers by name.

    >>> spectra({"class means": [1.0, 0.5, 0.1]}).get_yscale()
    'log'
    """
    check_by_name("spectra", spectrums)
    ax = canvas(ax)
    names = short_names(spectrums)
    for number, (name, values) in enumerate(zip(names, spectrums.values(), strict=True)):
        if values is None:
            continue
        spectrum = finite_row(f"spectrum {name!r}", values)
        ratio = np.maximum(spectrum / max(spectrum.max(), 1e-300), MIN_RATIO)
        ax.plot(
            np.arange(1, len(ratio) + 1),
            ratio,
            marker="." if len(ratio) < 40 else None,
            label=legend_name(name),
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
