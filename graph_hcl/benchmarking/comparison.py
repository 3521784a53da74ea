"""Two sets of records of one benchmark compared, such as those of two commits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.mixtures import mixtures
from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.selection import is_lower, metric_scores, same_tests, tests_of
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.benchmarking.units import know_metrics
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.probes import MetricScores, PairedDifference, holm, paired_difference
from graph_hcl.probes.telling import is_share

EQUAL, AGREES, DIFFERS = "equal", "agrees within noise", "differs"
ALPHA = 0.05
"""Level of the tests, together."""
Pair = tuple[Trial, Record, Record]
"""A trial with its record in either folder."""


@dataclass(frozen=True)
class MetricTest:
    """The metric of a candidate whose difference is the least likely to be noise.

    `means` are those of the first and the second folder, `paired` is first − second, and `p_value`
    is corrected for all candidates and metrics of the comparison.
    """

    metric: str
    means: tuple[float, float]
    paired: PairedDifference
    p_value: float


@dataclass(frozen=True)
class Candidate:
    """One data set, method, protocol and candidate: all its repetitions in both folders.

    `point` names the candidate among those of its method. `test` is None where nothing can be
    tested: other folds, a single fold, or measurements in place of scores.
    """

    dataset: str
    method: str
    protocol: str
    point: str
    seeds: list[int]
    verdict: str
    test: MetricTest | None = None


@dataclass(frozen=True)
class FolderComparison:
    """The trials of a benchmark in two folders.

    `verdicts` are those of the trials that are finished in both, `only` the numbers of trials that
    are finished in the first alone and in the second alone, `neither` of those in none.
    """

    names: tuple[str, str]
    verdicts: list[str]
    candidates: list[Candidate]
    only: tuple[int, int]
    neither: int
    notes: list[str]


def open_records(path: str) -> TrialFolder:
    """Return the folder of trials at a path: itself, or the file FOLDER.jsonl beside it.

    Raises `UserError` where there is neither.
    """
    given = as_path(path, "path")
    is_file = given.suffix == ".jsonl" and not given.is_dir()
    folder = TrialFolder(given.with_suffix("") if is_file else given)
    if not folder.gathered_file.is_file() and (is_file or not (given / "trials").is_dir()):
        raise UserError(
            f"Expected a folder of trials or its file of records, but there is none at {path}: "
            "give the --out of another run of the benchmark, or its .jsonl."
        )
    return folder


def compare_folders(
    trials: Sequence[Trial], first: TrialFolder, second: TrialFolder
) -> FolderComparison:
    """Compare the records of a benchmark's trials in two folders.

    A trial is *equal* where all scores of all folds are. Other trials are judged with all
    repetitions of their candidate, by `probes.paired_difference` of each metric: they *differ*
    where its p, after Holm's correction for all of them, is below 0.05, and *agree within noise*
    otherwise. Where no test is possible (other folds, a single fold, measurements in place of
    scores), trials that are not equal differ.

    Raises `UserError` for a metric of the user's own that cannot be imported.
    """
    know_metrics(trials)
    found = [(trial, first.read(trial), second.read(trial)) for trial in trials]
    pairs = [(trial, a, b) for trial, a, b in found if a is not None and b is not None]
    candidates = _judge(pairs)
    verdicts = [_verdict(pair, candidates) for pair in pairs]
    finished = [(a is not None, b is not None) for _, a, b in found]
    return FolderComparison(
        (str(first.path), str(second.path)),
        verdicts,
        [candidate for _, candidate in candidates],
        (finished.count((True, False)), finished.count((False, True))),
        finished.count((False, False)),
        mixtures(record for _, a, b in pairs for record in (a, b)),
    )


@dataclass(frozen=True)
class _Group:
    """A candidate with the records of its folds in either folder, by seed and fold."""

    trial: Trial
    epoch: int
    seeds: list[int]
    first: dict[tuple[int, int], Mapping[str, Any]]
    second: dict[tuple[int, int], Mapping[str, Any]]

    @property
    def equal(self) -> bool:
        return all(
            _scores(self.first.get(key)) == _scores(self.second.get(key)) for key in self.keys
        )

    @property
    def keys(self) -> set[tuple[int, int]]:
        return set(self.first) | set(self.second)

    def scores(self, metric: str) -> tuple[MetricScores, MetricScores]:
        """Return the scores of a metric in either folder."""
        first, second = (
            metric_scores(
                metric,
                {key: row["scores"][metric] for key, row in side.items()},
                side.values(),
                self.trial,
            )
            for side in (self.first, self.second)
        )
        return first, second

    def tests(self) -> dict[str, PairedDifference]:
        """Return first − second of each metric that both have, empty where none can be tested."""
        tests: dict[str, PairedDifference] = {}
        if self.trial.measure is not None:
            return tests
        if not same_tests(*(tests_of(side.values()) for side in (self.first, self.second))):
            return tests
        rows = [*self.first.values(), *self.second.values()]
        for metric in rows[0].get("scores", {}):
            if any(metric not in row.get("scores", {}) for row in rows):
                continue
            first, second = self.scores(metric)
            finite = np.isfinite([*first.values.values(), *second.values.values()]).all()
            if finite and set(first.values) == set(second.values) and len(first.resamplings()) > 1:
                tests[metric] = dataclasses.replace(
                    paired_difference(first, second),
                    percent=is_share(metric),
                    lower_is_better=is_lower(metric, rows[0]),
                )
        return tests


def _judge(pairs: Sequence[Pair]) -> list[tuple[_Group, Candidate]]:
    """Return all candidates with their verdicts."""
    groups = _groups(pairs)
    tests = [group.tests() for group in groups]
    corrected = iter(holm([paired.p_value for each in tests for paired in each.values()]))
    return [
        (group, _candidate(group, each, {metric: next(corrected) for metric in each}))
        for group, each in zip(groups, tests, strict=True)
    ]


def _groups(pairs: Sequence[Pair]) -> list[_Group]:
    groups: dict[tuple[str, str, str, str], _Group] = {}
    for trial, *records in pairs:
        for side, record in zip(("first", "second"), records, strict=True):
            for number, row in enumerate(record["records"]):
                name = _label(trial, row["epoch"])
                group = groups.setdefault(
                    (trial.dataset, trial.method, trial.protocol, name),
                    _Group(trial, row["epoch"], [], {}, {}),
                )
                if trial.config.seed not in group.seeds:
                    group.seeds.append(trial.config.seed)
                # A measurement has parts in place of folds.
                getattr(group, side)[
                    row.get("seed", trial.config.seed), row.get("fold", number)
                ] = row
    return list(groups.values())


def _candidate(
    group: _Group, tests: Mapping[str, PairedDifference], p_values: Mapping[str, float]
) -> Candidate:
    trial, test = group.trial, None
    if tests:
        metric = min(tests, key=lambda name: tests[name].p_value)
        first, second = group.scores(metric)
        test = MetricTest(metric, (first.mean, second.mean), tests[metric], p_values[metric])
    noise = test is not None and test.p_value >= ALPHA
    verdict = EQUAL if group.equal else AGREES if noise else DIFFERS
    point = _label(trial, group.epoch)
    return Candidate(trial.dataset, trial.method, trial.protocol, point, group.seeds, verdict, test)


def _verdict(pair: Pair, candidates: Sequence[tuple[_Group, Candidate]]) -> str:
    """Return the verdict of a trial: equal, or the worst of its candidates."""
    trial, *records = pair
    rows = [
        [(row["epoch"], row.get("seed"), row.get("fold"), _scores(row)) for row in each["records"]]
        for each in records
    ]
    if rows[0] == rows[1]:
        return EQUAL
    verdicts = {
        candidate.verdict
        for group, candidate in candidates
        if trial.config.seed in group.seeds
        and (trial.dataset, trial.method, trial.protocol, trial.point)
        == (group.trial.dataset, group.trial.method, group.trial.protocol, group.trial.point)
    }
    return DIFFERS if DIFFERS in verdicts else AGREES


def _scores(row: Mapping[str, Any] | None) -> str:
    """Return what makes records equal: the scores, or all that was measured in their place."""
    if row is not None and "scores" in row:
        row = {name: row[name] for name in ("scores", "validation_score")}
    return json.dumps(row, sort_keys=True)  # as text, NaN equals NaN


def _label(trial: Trial, epoch: int) -> str:
    parts = [f"{name}={value}" for name, value in trial.point.items()]
    return ", ".join([*parts, f"epoch={epoch}"])
