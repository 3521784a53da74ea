"""The tables of a report: scores with their controls, differences, settings, versions."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np
import yaml

from graph_hcl import geometry
from graph_hcl.plot.curves import finite_number
from graph_hcl.probes import METRICS, Evaluation, PairedDifference, corrected_t_test
from graph_hcl.reporting.page import folded, named, raw_table, table
from graph_hcl.reporting.read import RunSummary
from graph_hcl.results import Comparison, percent, title
from graph_hcl.settings import flat_settings

TESTED = (
    "Differences are paired over the same folds, in points of accuracy, with the 95 % interval and "
    "p of the corrected resampled t-test (Nadeau and Bengio, 2003)."
)


def results(runs: list[RunSummary]) -> str:
    """Return the table of all probes of all runs, with the controls; unfinished runs are marked."""
    scored = [comparison for run in runs for comparison in run.results.values()]
    metrics = list(dict.fromkeys(name for one in scored for name in one.metrics)) or list(METRICS)
    head = ["run", *(f"{title(metric)} %" for metric in metrics), "untrained %", "majority %"]
    head += ["trained − untrained", "p"]
    rows = []
    for run in runs:
        about, note = f"{run.config.objective} on {run.config.dataset}", status(run)
        for probe, comparison in run.results.items():
            description = f"{about}, {comparison.protocol}, probe {probe}"
            mine, trained = comparison.metrics, comparison.trained
            cells = [score(trained, name) if name in mine else "" for name in metrics]
            cells += [score(comparison.untrained)]
            cells += [f"{100 * comparison.about.majority_accuracy:.2f}"]
            # Without an epoch both encoders are the same one.
            same = not run.config.epochs
            cells += ["", ""] if same else difference(comparison.trained, comparison.untrained)
            rows.append([named(run.name, description, note), *map(html.escape, cells)])
        if not run.results:
            description = f"{about}, {run.config.protocol}, probe {run.config.probe.name}"
            lacks = "no scores yet" if run.labelled else "no labels"
            rows.append([named(run.name, description, note), lacks, *[""] * (len(head) - 2)])
    if not scored:
        return raw_table(head[:2], (row[:2] for row in rows), "rows")
    note = f"Mean ± standard deviation over folds. {TESTED}"
    return raw_table(head, rows, "rows") + f'<p class="small">{note}</p>'


def status(run: RunSummary) -> str:
    """Return what a run lacks and how far it came, in words; nothing for a finished run."""
    if not run.unfinished:
        if not run.labelled:
            return "The graphs have no labels, so there is nothing to measure."
        return "" if run.results else "Not evaluated: graph_hcl.evaluate measures it."
    text = f"Not finished: {run.unfinished}"
    last = max((record["epoch"] for record in run.records), default=0)
    losses = [finite_number(r.get("loss")) for r in run.records if r["epoch"] == last]
    numbers = [loss for loss in losses if loss is not None]
    if numbers:
        text += f" Training loss at epoch {last}: {sum(numbers) / len(numbers):.4g}."
    return text


def score(evaluation: Evaluation, metric: str | None = None) -> str:
    """Return mean and standard deviation of a metric in percent, of the first unless given.

    >>> from graph_hcl.probes import FoldScore
    >>> folds = [FoldScore(0, k, {"accuracy": a}, {}, None, 9, 0, [], [], [])
    ...          for k, a in enumerate((0.5, 0.75))]
    >>> score(Evaluation("transductive", "svm", {}, folds))
    '62.50 ± 12.50'
    """
    scores = evaluation[metric or evaluation.metrics[0]]
    return percent(scores.mean, scores.std) if math.isfinite(scores.mean) else "not a number"


def differences(runs: list[RunSummary]) -> str:
    """Return the table of each run against the first, for probes that both have."""
    first, rows, apart = runs[0], [], []
    for run in runs[1:]:
        for probe, comparison in run.results.items():
            if probe not in first.results:
                continue
            other = first.results[probe]
            if same_folds(comparison, other):
                cells = difference(comparison.trained, other.trained)
                rows.append([f"{run.name} − {first.name}", probe, *cells])
            else:
                apart.append(f"{run.name} (probe {probe})")
    head = ["runs", "probe", "difference of accuracy", "p"]
    text = table(head, rows, "rows") if rows else ""
    if apart:
        names = html.escape(f"{', '.join(apart)} and {first.name}")
        text += f'<p class="small">Not comparable, for their data or folds differ: {names}.</p>'
    return text


def same_folds(one: Comparison, other: Comparison) -> bool:
    """Tell whether two comparisons were measured on the same folds of the same data."""

    def folds(comparison: Comparison) -> tuple[Any, ...]:
        about = comparison.about
        drawn = [(f.seed, f.fold, f.train, f.test) for f in comparison.trained.folds]
        return about.dataset, about.data_sha256, comparison.protocol, drawn

    return folds(one) == folds(other)


def paired(one: Evaluation, other: Evaluation) -> PairedDifference:
    """Return the paired difference of the first metric of two encoders over all folds and seeds.

    >>> from graph_hcl.probes import FoldScore
    >>> def encoder(*values):
    ...     folds = [FoldScore(0, k, {"accuracy": v}, {}, None, 9, 0, [k], [], [])
    ...              for k, v in enumerate(values)]
    ...     return Evaluation("transductive", "svm", {}, folds)
    >>> round(paired(encoder(0.8, 0.7, 0.9), encoder(0.7, 0.7, 0.8)).difference, 4)
    0.0667
    """
    ratio = float(np.mean([len(fold.test) / fold.train for fold in one.folds]))
    first, second = _scores(one), _scores(other)
    return corrected_t_test(first, second, test_to_train=ratio)


def difference(one: Evaluation, other: Evaluation) -> list[str]:
    """Return the cells of a paired difference: value with interval, and p.

    A single fold, or scores that are not finite, cannot be tested.
    """
    scores = [*_scores(one), *_scores(other)]
    if len(scores) < 4 or not all(map(math.isfinite, scores)):
        return ["not testable", ""]
    tested = paired(one, other)
    low, high = (100 * end for end in tested.interval)
    text = f"{100 * tested.difference:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")
    return [text, "< 0.001" if tested.p_value < 0.0005 else f"{tested.p_value:.3f}"]


def _scores(evaluation: Evaluation) -> list[float]:
    return list(evaluation[evaluation.metrics[0]].values.values())


def status_notes(run: RunSummary) -> str:
    """Return what is to be said of a run's state and of its space."""
    text, space = "", run.space
    if run.unfinished:
        text += f'<p class="note">{html.escape(status(run))}</p>'
    if run.labelled and not any("ucl" in record for record in run.records):
        text += "<p>The run logged no diagnosis (--diagnose false, or no epoch).</p>"
    if any("loss" in r and finite_number(r["loss"]) is None for r in run.records):
        text += '<p class="note">The training loss is not finite in some epochs.</p>'
    if space is not None and run.classes > 1:
        accuracy = float(geometry.nearest_class_mean(space.z, space.labels, space.fitted))
        nearest = f"the nearest class mean is right for {100 * accuracy:.1f} %"
        live, most = geometry.live_dimensions(space.class_spectrum), len(space.class_spectrum)
        # Two class means have one dimension, whatever the features are.
        dimensions = (
            f"class means keep {live} of {most} live dimensions (σ above {geometry.LIVE:g} of the "
            "largest); "
        )
        about = html.escape(space.which)
        keeps = dimensions if most > 1 else ""
        text += f"<p>Projected features of {about}: {keeps}{nearest}.</p>"
    if space is None and run.labelled and not run.unfinished:
        text += '<p class="note">The first model\'s embeddings are not finite.</p>'
    if len({record["part"] for record in run.records}) > 1:
        text += "<p>Curves are means over the run's models; bands span their extremes.</p>"
    return text


def settings(run: RunSummary) -> str:
    """Return the complete settings, versions and commands, folded away."""
    text = yaml.safe_dump(run.config.to_dict(), sort_keys=False, allow_unicode=True)
    blocks = folded("Settings", f"<pre>{html.escape(text)}</pre>")
    for probe, comparison in run.results.items():
        about = comparison.about
        rows = [[name, str(version)] for name, version in about.versions.items()]
        rows += [["command", " ".join(map(str, about.command))]]
        rows += [["data sha256", about.data_sha256]]
        rows += [["training", f"{about.train_seconds:.1f} s"]]
        blocks += folded(f"Versions and command, probe {probe}", table(["", ""], rows, "long"))
    return blocks


def settings_diff(runs: list[RunSummary]) -> str:
    """Return the table of the settings in which runs differ."""
    every = [flat_settings(run.config) for run in runs]
    rows = []
    for key in dict.fromkeys(key for one in every for key in one):
        values = [one.get(key) for one in every]
        if key != "out" and any(value != values[0] for value in values):
            rows.append([key, *(_text(value) for value in values)])
    return table(["setting", *(run.name for run in runs)], rows) if rows else ""


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
