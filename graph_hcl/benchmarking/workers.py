"""Running the trials of a benchmark: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from graph_hcl.benchmarking.folder import TrialFolder, last_sentence
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.causes import sentence
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.files import retry_on_windows, sweep
from graph_hcl.interrupts import Interrupted
from graph_hcl.progress import Progress
from graph_hcl.warn import warn_user


def run_trials(
    trials: Sequence[Trial], folder: TrialFolder, jobs: int, engine: str = "local"
) -> None:
    """Run all trials that are not finished; several calls may share the folder.

    `jobs` processes work side by side, and share the cores for the folds of the probe; the threads
    of a trial are its own. The engine "ray" submits the trials to a Ray cluster that sees the same
    folder. Raises `UserError` without ray, and for a trial without the validation scores that are
    to choose among candidates: right after it, since the others would be trained in vain.
    """
    if folder.path.is_dir():
        sweep(folder.path)
    todo = []
    for trial in trials:
        if folder.is_finished(trial):
            # A process that was killed just after finishing the trial left its lock.
            left = folder.file(trial, "lock")
            retry_on_windows(partial(left.unlink, missing_ok=True))
        else:
            todo.append(trial)
    if todo:
        for trial in trials:
            folder.check_selectable(trial)
    if engine == "ray":
        _with_ray(todo, folder)
    elif jobs == 1 or len(todo) < 2:
        with _bar(len(trials), len(trials) - len(todo)) as bar:
            for trial in todo:
                folder.run(trial, os.cpu_count() or 1)
                _tell_error(trial, folder)
                bar.update(last=f"{trial.dataset} {trial.method}")
    else:
        _in_processes(todo, folder, min(jobs, len(todo)))


def _bar(total: int, done: int) -> Progress:
    return Progress("benchmark", total, "trial", done=done)


def _in_processes(todo: list[Trial], folder: TrialFolder, jobs: int) -> None:
    """Run trials in processes that each go through the list and take those that are free.

    What they warn of is told here, where each text is told once. After an error of one of them the
    others end when they have finished their trials.
    """
    folds = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(jobs)]
    workers = [
        context.Process(target=_work, args=(todo, folder, folds, theirs), daemon=True)
        for _, theirs in pipes
    ]
    for worker, (_, theirs) in zip(workers, pipes, strict=True):
        worker.start()
        theirs.close()  # so that the end of the worker is the end of the pipe
    ours = [mine for mine, _ in pipes]
    errors: list[str] = []

    def working() -> bool:
        alive = any(worker.is_alive() for worker in workers)  # before the last messages are read
        for channel in ours:
            errors.extend(_tell(channel))
        if errors:
            for channel in ours:
                with suppress(OSError):
                    channel.send(None)
        return alive

    try:
        _watch(todo, folder, working)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
        working()  # reads what they sent last
    if errors:
        raise UserError(f"{errors[0]} The same command runs the remaining trials.")
    failed = [worker.exitcode for worker in workers if worker.exitcode not in (0, -15)]
    if failed:
        raise UserError(
            f"{len(failed)} of {jobs} processes ended early (exit code {failed[0]}): fix the cause "
            "printed above; the same command runs the remaining trials."
        )


def _tell(channel: Connection) -> Iterator[str]:
    """Warn of what a worker warned of since; yield its error, if there is one."""
    with suppress(EOFError, OSError):  # it has ended
        while channel.poll():
            told = channel.recv()
            if isinstance(told, str):
                yield told
            else:
                warnings.warn_explicit(*told)


def _work(todo: list[Trial], folder: TrialFolder, folds: int, channel: Connection) -> None:
    """Work as one of several processes, which sends its warnings and its error by the channel.

    An interruption is told by the process that started this one, which has it, too.
    """
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def warn(message: Warning | str, kind: type[Warning], file: str, line: int, *_: Any) -> None:
        channel.send((str(message), kind, file, line))

    def work(argv: Sequence[str]) -> None:
        try:
            worker_loop(todo, folder, folds, channel.poll)
        except Interrupted as stopped:
            sys.exit(stopped.exit_code)
        except Exception as error:
            text = str(error) if isinstance(error, UserError) else sentence(error)
            if text is None:
                raise
            channel.send(text)
            sys.exit(2)

    warnings.showwarning = warn  # type: ignore[assignment]  # mypy wants the last two named
    sys.exit(run_command(work, []))


def _die_with_parent() -> None:
    """End this process when the command that started it is gone: nobody would stop it any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def worker_loop(
    trials: Sequence[Trial],
    folder: TrialFolder,
    folds: int,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Run trials until none is free or it is stopped, with so many folds of the probe at a time."""
    for trial in trials:
        if stopped():
            return
        folder.run(trial, folds)


def _tell_error(trial: Trial, folder: TrialFolder) -> bool:
    """Tell whether a trial ended in an error, and warn of it while the others run."""
    text = folder.read_error(trial)
    if text:
        about = f"{trial.dataset}, {trial.method}"
        warn_user(f"{about}: {last_sentence(text)}")
    return bool(text)


def _watch(todo: list[Trial], folder: TrialFolder, alive: Callable[[], bool]) -> None:
    """Advance the bar as trials finish, until no process is alive.

    A trial counts as finished with its record, before the process that ran it has ended.
    """
    waiting = list(todo)
    with _bar(len(todo), 0) as bar:
        while waiting:
            working = alive()
            left = [
                trial
                for trial in waiting
                if not (folder.is_finished(trial) or _tell_error(trial, folder))
            ]
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
        raise UserError(
            "--engine ray needs one more package: pip install 'graph_hcl[ray]'."
        ) from error
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    shared = TrialFolder(folder.path.resolve())
    task = ray.remote(num_cpus=max((trial.threads for trial in todo), default=1))(worker_loop)
    waiting = [task.remote([trial], shared, 1) for trial in todo]
    with _bar(len(todo), 0) as bar:
        while waiting:
            done, waiting = ray.wait(waiting)
            ray.get(done)
            bar.update(len(done))
