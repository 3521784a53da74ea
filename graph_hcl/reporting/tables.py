"""The words and tables of a report: scores with their controls, differences, settings, versions."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import yaml

from graph_hcl import geometry
from graph_hcl.cli import flat
from graph_hcl.probes.statistics import PairedDifference, corrected_t_test
from graph_hcl.reporting.page import folded, table
from graph_hcl.reporting.read import Run
from graph_hcl.results import percent

TESTED = (
    "Differences are paired over the same folds, in points of accuracy, with the 95 % interval and "
    "p of the corrected resampled t-test (Nadeau and Bengio, 2003)."
)


def results(runs: list[Run]) -> str:
    """Return the table of all probes of all runs, with the controls."""
    head = ["run", "data set", "objective", "protocol", "probe", "accuracy %", "macro-F1 %"]
    head += ["untrained %", "majority %", "trained − untrained", "p"]
    rows = []
    for run in runs:
        for record in run.results.values():
            keys = ("dataset", "objective", "protocol", "probe")
            cells = [run.name, *(record[key] for key in keys)]
            cells += [percent(record["trained"][m]) for m in ("accuracy", "macro_f1")]
            cells += [percent(record["untrained"]["accuracy"])]
            cells += [f"{100 * record['majority_accuracy']:.2f}"]
            rows.append(cells + difference(record["trained"], record["untrained"]))
    if not rows:
        return "<p>No results yet.</p>"
    note = f"Mean ± standard deviation over folds. {TESTED}"
    return table(head, rows) + f'<p class="small">{note}</p>'


def differences(runs: list[Run]) -> str:
    """Return the table of each run against the first, for probes that both have."""
    first, rows = runs[0], []
    for run in runs[1:]:
        for probe, record in run.results.items():
            if probe in first.results:
                other = first.results[probe]
                cells = ["other data or folds: not comparable", ""]
                if same_folds((run, record), (first, other)):
                    cells = difference(record["trained"], other["trained"])
                rows.append([f"{run.name} − {first.name}", probe, *cells])
    return table(["runs", "probe", "difference of accuracy", "p"], rows) if rows else ""


def same_folds(one: tuple[Run, dict[str, Any]], other: tuple[Run, dict[str, Any]]) -> bool:
    """Tell whether two records of results were measured on the same folds of the same data."""

    def folds(run: Run, record: dict[str, Any]) -> tuple[Any, ...]:
        probe = run.config.probe
        tests = [[s["labels"] for s in seed["scores"]] for seed in record["trained"]["seeds"]]
        seeds = [seed["seed"] for seed in record["trained"]["seeds"]]
        drawn = (probe.folds, probe.splits, probe.validation)
        return record["dataset"], record["data_sha256"], record["protocol"], seeds, drawn, tests

    return folds(*one) == folds(*other)


def paired(one: dict[str, Any], other: dict[str, Any]) -> PairedDifference:
    """Return the paired difference of two encoders' accuracies over all folds and seeds.

    >>> def encoder(*values):
    ...     scores = [{"accuracy": v, "train": 9, "test": 1} for v in values]
    ...     return {"seeds": [{"scores": scores}]}
    >>> round(paired(encoder(0.8, 0.7, 0.9), encoder(0.7, 0.7, 0.8)).difference, 4)
    0.0667
    """
    mine, theirs = (
        [score for seed in part["seeds"] for score in seed["scores"]] for part in (one, other)
    )
    ratio = float(np.mean([score["test"] / score["train"] for score in mine]))
    first, second = ([s["accuracy"] for s in scores] for scores in (mine, theirs))
    return corrected_t_test(first, second, test_to_train=ratio)


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the cells of a paired difference: value with interval, and p."""
    found = paired(one, other)
    low, high = (100 * end for end in found.interval)
    text = f"{100 * found.difference:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")
    return [text, f"{found.p_value:.3f}"]


def words(run: Run) -> str:
    """Return what is to be said of a run's state and of its space."""
    text = ""
    if run.unfinished:
        text += f'<p class="note">Not finished: {html.escape(run.unfinished)}</p>'
    if not any("ucl" in record for record in run.records):
        text += "<p>The run logged no diagnosis (--diagnose false, or no epoch).</p>"
    if run.space is not None:
        space = run.space
        live, most = geometry.live_dimensions(space.class_spectrum), len(space.class_spectrum)
        accuracy = float(geometry.nearest_class_mean(space.z, space.labels, space.fitted))
        text += (
            f"<p>Projected features of {html.escape(space.which)}: class means keep {live} of "
            f"{most} live dimensions (σ above {geometry.LIVE:g} of the largest); the nearest class "
            f"mean is right for {100 * accuracy:.1f} %.</p>"
        )
    if len({record["part"] for record in run.records}) > 1:
        text += "<p>Curves are means over the run's models; bands span their extremes.</p>"
    return text


def settings(run: Run) -> str:
    """Return the complete settings, versions and commands, folded away."""
    text = yaml.safe_dump(run.config.to_dict(), sort_keys=False, allow_unicode=True)
    found = folded("Settings", f"<pre>{html.escape(text)}</pre>")
    for probe, record in run.results.items():
        rows = [[name, version] for name, version in record["versions"].items()]
        rows += [["command", " ".join(record["command"])]]
        rows += [["data sha256", str(record["data_sha256"])]]
        rows += [["training", f"{record['train_seconds']:.1f} s"]]
        found += folded(f"Versions and command, probe {probe}", table(["", ""], rows))
    return found


def unlike(runs: list[Run]) -> str:
    """Return the table of the settings in which runs differ."""
    every = [flat(run.config.to_dict()) for run in runs]
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
