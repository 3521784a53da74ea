"""The report itself: which figures, in which order, with which words."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes

from graph_hcl import geometry, plot
from graph_hcl.files import write_atomically
from graph_hcl.page import figure, page, section, table
from graph_hcl.reported import Reported, Space

Drawing = tuple[str, Axes, str]
"""Name of the file, what is drawn, caption."""


def write_report(runs: list[Reported], out: Path, how: str = "pca") -> Path:
    """Write the page to `out` and each figure as SVG and PNG beside it; return their folder.

    `how` is the map, pca or umap. Raises `UserError` for another map.
    """
    alone = out.name == "report.html" and len(runs) == 1
    folder = out.parent / ("figures" if alone else f"{out.stem}_figures")
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    if len(runs) > 1:
        sections.append(_section("Side by side", _results(runs), _comparison(runs), folder, "all"))
    for number, one in enumerate(runs):
        title = f"{one.name}: {one.config.objective} on {one.config.dataset}"
        text = _results([one]) + _words(one)
        drawings = _drawings(one, how)
        sections.append(_section(title, text, drawings, folder, f"run{number}") + _settings(one))
    title = f"graph_hcl report: {', '.join(one.name for one in runs)}"
    text = page(title, *sections)
    write_atomically(out, lambda to: to.write_text(text, encoding="utf-8"))
    return folder


def _section(title: str, text: str, drawings: Iterator[Drawing], folder: Path, prefix: str) -> str:
    parts = [text]
    for name, ax, caption in drawings:
        plot.save(ax, folder / f"{prefix}-{name}")
        parts.append(figure(ax, caption, f"{prefix}-{name}"))
    return section(title, *parts)


def _comparison(runs: list[Reported]) -> Iterator[Drawing]:
    records = {one.name: one.records for one in runs}
    for key, label, caption in (
        ("loss", "training loss", "The objective's own value; objectives differ in scale."),
        ("h-scl", "H-SCL", "The supervised hardened loss of the features, by labels, each epoch."),
        ("assumption_1", "Assumption 1", "Share of anchors whose same-class negatives are nearer."),
        ("effective_rank", "effective rank", "Of the features' covariance; low is collapse."),
        ("class_mean_accuracy", "class-mean accuracy", "Of the batch's own class means."),
    ):
        if any(key in record for one in runs for record in one.records):
            yield key, plot.compare(records, key, label), caption
    spectra = {one.name: _spectrum(one.space) for one in runs if one.space is not None}
    if spectra:
        yield "spectra", plot.spectra(spectra), "Covariance of the class means of the features."
    scores = {one.name: _first(one.results) for one in runs if one.results}
    if scores:
        yield "folds", plot.folds(scores), "Each point is a test fold; bars are mean ± deviation."


def _drawings(one: Reported, how: str) -> Iterator[Drawing]:
    logged, space = one.records, one.space
    temperature = getattr(one.objective, "temperature", 0.5)
    floor = None if space is None else geometry.loss_floor(one.classes, temperature)
    if any("ucl" in record for record in logged):
        yield (
            "losses",
            plot.losses(logged, floor),
            "UCL, H-UCL, SCL and H-SCL of the features of each epoch's largest batch, by labels "
            "that the training did not see unless its objective reads them (arXiv 2209.00078, "
            "fig. 5).",
        )
        yield (
            "orderings",
            plot.orderings(logged),
            "Assumption 1 (arXiv 2209.00078, fig. 4): where it holds for all anchors, "
            "H-SCL ≤ H-UCL. Mass and sample size are those of the hardened negatives.",
        )
        yield "collapse", plot.collapse(logged), "arXiv 2311.05139, section 5; 0 is collapse."
        width = None if space is None else min(space.z.shape)
        yield "rank", plot.ranks(logged, width), "exp of the entropy of the covariance's spectrum."
    if space is not None:
        label = torch.from_numpy(space.labels)
        eta = getattr(one.objective, "log_eta", None)
        if callable(eta):
            drawn = plot.similarities(space.z, label, temperature, eta)
            yield "similarities", drawn, f"Inner products of features of {space.which}; one view."
        spectra = {"class means": _spectrum(space)}
        if space.fitted is not None:
            z, y = space.fitted
            spectra["class means, training graphs"] = geometry.class_mean_spectrum(
                z, torch.from_numpy(y)
            )
        spectra["features"] = geometry.covariance_spectrum(space.z)
        yield "spectra", plot.spectra(spectra), f"Singular values of covariances: {space.which}."
        points, caption = plot.project(space.embeddings, how)
        drawn = plot.embedding_map(points, space.labels, caption)
        yield "map", drawn, f"Embeddings before the projection head: {space.which}."
    if one.results:
        record = _first(one.results)
        scores = plot.folds({one.config.objective: record})
        yield "folds", scores, f"Probe {record['probe']}: each point is a test fold."
        yield "confusion", plot.confusion(record["trained"]), "Over all test folds and seeds."


def _spectrum(space: Space) -> torch.Tensor:
    return geometry.class_mean_spectrum(space.z, torch.from_numpy(space.labels))


def _first(results: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = next(iter(results.values()))
    return record


def _results(runs: list[Reported]) -> str:
    """Return the table of all probes of all runs, with the controls."""

    def percent(score: dict[str, float]) -> str:
        return f"{100 * score['mean']:.2f} ± {100 * score['std_folds']:.2f}"

    rows = []
    for one in runs:
        for record in one.results.values():
            cells = [one.name, record["objective"], record["protocol"], record["probe"]]
            cells += [percent(record["trained"][m]) for m in ("accuracy", "macro_f1")]
            cells += [percent(record["untrained"]["accuracy"])]
            rows.append([*cells, f"{100 * record['majority_accuracy']:.2f}"])
    head = ["run", "objective", "protocol", "probe", "accuracy %", "macro-F1 %"]
    if not rows:
        return "<p>No results yet.</p>"
    return table([*head, "untrained encoder %", "majority class %"], rows) + (
        "<p>Mean ± standard deviation over folds.</p>"
    )


def _words(one: Reported) -> str:
    done = max(record["epoch"] for record in one.records)
    text = ""
    if one.space is None:
        text += (
            f'<p class="note">Not trained to its end ({done} of {one.config.epochs} epochs of the '
            "part that is furthest): figures of the embedding space are left out.</p>"
        )
    else:
        z, label = one.space.z, torch.from_numpy(one.space.labels)
        live = geometry.live_dimensions(_spectrum(one.space))
        fitted = one.space.fitted
        known = None if fitted is None else (fitted[0], torch.from_numpy(fitted[1]))
        accuracy = float(geometry.nearest_class_mean(z, label, known))
        text += (
            f"<p>Features of {html.escape(one.space.which)}: the class means keep {live} of "
            f"{len(_spectrum(one.space))} live dimensions (σ above {geometry.LIVE:g} of the "
            f"largest); the nearest class mean is right for {100 * accuracy:.1f} %.</p>"
        )
    if len({record["part"] for record in one.records}) > 1:
        text += "<p>Curves are means over the run's models; bands span their extremes.</p>"
    return text


def _settings(one: Reported) -> str:
    """Return the complete settings, versions and commands, folded away."""
    text = json.dumps(one.config.to_dict(), indent=1, ensure_ascii=False)
    found = f"<details><summary>Settings</summary><pre>{html.escape(text)}</pre></details>"
    for probe, record in one.results.items():
        rows = [[name, version] for name, version in record["versions"].items()]
        rows += [["command", " ".join(record["command"])], ["data sha256", record["data_sha256"]]]
        rows += [["training", f"{record['train_seconds']:.1f} s"]]
        versions = table(["", ""], rows)
        found += f"<details><summary>Versions, {html.escape(probe)}</summary>{versions}</details>"
    return found
