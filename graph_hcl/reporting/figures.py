"""The figures of a report, for single runs and for comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from graph_hcl import geometry, plot
from graph_hcl.losses import Exponential, PowerMean
from graph_hcl.own_labels import own_labels
from graph_hcl.plot.curves import finite_number
from graph_hcl.plot.scores import MAX_LABELLED_CLASSES, confusion_shares
from graph_hcl.probes import Evaluation
from graph_hcl.reporting import captions
from graph_hcl.reporting.read import RunSummary
from graph_hcl.results import Comparison


class Drawing(NamedTuple):
    """A figure of a report: file name, axes, caption, and what stands below it.

    That is a box that searches its points, if it is `searchable`, and the rows of a table of its
    `numbers`, header first.
    """

    name: str
    ax: Axes
    caption: str
    searchable: bool = False
    numbers: Sequence[Sequence[str]] = ()


def training(run: RunSummary) -> Iterator[Drawing]:
    """Yield the logged curves: the training loss, the four losses, and negative statistics."""
    records = run.records
    if has_values(run, "loss"):
        drawn = plot.compare({run.config.objective: records}, "loss", "training loss")
        yield Drawing("loss", drawn, captions.LOSS)
    if has_values(run, "ucl"):
        floors = _floors(run)
        drawn = plot.losses(records, floors)
        yield Drawing("losses", drawn, captions.losses(run, bool(floors)))
        share = run.same_class_share if run.classes > 1 else None
        yield Drawing("orderings", plot.orderings(records, share), captions.orderings(run))
    if has_values(run, "matched_temperature"):
        drawn = plot.temperatures(records, _temperatures(run))
        yield Drawing("temperature", drawn, captions.temperature(run))


def collapse(run: RunSummary) -> Iterator[Drawing]:
    """Yield the collapse metrics, accuracy, rank and spread by epoch."""
    records, space = run.records, run.space
    if has_values(run, "zero_sum"):
        yield Drawing("collapse", plot.collapse(records), captions.COLLAPSE)
    if has_values(run, "class_mean_accuracy") and run.classes > 1:
        label = "nearest-class-mean accuracy"
        drawn = plot.compare({run.config.objective: records}, "class_mean_accuracy", label)
        yield Drawing("class-mean", drawn, captions.CLASS_MEAN)
    if has_values(run, "effective_rank"):
        width = None if space is None else space.z.shape[1]
        yield Drawing("rank", plot.ranks(records, width), captions.RANK)
    if has_values(run, "uniformity"):
        yield Drawing("spread", plot.spread(records), captions.SPREAD)


def space(run: RunSummary, method: str) -> Iterator[Drawing]:
    """Yield figures of the features of the run's first model; `method` is that of the map."""
    space, contrast = run.space, run.contrast
    if space is None:
        return
    kinds: dict[str, Any] = {"positives": contrast.positives, "negatives": contrast.negatives}
    drawn = plot.similarities(
        *space.views,
        temperature=contrast.temperature,
        hardening=contrast.hardening,
        **(kinds if space.views[-1] is not None else {}),
    )
    yield Drawing("similarities", drawn, captions.similarities(run, space))
    spectra: dict[str, Any] = {}
    # Two class means always span a single dimension.
    if run.classes > 2:
        spectra["class means"] = space.class_spectrum
        if space.training is not None:
            spectra["class means, training graphs"] = geometry.class_mean_spectrum(*space.training)
    spectra["features"] = geometry.covariance_spectrum(space.z)
    yield Drawing("spectra", plot.spectra(spectra), captions.spectra(space))
    points, title = plot.project(space.embeddings, method)
    labels = own_labels(space.labels.numpy(), run.class_names) if run.classes > 1 else None
    drawn = plot.embedding_map(points, labels, title, _names(run, space.graphs.tolist()))
    yield Drawing("map", drawn, captions.embedding_map(run, space), searchable=True)


def scores(run: RunSummary) -> Iterator[Drawing]:
    """Yield every probe's scores per fold and its confusion matrix."""
    for probe, comparison in run.results.items():
        drawn = plot.folds({run.config.objective: comparison})
        yield Drawing(f"folds-{probe}", drawn, captions.folds(probe, [comparison]))
        trained = comparison.trained
        if trained.kind == "regression":
            drawn = plot.predictions(trained, tasks=run.tasks)
            yield Drawing(f"predictions-{probe}", drawn, captions.predictions(probe))
        elif trained.kind != "multilabel" and run.classes > 1:
            named = with_own_labels(trained, comparison.about.classes or run.class_names)
            drawn, caption = plot.confusion(named), captions.confusion(probe, named)
            yield Drawing(f"confusion-{probe}", drawn, caption, numbers=_percentages(named))


def side_by_side(runs: list[RunSummary]) -> Iterator[Drawing]:
    """Yield the figures that compare several runs; unfinished ones are marked.

    Each figure gets all runs, those without data as None, so that a run has one colour on the page.
    """
    for probe in dict.fromkeys(probe for run in runs for probe in run.results):
        metric = next(run.results[probe] for run in runs if probe in run.results).metrics[0]
        scored = {run.marked_name: _scored(run, probe, metric) for run in runs}
        without = [name for name, one in scored.items() if one is None]
        present = [one for one in scored.values() if one is not None]
        caption = captions.folds(probe, present, without)
        yield Drawing(f"folds-{probe}", plot.folds(scored), caption)
    records = {run.marked_name: run.records for run in runs}
    for key, label, caption in captions.COMPARED:
        if any(has_values(run, key) for run in runs):
            yield Drawing(compared_name(key), plot.compare(records, key, label), caption)
    for name, spectrum, title, caption in (
        ("class-spectra", _class_spectrum, "Spectrum of class means", captions.CLASS_SPECTRA),
        ("spectra", _spectrum, "Spectrum of features", captions.SPECTRA),
    ):
        spectra = {run.marked_name: spectrum(run) for run in runs}
        if any(values is not None for values in spectra.values()):
            yield Drawing(name, plot.spectra(spectra, title), caption)


def with_own_labels(evaluation: Evaluation, classes: Sequence[str]) -> Evaluation:
    """Return an evaluation whose labels and predictions are the names of classes [K] by position.

    >>> from graph_hcl.probes import FoldScore
    >>> fold = FoldScore(0, 0, {}, {}, None, 9, 0, [3, 4], labels=[0, 1], predictions=[0, 0])
    >>> evaluation = Evaluation("transductive", "svm", {}, [fold])
    >>> with_own_labels(evaluation, ["path", "ring"]).folds[0].labels
    ['path', 'ring']
    """
    codes = [code for fold in evaluation.folds for code in (*fold.labels, *fold.predictions)]
    if not classes or max(codes) >= len(classes):  # the user's own values, or of other data
        return evaluation

    def named(codes: list[Any]) -> list[Any]:
        return list(own_labels(np.array(codes), classes).tolist())

    folds = [
        replace(fold, labels=named(fold.labels), predictions=named(fold.predictions))
        for fold in evaluation.folds
    ]
    return replace(evaluation, folds=folds)


def _percentages(evaluation: Evaluation) -> list[list[str]]:
    """Return the rows of a confusion matrix in percent, header first; none of many classes."""
    classes, shares = confusion_shares(evaluation)
    if len(classes) > MAX_LABELLED_CLASSES:
        return []
    head = ["true class", *(f"% as {name}" for name in classes)]
    rows = zip(classes, shares, strict=True)
    return [head, *([str(name), *(f"{share:.0f}" for share in row)] for name, row in rows)]


def _names(run: RunSummary, graphs: list[int]) -> list[Any]:
    """Return what a map calls graphs: their numbers, and their ids if they have any."""
    return graphs if run.ids is None else [f"{graph}, id {run.ids[graph]}" for graph in graphs]


def _scored(run: RunSummary, probe: str, metric: str) -> Comparison | None:
    """Return a run's scores of a probe; None without that metric, as others do not compare."""
    found = run.results.get(probe)
    return found if found is not None and metric in found.metrics else None


def _class_spectrum(run: RunSummary) -> Tensor | None:
    """Return the spectrum of a run's class means, None of two, which span a single dimension."""
    return None if run.space is None or run.classes <= 2 else run.space.class_spectrum


def _spectrum(run: RunSummary) -> Tensor | None:
    return None if run.space is None else geometry.covariance_spectrum(run.space.z)


def compared_name(key: str) -> str:
    """Return the name of the figure that compares runs by a logged key.

    >>> compared_name("same_class_mass")
    'same-class-mass'
    """
    return key.replace("_", "-")


def has_values(run: RunSummary, key: str) -> bool:
    """Return whether the run's log has a finite value of `key` in any epoch."""
    return any(finite_number(record.get(key)) is not None for record in run.records)


def _temperatures(run: RunSummary) -> dict[str, float]:
    """Return the run's own temperature, and that of the law where a β describes its hardening."""
    temperature, hardening = run.contrast.temperature, run.contrast.hardening
    levels = {"the loss's own T": temperature}
    if isinstance(hardening, Exponential | PowerMean):
        kind = "power" if isinstance(hardening, PowerMean) else "exponential"
        detached = bool(run.config.loss.detach_weights)
        levels["by the law"] = geometry.equivalent_temperature(
            temperature, hardening.beta, detach_weights=detached, hardening=kind
        )
    return levels


def _floors(run: RunSummary) -> dict[str, float]:
    """Return the losses at neural collapse by name; none for unnormalised features."""
    if run.config.projection.normalize == "none" or run.classes < 2:
        return {}
    temperature, eta, classes = run.contrast.temperature, run.contrast.hardening, run.classes
    floors = {
        "floor of SCL, H-SCL": geometry.loss_floor(classes, temperature),
        "UCL at collapse": geometry.collapse_point(classes, temperature)[0],
    }
    if eta is None or isinstance(eta, Exponential):
        beta = 1.0 if eta is None else eta.beta
        floors["H-UCL at collapse"] = geometry.collapse_point(classes, temperature, beta)[0]
    return floors
