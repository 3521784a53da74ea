"""The folder of a benchmark: one file per trial while it runs, one sorted file when finished."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from graph_hcl.benchmarking.record import MAX_BYTES, Record, parse, to_line
from graph_hcl.benchmarking.running import run_trial
from graph_hcl.benchmarking.selection import without_validation
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.causes import as_system_error, sentence
from graph_hcl.errors import UserError
from graph_hcl.files import retry_on_windows, write_text
from graph_hcl.lock import lock
from graph_hcl.warn import warn_user


class DamagedRecord(UserError):
    """A file or a line that is not the record of a trial, or of another than it is called."""

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(f"{where} is damaged ({problem}): {remedy}.")
        self.problem = problem


@dataclass(frozen=True)
class TrialFolder:
    """The results of a benchmark.

    While it runs, each trial is a file `trials/HASH.json` in the folder, with `trials/HASH.error`
    for what went wrong. `gather` collects finished trials in FOLDER.jsonl beside the folder, one
    line each; both are read. Every record is checked when it is read, see `record.parse`. The file
    of a trial that is damaged becomes `trials/HASH.damaged` when the trial is run again.
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
        """Tell whether a trial has a record; one that is damaged does not count."""
        try:
            _read_file(self.file(trial))
        except FileNotFoundError:
            return trial.name in self.gathered
        except DamagedRecord:
            return False
        return True

    def read(self, trial: Trial) -> Record | None:
        """Return the record of a trial, None before it is finished.

        Raises `DamagedRecord`, a `UserError`, for a damaged file.
        """
        try:
            return _read_file(self.file(trial))
        except FileNotFoundError:
            return self.gathered.get(trial.name)

    def read_error(self, trial: Trial) -> str | None:
        """Return what went wrong when an unfinished trial was last run, None if nothing did."""
        file = self.file(trial, "error")
        if self.is_finished(trial) or not file.is_file():
            return None
        return retry_on_windows(lambda: file.read_text(encoding="utf-8", errors="replace"))

    def run(self, trial: Trial, jobs: int = 1) -> bool:
        """Run a trial unless it is finished or locked by another process; tell whether it ran.

        An error is written beside the record's place, so that the other trials can run. Warns of a
        damaged record, which is kept as `trials/HASH.damaged`. Raises `UserError`, with the record
        written, where it lacks the validation scores that are to choose among candidates.
        """
        self.file(trial).parent.mkdir(parents=True, exist_ok=True)
        with lock(self.file(trial, "lock")) as mine:
            if not mine:
                return False
            self._set_aside_damaged(trial)
            if self.is_finished(trial):
                return False
            error = self.file(trial, "error")
            try:
                text = to_line(run_trial(trial, jobs))
                parse(text.encode())  # what could not be read again is not written
            except Exception as problem:
                if as_system_error(problem) is not None:
                    raise  # a full disk or a lost mount, which would stop every trial
                expected = str(problem) if isinstance(problem, UserError) else sentence(problem)
                write_text(error, traceback.format_exc() if expected is None else f"{expected}\n")
            else:
                write_text(self.file(trial), text)
                retry_on_windows(lambda: error.unlink(missing_ok=True))
                self.check_selectable(trial)
            return True

    def check_selectable(self, trial: Trial) -> None:
        """Raise `UserError` for a finished trial without the validation scores that it needs."""
        record = self.read(trial) if trial.needs_validation else None
        for fold in () if record is None else record["records"]:
            if fold["validation_score"] is None:
                alone = len(trial.epochs) == 1 and not trial.point
                error = without_validation(fold["probe"], development=alone)
                raise UserError(f"{trial.dataset}, {trial.method}: {error}")

    def _set_aside_damaged(self, trial: Trial) -> None:
        file, kept = self.file(trial), self.file(trial, "damaged")
        try:
            _read_file(file)
        except FileNotFoundError:
            return
        except DamagedRecord as error:
            retry_on_windows(lambda: file.replace(kept))
            warn_user(
                f"{file} is damaged ({error.problem}): it is kept as {kept.name}, and its trial is "
                "run again."
            )

    def gather(self) -> int:
        """Move all finished trials into the sorted file; return how many it holds.

        No process may be running trials of the folder meanwhile.
        """
        files = sorted((self.path / "trials").glob("[!.]*.json"))
        records = [_read_file(file) for file in files]
        vars(self).pop("gathered", None)  # another process may have gathered since its first use
        merged = self.gathered | {record["trial"]: record for record in records}
        write_records(self.gathered_file, merged.values())
        for file in files:
            retry_on_windows(partial(file.unlink, missing_ok=True))
        vars(self).pop("gathered", None)
        return len(merged)


def last_sentence(error: str) -> str:
    r"""Return the last line of what went wrong in a trial, which is all but for a traceback.

    >>> last_sentence("Traceback …\nKeyError: 'x'")
    "KeyError: 'x'."
    """
    last = error.strip().splitlines()[-1]
    return last if last.endswith((".", "?")) else f"{last}."


def read_records(file: Path) -> dict[str, Record]:
    """Return the records in a sorted file by the names of their trials.

    Raises `DamagedRecord`, a `UserError`, for a damaged line, and for two records of one trial that
    differ.
    """
    records: dict[str, Record] = {}
    lines: dict[str, int] = {}
    with retry_on_windows(lambda: file.open("rb")) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_BYTES + 2), b""), start=1):
            remedy = "restore the file, or remove the line to run its trial again"
            try:
                record = parse(line)
                name = record["trial"]
                if name in records and to_line(records[name]) != to_line(record):
                    raise ValueError(f"line {lines[name]} is another record of its trial")
            except ValueError as error:
                where = f"{file}, line {number}"
                raise DamagedRecord(where, str(error), remedy) from error
            records[name], lines[name] = record, number
    return records


def write_records(file: Path, records: Iterable[Record]) -> None:
    """Write records as one line of JSON each, sorted by data set, protocol and trial."""
    order = sorted(records, key=lambda one: (one["dataset"], one["protocol"], one["trial"]))
    write_text(file, "".join(map(to_line, order)))


def _read_file(file: Path) -> dict[str, Any]:
    """Return the record in the file of a trial; raise `DamagedRecord` for any other content."""
    try:
        with retry_on_windows(lambda: file.open("rb")) as stream:
            record = parse(stream.read(MAX_BYTES + 1))
        if record["trial"] != file.stem:
            raise ValueError(f"it is the record of {record['trial']}")
    except ValueError as error:
        remedy = "run the benchmark, which runs its trial again, or remove it"
        raise DamagedRecord(str(file), str(error), remedy) from error
    return record
