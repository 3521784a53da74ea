"""What `metrics.jsonl` tells, epoch by epoch; several models of a run give a mean and a band."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from graph_hcl.plot.style import COLOURS, DASHES, canvas, in_style

Records = Sequence[Mapping[str, Any]]

LOSSES = {"ucl": "UCL", "h-ucl": "H-UCL", "scl": "SCL", "h-scl": "H-SCL"}


def by_epoch(records: Records, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs [T] that have `key`, and its least, mean and greatest value there [3, T].

    >>> by_epoch([{"epoch": 1, "loss": 2.0}, {"epoch": 1, "loss": 4.0}, {"epoch": 2}], "loss")
    (array([1]), array([[2.],
           [3.],
           [4.]]))
    """
    found: dict[int, list[float]] = {}
    for record in records:
        value = record.get(key)
        if value is not None and math.isfinite(value):
            found.setdefault(int(record["epoch"]), []).append(float(value))
    epochs = sorted(found)
    rows = [[f(found[epoch]) for epoch in epochs] for f in (min, np.mean, max)]
    return np.array(epochs), np.array(rows, dtype=float).reshape(3, len(epochs))


@in_style
def losses(records: Records, floor: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the four losses of each epoch against the floor of SCL and H-SCL.

    The counterpart of arXiv 2209.00078, figure 5: training with one, logging all four. `floor` is
    `graph_hcl.geometry.loss_floor` of the classes and the temperature.

    >>> losses([{"epoch": 1, "ucl": 1.0, "scl": 0.9}], floor=0.2).get_ylabel()
    'loss (k → ∞, mean)'
    """
    ax = canvas(ax)
    _draw(ax, records, LOSSES)
    if floor is not None:
        ax.axhline(floor, color="#555555", lw=1, ls=(0, (1, 1)))
        ax.annotate(
            "floor of SCL, H-SCL",
            (1, floor),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=7,
        )
    ax.set(xlabel="epoch", ylabel="loss (k → ∞, mean)", title="The four losses")
    return _legend(ax)


@in_style
def orderings(records: Records, ax: Axes | None = None) -> Axes:
    """Draw the fraction of anchors under Assumption 1, and what the negatives weigh, by epoch.

    The counterpart of arXiv 2209.00078, figure 4, with the same-class mass of the hardened
    negatives and their effective sample size as a share of their number.

    >>> orderings([{"epoch": 1, "assumption_1": 0.6}]).get_ylabel()
    'share'
    """
    ax = canvas(ax)
    names = {
        "assumption_1": "anchors under Assumption 1",
        "same_class_mass": "same-class mass",
        "effective_sample_size": "effective sample size",
    }
    _draw(ax, records, names)
    ax.set(xlabel="epoch", ylabel="share", ylim=(0, 1.05), title="What the negatives are")
    return _legend(ax)


@in_style
def collapse(records: Records, ax: Axes | None = None) -> Axes:
    """Draw the neural-collapse metrics of arXiv 2311.05139 by epoch: all are 0 at collapse.

    >>> collapse([{"epoch": 1, "zero_sum": 0.5}]).get_ylabel()
    'distance from neural collapse'
    """
    ax = canvas(ax)
    names = {
        "zero_sum": "zero sum",
        "unit_norm": "unit norm",
        "equal_inner_product": "equal inner product",
        "within_class": "within class",
    }
    _draw(ax, records, names)
    ax.set(xlabel="epoch", ylabel="distance from neural collapse", title="Neural collapse")
    ax.set_ylim(bottom=0)
    return _legend(ax)


@in_style
def ranks(records: Records, dimensions: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the effective rank of the features by epoch, of `dimensions` at most.

    >>> ranks([{"epoch": 1, "effective_rank": 7.0}], dimensions=32).get_title(loc="left")
    'Dimensional collapse'
    """
    ax = canvas(ax)
    _draw(ax, records, {"effective_rank": "effective rank"})
    ax.set(xlabel="epoch", ylabel="effective rank", title="Dimensional collapse")
    ax.set_ylim(0, None if dimensions is None else 1.05 * dimensions)
    return ax


@in_style
def compare(runs: Mapping[str, Records], key: str, label: str, ax: Axes | None = None) -> Axes:
    """Draw one value of several runs by epoch.

    >>> compare({"a": [{"epoch": 1, "loss": 2.0}]}, "loss", "training loss").get_ylabel()
    'training loss'
    """
    ax = canvas(ax)
    for number, (name, records) in enumerate(runs.items()):
        _line(ax, records, key, name, number)
    ax.set(xlabel="epoch", ylabel=label, title=label.capitalize())
    return _legend(ax)


def _draw(ax: Axes, records: Records, names: Mapping[str, str]) -> None:
    for number, (key, name) in enumerate(names.items()):
        _line(ax, records, key, name, number)


def _line(ax: Axes, records: Records, key: str, name: str, number: int) -> None:
    epochs, (low, mean, high) = by_epoch(records, key)
    if not len(epochs):
        return
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    marker = "o" if len(epochs) == 1 else None
    ax.plot(epochs, mean, color=colour, ls=dash, marker=marker, label=name)
    if (high > low).any():
        ax.fill_between(epochs, low, high, color=colour, alpha=0.15, lw=0)


def _legend(ax: Axes) -> Axes:
    if ax.get_legend_handles_labels()[0]:
        ax.legend()
    return ax
