"""The tables of a report: scores with baselines, differences, settings and versions."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from graph_hcl import geometry
from graph_hcl.calling import called
from graph_hcl.errors import UserError
from graph_hcl.geometry.collapse import LIVE
from graph_hcl.plot.curves import finite_number
from graph_hcl.probes import METRICS, Evaluation, compare, holm
from graph_hcl.probes.metrics import title
from graph_hcl.probes.statistics import p_text
from graph_hcl.probes.telling import heading, told
from graph_hcl.reporting.page import collapsible, raw_table, row_header, table
from graph_hcl.reporting.read import RunSummary
from graph_hcl.results import Comparison, deviations, directions, of_draws
from graph_hcl.settings import flat_settings
from graph_hcl.yaml_text import write_yaml

TESTED = (
    "Differences of the first metric, shares in percentage points, are paired over the same folds, "
    "with the 95 % interval and p-value of the corrected resampled t-test (Nadeau and Bengio, "
    "2003); p (Holm) is corrected for all tests of the table."
)


def results(runs: list[RunSummary]) -> str:
    """Return the scores of all probes and runs, with baselines; unfinished runs are marked."""
    scored = [comparison for run in runs for comparison in run.results.values()]
    metrics = list(
        dict.fromkeys(name for comparison in scored for name in comparison.metrics)
    ) or list(METRICS)
    # Targets that are no classes have no majority.
    has_majority = any(comparison.about.majority_accuracy is not None for comparison in scored)
    head = ["run", *map(heading, metrics), "untrained", *["majority %"] * has_majority]
    head += ["trained − untrained", "p", "p (Holm)"]
    rows: list[list[str]] = []
    p_values: list[float | None] = []
    for run in runs:
        about, note = f"{run.config.objective} on {run.config.dataset}", status(run)
        for probe, comparison in run.results.items():
            description = f"{about}, {comparison.protocol}, probe {probe}"
            own, trained = comparison.metrics, comparison.trained
            cells = [score(trained, name) if name in own else "" for name in metrics]
            before = comparison.about.init_from
            cells += [score(comparison.untrained) + (f" ({before})" if before else "")]
            majority = comparison.about.majority_accuracy
            if has_majority:
                cells += ["" if majority is None else f"{100 * majority:.2f}"]
            # Without training, both encoders are equal.
            text, p = "", None
            if run.config.epochs:
                text, p = difference(comparison.trained, comparison.untrained)
            p_values.append(p)
            cells = [*map(html.escape, [*cells, text])]
            rows.append([row_header(run.name, description, note), *cells])
        if not run.results:
            named = f", probe {run.config.probe.name}" if run.config.probe.name else ""
            description = f"{about}, {run.config.protocol}{named}"
            placeholder = "no scores yet" if run.labelled else "no labels"
            p_values.append(None)
            rows.append(
                [row_header(run.name, description, note), placeholder, *[""] * (len(head) - 4)]
            )
    if not scored:
        return raw_table(["run", "scores"], (row[:2] for row in rows), "rows")
    rows = [
        [*row, *map(html.escape, cells)] for row, cells in zip(rows, p_cells(p_values), strict=True)
    ]
    evaluations = [comparison.trained for comparison in scored]
    text = deviations(*evaluations) + of_draws(*evaluations) + directions(metrics, *evaluations)
    note = f"{text[0].upper()}{text[1:]}. {TESTED}"
    return raw_table(head, rows, "rows") + f'<p class="small">{note}</p>'


def status(run: RunSummary) -> str:
    """Return the state of an unfinished or unevaluated run in words; empty if it is complete."""
    if not run.unfinished:
        if not run.labelled:
            return "The graphs have no labels, so there is nothing to evaluate."
        return "" if run.results else f"Not evaluated: run {called('evaluate')}."
    text = f"Not finished: {run.unfinished}"
    last = max((record["epoch"] for record in run.records), default=0)
    losses = [finite_number(r.get("loss")) for r in run.records if r["epoch"] == last]
    numbers = [loss for loss in losses if loss is not None]
    if numbers:
        text += f" Training loss at epoch {last}: {sum(numbers) / len(numbers):.4g}."
    return text


def score(evaluation: Evaluation, metric: str | None = None) -> str:
    """Return mean and standard deviation of a metric, by default the first; shares in percent.

    >>> from graph_hcl.probes import FoldScore
    >>> folds = [FoldScore(0, k, {"accuracy": a}, {}, None, 9, 0, [], [], [])
    ...          for k, a in enumerate((0.5, 0.75))]
    >>> score(Evaluation("transductive", "svm", {}, folds))
    '62.50 ± 12.50'
    """
    name = metric or evaluation.metrics[0]
    scores = evaluation[name]
    return told(scores, name) if math.isfinite(scores.mean) else "not a number"


def differences(runs: list[RunSummary]) -> str:
    """Return the differences of each run from the first, for probes that both have."""
    first, incomparable = runs[0], []
    rows: list[list[str]] = []
    p_values: list[float | None] = []
    for run in runs[1:]:
        for probe, comparison in run.results.items():
            if probe not in first.results:
                continue
            other = first.results[probe]
            found = _tested(comparison, other)
            if found is None:
                incomparable.append(f"{run.name} (probe {probe})")
                continue
            text, p = found
            p_values.append(p)
            metric = title(other.metrics[0])
            rows.append([f"{run.name} − {first.name}", probe, metric, text])
    head = ["runs", "probe", "metric", "difference", "p", "p (Holm)"]
    rows = [[*row, *cells] for row, cells in zip(rows, p_cells(p_values), strict=True)]
    page = table(head, rows, "rows") if rows else ""
    if incomparable:
        names = html.escape(f"{', '.join(incomparable)} and {first.name}")
        page += (
            '<p class="small">Not comparable, because data, targets, protocol, folds or metrics '
            f"differ: {names}.</p>"
        )
    return page


def _tested(one: Comparison, other: Comparison) -> tuple[str, float | None] | None:
    """Return the difference of two trained encoders; None of other data, folds, metrics, labels."""
    if not same_folds(one, other) or one.metrics[0] != other.metrics[0]:
        return None
    with suppress(UserError):  # of other labels, which may be drawn or of another target
        return difference(one.trained, other.trained)
    return None


def same_folds(one: Comparison, other: Comparison) -> bool:
    """Return whether two comparisons use the same folds of the same data."""

    def folds(comparison: Comparison) -> tuple[Any, ...]:
        about = comparison.about
        splits = {(f.seed, f.fold, f.train, *sorted(f.test)) for f in comparison.trained.folds}
        return about.dataset, about.data_sha256, comparison.protocol, splits

    return folds(one) == folds(other)


def p_cells(p_values: Sequence[float | None]) -> list[list[str]]:
    """Return the cells of p-values: each, and corrected for their number; None was not tested.

    >>> p_cells([0.01, None, 0.04])
    [['.010', '.020'], ['', ''], ['.040', '.040']]
    """
    corrected = iter(holm([p for p in p_values if p is not None]))
    return [["", ""] if p is None else [p_text(p), p_text(next(corrected))] for p in p_values]


def difference(one: Evaluation, other: Evaluation) -> tuple[str, float | None]:
    """Return a paired difference with its interval as text, and its p-value.

    A single fold and non-finite scores cannot be tested.

    >>> from graph_hcl.probes import FoldScore
    >>> def encoder(*values):
    ...     folds = [FoldScore(0, k, {"accuracy": v}, {}, None, 9, 0, [k], [], [])
    ...              for k, v in enumerate(values)]
    ...     return Evaluation("transductive", "svm", {}, folds)
    >>> text, p = difference(encoder(0.8, 0.7, 0.9), encoder(0.7, 0.7, 0.8))
    >>> text, round(p, 4)
    ('+6.67 [−9.89 … +23.23]', 0.2254)
    """
    metric = one.metrics[0]
    scores = [list(each[metric].resamplings().values()) for each in (one, other)]
    if len(scores[0]) < 2 or not all(map(math.isfinite, itertools.chain(*scores))):
        return "not testable", None
    tested = compare(one, other)
    mean, interval = tested.told()
    text = f"{mean} [{interval}]" if tested.is_tested else f"{mean}, {interval}"
    return text.replace("-", "−"), tested.p_value


def status_notes(run: RunSummary) -> str:
    """Return notes on the state of a run and on its features."""
    text, space = "", run.space
    if run.unfinished:
        text += f'<p class="note">{html.escape(status(run))}</p>'
    if run.labelled and not _logged(run, "effective_rank"):
        text += "<p>No diagnosis was logged (--diagnose false, or no epoch).</p>"
    elif run.labelled and not _logged(run, "ucl"):
        text += "<p>The part of the diagnosis that needs classes was not logged.</p>"
    if any("loss" in r and finite_number(r["loss"]) is None for r in run.records):
        text += '<p class="note">The training loss is not finite in some epochs.</p>'
    collapsed = {r["part"]: str(r["collapse"]) for r in run.records if "collapse" in r}
    if collapsed:
        part, how = next(iter(collapsed.items()))
        text += (
            f'<p class="note">The features of {len(collapsed)} of the models collapsed in the '
            f"training: of {html.escape(part)}, {html.escape(how)}.</p>"
        )
    if space is not None and run.classes > 1:
        accuracy = float(geometry.nearest_class_mean(space.z, space.labels, space.training))
        nearest = f"the nearest class mean classifies {100 * accuracy:.1f} % correctly"
        live, most = geometry.live_dimensions(space.class_spectrum), len(space.class_spectrum)
        # Two class means always span a single dimension.
        dimensions = (
            f"class means have {live} of {most} live dimensions (σ above {LIVE:g} of the largest); "
        )
        about = html.escape(space.description)
        collapse = dimensions if most > 1 else ""
        text += f"<p>Projected features of {about}: {collapse}{nearest}.</p>"
    if space is None and not run.unfinished:
        text += '<p class="note">The first model\'s embeddings are not finite.</p>'
    if len({record["part"] for record in run.records}) > 1:
        text += "<p>Curves are means over the models of the run; bands span their range.</p>"
    return text


def _logged(run: RunSummary, key: str) -> bool:
    return any(key in record for record in run.records)


def settings(run: RunSummary) -> str:
    """Return all settings, versions and commands, collapsed."""
    text = write_yaml(run.config.to_dict(), allow_unicode=True)
    blocks = collapsible("Settings", f"<pre>{html.escape(text)}</pre>")
    for probe, comparison in run.results.items():
        about = comparison.about
        rows = [[name, str(version)] for name, version in about.versions.items()]
        rows += [["commit", _text(about.commit)], ["processor", _text(about.processor)]]
        rows += [["threads", _text(about.threads)]]
        rows += [[f"code of {name}, sha256", digest] for name, digest in about.code.items()]
        rows += [["command", " ".join(map(str, about.command))]]
        rows += [["data sha256", about.data_sha256]]
        rows += [["training", f"{about.train_seconds:.1f} s"]]
        blocks += collapsible(f"Versions and command, probe {probe}", table(["", ""], rows, "long"))
    return blocks


def settings_diff(runs: list[RunSummary]) -> str:
    """Return the table of the settings in which runs differ."""
    settings_of_runs = [flat_settings(run.config) for run in runs]
    rows = []
    for key in dict.fromkeys(key for settings in settings_of_runs for key in settings):
        values = [settings.get(key) for settings in settings_of_runs]
        if key != "out" and any(value != values[0] for value in values):
            rows.append([key, *(_text(value) for value in values)])
    return table(["setting", *(run.name for run in runs)], rows) if rows else ""


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
