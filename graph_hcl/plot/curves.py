"""Curves of the values in `metrics.jsonl` by epoch; several models give a mean and a band."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from graph_hcl.keywords import names_arguments
from graph_hcl.plot.inputs import Records, check_by_name, check_records
from graph_hcl.plot.style import (
    canvas,
    draw_levels,
    in_style,
    legend_below,
    legend_name,
    line_style,
    short_names,
    start_at_zero,
    zero_of,
)
from graph_hcl.registry import unknown_name

LOSSES = {"ucl": "UCL", "h-ucl": "H-UCL", "scl": "SCL", "h-scl": "H-SCL"}
ORDERINGS = {
    "assumption_1": "anchors under Assumption 1",
    "same_class_mass": "same-class mass of η",
    "effective_sample_size": "effective sample size",
}
COLLAPSE = {
    "zero_sum": "zero sum",
    "unit_norm": "unit norm",
    "equal_inner_product": "equal inner product",
    "within_class": "within class",
}
SPREAD = {
    "alignment": "alignment of views",
    "uniformity": "uniformity",
    "feature_std": "feature standard deviation",
}


def finite_number(value: Any) -> float | None:
    """Return a logged value as a float, or None if it is not a finite number.

    >>> [finite_number(value) for value in (1, math.nan, "1", None, 10**400)]
    [1.0, None, None, None, None]
    """
    if not isinstance(value, numbers.Real):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def by_epoch(records: Records, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs [T] that log `key`, and its minimum, mean and maximum in each [3, T].

    >>> by_epoch([{"epoch": 1, "loss": 2.0}, {"epoch": 1, "loss": 4.0}, {"epoch": 2}], "loss")
    (array([1]), array([[2.],
           [3.],
           [4.]]))
    """
    values: dict[int, list[float]] = {}
    for record in records:
        value = finite_number(record.get(key))
        if value is not None:
            values.setdefault(int(record["epoch"]), []).append(value)
    epochs = sorted(values)
    rows = [[f(values[epoch]) for epoch in epochs] for f in (min, np.mean, max)]
    return np.array(epochs), np.array(rows, dtype=float).reshape(3, len(epochs))


@names_arguments()
@in_style
def losses(
    records: Records, floors: Mapping[str, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the four losses by epoch, with their floors.

    Corresponds to figure 5 of arXiv 2209.00078: one loss is trained and all four are logged.

    Args:
        records: records of the epochs, as `History` and metrics.jsonl hold them.
        floors: levels by name, such as `graph_hcl.geometry.loss_floor` and `collapse_point`.
        ax: where it is drawn; a new figure unless given.

    >>> losses([{"epoch": 1, "ucl": 1.0, "scl": 0.9}], {"SCL floor": 0.2}).get_ylabel()
    'loss (mean over negatives)'
    """
    floors = {} if floors is None else floors
    check_by_name("floors", floors)
    ax = _draw(canvas(ax), records, LOSSES)
    draw_levels(ax, floors)
    return _finish(ax, "The four losses", "loss (mean over negatives)")


@names_arguments()
@in_style
def orderings(records: Records, base: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the share of anchors that satisfy Assumption 1, and negative statistics, by epoch.

    Corresponds to figure 4 of arXiv 2209.00078, with the same-class mass of the hardened negatives
    and their effective sample size relative to their number.

    Args:
        records: records of the epochs, as `History` and metrics.jsonl hold them.
        base: same-class share of unweighted negatives.
        ax: where it is drawn; a new figure unless given.

    >>> orderings([{"epoch": 1, "assumption_1": 0.6}]).get_ylabel()
    'share'
    """
    ax = _draw(canvas(ax), records, ORDERINGS)
    if base is not None:
        draw_levels(ax, {"same-class share, unweighted": base})
    ax.set_ylim(zero_of(ax), 1.03)
    return _finish(ax, "Negatives", "share")


@names_arguments()
@in_style
def collapse(records: Records, ax: Axes | None = None) -> Axes:
    """Draw the neural-collapse metrics of arXiv 2311.05139 by epoch; all are 0 at collapse.

    >>> collapse([{"epoch": 1, "zero_sum": 0.5}]).get_ylabel()
    'distance from neural collapse'
    """
    ax = _draw(canvas(ax), records, COLLAPSE)
    start_at_zero(ax)
    return _finish(ax, "Neural collapse", "distance from neural collapse")


@names_arguments()
@in_style
def spread(records: Records, ax: Axes | None = None) -> Axes:
    """Draw alignment, uniformity (arXiv 2005.10242) and feature standard deviation by epoch.

    >>> spread([{"epoch": 1, "uniformity": -2.0}]).get_ylabel()
    'value'
    """
    return _finish(_draw(canvas(ax), records, SPREAD), "Alignment and uniformity", "value")


@names_arguments()
@in_style
def ranks(records: Records, dimensions: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the effective rank of the features by epoch.

    Args:
        records: records of the epochs, as `History` and metrics.jsonl hold them.
        dimensions: upper bound of the rank.
        ax: where it is drawn; a new figure unless given.

    >>> ranks([{"epoch": 1, "effective_rank": 7.0}], dimensions=32).get_title(loc="left")
    'Dimensional collapse'
    """
    ax = _draw(canvas(ax), records, {"effective_rank": "effective rank of the features"})
    if dimensions is not None:
        draw_levels(ax, {f"dimensions: {dimensions}": dimensions})
    start_at_zero(ax)
    return _finish(ax, "Dimensional collapse", "effective rank")


@names_arguments()
@in_style
def temperatures(
    records: Records, levels: Mapping[str, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the temperature at which the plain loss has the most parallel gradient, by epoch.

    The legend has the cosine of the two gradients after the last epoch.

    Args:
        records: records of the epochs, as `History` and metrics.jsonl hold them.
        levels: temperatures by name, such as the loss's own and
            `graph_hcl.geometry.equivalent_temperature`.
        ax: where it is drawn; a new figure unless given.

    >>> log = [{"epoch": 1, "matched_temperature": 0.2, "gradient_cosine": 0.99}]
    >>> temperatures(log, {"T": 0.5}).get_ylabel()
    'temperature'
    """
    levels = {} if levels is None else levels
    check_by_name("levels", levels)
    check_records(records)
    ax = canvas(ax)
    cosines = by_epoch(records, "gradient_cosine")[1][1]
    cosine = f", cosine {cosines[-1]:.3f}" if len(cosines) else ""
    _line(ax, records, "matched_temperature", f"of the plain loss{cosine}", 0)
    draw_levels(ax, {f"{title} = {level:.3g}": level for title, level in levels.items()})
    start_at_zero(ax)
    return _finish(ax, "Hardness as a temperature", "temperature")


@names_arguments()
@in_style
def compare(runs: Mapping[str, Records], key: str, label: str, ax: Axes | None = None) -> Axes:
    """Draw one logged value of several runs by epoch.

    Args:
        runs: records of the epochs of each run, by name.
        key: name of the value in the records.
        label: label of the vertical axis.
        ax: where it is drawn; a new figure unless given.

    Runs without the value have no line, and the others keep their colours. Raises `UserError` for
    what are no records by name, and for a key that no record has.

    >>> compare({"a": [{"epoch": 1, "loss": 2.0}]}, "loss", "training loss").get_ylabel()
    'training loss'
    """
    check_by_name("runs", runs)
    for records in runs.values():
        check_records(records)
    known = {name: None for records in runs.values() for record in records for name in record}
    if known and key not in known:
        raise unknown_name("key", str(key), map(str, known))
    ax = canvas(ax)
    for number, (name, records) in enumerate(zip(short_names(runs), runs.values(), strict=True)):
        _line(ax, records, key, name if len(runs) > 1 else None, number)
    return _finish(ax, label[:1].upper() + label[1:], label, columns=1 if len(runs) < 4 else 2)


def _draw(ax: Axes, records: Records, names: Mapping[str, str]) -> Axes:
    check_records(records)
    for number, (key, name) in enumerate(names.items()):
        _line(ax, records, key, name, number)
    return ax


def _line(ax: Axes, records: Records, key: str, name: str | None, number: int) -> None:
    epochs, (low, mean, high) = by_epoch(records, key)
    if not len(epochs):
        return
    style = line_style(number)
    label = None if name is None else legend_name(name)
    ax.plot(epochs, mean, marker="o" if len(epochs) == 1 else None, label=label, **style)
    if (high > low).any():
        ax.fill_between(epochs, low, high, color=style["color"], alpha=0.15, lw=0)


def _finish(ax: Axes, title: str, label: str, columns: int = 2) -> Axes:
    ax.set(xlabel="epoch", ylabel=label, title=title)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return legend_below(ax, columns)
