"""The results of a run: what was measured of both encoders, and the printed table."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_hcl.probes import METRICS, Evaluation, ResultTable

PACKAGES = ("graph_hcl", "torch", "torch-geometric", "scikit-learn", "numpy")
ENCODERS = ("trained", "untrained")
KEY = ("protocol", "probe", "settings", "encoder", "seed", "fold")
"""Columns that tell records apart: a new record replaces the one that is equal in them all."""


def versions() -> dict[str, str]:
    """Return the versions of the packages that scores depend on, and of Python."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return packages | {"python": platform.python_version()}


@dataclass(frozen=True)
class Provenance:
    """What an evaluation was made of and by which command.

    `trained_on_sha256` are the data of the trained models: the evaluation's own, unless the user
    allowed that they changed.
    """

    dataset: str
    objective: str
    data_sha256: str
    trained_on_sha256: list[str]
    majority_accuracy: float
    train_seconds: float
    evaluate_seconds: float
    command: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=versions)


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
        """Return the results with those of a comparison.

        They replace records of the same protocol, probe, settings, encoder, seed and fold.
        """
        number = len(self.evaluations)
        new = [record | {"evaluation": number} for record in comparison.records()]
        replaced = {_key(record) for record in new}
        records = [*(r for r in self.records if _key(r) not in replaced), *new]
        return _without_unused([*self.evaluations, comparison.about], records)

    def comparisons(self) -> dict[str, Comparison]:
        """Return the comparisons by the name of the probe.

        Where a probe was used with several settings, the name tells those that differ.
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
    """Return results without the provenance that no record refers to any more."""
    used = sorted({record["evaluation"] for record in records})
    position = {number: index for index, number in enumerate(used)}
    moved = [{**record, "evaluation": position[record["evaluation"]]} for record in records]
    return Results([evaluations[number] for number in used], moved)


def _names(comparisons: Sequence[Comparison]) -> list[str]:
    names = []
    for one in comparisons:
        others = [o.trained for o in comparisons if o.probe == one.probe and o is not one]
        settings = one.trained.settings
        differ = [
            f"{name} {value}"
            for name, value in settings.items()
            if any(other.settings.get(name) != value for other in others)
        ]
        if any(other.protocol != one.protocol for other in others):
            differ.insert(0, one.protocol)
        names.append(f"{one.probe} ({', '.join(differ)})" if differ else one.probe)
    return names


def title(metric: str) -> str:
    """Return the name of a metric in tables and figures.

    >>> title("macro_f1"), title("mine")
    ('macro-F1', 'mine')
    """
    return METRICS[metric].title if metric in METRICS else metric


def table(comparison: Comparison) -> str:
    """Return the scores of both encoders and of the majority class as a Markdown table."""
    about, metrics = comparison.about, comparison.metrics

    def row(name: str, evaluation: Evaluation) -> list[str]:
        scores = [percent(evaluation[m].mean, evaluation[m].std) for m in metrics]
        return [about.dataset, name, evaluation.protocol, evaluation.probe, *scores]

    chance = [f"{100 * about.majority_accuracy:.2f}" if m == "accuracy" else "" for m in metrics]
    rows = [
        ["data set", "encoder", "protocol", "probe", *(f"{title(m)} %" for m in metrics)],
        row(about.objective, comparison.trained),
        row("untrained", comparison.untrained),
        [about.dataset, "majority class", "", "", *chance],
    ]
    footnote = (
        f"mean ± standard deviation over folds; training {about.train_seconds:.1f} s, "
        f"evaluation of both encoders {about.evaluate_seconds:.1f} s"
    )
    return f"{markdown(rows)}\n\n{footnote}"


def percent(mean: float, std: float) -> str:
    """Return a mean and a standard deviation in percent.

    >>> percent(0.5, 0.125)
    '50.00 ± 12.50'
    """
    return f"{100 * mean:.2f} ± {100 * std:.2f}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text, the head first, as a Markdown table that also reads as text.

    >>> print(markdown([["a", "b"], ["1", "22"]]))
    | a | b  |
    | - | -- |
    | 1 | 22 |
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )
