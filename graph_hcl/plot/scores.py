"""Scores of a probe: every fold beside its controls, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import confusion_matrix

from graph_hcl.plot.style import COLOURS, MARKERS, canvas, in_style


@in_style
def folds(records: Mapping[str, Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw the accuracy of every fold, its mean and deviation, for runs beside their controls.

    `records` are those of `results.json` by the name of the run: each gives a column for the
    trained and one for the untrained encoder, and the majority class as a line.

    >>> seed = {"scores": [{"accuracy": 0.9}, {"accuracy": 0.8}]}
    >>> record = {"trained": {"seeds": [seed]}, "untrained": {"seeds": [seed]},
    ...           "majority_accuracy": 0.6}
    >>> folds({"h-ucl": record}).get_ylabel()
    'accuracy'
    """
    ax = canvas(ax, width=max(4.6, 1.2 + 1.1 * 2 * len(records)))
    ticks: list[str] = []
    generator = np.random.default_rng(0)
    for number, (name, record) in enumerate(records.items()):
        for offset, kind in enumerate(("trained", "untrained")):
            values = [s["accuracy"] for seed in record[kind]["seeds"] for s in seed["scores"]]
            x = len(ticks)
            ticks.append(name if kind == "trained" else "untrained")
            jitter = generator.uniform(-0.12, 0.12, len(values))
            colour = COLOURS[number % len(COLOURS)] if offset == 0 else "#777777"
            ax.scatter(
                x + jitter, values, s=16, color=colour, alpha=0.5, lw=0, marker=MARKERS[offset]
            )
            mean = float(np.mean(values))
            ax.errorbar(
                x + 0.25, mean, float(np.std(values)), fmt="_", ms=12, color=colour, capsize=3
            )
            ax.annotate(
                f"{100 * mean:.1f}", (x + 0.25, mean), xytext=(8, 0),
                textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
        ax.plot(
            [2 * number - 0.4, 2 * number + 1.6],
            [record["majority_accuracy"]] * 2,
            color="#000000",
            ls=":",
            lw=1,
            label=None if number else "majority class",
        )
    ax.set_xticks(range(len(ticks)), ticks, rotation=20 if len(ticks) > 4 else 0, ha="right"
                  if len(ticks) > 4 else "center")  # fmt: skip
    ax.set_xlim(-0.6, len(ticks) - 0.2)
    ax.set(ylabel="accuracy", title="Test accuracy of each fold")
    ax.grid(axis="x", visible=False)
    ax.legend(loc="lower left")
    return ax


@in_style
def confusion(record: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Draw the share of each class that is taken for each, over all test folds and seeds.

    `record` is one encoder's part of `results.json`, "trained" or "untrained".

    >>> seed = {"scores": [{"labels": [0, 1], "predictions": [0, 0]}]}
    >>> confusion({"seeds": [seed]}).get_xlabel()
    'predicted class'
    """
    ax = canvas(ax, 4.2, 3.6)
    scores = [score for seed in record["seeds"] for score in seed["scores"]]
    truth = [y for score in scores for y in score["labels"]]
    found = [y for score in scores for y in score["predictions"]]
    classes = sorted(set(truth) | set(found))
    counts = confusion_matrix(truth, found, labels=classes)
    share = counts / counts.sum(1, keepdims=True).clip(1)
    image = ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= 12:
        for i, j in np.ndindex(*share.shape):
            shade = "white" if share[i, j] > 0.6 else "black"
            ax.text(j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", color=shade)
        ax.set_xticks(range(len(classes)), classes)
        ax.set_yticks(range(len(classes)), classes)
    ax.figure.colorbar(image, ax=ax, label="share of the true class", fraction=0.046)
    ax.set(xlabel="predicted class", ylabel="true class", title="Confusion (% of the true class)")
    ax.grid(visible=False)
    return ax
