"""The results of a run: the scores of the trained and the untrained encoder, and their table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_hcl.probes import Evaluation, ResultTable
from graph_hcl.probes.metrics import greater_is_better, title
from graph_hcl.probes.telling import heading, told
from graph_hcl.provenance import versions

ENCODERS = ("trained", "untrained")
KEY = ("protocol", "probe", "settings", "encoder", "seed", "fold", "draw")
"""Columns that identify a record: a new record replaces the one with the same values."""


@dataclass(frozen=True)
class Provenance:
    """The data, timings, command, code, processor and versions behind an evaluation.

    `majority_accuracy` is None where the targets are no classes.
    `trained_on_sha256` are hashes of the data that the models were trained on: `data_sha256` alone,
    unless the user allowed changed data. `code` are the hashes of the user's modules that the
    settings name, see `user_code`. `commit`, `threads` and `processor` are as in
    `provenance.environment`, and None where they are not known. `init_from` is the name of the run
    that the encoder started from. `classes` are the names of the classes, of which labels and
    predictions are positions; empty where these are the user's own numbers.
    """

    dataset: str
    objective: str
    data_sha256: str
    trained_on_sha256: list[str]
    majority_accuracy: float | None
    train_seconds: float
    evaluate_seconds: float
    command: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=versions)
    commit: str | None = None
    threads: int | None = None
    processor: str | None = None
    code: dict[str, str] = field(default_factory=dict)
    init_from: str | None = None
    classes: list[str] = field(default_factory=list)

    @property
    def before(self) -> str:
        """What the encoder was before training: untrained, or the weights of another run."""
        return "untrained" if self.init_from is None else f"before ({self.init_from})"


@dataclass(frozen=True)
class Comparison:
    """Evaluations of one probe: of the trained encoder, and of the same encoder untrained."""

    trained: Evaluation
    untrained: Evaluation
    about: Provenance

    @property
    def probe(self) -> str:
        """Name of the probe."""
        return self.trained.probe

    @property
    def protocol(self) -> str:
        """Name of the protocol."""
        return self.trained.protocol

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return self.trained.metrics

    def records(self) -> list[dict[str, Any]]:
        """Return one record of plain JSON values for each encoder, seed and fold."""
        about = {"dataset": self.about.dataset, "objective": self.about.objective}
        return [
            about | {"encoder": encoder} | record
            for encoder in ENCODERS
            for record in getattr(self, encoder).records()
        ]


@dataclass(frozen=True)
class Results:
    """The content of `results.json`: all records, and the provenance of each evaluation.

    The column `evaluation` of a record is the position of its provenance.
    """

    evaluations: Sequence[Provenance] = ()
    records: Sequence[Mapping[str, Any]] = ()

    @property
    def table(self) -> ResultTable:
        """All records as one table."""
        return ResultTable(self.records)

    def add(self, comparison: Comparison) -> Results:
        """Return the results with the records of a comparison added.

        They replace records of the same protocol, probe, settings, encoder, seed and fold.
        """
        number = len(self.evaluations)
        new = [record | {"evaluation": number} for record in comparison.records()]
        replaced = {_key(record) for record in new}
        records = [*(r for r in self.records if _key(r) not in replaced), *new]
        return _without_unused([*self.evaluations, comparison.about], records)

    def comparisons(self) -> dict[str, Comparison]:
        """Return the comparisons by the name of the probe.

        Where a probe was used with several settings, the name lists those that differ.
        """
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for record in self.records:
            groups.setdefault(_key(record, KEY[:3]), []).append(record)
        comparisons = [self._comparison(ResultTable(rows)) for rows in groups.values()]
        return dict(zip(_names(comparisons), comparisons, strict=True))

    def _comparison(self, rows: ResultTable) -> Comparison:
        trained, untrained = (rows.select(encoder=name).evaluation() for name in ENCODERS)
        return Comparison(trained, untrained, self.evaluations[rows.rows[-1]["evaluation"]])


def _key(record: Mapping[str, Any], columns: Sequence[str] = KEY) -> str:
    return json.dumps([record[name] for name in columns], sort_keys=True)


def _without_unused(
    evaluations: Sequence[Provenance], records: Sequence[Mapping[str, Any]]
) -> Results:
    """Return results without the provenance that no record refers to."""
    used = sorted({record["evaluation"] for record in records})
    position = {number: index for index, number in enumerate(used)}
    renumbered = [{**record, "evaluation": position[record["evaluation"]]} for record in records]
    return Results([evaluations[number] for number in used], renumbered)


def _names(comparisons: Sequence[Comparison]) -> list[str]:
    names = []
    for comparison in comparisons:
        probe, protocol = comparison.probe, comparison.protocol
        others = [c.trained for c in comparisons if c.probe == probe and c is not comparison]
        differences = [
            f"{name} {value}"
            for name, value in comparison.trained.settings.items()
            if any(other.settings.get(name) != value for other in others)
        ]
        if any(other.protocol != protocol for other in others):
            differences.insert(0, protocol)
        names.append(f"{probe} ({', '.join(differences)})" if differences else probe)
    return names


def table(comparison: Comparison) -> str:
    """Return the scores of both encoders and of the majority class as a Markdown table."""
    about, metrics = comparison.about, comparison.metrics

    def row(name: str, evaluation: Evaluation) -> list[str]:
        scores = [told(evaluation[m], m) for m in metrics]
        return [about.dataset, name, evaluation.protocol, evaluation.probe, *scores]

    rows = [
        ["data set", "encoder", "protocol", "probe", *map(heading, metrics)],
        row(about.objective, comparison.trained),
        row(about.before, comparison.untrained),
    ]
    if about.majority_accuracy is not None:
        majority = f"{100 * about.majority_accuracy:.2f}"
        chance = [majority if m == "accuracy" else "" for m in metrics]
        rows.append([about.dataset, "majority class", "", "", *chance])
    footnote = (
        f"{deviations(comparison.trained)}{of_draws(comparison.trained)}"
        f"{directions(metrics, comparison.trained)}; "
        f"training {about.train_seconds:.1f} s, "
        f"evaluation of both encoders {about.evaluate_seconds:.1f} s"
    )
    return f"{markdown(rows)}\n\n{footnote}"


def deviations(*evaluations: Evaluation) -> str:
    """Return what is told as a score: what the deviation is over, if there is one.

    >>> from graph_hcl.probes import FoldScore
    >>> fold = FoldScore(0, 0, {"rmse": 0.5}, {}, None, 8, 0, [], [], [])
    >>> deviations(Evaluation("inductive", "ridge", {}, [fold]))
    'the score of one fold and one seed, which has no deviation'
    """
    over = {one[one.metrics[0]].over for one in evaluations}
    if over == {None}:
        return "the score of one fold and one seed, which has no deviation"
    if over == {"seeds"}:
        return "mean ± standard deviation over the seeds of one fold"
    several = "mean ± standard deviation over folds"
    return several if over == {"folds"} else f"{several}, or over the seeds of one fold"


def of_draws(*evaluations: Evaluation) -> str:
    """Return what the score of a fold is the mean of, where labels were drawn repeatedly.

    >>> from graph_hcl.probes import FoldScore
    >>> folds = [FoldScore(0, 0, {}, {}, None, 8, 0, [], [], [], draw=d, pool=80) for d in (0, 1)]
    >>> of_draws(Evaluation("transductive", "svm", {}, folds))
    ', each the mean of 2 draws of labels'
    """
    draws = sorted({one.draws for one in evaluations})
    if draws[-1:] <= [1]:
        return ""
    return f", each the mean of {' or '.join(map(str, draws))} draws of labels"


def directions(metrics: Iterable[str], *evaluations: Evaluation) -> str:
    """Return which of these metrics are better where they are lower, empty if none is.

    The evaluations tell the directions of the user's own metrics.

    >>> directions(["rmse", "mae", "r2"]), directions(["accuracy"])
    ('; lower is better of RMSE, MAE', '')
    """
    settings: dict[str, Any] = {}
    for one in evaluations:
        settings |= one.settings.get("greater_is_better", {})
    recorded = {"greater_is_better": settings}
    lower = [title(name) for name in metrics if greater_is_better(name, recorded) is False]
    return f"; lower is better of {', '.join(lower)}" if lower else ""


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text, header first, as an aligned Markdown table.

    `|` in them is escaped, and a line break is a space.

    >>> print(markdown([["a", "b"], ["1", "22"]]))
    | a | b  |
    | - | -- |
    | 1 | 22 |
    """
    rows = [[" ".join(cell.splitlines()).replace("|", r"\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )
