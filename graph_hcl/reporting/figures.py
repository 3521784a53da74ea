"""Which figures show a run, or several beside each other, with which words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from graph_hcl import geometry, plot
from graph_hcl.losses import Exponential
from graph_hcl.reporting.read import Run, Space


class Drawing(NamedTuple):
    """A figure of a report: the name of its files, its axes, and its caption."""

    name: str
    ax: Axes
    caption: str


def training(run: Run) -> Iterator[Drawing]:
    """Yield what the log tells: the loss, the four losses, what the negatives are."""
    logged = run.records
    if any("loss" in record for record in logged):
        drawn = plot.compare({run.config.objective: logged}, "loss", "training loss")
        yield Drawing("loss", drawn, "The objective's own value, averaged over each epoch.")
    if not any("ucl" in record for record in logged):
        return
    eta = _eta(run)
    yield Drawing(
        "losses",
        plot.losses(logged, _floors(run)),
        "UCL, H-UCL, SCL and H-SCL (InfoNCE) of the features of each epoch's largest batch, by "
        "labels that the training did not see unless its objective reads them (arXiv 2209.00078, "
        "fig. 5). "
        f"All have the same positives and count negatives by their mean; hardening: {eta}. "
        + _about_floors(run),
    )
    yield Drawing(
        "orderings",
        plot.orderings(logged, run.same_class_share),
        "Assumption 1 (arXiv 2209.00078, fig. 4): the hardened negatives of an anchor's own class "
        "are nearer than those of others. Where it holds for every anchor, H-SCL ≤ H-UCL. Mass "
        f"and sample size are shares of all negatives; hardening: {eta}.",
    )


def collapse(run: Run) -> Iterator[Drawing]:
    """Yield the collapse metrics by epoch."""
    logged, space = run.records, run.space
    if not any("zero_sum" in record for record in logged):
        return
    yield Drawing(
        "collapse",
        plot.collapse(logged),
        "Distances of the class means of a batch from a simplex (arXiv 2311.05139, section 5).",
    )
    label = "nearest-class-mean accuracy"
    drawn = plot.compare({run.config.objective: logged}, "class_mean_accuracy", label)
    yield Drawing("class-mean", drawn, "On a batch, by the batch's own class means.")
    width = None if space is None else space.z.shape[1]
    caption = "exp of the entropy of the spectrum of a batch's covariance; low is collapse."
    yield Drawing("rank", plot.ranks(logged, width), caption)
    caption = "Alignment is 0 when views agree; uniformity falls as features spread."
    yield Drawing("spread", plot.spread(logged), caption)


def space(run: Run, how: str) -> Iterator[Drawing]:
    """Yield what the features of the run's first model look like; `how` is the map."""
    space = run.space
    if space is None:
        return
    objective = run.objective
    eta = getattr(objective, "log_eta", None)
    drawn = plot.similarities(
        *space.views,
        temperature=_temperature(run),
        log_eta=eta,
        positives=getattr(objective, "positives", "views"),
        negatives=_negatives(run),
    )
    yield Drawing("similarities", drawn, _about_similarities(run, space))
    spectra: dict[str, Any] = {"class means": space.class_spectrum}
    if space.fitted is not None:
        spectra["class means, training graphs"] = geometry.class_mean_spectrum(*space.fitted)
    spectra["features"] = geometry.covariance_spectrum(space.z)
    caption = f"Singular values of covariances of projected features: {space.which}."
    yield Drawing("spectra", plot.spectra(spectra), caption)
    points, title = plot.project(space.embeddings, how)
    drawn = plot.embedding_map(points, space.labels, title, space.graphs.tolist())
    caption = (
        f"Standardised embeddings before the projection head: {space.which}. Rest the pointer on "
        "a point for its graph and class."
    )
    yield Drawing("map", drawn, caption)


def scores(run: Run) -> Iterator[Drawing]:
    """Yield every probe's scores per fold and its confusion matrix."""
    for probe, record in run.results.items():
        drawn = plot.folds({run.config.objective: record})
        caption = f"Probe {probe}: each point is a test fold; bars are mean ± standard deviation."
        yield Drawing(f"folds-{probe}", drawn, caption)
        drawn = plot.confusion(record["trained"])
        yield Drawing(f"confusion-{probe}", drawn, f"Probe {probe}, all test folds and seeds.")


def side_by_side(runs: list[Run]) -> Iterator[Drawing]:
    """Yield the figures in which several runs stand together."""
    for probe in dict.fromkeys(probe for run in runs for probe in run.results):
        found = {run.name: run.results[probe] for run in runs if probe in run.results}
        caption = f"Probe {probe}: each point is a test fold; bars are mean ± standard deviation."
        yield Drawing(f"folds-{probe}", plot.folds(found), caption)
    records = {run.name: run.records for run in runs}
    for key, label, caption in (
        ("loss", "training loss", "Each objective's own value; objectives differ in scale."),
        ("scl", "SCL", "Of the features, by labels."),
        ("h-scl", "H-SCL", "Of the features, by labels and each run's own hardening."),
        ("assumption_1", "anchors under Assumption 1", "By each run's own hardening."),
        ("same_class_mass", "same-class mass of η", "By each run's own hardening."),
        ("class_mean_accuracy", "nearest-class-mean accuracy", "Of a batch, by its own means."),
        ("equal_inner_product", "equal inner product", "0 at neural collapse."),
        ("within_class", "within class", "0 at neural collapse."),
        ("effective_rank", "effective rank", "Of a batch's covariance; low is collapse."),
    ):
        if any(key in record for run in runs for record in run.records):
            yield Drawing(key.replace("_", "-"), plot.compare(records, key, label), caption)
    spaces = {run.name: run.space for run in runs if run.space is not None}
    if spaces:
        caption = "Covariance of the class means of each run's first model."
        spectra = {name: space.class_spectrum for name, space in spaces.items()}
        yield Drawing("class-spectra", plot.spectra(spectra, "Spectrum of class means"), caption)
        caption = "Covariance of the projected features of each run's first model."
        spectra = {n: geometry.covariance_spectrum(space.z) for n, space in spaces.items()}
        yield Drawing("spectra", plot.spectra(spectra, "Spectrum of features"), caption)


def _temperature(run: Run) -> float:
    return getattr(run.objective, "temperature", 0.5)


def _eta(run: Run) -> str:
    """Return the hardening in words."""
    eta = getattr(run.objective, "log_eta", None)
    if eta is None:
        return "η = e^s, which the objective itself does not use"
    return f"η = e^(β s), β = {eta.beta:g}" if isinstance(eta, Exponential) else str(eta)


def _negatives(run: Run) -> str:
    """Return whether the loss repels graphs of other labels only, or all others."""
    return getattr(run.objective, "negatives", "all")


def _floors(run: Run) -> dict[str, float]:
    """Return levels that the losses have at neural collapse; none for unbounded features."""
    if run.config.projection.normalize == "none" or run.classes < 2:
        return {}
    temperature, classes = _temperature(run), run.classes
    eta = getattr(run.objective, "log_eta", None)
    floors = {
        "floor of SCL, H-SCL": geometry.loss_floor(classes, temperature),
        "UCL at collapse": geometry.collapse_point(classes, temperature)[0],
    }
    if eta is None or isinstance(eta, Exponential):
        beta = 1.0 if eta is None else eta.beta
        floors["H-UCL at collapse"] = geometry.collapse_point(classes, temperature, beta)[0]
    return floors


def _about_floors(run: Run) -> str:
    if not _floors(run):
        return "Features of any length have no floor."
    return (
        f"Grey lines: neural collapse of {run.classes} balanced classes with large batches "
        "(arXiv 2311.05139)."
    )


def _about_similarities(run: Run, space: Space) -> str:
    text = f"Views of {space.which}; weights by {_eta(run)}. "
    if getattr(run.objective, "reads_nodes", False):
        return text + "The loss itself contrasts nodes with graphs; here, graphs with graphs."
    if _negatives(run) == "label":
        return text + "Graphs of the anchor's own class are no negatives of this objective."
    return text + "Filled and hatched: all pairs of graphs; outlined: where the weight falls."
