"""The figures of docs/temperature.md: accuracy over the equivalent temperature, one curve."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from benchmarks.science.temperature.pairs import BySeed, Runs, accuracy, equivalent
from graph_hcl import plot
from graph_hcl.files import write_text
from graph_hcl.plot.style import MARKERS
from graph_hcl.plot.themes import THEMES, colour

NAMES = {"temperature": "knn", "temperature-svm": "svm"}
"""Figures of all sets, and their probes."""
FRONTS = tuple(f"front-{theme}" for theme in THEMES)
"""The README's figure, for light and for dark pages."""
STYLES = {1.0: 0, 0.5: 1, 0.2: 2}
"""Number of colour and marker of hard points by the temperature they were trained at."""
PLAIN, UNTRAINED = "UCL", "untrained"
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Dot(NamedTuple):
    """A setting in the figure: T′, and mean and standard deviation of accuracy over seeds in %."""

    temperature: float
    mean: float
    deviation: float


class Curve(NamedTuple):
    """What one panel shows: plain points, hard ones by their T, and the untrained accuracy."""

    plain: list[Dot]
    hard: dict[float, list[Dot]]
    untrained: float | None
    seeds: int


def curve(runs: Runs, dataset: str, probe: str, family: str = "ucl") -> Curve:
    """Return what a panel shows, of those seeds that have all settings of the fullest seed."""
    settings = runs.settings(family, dataset, "", "plain", "exponential", "untrained")
    counts: dict[int, int] = {}
    for trials in settings.values():
        for seed in trials:
            counts[seed] = counts.get(seed, 0) + 1
    seeds = {seed for seed, count in counts.items() if count == max(counts.values())}
    plain: list[Dot] = []
    hard: dict[float, list[Dot]] = {}
    untrained = None
    for (form, temperature, _, _), trials in settings.items():
        here = {seed: one for seed, one in trials.items() if seed in seeds}
        if len(here) < len(seeds):
            continue
        if form == "untrained":
            untrained = _dot(0.0, here, probe).mean
            continue
        dot = _dot(equivalent(next(iter(here.values()))), here, probe)
        if form == "plain":
            plain.append(dot)
        else:
            hard.setdefault(temperature, []).append(dot)
    return Curve(sorted(plain), hard, untrained, len(seeds))


def _dot(temperature: float, trials: BySeed, probe: str) -> Dot:
    values = [100 * accuracy(one, probe) for one in trials.values()]
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return Dot(temperature, statistics.fmean(values), spread)


def draw_all(runs: Runs, folder: Path) -> list[str]:
    """Write the figures that have data as SVG; return their names."""
    drawn = []
    for name, figure in figures(runs):
        write_text(folder / f"{name}.svg", plot.svg(figure.axes[0], hover=False))
        drawn.append(name)
    return drawn


def figures(runs: Runs) -> Iterator[tuple[str, Figure]]:
    """Yield the figures that have data for light and for dark pages, by name."""
    for name, probe in NAMES.items():
        panels = {each: curve(runs, each, probe) for each in runs.datasets("ucl")}
        panels = {each: found for each, found in panels.items() if len(found.plain) > 1}
        if panels:
            for theme in THEMES:
                with plot.styled(theme):
                    label = f"{'kNN' if probe == 'knn' else 'SVM'} accuracy, %"
                    yield f"{name}-{theme}", all_sets(panels, label)
    yield from fronts(runs)


def fronts(runs: Runs) -> Iterator[tuple[str, Figure]]:
    """Yield the README's figure for light and for dark pages, by name, if it has data."""
    curves = front_sets(runs)
    for name, theme in zip(FRONTS, THEMES, strict=True):
        if curves:
            with plot.styled(theme):
                yield name, front(curves)


def all_sets(panels: dict[str, Curve], label: str) -> Figure:
    """Draw one panel for each set, four in a row."""
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(10, 2.3 * rows + 0.5))
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for number, (ax, (name, found)) in enumerate(zip(axes, panels.items(), strict=False)):
        draw(ax, found)
        ax.set_title(f"{name} ({found.seeds} seed{'s' * (found.seeds > 1)})")
        ax.set_ylabel("" if number % columns else label)
        # The lowest panel of each column names the axis.
        ax.set_xlabel("equivalent temperature T′" if number + columns >= len(panels) else "")
    for ax in list(figure.axes)[len(panels) :]:
        ax.set_visible(False)
    legend(figure)
    return figure


def draw(ax: Axes, found: Curve, shift: float = 0.0) -> None:
    """Draw a curve, less `shift`: plain points joined, hard ones on them, the untrained level."""
    x = [dot.temperature for dot in found.plain]
    low = [dot.mean - dot.deviation - shift for dot in found.plain]
    high = [dot.mean + dot.deviation - shift for dot in found.plain]
    if found.seeds > 1:
        ax.fill_between(x, low, high, color=colour("ink"), alpha=0.12, lw=0)
    ax.plot(
        x, [dot.mean - shift for dot in found.plain], color=colour("ink"), lw=1.2, marker=".", ms=4,
        label=PLAIN,
    )  # fmt: skip
    for temperature, dots in found.hard.items():
        shade, marker = colour(STYLES[temperature]), MARKERS[STYLES[temperature]]
        ax.plot(
            [dot.temperature for dot in dots], [dot.mean - shift for dot in dots], ls="",
            marker=marker, ms=6, mfc="none", mec=shade, mew=1.4,
            label=hard_name(temperature),
        )  # fmt: skip
    if found.untrained is not None:
        ax.axhline(
            found.untrained - shift, color=colour("reference"), lw=1, ls="--", label=UNTRAINED
        )
    ax.set_xscale("log")
    ax.set_xlim(0.015, 1.2)
    # matplotlib's own labels of a logarithmic axis are formulas, which the style takes for text.
    ax.xaxis.set_major_locator(FixedLocator(TICKS))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda value, position: f"{value:g}".replace("0.", "."))


def front_sets(runs: Runs) -> dict[str, Curve]:
    """Return the curves for the README: digits, and the set with most classes that is as full."""
    found = {name: curve(runs, name, "knn") for name in runs.datasets("ucl")}
    full = {
        name: one
        for name, one in found.items()
        if one.untrained is not None and len(one.plain) > 1 and one.hard
    }
    most = max(map(_size, full.values()), default=0)
    others = [name for name in full if name != "digits" and _size(full[name]) == most]
    return {name: full[name] for name in (*others[:1], *(["digits"] if "digits" in full else []))}


def _size(found: Curve) -> int:
    return len(found.plain) + sum(map(len, found.hard.values()))


def front(curves: dict[str, Curve]) -> Figure:
    """Draw one panel with the gain over the untrained encoder, a line for each set."""
    figure = Figure(figsize=(5.6, 3.3))
    ax = figure.add_subplot()
    for name, found in curves.items():
        assert found.untrained is not None
        draw(ax, found, shift=found.untrained)
        last = found.plain[-1]
        ax.annotate(
            name, (last.temperature, last.mean - found.untrained), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=8, annotation_clip=False,
        )  # fmt: skip
    ax.set(
        xlabel="equivalent temperature T′ = T / (1 + 2β)",
        ylabel="kNN accuracy above untrained, points",
    )
    legend(figure, columns=3)
    return figure


def hard_name(temperature: float) -> str:
    """Return the name of hard points in the legend.

    >>> hard_name(0.5)
    'H-UCL, T = 0.5'
    """
    return f"H-UCL, T = {temperature:g}"


def legend(figure: Figure, columns: int = 5) -> None:
    """Place one legend below all panels."""
    names: dict[str, Any] = {}
    for ax in figure.axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            names.setdefault(name, handle)
    order = [name for name in (PLAIN, *map(hard_name, STYLES), UNTRAINED) if name in names]
    figure.legend([names[name] for name in order], order, loc="outside lower center", ncols=columns)
