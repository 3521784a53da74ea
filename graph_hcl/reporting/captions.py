"""Captions of the figures of a report."""

from __future__ import annotations

from collections import Counter
from typing import Any

from graph_hcl.losses import Exponential
from graph_hcl.plot.embedding import MAX_LEGEND_CLASSES
from graph_hcl.plot.scores import MAX_LABELLED_CLASSES
from graph_hcl.probes import Evaluation
from graph_hcl.reporting.read import EmbeddingSnapshot, RunSummary

LOSS = "The objective's own value, averaged over each epoch."
COLLAPSE = "Distances of the class means of a batch from a simplex (arXiv 2311.05139, section 5)."
CLASS_MEAN = "On a batch, by the batch's own class means."
RANK = "exp of the entropy of the spectrum of a batch's covariance; low is collapse."
SPREAD = "Alignment is 0 when views agree; uniformity falls as features spread."
CLASS_SPECTRA = "Covariance of the class means of each run's first model."
SPECTRA = "Covariance of the projected features of each run's first model."

COMPARED = (
    ("loss", "training loss", "Each objective's own value; objectives differ in scale."),
    ("scl", "SCL", "Of the features, by labels."),
    ("h-scl", "H-SCL", "Of the features, by labels and each run's own hardening."),
    ("assumption_1", "anchors under Assumption 1", "By each run's own hardening."),
    ("same_class_mass", "same-class mass of η", "By each run's own hardening."),
    ("class_mean_accuracy", "nearest-class-mean accuracy", "Of a batch, by its own means."),
    ("equal_inner_product", "equal inner product", "0 at neural collapse."),
    ("within_class", "within class", "0 at neural collapse."),
    ("effective_rank", "effective rank", "Of a batch's covariance; low is collapse."),
)
"""Keys of the log that runs are compared by, with the name of the value and the caption."""


def losses(run: RunSummary, floors: bool) -> str:
    """Return what the figure of the four losses shows; `floors` tells whether it has levels."""
    levels = "Features of any length have no floor."
    if floors:
        levels = (
            f"Grey lines: neural collapse of {run.classes} balanced classes with large batches "
            "(arXiv 2311.05139)."
        )
    return (
        "UCL, H-UCL, SCL and H-SCL (InfoNCE) of the features of each epoch's largest batch, by "
        "labels that the training did not see unless its objective reads them (arXiv 2209.00078, "
        "fig. 5). All have the same positives and count negatives by their mean; hardening: "
        f"{hardening(run)}. {levels}"
    )


def orderings(run: RunSummary) -> str:
    """Return what the figure of the negatives by epoch shows."""
    return (
        "Assumption 1 (arXiv 2209.00078, fig. 4): the hardened negatives of an anchor's own class "
        "are nearer than those of others. Where it holds for every anchor, H-SCL ≤ H-UCL. Mass "
        f"and sample size are shares of all negatives; hardening: {hardening(run)}."
    )


def similarities(run: RunSummary, space: EmbeddingSnapshot) -> str:
    """Return what the histogram of similarities shows."""
    text = f"Views of {space.which}; weights by {hardening(run)}. "
    if run.contrast.nodes:
        return text + "The loss itself contrasts nodes with graphs; here, graphs with graphs."
    if run.contrast.negatives == "label":
        return text + "Graphs of the anchor's own class are no negatives of this objective."
    return text + "Filled and hatched: all pairs of graphs; outlined: where the weight falls."


def spectra(space: EmbeddingSnapshot) -> str:
    """Return what the figure of spectra shows."""
    return f"Singular values of covariances of projected features: {space.which}."


def embedding_map(run: RunSummary, space: EmbeddingSnapshot) -> str:
    """Return what the map shows, and how to find one's way on it."""
    names = ""
    if len(space.labels.unique()) > MAX_LEGEND_CLASSES:
        names = " Colours do not tell so many classes apart: names stand at the classes' medians."
    return (
        f"Embeddings before the projection head: {space.which}; each dimension in robust units, "
        f"its tails compressed.{names} Rest the pointer on a point for its graph and class."
    )


def folds(probe: str, without: list[str]) -> str:
    """Return what the figure of a probe's scores shows, and which runs have none yet."""
    text = f"Probe {probe}: each point is a test fold; bars are mean ± standard deviation."
    return text + (f" Without scores by this probe: {', '.join(without)}." if without else "")


def confusion(probe: str, evaluation: Evaluation) -> str:
    """Return what a confusion matrix shows, with the worst pairs where it cannot name them.

    >>> from graph_hcl.probes import FoldScore
    >>> many = list(range(13))
    >>> fold = FoldScore(0, 0, {}, {}, None, 9, 0, many, many, [1, 1, *many[2:]])
    >>> confusion("svm", Evaluation("transductive", "svm", {}, [fold]))
    'Probe svm, all test folds. Most often confused: 0 as 1 (100 %).'
    """
    which = "all test folds and seeds" if len(evaluation.seeds) > 1 else "all test folds"
    pairs = Counter(
        pair
        for fold in evaluation.folds
        for pair in zip(fold.labels, fold.predictions, strict=True)
    )
    totals: Counter[Any] = Counter()
    for (truth, _), count in pairs.items():
        totals[truth] += count
    wrong = sorted(
        ((count / totals[truth], truth, taken) for (truth, taken), count in pairs.items()
         if truth != taken),
        key=lambda pair: (-pair[0], str(pair[1:])),
    )  # fmt: skip
    text = f"Probe {probe}, {which}."
    if len(totals) <= MAX_LABELLED_CLASSES or not wrong:
        return text
    worst = (f"{truth} as {taken} ({share:.0%})" for share, truth, taken in wrong[:3])
    return f"{text} Most often confused: {', '.join(worst).replace('%', ' %')}."


def hardening(run: RunSummary) -> str:
    """Return the run's hardening in words."""
    eta = run.contrast.hardening
    if eta is None:
        return "η = e^s, which the objective itself does not use"
    return f"η = e^(β s), β = {eta.beta:g}" if isinstance(eta, Exponential) else str(eta)
