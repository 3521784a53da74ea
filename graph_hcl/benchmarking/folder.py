"""The folder of a benchmark: one file per trial while it runs, one sorted file when finished."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from graph_hcl.benchmarking.running import run_trial
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.causes import as_system_error, sentence
from graph_hcl.errors import UserError
from graph_hcl.files import retry_on_windows, write_text
from graph_hcl.lock import lock

Record = Mapping[str, Any]
"""The result of a finished trial, as `run_trial` returns it."""


@dataclass(frozen=True)
class TrialFolder:
    """The results of a benchmark.

    While it runs, each trial is a file `trials/HASH.json` in the folder, with `trials/HASH.error`
    for what went wrong. `gather` collects finished trials in FOLDER.jsonl beside the folder, one
    line each; both are read.
    """

    path: Path

    def file(self, trial: Trial, suffix: str = "json") -> Path:
        """Return the path of a trial's record, lock or error."""
        return self.path / "trials" / f"{trial.name}.{suffix}"

    @property
    def gathered_file(self) -> Path:
        """The path of the sorted file of gathered records."""
        folder = self.path if self.path.name else self.path.absolute()  # "." has no name
        return folder.with_name(f"{folder.name}.jsonl")

    @cached_property
    def gathered(self) -> dict[str, Record]:
        """The gathered records by the names of their trials, as they were at first use."""
        return read_records(self.gathered_file) if self.gathered_file.is_file() else {}

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}  # another process reads the gathered records itself

    def is_finished(self, trial: Trial) -> bool:
        """Tell whether a trial has a record."""
        return self.file(trial).is_file() or trial.name in self.gathered

    def read(self, trial: Trial) -> Record | None:
        """Return the record of a trial, None before it is finished.

        Raises `UserError` for a damaged file.
        """
        file = self.file(trial)
        if not file.is_file():
            return self.gathered.get(trial.name)
        return _parse(retry_on_windows(lambda: file.read_text(encoding="utf-8")), str(file))

    def read_error(self, trial: Trial) -> str | None:
        """Return what went wrong when an unfinished trial was last run, None if nothing did."""
        file = self.file(trial, "error")
        if self.is_finished(trial) or not file.is_file():
            return None
        return retry_on_windows(lambda: file.read_text(encoding="utf-8"))

    def run(self, trial: Trial, jobs: int = 1) -> bool:
        """Run a trial unless it is finished or locked by another process; tell whether it ran.

        An error is written beside the record's place, so that the other trials can run.
        """
        self.file(trial).parent.mkdir(parents=True, exist_ok=True)
        with lock(self.file(trial, "lock")) as mine:
            if not mine or self.is_finished(trial):
                return False
            error = self.file(trial, "error")
            try:
                text = _line(run_trial(trial, jobs))
            except Exception as problem:
                if as_system_error(problem) is not None:
                    raise  # a full disk or a lost mount, which would stop every trial
                expected = str(problem) if isinstance(problem, UserError) else sentence(problem)
                write_text(error, traceback.format_exc() if expected is None else f"{expected}\n")
            else:
                write_text(self.file(trial), text)
                retry_on_windows(lambda: error.unlink(missing_ok=True))
            return True

    def gather(self) -> int:
        """Move all finished trials into the sorted file; return how many it holds.

        No process may be running trials of the folder meanwhile.
        """
        files = sorted((self.path / "trials").glob("*.json"))
        records = [_parse(file.read_text(encoding="utf-8"), str(file)) for file in files]
        vars(self).pop("gathered", None)  # another process may have gathered since its first use
        merged = self.gathered | {record["trial"]: record for record in records}
        write_records(self.gathered_file, merged.values())
        for file in files:
            retry_on_windows(partial(file.unlink, missing_ok=True))
        vars(self).pop("gathered", None)
        return len(merged)


def read_records(file: Path) -> dict[str, Record]:
    """Return the records in a sorted file by the names of their trials.

    Raises `UserError` for a damaged line.
    """
    records: dict[str, Record] = {}
    lines = retry_on_windows(lambda: file.read_text(encoding="utf-8")).splitlines()
    for number, line in enumerate(lines, start=1):
        record = _parse(line, f"{file}, line {number}")
        records[record["trial"]] = record
    return records


def write_records(file: Path, records: Iterable[Record]) -> None:
    """Write records as one line of JSON each, sorted by data set, protocol and trial."""
    order = sorted(records, key=lambda one: (one["dataset"], one["protocol"], one["trial"]))
    write_text(file, "".join(map(_line, order)))


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
        if not isinstance(record, dict) or not {"trial", "records"} <= set(record):
            raise ValueError("it is not the record of a trial")
    except ValueError as error:
        raise UserError(f"{where} is damaged ({error}): remove it to run it again.") from error
    return record
