"""The figures of docs/collapse.md, drawn from the committed results."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from benchmarks.science.collapse.control import Compared, compared, draw_controls, temperature
from benchmarks.science.collapse.orderings import assumption, four_losses
from benchmarks.science.collapse.results import (
    COLLAPSE,
    TYPES,
    by_dataset,
    chosen,
    common_epoch,
    longer,
    usual,
    value,
)
from graph_hcl import plot
from graph_hcl.files import write_text
from graph_hcl.plot.style import DASHES, MARKERS
from graph_hcl.plot.themes import THEMES, colour

CIFAR = {
    # CIFAR-100, 99 dimensions, unit ball: arXiv 2311.05139; None for a trend only.
    "label": {
        "class_mean_accuracy": (0.1038, 0.3186, 0.5839, 0.5707, 0.5457),
        "live_dimensions": (10, 46, 99, 99, 99),
        "equal_inner_product": (0.23, 0.04, 0.005, 0.005, 0.005),
    },
    "all": {
        "class_mean_accuracy": (0.09, 0.31, 0.56, 0.56, 0.54),
        "live_dimensions": (8, 45, 97, None, None),
        "equal_inner_product": (0.24, 0.045, 0.01, 0.125, 0.66),
    },
}
CIFAR_BETAS = (0, 2, 5, 10, 30)
BY_EPOCH = (
    ("train", "live_dimensions", "live dimensions, training"),
    ("train", "equal_inner_product", "equal inner product, training"),
    ("held_out", "class_mean_accuracy", "accuracy, held out"),
)

LONG = {
    "ball, SCL type, β = 5": ("ball", "label", True),
    "ball, SCL type, β = 0": ("ball", "label", False),
    "ball, UCL type, β = 2 or 5": ("ball", "all", True),
    "none, SCL type, β = 5": ("none", "label", True),
}
"""Longer trainings by name: normalisation, negatives, whether they are hardened."""


def draw_all(
    collapse: Sequence[dict], controls: Sequence[dict], orderings: Sequence[dict], folder: Path
) -> list[str]:
    """Write every figure that has data as SVG, for light and for dark pages; return their names."""
    pairs = compared(collapse, controls)
    drawn, (collapse, others) = [], usual(collapse)
    figures: tuple[tuple[str, Callable[..., Figure], Sequence[Any]], ...] = (
        ("collapse-live", live, collapse),
        ("collapse-long", long, longer(collapse, others)),
        ("collapse-spectra", spectra, collapse),
        ("collapse-grid", partial(grid, pairs=pairs), collapse),
        ("collapse-temperature", temperature, pairs),
        ("collapse-metrics", metrics, collapse),
        ("collapse-losses", losses, collapse),
        ("collapse-orderings", four_losses, orderings),
        ("collapse-assumption", assumption, orderings),
    )
    for name, draw, trials in figures:
        if trials:
            for theme in THEMES:
                with plot.styled(theme):
                    text = plot.svg(one_legend(draw(trials)).axes[0], hover=False)
                write_text(folder / f"{name}-{theme}.svg", text)
            drawn.append(name)
    return drawn


def one_legend(figure: Figure) -> Figure:
    """Return the figure with one legend below for all axes, instead of theirs."""
    names: dict[str, Any] = {}
    for ax in figure.axes:
        if ax.get_legend():
            ax.get_legend().remove()
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            names.setdefault(name, handle)
    columns = len(names) if len(names) < 6 else 4
    figure.legend(names.values(), names, loc="outside lower center", ncols=columns)
    return figure


def records(trials: Sequence[dict], part: str, name: str) -> dict[str, list[dict]]:
    """Return what `plot.compare` draws: records of each β by its name; seeds give a band."""
    found: dict[str, list[dict]] = {}
    for trial in trials:
        values = zip(trial["epoch"], trial[part][name], strict=True)
        found.setdefault(f"β = {trial['beta']:g}", []).extend(
            {"epoch": epoch, name: value} for epoch, value in values
        )
    return found


def live(trials: Sequence[dict]) -> Figure:
    """Draw by epoch, for most classes in the ball: dimensions, angles, accuracy; one line per β."""
    dataset, here = next(iter(by_dataset(trials).items()))
    figure = Figure(figsize=(10, 5.6))
    axes = figure.subplots(2, 3, sharex=True, squeeze=False)
    for row, (negatives, kind) in enumerate(TYPES.items()):
        ball = chosen(here, normalize="ball", negatives=negatives)
        for column, (part, name, label) in enumerate(BY_EPOCH):
            ax = axes[row, column]
            plot.compare(records(ball, part, name), name, label, ax)
            ax.set(title=f"{dataset}, {kind}" if column == 0 else "", ylabel=label)
            ax.set_xlabel("epoch" if row else "")
            if name == "live_dimensions" and ball:
                ax.axhline(ball[0]["classes"] - 1, color=colour("reference"), lw=1, ls=":")
            ax.set_ylim(bottom=0)
    return figure


def long(trials: Sequence[dict]) -> Figure:
    """Draw by epoch what longer training reaches; one row per data set, one line per setting."""
    sets = by_dataset(trials)
    figure = Figure(figsize=(10, 2.7 * len(sets)))
    axes = figure.subplots(len(sets), 3, squeeze=False)
    for row, (dataset, here) in enumerate(sets.items()):
        for column, (part, name, label) in enumerate(BY_EPOCH):
            ax, lines = axes[row, column], {}
            for key, (normalize, negatives, hard) in LONG.items():
                found = chosen(here, normalize=normalize, negatives=negatives, seed=0)
                found = [trial for trial in found if (trial["beta"] > 0) == hard][:1]
                # A line that is missing keeps its colour for the other rows.
                lines[key] = next(iter(records(found, part, name).values()), [])
            plot.compare(lines, name, label, ax)
            ax.set(title=dataset if column == 0 else "", ylabel=label)
            if name == "live_dimensions":
                ax.axhline(here[0]["classes"] - 1, color=colour("reference"), lw=1, ls=":")
            ax.set_ylim(bottom=0)
    return figure


def spectra(trials: Sequence[dict]) -> Figure:
    """Draw the final spectrum of the class means in the ball, one line per β."""
    sets = by_dataset(trials)
    figure = Figure(figsize=(max(6, 2.9 * len(sets)), 5.4))
    axes = figure.subplots(2, len(sets), squeeze=False, sharey=True)
    for column, (dataset, here) in enumerate(sets.items()):
        for row, (negatives, kind) in enumerate(TYPES.items()):
            ball = chosen(here, normalize="ball", negatives=negatives, seed=0)
            ax = axes[row, column]
            found = {f"β = {trial['beta']:g}": trial["spectrum"]["train"] for trial in ball}
            if found:
                plot.spectra(found, ax=ax)
            ax.set(title=f"{dataset}, {kind}", xlabel="dimension" if row else "", ylim=(1e-6, 2))
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            ax.set_ylabel("σ / largest σ" if column == 0 else "")
    return figure


def grid(trials: Sequence[dict], pairs: Sequence[Compared] = ()) -> Figure:
    """Draw the whole grid at its last common epoch against β, beside CIFAR-100's figures."""
    sets, epoch = by_dataset(trials), common_epoch(trials)
    measures: tuple[tuple[str, str, str, Callable[[dict], float]], ...] = (
        ("train", "live_dimensions", "live share of C − 1", lambda trial: trial["classes"] - 1),
        ("train", "equal_inner_product", "equal inner product", lambda trial: 1),
        ("held_out", "class_mean_accuracy", "held-out accuracy", lambda trial: 1),
    )
    figure = Figure(figsize=(max(6, 2.9 * len(sets)), 7.6))
    axes = figure.subplots(3, len(sets), squeeze=False, sharey="row", sharex=True)
    for column, (dataset, here) in enumerate(sets.items()):
        for row, (part, name, label, scale) in enumerate(measures):
            ax = axes[row, column]
            for number, normalize in enumerate(("ball", "sphere", "none")):
                for dash, negatives in enumerate(TYPES):
                    line = chosen(here, normalize=normalize, negatives=negatives, seed=0)
                    ax.plot(
                        [f"{trial['beta']:g}" for trial in line],
                        [value(trial, part, name, epoch) / scale(trial) for trial in line],
                        color=colour(number), ls=DASHES[dash], marker=MARKERS[number], ms=4,
                        label=f"{normalize}, {TYPES[negatives]}",
                    )  # fmt: skip
            beside = [c for c in pairs if c.hard["dataset"] == dataset]
            draw_controls(ax, beside, part, name, scale(here[0]), epoch)
            if column == 0:
                for dash, (negatives, kind) in enumerate(TYPES.items()):
                    most = 99 if name == "live_dimensions" else 1
                    points = [
                        (f"{beta:g}", number / most)
                        for beta, number in zip(CIFAR_BETAS, CIFAR[negatives][name], strict=True)
                        if number is not None
                    ]
                    ax.plot(
                        *zip(*points, strict=True), color=colour("reference"), ls=DASHES[dash],
                        lw=1, marker="*", ms=5, label=f"CIFAR-100 (paper), {kind}",
                    )  # fmt: skip
            ax.set(title=f"{dataset} (C = {here[0]['classes']})" if row == 0 else "")
            ax.set_xlabel("β" if row == 2 else "")
            ax.set_ylabel(label if column == 0 else "")
    for row, top in enumerate((1.05, None, 1.05)):
        axes[row, 0].set_ylim(0, top)
    return figure


def metrics(trials: Sequence[dict]) -> Figure:
    """Draw the four collapse metrics by epoch in the ball, SCL type, plain and with β = 5."""
    sets = by_dataset(trials)
    figure = Figure(figsize=(max(6, 2.9 * len(sets)), 5.2))
    axes = figure.subplots(2, len(sets), squeeze=False, sharey=True, sharex=True)
    for column, (dataset, here) in enumerate(sets.items()):
        for row, beta in enumerate((0.0, 5.0)):
            ax = axes[row, column]
            for trial in chosen(here, normalize="ball", negatives="label", beta=beta, seed=0)[:1]:
                names = [name for name in COLLAPSE[3:7] if name in trial["train"]]
                seen = [
                    {"epoch": epoch} | {name: trial["train"][name][k] for name in names}
                    for k, epoch in enumerate(trial["epoch"])
                ]
                plot.collapse(seen, ax)
            ax.set(title=f"{dataset}, β = {beta:g}", xlabel="epoch" if row else "")
            ax.set_ylabel("distance from neural collapse" if column == 0 else "")
    return figure


def losses(trials: Sequence[dict]) -> Figure:
    """Draw how far H-SCL, as trained with in the ball, stays above its floor by epoch."""
    sets = by_dataset(trials)
    figure = Figure(figsize=(max(6, 2.9 * len(sets)), 3.4))
    axes = figure.subplots(1, len(sets), squeeze=False)
    for column, (dataset, here) in enumerate(sets.items()):
        ax = axes[0, column]
        for number, trial in enumerate(chosen(here, normalize="ball", negatives="label", seed=0)):
            for part, dash, thin in (("train", "-", 1.6), ("held_out", "--", 1.0)):
                ax.plot(
                    trial["epoch"], np.array(trial[part]["h-scl"]) - trial["floor"],
                    color=colour(number), ls=dash, lw=thin,
                    label=f"β = {trial['beta']:g}, {'training' if part == 'train' else 'held out'}",
                )  # fmt: skip
        ax.set(title=f"{dataset}, floor {here[0]['floor']:.4f}", xlabel="epoch", yscale="log")
        ax.set_ylabel("H-SCL − floor" if column == 0 else "")
        # matplotlib's own labels are formulas, which the style takes for text.
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        ax.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
        ax.yaxis.set_minor_formatter("")
    return figure
