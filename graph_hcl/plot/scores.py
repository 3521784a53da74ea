"""Scores of a probe: by fold with baselines, the confusion matrix, and predicted real values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from sklearn.metrics import confusion_matrix

from graph_hcl.keywords import names_arguments
from graph_hcl.plot.inputs import check_by_name
from graph_hcl.plot.style import (
    MARKERS,
    canvas,
    in_style,
    legend_below,
    legend_name,
    short_names,
)
from graph_hcl.plot.themes import THEMES, colour
from graph_hcl.probes.metrics import known_metric, title

if TYPE_CHECKING:
    from graph_hcl.probes import Evaluation
    from graph_hcl.results import Comparison

MAX_LABELLED_CLASSES = 12
"""Largest number of classes for which a confusion matrix labels every class and cell."""
MAX_CLASS_NAME = 16
"""Longest name of a class or task, in characters."""
MAX_LEGEND_TASKS = 16
"""Largest number of tasks that a legend lists."""
BLUE, DENSEST = to_rgb(THEMES["light"]["blue"]), 0.75
SHARES = LinearSegmentedColormap.from_list("shares", [(*BLUE, alpha) for alpha in (0, DENSEST)])
"""Transparent to blue, on which text reads in the ink of a light and of a dark page."""


@names_arguments()
@in_style
def folds(comparisons: Mapping[str, Comparison | None], ax: Axes | None = None) -> Axes:
    """Draw a score of every fold with mean ± standard deviation, and the baselines.

    The score is the first metric of the first comparison, which must be known of all. With few
    labels, that of a fold is the mean over its draws of labels.

    `comparisons` are those of `read_results` by name of the run: each gives a row for the trained
    encoder, one for the untrained encoder, and, of accuracies, a line for the majority class. None
    gives no rows, and the others keep their colours. Raises `UserError` for what is no mapping.

    >>> from pathlib import Path
    >>> from graph_hcl.results_file import read_results
    >>> folds(read_results(Path("none/results.json")).comparisons()).get_xlabel()
    'test accuracy'
    """
    check_by_name("comparisons", comparisons)
    present = [one for one in comparisons.values() if one is not None]
    ax = canvas(ax, 4.6, 1.6 + 0.8 * len(present))
    rows: list[str] = []
    metric = present[0].metrics[0] if present else "accuracy"
    known = known_metric(metric)
    share = known is not None and known.is_share
    names, majority = short_names(comparisons, 20), "majority class"
    for number, (name, comparison) in enumerate(zip(names, comparisons.values(), strict=True)):
        if comparison is None:
            continue
        for offset, evaluation in enumerate((comparison.trained, comparison.untrained)):
            scores = evaluation[metric]
            values = np.concatenate(scores.by_seed())
            y = len(rows)
            rows.append(name if offset == 0 else "untrained")
            shade = colour(number) if offset == 0 else colour("reference")
            # Points are spread vertically by fold, so that none hides another.
            ax.scatter(
                values,
                y - np.linspace(0.05, 0.3, len(values)),
                s=14,
                color=shade,
                alpha=0.6,
                lw=0,
                marker=MARKERS[offset],
            )
            mean, std = float(values.mean()), scores.deviation
            ax.errorbar(mean, y + 0.18, xerr=std, fmt="|", ms=9, mew=2, color=shade, capsize=3)
            unit = f"{100 * mean:.1f}" if share else f"{mean:.3g}"
            if std is not None:
                unit += f" ± {100 * std:.1f}" if share else f" ± {std:.2g}"
            label = unit if np.isfinite(mean) else "not a number"
            ax.annotate(
                label,
                (1.01, y),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
            )
        if metric != "accuracy" or comparison.about.majority_accuracy is None:
            continue
        ax.plot(
            [comparison.about.majority_accuracy] * 2,
            [len(rows) - 2.45, len(rows) - 0.55],
            color=colour("ink"),
            ls=(0, (2, 2)),
            lw=1.1,
            label=None if majority in ax.get_legend_handles_labels()[1] else majority,
        )
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    name = title(metric)
    ax.set(xlabel=f"test {name}", title=f"Test {name} of each fold")
    ax.grid(axis="y", visible=False)
    return legend_below(ax)


@names_arguments()
@in_style
def confusion(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the confusion matrix in percent of the true class, over all folds, seeds and draws.

    >>> from graph_hcl.probes import Evaluation, FoldScore
    >>> fold = FoldScore(0, 0, {}, {}, None, 9, 0, [3, 4], labels=[0, 1], predictions=[0, 0])
    >>> confusion(Evaluation("transductive", "svm", {}, [fold])).get_xlabel()
    'predicted class'
    """
    ax = canvas(ax, 4.6, 3.8)
    classes, share = confusion_shares(evaluation)
    image = ax.imshow(share, cmap=SHARES, vmin=0, vmax=100, interpolation="none")
    step = 1 if len(classes) <= MAX_LABELLED_CLASSES else -(-len(classes) // 10)
    ticks = range(0, len(classes), step)
    names = short_names(classes, MAX_CLASS_NAME)
    ax.set_xticks(ticks, [names[k] for k in ticks])
    ax.set_yticks(ticks, [names[k] for k in ticks])
    if max(map(len, names)) > len("0000"):
        ax.tick_params(axis="x", rotation=45, rotation_mode="anchor")
        for tick in ax.get_xticklabels():
            tick.set_horizontalalignment("right")
    for i, j in np.ndindex(*share.shape) if step == 1 else ():
        ax.text(j, i, f"{share[i, j]:.0f}", ha="center", va="center")
    ax.figure.colorbar(image, ax=ax, label="% of the true class", fraction=0.046)
    ax.set(xlabel="predicted class", ylabel="true class", title="Confusion")
    ax.grid(visible=False)
    return ax


def confusion_shares(evaluation: Evaluation) -> tuple[list[Any], np.ndarray]:
    """Return the classes [K], and the share [K, K] in percent of each that is predicted as each.

    >>> from graph_hcl.probes import Evaluation, FoldScore
    >>> fold = FoldScore(0, 0, {}, {}, None, 9, 0, [3, 4], labels=[0, 1], predictions=[0, 0])
    >>> confusion_shares(Evaluation("transductive", "svm", {}, [fold]))[1].tolist()
    [[100.0, 0.0], [100.0, 0.0]]
    """
    labels = [label for fold in evaluation.folds for label in fold.labels]
    predictions = [label for fold in evaluation.folds for label in fold.predictions]
    classes = sorted(set(labels) | set(predictions))
    counts = confusion_matrix(labels, predictions, labels=classes)
    return classes, 100 * counts / counts.sum(1, keepdims=True).clip(1)


@names_arguments()
@in_style
def predictions(
    evaluation: Evaluation, ax: Axes | None = None, *, tasks: Sequence[str] = ()
) -> Axes:
    """Draw predicted against true real targets, over all folds, seeds and draws.

    Of several tasks, each has its colour and marker, and its targets are in units of their
    deviation. A legend names up to `MAX_LEGEND_TASKS` of them.

    Args:
        evaluation: what `evaluate` or `read_results` give.
        ax: where it is drawn; a new figure unless given.
        tasks: names of the tasks, by default their numbers, counted from 0.

    >>> from graph_hcl.probes import Evaluation, FoldScore
    >>> fold = FoldScore(0, 0, {"rmse": 1.0}, {}, None, 9, 0, [3, 4], [0.5, 1.0], [0.0, 1.5])
    >>> predictions(Evaluation("transductive", "ridge", {}, [fold])).get_xlabel()
    'true target'
    """
    ax = canvas(ax, 4.6, 3.8)
    truth, guess = (
        np.concatenate([np.array(getattr(fold, name), dtype=float) for fold in evaluation.folds])
        for name in ("labels", "predictions")
    )
    several = truth.ndim == 2
    listed = several and truth.shape[1] <= MAX_LEGEND_TASKS
    if several:
        mean, unit = np.nanmean(truth, axis=0), np.nanstd(truth, axis=0)
        unit = np.where(unit > 0, unit, 1.0)
        truth, guess = (truth - mean) / unit, (guess - mean) / unit
    named = len(tasks) == truth.shape[-1]
    names = short_names(tasks if named else [f"task {n}" for n in range(truth.shape[-1])])
    for task, (x, y) in enumerate(zip(np.atleast_2d(truth.T), np.atleast_2d(guess.T), strict=True)):
        ax.scatter(
            x,
            y,
            s=8,
            alpha=0.5,
            lw=0,
            color=colour(task),
            marker=MARKERS[task % len(MARKERS)],
            label=legend_name(names[task]) if listed else None,
        )
    ends = [np.nanmin(truth), np.nanmax(truth)]
    ax.plot(ends, ends, color=colour("reference"), lw=1.1)
    unit_text = " (in standard deviations)" if several else ""
    ax.set(
        xlabel=f"true target{unit_text}", ylabel=f"predicted{unit_text}", title="Predicted values"
    )
    return legend_below(ax, columns=4, markerscale=2)
