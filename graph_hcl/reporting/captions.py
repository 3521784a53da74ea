"""Captions of the figures of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from graph_hcl.losses import Exponential, PowerMean
from graph_hcl.plot.embedding import MAX_LEGEND_CLASSES
from graph_hcl.plot.scores import MAX_LABELLED_CLASSES
from graph_hcl.probes import Evaluation
from graph_hcl.reporting.read import EmbeddingSnapshot, RunSummary
from graph_hcl.results import Comparison, of_draws

LOSS = "The objective's own value, averaged over each epoch."
COLLAPSE = "Distances of a batch's class means from a simplex (arXiv 2311.05139, section 5)."
CLASS_MEAN = "Accuracy on a batch, with the class means of the same batch."
RANK = "Effective rank of a batch's features: e to the entropy of their spectrum; low at collapse."
SPREAD = "Alignment is 0 when views agree; uniformity decreases as features spread."
CLASS_SPECTRA = "Covariance of the class means, for the first model of each run."
SPECTRA = "Covariance of the projected features, for the first model of each run."

COMPARED = (
    ("loss", "training loss", "The value of each run's own objective; objectives differ in scale."),
    ("scl", "SCL", "Computed from the features and labels."),
    ("h-scl", "H-SCL", "Computed from the features and labels, with each run's own hardening."),
    ("assumption_1", "anchors under Assumption 1", "With each run's own hardening."),
    ("same_class_mass", "same-class mass of η", "With each run's own hardening."),
    ("class_mean_accuracy", "nearest-class-mean accuracy", "On a batch, with its own class means."),
    ("equal_inner_product", "equal inner product", "0 at neural collapse."),
    ("within_class", "within class", "0 at neural collapse."),
    ("effective_rank", "effective rank", "Of a batch's covariance; low values show collapse."),
)
"""Logged keys that runs are compared by, each with its label and caption."""


def losses(run: RunSummary, floors: bool) -> str:
    """Return the caption of the four losses; `floors` is whether the figure shows floors."""
    levels = "Losses of unnormalised features have no floor."
    if floors:
        levels = (
            f"Grey lines: neural collapse of {run.classes} balanced classes with large batches "
            "(arXiv 2311.05139)."
        )
    return (
        "UCL, H-UCL, SCL and H-SCL (InfoNCE) of the features and labels of each epoch's largest "
        "batch; only supervised objectives train with the labels (arXiv 2209.00078, fig. 5). All "
        "have the same positives and average over negatives; hardening: "
        f"{hardening(run)}. {levels}"
    )


def temperature(run: RunSummary) -> str:
    """Return the caption of the temperature at which the plain loss does the same."""
    return (
        "The temperature at which the loss without hardening has the most parallel gradient on an "
        "epoch's largest batch: with a cosine near 1, hardness is a lower temperature for the "
        f"negatives. Hardening: {hardening(run)}."
    )


def orderings(run: RunSummary) -> str:
    """Return the caption of the statistics of negatives by epoch."""
    return (
        "Assumption 1 (arXiv 2209.00078, fig. 4): the hardened negatives of an anchor's own class "
        "are closer to it than those of other classes. If all anchors satisfy it, H-SCL ≤ H-UCL. "
        f"Mass and sample size are shares of all negatives; hardening: {hardening(run)}."
    )


def similarities(run: RunSummary, space: EmbeddingSnapshot) -> str:
    """Return the caption of the histogram of similarities."""
    _, graphs, label = space.views
    shown, count = len(graphs.unique()), len(space.graphs)
    some = "" if shown == count else f", but only of {shown} of the {count}"
    text = f"Views of {space.description}{some}; weights: {hardening(run)}. "
    if run.contrast.nodes:
        return text + "The objective contrasts nodes with graphs, this figure graphs with graphs."
    if run.contrast.negatives == "label" and label is not None:
        return text + "Graphs of the anchor's class are not negatives in this objective."
    if label is None and run.labelled:
        text += "The targets are no classes. "
    filled = "Filled" if label is None else "Filled and hatched"
    pairs = "all pairs of these graphs" if some else "all pairs of graphs"
    return f"{text}{filled}: {pairs}; outlined: weighted by η."


def spectra(space: EmbeddingSnapshot) -> str:
    """Return the caption of the singular spectra."""
    return f"Singular values of covariances of projected features: {space.description}."


def embedding_map(run: RunSummary, space: EmbeddingSnapshot) -> str:
    """Return the caption of the map."""
    names = ""
    if run.classes > MAX_LEGEND_CLASSES:
        names = " Class names stand at the medians of the classes."
    shown = ["its graph"] + ["id"] * (run.ids is not None) + ["class"] * (run.classes > 1)
    return (
        f"Embeddings before the projection head: {space.description}; each dimension is scaled by "
        f"median and quartiles, outliers pulled in.{names} Hover over a point for "
        f"{' and '.join([', '.join(shown[:-1]), shown[-1]][len(shown) == 1 :])}."
    )


def folds(probe: str, comparisons: Iterable[Comparison], without: Sequence[str] = ()) -> str:
    """Return the caption of a probe's scores, with the runs that have none."""
    draws = of_draws(*(comparison.trained for comparison in comparisons))
    text = f"Probe {probe}: each point is a test fold{draws}; bars are mean ± standard deviation."
    return text + (f" Without scores by this probe: {', '.join(without)}." if without else "")


def predictions(probe: str) -> str:
    """Return the caption of predicted against true real targets.

    >>> predictions("ridge")
    'Probe ridge, all test folds; on the line, both are equal.'
    """
    return f"Probe {probe}, all test folds; on the line, both are equal."


def confusion(probe: str, evaluation: Evaluation) -> str:
    """Return the caption of a confusion matrix; for many classes it lists the worst confusions.

    >>> from graph_hcl.probes import FoldScore
    >>> many = list(range(13))
    >>> fold = FoldScore(0, 0, {}, {}, None, 9, 0, many, many, [1, 1, *many[2:]])
    >>> confusion("svm", Evaluation("transductive", "svm", {}, [fold]))
    'Probe svm, all test folds. Most often confused: 0 as 1 (100 %).'
    """
    which = "all test folds and seeds" if len(evaluation.seeds) > 1 else "all test folds"
    which += f", {evaluation.draws} draws of labels for each" if evaluation.draws > 1 else ""
    pairs = Counter(
        pair
        for fold in evaluation.folds
        for pair in zip(fold.labels, fold.predictions, strict=True)
    )
    totals: Counter[Any] = Counter()
    for (truth, _), count in pairs.items():
        totals[truth] += count
    wrong = sorted(
        ((count / totals[truth], truth, predicted) for (truth, predicted), count in pairs.items()
         if truth != predicted),
        key=lambda pair: (-pair[0], str(pair[1:])),
    )  # fmt: skip
    text = f"Probe {probe}, {which}."
    if len(totals) <= MAX_LABELLED_CLASSES or not wrong:
        return text
    worst = (f"{truth} as {predicted} ({share:.0%})" for share, truth, predicted in wrong[:3])
    return f"{text} Most often confused: {', '.join(worst).replace('%', ' %')}."


def hardening(run: RunSummary) -> str:
    """Return a description of the run's hardening."""
    eta = run.contrast.hardening
    if eta is None:
        return "η = e^s, which the objective does not use"
    if isinstance(eta, PowerMean):
        return f"power mean of order {eta.order:g}"
    return f"η = e^(β s), β = {eta.beta:g}" if isinstance(eta, Exponential) else str(eta)
