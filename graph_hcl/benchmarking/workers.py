"""Cells carried out: by this process, by several, by a Ray cluster; each by one of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from graph_hcl.benchmarking.lock import lock
from graph_hcl.benchmarking.trials import Trial, run_trial
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.files import patiently, write_text
from graph_hcl.progress import Progress


@dataclass(frozen=True)
class TrialFolder:
    """The folder of a benchmark: `cells/HASH.json`, and `cells/HASH.error` of what went wrong."""

    path: Path

    def file(self, trial: Trial, suffix: str = "json") -> Path:
        """Return the place of a trial's record, lock or error."""
        return self.path / "cells" / f"{trial.name}.{suffix}"

    def has(self, trial: Trial) -> bool:
        """Tell whether a trial is finished."""
        return self.file(trial).is_file()

    def record(self, trial: Trial) -> dict[str, Any] | None:
        """Return the record of a finished trial, None of another.

        Raises `UserError` for a file that is no record.
        """
        file = self.file(trial)
        if not file.is_file():
            return None
        try:
            text = patiently(lambda: file.read_text(encoding="utf-8"))
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise UserError(f"{file} is damaged ({error}): remove it to run it again.") from error
        return found

    def error(self, trial: Trial) -> str | None:
        """Return what kept a trial from being finished at its last try."""
        file = self.file(trial, "error")
        if not file.is_file():
            return None
        return patiently(lambda: file.read_text(encoding="utf-8"))

    def run_one(self, trial: Trial, jobs: int = 1) -> bool:
        """Run a trial unless it is finished or somebody else's; tell whether this call ran it.

        What goes wrong with it is written beside it, so that the other trials go on.
        """
        self.file(trial).parent.mkdir(parents=True, exist_ok=True)
        with lock(self.file(trial, "lock")) as mine:
            if not mine or self.has(trial):
                return False
            error = self.file(trial, "error")
            try:
                text = json.dumps(run_trial(trial, jobs), indent=1) + "\n"
            except OSError:
                raise  # a full disk, a lost mount: it would befall every trial
            except Exception as problem:
                known = isinstance(problem, UserError)
                text = f"{problem}\n" if known else traceback.format_exc()
                write_text(error, text)
            else:
                write_text(self.file(trial), text)
                patiently(lambda: error.unlink(missing_ok=True))
            return True


def run_trials(
    trials: Sequence[Trial], folder: TrialFolder, jobs: int, engine: str = "local"
) -> None:
    """Carry out all trials that are not finished; several calls may share the folder.

    `jobs` processes work side by side, each with its share of the cores; engine "ray" hands the
    trials to a Ray cluster instead, which sees the same folder. Raises `UserError` without ray.
    """
    todo = []
    for trial in trials:
        if folder.has(trial):
            # Left by a process that was killed just after the trial was finished.
            left = folder.file(trial, "lock")
            patiently(partial(left.unlink, missing_ok=True))
        else:
            todo.append(trial)
    if engine == "ray":
        _with_ray(todo, folder)
    elif jobs == 1 or len(todo) < 2:
        threads = os.cpu_count() or 1
        with _bar(len(trials), len(trials) - len(todo)) as bar:
            for trial in todo:
                folder.run_one(trial, threads)
                bar.update(last=f"{trial.dataset} {trial.method}")
    else:
        _in_processes(todo, folder, min(jobs, len(todo)))


def _bar(total: int, done: int) -> Progress:
    return Progress("benchmark", total, "trial", done=done)


def _in_processes(todo: list[Trial], folder: TrialFolder, jobs: int) -> None:
    """Run trials in processes that each walk through all of them and take what is free."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_work, args=(todo, folder, threads), daemon=True)
        for _ in range(jobs)
    ]
    for worker in workers:
        worker.start()
    try:
        _watch(todo, folder, lambda: any(worker.is_alive() for worker in workers))
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    failed = [worker.exitcode for worker in workers if worker.exitcode not in (0, -15)]
    if failed:
        raise UserError(
            f"{len(failed)} of {jobs} processes ended early (exit code {failed[0]}): mend what is "
            "told above; the same command goes on with the trials that are left."
        )


def _work(todo: list[Trial], folder: TrialFolder, threads: int) -> None:
    """Be one of several processes: a full disk or the like is told in a sentence."""
    sys.exit(run_command(lambda argv: worker_loop(todo, folder, threads), []))


def worker_loop(trials: Sequence[Trial], folder: TrialFolder, threads: int) -> None:
    """Take and carry out trials until none is free, on `threads` threads."""
    import torch

    torch.set_num_threads(threads)
    for trial in trials:
        folder.run_one(trial, threads)


def _watch(todo: list[Trial], folder: TrialFolder, alive: Callable[[], bool]) -> None:
    """Move the bar as trials are finished, until nobody works on them."""
    waiting = list(todo)
    with _bar(len(todo), 0) as bar:
        while waiting:
            working = alive()
            left = [trial for trial in waiting if not (folder.has(trial) or folder.error(trial))]
            if len(left) < len(waiting):
                bar.update(len(waiting) - len(left))
            waiting = left
            if not working:
                return
            time.sleep(0.5)


def _with_ray(todo: list[Trial], folder: TrialFolder) -> None:
    try:
        import ray
    except ImportError as error:
        raise UserError("--engine ray needs one more package: pip install 'ray'.") from error
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    shared = TrialFolder(folder.path.resolve())
    task = ray.remote(num_cpus=1)(worker_loop)
    waiting = [task.remote([trial], shared, 1) for trial in todo]
    with _bar(len(todo), 0) as bar:
        while waiting:
            done, waiting = ray.wait(waiting)
            ray.get(done)
            bar.update(len(done))
