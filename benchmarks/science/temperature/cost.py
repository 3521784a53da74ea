"""How long a trial takes on one core, from measured times of each data set."""

from benchmarks.science.temperature.grid import Point

LOADING = 0.5
"""Seconds for reading the graphs, the match and the shares."""
EPOCH = {"hidden128": 4.0, "head": 1.2, "batch32": 1.5, "batch1024": 1.5, "batch4110": 4.0}
"""How many times as long an epoch takes with a factor."""


def seconds(point: Point) -> float:
    """Return an estimate of the seconds of a trial.

    >>> seconds(Point("digits", "ucl", "plain", 0.5))
    14.0
    """
    each = point.set
    held_out = point.family != "ucl"
    epochs = point.epochs * EPOCH.get(point.factor, 1.0) * (0.8 if held_out else 1.0)
    probes = each.held_out if held_out else each.probes
    wide = 2.0 if point.factor == "hidden128" else 1.0
    return round(LOADING + epochs * each.epoch + wide * probes, 1)
