"""H-SCL beside plain SCL at the temperature that pushes negatives as its hardness does.

As a yardstick, the same H-SCL with another seed: what trainings differ by anyway.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.science.collapse.grid import TEMPERATURE, same_push
from benchmarks.science.collapse.results import by_dataset, chosen, usual, value
from benchmarks.science.collapse.verdicts import EQUAL, FEW, FULL, Verdict, angle, graded, live
from benchmarks.science.table import table
from graph_hcl.plot.style import DASHES
from graph_hcl.plot.themes import colour

NEAR = 0.1
"""Live dimensions that differ by this share of C − 1 at most count as the same."""
NAMES = {"label": ("H-SCL", "SCL"), "all": ("H-UCL", "UCL")}
"""The hardened and the plain loss of each type of negatives."""
MEASURES = (
    ("train", "live_dimensions", "live share of C − 1"),
    ("train", "equal_inner_product", "equal inner product"),
    ("held_out", "class_mean_accuracy", "held-out accuracy"),
)


@dataclass(frozen=True)
class Compared:
    """A hard trial, its control at the temperature of the same push, the plain trial at T, and
    the hard trial with another seed where there is one."""

    hard: dict
    control: dict
    plain: dict
    again: dict | None


def compared(collapse: Sequence[dict], controls: Sequence[dict]) -> list[Compared]:
    """Return the hard trials of the grid that have a control, none of which stopped early."""
    names = ("dataset", "normalize", "negatives", "batch_size", "epochs")
    main = [trial for trial in usual(collapse)[0] if trial["stopped"] is None]
    other = [trial for trial in controls if trial["stopped"] is None]
    lower = [trial for trial in other if trial["temperature"] != TEMPERATURE]
    seeds = [trial for trial in other if trial["temperature"] == TEMPERATURE]
    found = []
    for hard in sorted(chosen(main), key=lambda trial: list(NAMES).index(trial["negatives"])):
        same = {name: hard[name] for name in names}
        plain = chosen(main, beta=0.0, **same)
        control = [c for c in chosen(lower, beta=0.0, **same) if is_control(c, hard["beta"])]
        if hard["beta"] > 0 and plain and control:
            again = chosen(seeds, beta=hard["beta"], **same)
            found.append(Compared(hard, control[0], plain[0], again[0] if again else None))
    return found


def is_control(trial: dict, beta: float) -> bool:
    """Tell whether a plain trial has the temperature that pushes negatives as β does."""
    return math.isclose(trial["temperature"], same_push(beta), rel_tol=1e-6)


def as_live(one: dict, other: dict) -> bool:
    """Tell whether two trials end with as many live dimensions."""
    return abs(live(one) - live(other)) <= NEAR * (one["classes"] - 1)


def alike(one: dict, other: dict) -> bool:
    """Tell whether two trials are on the same side of every bound, with as many live dimensions."""
    most = one["classes"] - 1
    sides = [
        (live(trial) >= FULL * most, live(trial) < FEW * most, angle(trial) <= EQUAL)
        for trial in (one, other)
    ]
    return sides[0] == sides[1] and as_live(one, other)


def accuracy(trial: dict) -> float:
    """Return the accuracy of the nearest class mean on held-out graphs at the end."""
    return value(trial, "held_out", "class_mean_accuracy")


def factor(trial: dict) -> float:
    """Return 1 − e^(−loss) at the end, which the mean of the pairs' factors is at most.

    A pair's loss is softplus(x) with x = log n − s, and its factor σ(x) = 1 − e^(−softplus(x)).
    """
    loss = value(trial, "train", f"h-{NAMES[trial['negatives']][1].lower()}")
    return -math.expm1(-loss)


def control_verdicts(collapse: Sequence[dict], controls: Sequence[dict]) -> Iterator[Verdict]:
    """Yield, for each type of negatives, whether a lower temperature does what hardness does."""
    found = compared(collapse, controls)
    for negatives, (hard, plain) in NAMES.items():
        here = [c for c in found if c.hard["negatives"] == negatives]
        if not here:
            continue
        grades, words = [], []
        for dataset in by_dataset([c.hard for c in here]):
            pairs = [c for c in here if c.hard["dataset"] == dataset]
            other = [f"{c.hard['beta']:g}" for c in pairs if not alike(c.hard, c.control)]
            grades.append(1 - len(other) / len(pairs))
            best = min((c.hard for c in pairs), key=angle)
            lower = min((c.control for c in pairs), key=angle)
            words.append(
                f"{dataset} {len(pairs) - len(other)} of {len(pairs)}"
                f"{' (not β = ' + ', '.join(other) + ')' if other else ''}, most equal angles "
                f"{angle(best):.3f} (β = {best['beta']:g}) and {angle(lower):.3f} "
                f"(T′ = {lower['temperature']:.3g}), {angle(pairs[0].plain):.3f} at T"
            )
        gains = [100 * (accuracy(c.control) - accuracy(c.hard)) for c in here]
        again = [(c.hard, c.again) for c in here if c.again is not None]
        yield Verdict(
            f"What hard negatives do for collapse, a lower temperature does ({hard}).",
            graded(grades),
            f"{plain} at T′ ends alike: {'; '.join(words)}. In all: {plain} at T′ "
            f"{_tally([(c.hard, c.control) for c in here])}; {hard} with another seed "
            f"{_tally(again)}; {plain} at T {_tally([(c.hard, c.plain) for c in here])}. Held-out "
            f"accuracy of {plain} at T′ less that of {hard}: {min(gains):+.1f} to "
            f"{max(gains):+.1f} points, {median(gains):+.1f} in the median. The factor σ is at "
            f"most {_span([factor(c.control) for c in here])} at T′ and "
            f"{_span([factor(c.hard) for c in here])} with {hard}.",
            "collapse-temperature",
        )


def _tally(pairs: Sequence[tuple[dict, dict]]) -> str:
    """Return how many trials end as their hard ones do, and the median angles of both."""
    if not pairs:
        return "not measured"
    return (
        f"{sum(alike(*pair) for pair in pairs)} of {len(pairs)} (by live dimensions alone "
        f"{sum(as_live(*pair) for pair in pairs)}), equal inner product "
        f"{median(angle(other) for _, other in pairs):.3f} in the median beside "
        f"{median(angle(hard) for hard, _ in pairs):.3f}"
    )


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.2g} to {max(values):.2g}"


def control_table(collapse: Sequence[dict], controls: Sequence[dict]) -> str:
    """Return a row per hard trial: its values / its control's / the plain loss's / its again."""

    def joined(trials: Sequence[dict | None], form: Callable[[dict], str]) -> str:
        return " / ".join("–" if trial is None else form(trial) for trial in trials)

    found = compared(collapse, controls)
    rows = []
    for dataset in by_dataset([c.hard for c in found]):
        for c in [c for c in found if c.hard["dataset"] == dataset]:
            four = (c.hard, c.control, c.plain, c.again)
            rows.append(
                [dataset, NAMES[c.hard["negatives"]][0], f"{c.hard['beta']:g}",
                 f"{c.control['temperature']:.3g}",
                 joined(four, lambda trial: f"{live(trial):g}"),
                 joined(four, lambda trial: f"{angle(trial):.3f}"),
                 joined(four, lambda trial: f"{100 * accuracy(trial):.1f}"),
                 joined(four, lambda trial: f"{factor(trial):.2f}"),
                 "yes" if alike(c.hard, c.control) else "no"]
            )  # fmt: skip
    head = ["data set", "loss", "β", "T′", "live dimensions", "equal inner product", "accuracy"]
    return table([*head, "σ at most", "alike"], rows) + "\n"


def draw_controls(
    ax: Axes, trials: Sequence[Compared], part: str, name: str, scale: float, epoch: int | None
) -> None:
    """Draw the controls of a data set over the β that they stand for, from the plain loss on."""
    for dash, (negatives, (_, plain)) in enumerate(NAMES.items()):
        pairs = [c for c in trials if c.hard["negatives"] == negatives]
        if pairs:
            ax.plot(
                ["0", *[f"{c.hard['beta']:g}" for c in pairs]],
                _values([pairs[0].plain, *[c.control for c in pairs]], part, name, scale, epoch),
                color=colour(3), ls=DASHES[dash], marker="D", ms=4, mfc=colour("paper"),
                label=f"ball, {plain} at T′ = T / (1 + β)",
            )  # fmt: skip


def draw_hard(
    ax: Axes, trials: Sequence[Compared], part: str, name: str, scale: float, epoch: int | None
) -> None:
    """Draw the hard trials of a data set over β, and as points those with another seed."""
    for dash, (negatives, (hard, _)) in enumerate(NAMES.items()):
        pairs = [c for c in trials if c.hard["negatives"] == negatives]
        line = [pairs[0].plain, *[c.hard for c in pairs]] if pairs else []
        again = [c.again for c in pairs if c.again is not None]
        for found, shade, style, text in (
            (line, colour(0), DASHES[dash], ""),
            (again, colour(5), "", ", another seed"),
        ):
            if found:
                ax.plot(
                    [f"{trial['beta']:g}" for trial in found],
                    _values(found, part, name, scale, epoch),
                    color=shade, ls=style, marker="o", ms=4, label=f"ball, {hard}{text}",
                )  # fmt: skip


def _values(
    trials: Sequence[dict], part: str, name: str, scale: float, epoch: int | None
) -> list[float]:
    return [value(trial, part, name, epoch) / scale for trial in trials]


def temperature(trials: Sequence[Compared]) -> Figure:
    """Draw, at the end of training, hard trials and their controls over β, from the plain loss."""
    sets = by_dataset([c.hard for c in trials])
    figure = Figure(figsize=(max(6, 2.9 * len(sets)), 7.2))
    axes = figure.subplots(len(MEASURES), len(sets), squeeze=False, sharey="row", sharex=True)
    for column, (dataset, hard) in enumerate(sets.items()):
        here = [c for c in trials if c.hard["dataset"] == dataset]
        for row, (part, name, label) in enumerate(MEASURES):
            ax, scale = axes[row, column], hard[0]["classes"] - 1 if row == 0 else 1
            for draw in (draw_hard, draw_controls):
                draw(ax, here, part, name, scale, None)
            ax.set(title=f"{dataset} (C = {hard[0]['classes']})" if row == 0 else "")
            ax.set_xlabel("β" if row == len(MEASURES) - 1 else "")
            ax.set_ylabel(label if column == 0 else "")
    for row, top in enumerate((1.05, None, 1.05)):
        axes[row, 0].set_ylim(0, top)
    return figure
