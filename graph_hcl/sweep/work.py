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

from graph_hcl.cli import run
from graph_hcl.errors import UserError
from graph_hcl.files import patiently, write_text
from graph_hcl.progress import Progress
from graph_hcl.sweep.cells import Cell, run_cell
from graph_hcl.sweep.claims import claim


@dataclass(frozen=True)
class CellFolder:
    """The folder of a benchmark: `cells/HASH.json`, and `cells/HASH.error` of what went wrong."""

    path: Path

    def file(self, cell: Cell, suffix: str = "json") -> Path:
        """Return the place of a cell's record, claim or error."""
        return self.path / "cells" / f"{cell.name}.{suffix}"

    def has(self, cell: Cell) -> bool:
        """Tell whether a cell is finished."""
        return self.file(cell).is_file()

    def record(self, cell: Cell) -> dict[str, Any] | None:
        """Return the record of a finished cell, None of another.

        Raises `UserError` for a file that is no record.
        """
        file = self.file(cell)
        if not file.is_file():
            return None
        try:
            text = patiently(lambda: file.read_text(encoding="utf-8"))
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise UserError(f"{file} is damaged ({error}): remove it to run it again.") from error
        return found

    def error(self, cell: Cell) -> str | None:
        """Return what kept a cell from being finished at its last try."""
        file = self.file(cell, "error")
        if not file.is_file():
            return None
        return patiently(lambda: file.read_text(encoding="utf-8"))

    def carry_out(self, cell: Cell, jobs: int = 1) -> bool:
        """Run a cell unless it is finished or somebody else's; tell whether this call ran it.

        What goes wrong with it is written beside it, so that the other cells go on.
        """
        self.file(cell).parent.mkdir(parents=True, exist_ok=True)
        with claim(self.file(cell, "claim")) as mine:
            if not mine or self.has(cell):
                return False
            error = self.file(cell, "error")
            try:
                text = json.dumps(run_cell(cell, jobs), indent=1) + "\n"
            except OSError:
                raise  # a full disk, a lost mount: it would befall every cell
            except Exception as problem:
                known = isinstance(problem, UserError)
                text = f"{problem}\n" if known else traceback.format_exc()
                write_text(error, text)
            else:
                write_text(self.file(cell), text)
                patiently(lambda: error.unlink(missing_ok=True))
            return True


def run_cells(cells: Sequence[Cell], folder: CellFolder, jobs: int, engine: str = "local") -> None:
    """Carry out all cells that are not finished; several calls may share the folder.

    `jobs` processes work side by side, each with its share of the cores; engine "ray" hands the
    cells to a Ray cluster instead, which sees the same folder. Raises `UserError` without ray.
    """
    todo = []
    for cell in cells:
        if folder.has(cell):
            # Left by a process that was killed just after the cell was finished.
            left = folder.file(cell, "claim")
            patiently(partial(left.unlink, missing_ok=True))
        else:
            todo.append(cell)
    if engine == "ray":
        _with_ray(todo, folder)
    elif jobs == 1 or len(todo) < 2:
        threads = os.cpu_count() or 1
        with _bar(len(cells), len(cells) - len(todo)) as bar:
            for cell in todo:
                folder.carry_out(cell, threads)
                bar.update(last=f"{cell.dataset} {cell.method}")
    else:
        _in_processes(todo, folder, min(jobs, len(todo)))


def _bar(total: int, done: int) -> Progress:
    return Progress("benchmark", total, "cell", done=done)


def _in_processes(todo: list[Cell], folder: CellFolder, jobs: int) -> None:
    """Run cells in processes that each walk through all of them and take what is free."""
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
            "told above; the same command goes on with the cells that are left."
        )


def _work(todo: list[Cell], folder: CellFolder, threads: int) -> None:
    """Be one of several processes: a full disk or the like is told in a sentence."""
    sys.exit(run(lambda argv: walk(todo, folder, threads), []))


def walk(cells: Sequence[Cell], folder: CellFolder, threads: int) -> None:
    """Take and carry out cells until none is free, on `threads` threads."""
    import torch

    torch.set_num_threads(threads)
    for cell in cells:
        folder.carry_out(cell, threads)


def _watch(todo: list[Cell], folder: CellFolder, alive: Callable[[], bool]) -> None:
    """Move the bar as cells are finished, until nobody works on them."""
    waiting = list(todo)
    with _bar(len(todo), 0) as bar:
        while waiting:
            working = alive()
            left = [cell for cell in waiting if not (folder.has(cell) or folder.error(cell))]
            if len(left) < len(waiting):
                bar.update(len(waiting) - len(left))
            waiting = left
            if not working:
                return
            time.sleep(0.5)


def _with_ray(todo: list[Cell], folder: CellFolder) -> None:
    try:
        import ray
    except ImportError as error:
        raise UserError("--engine ray needs one more package: pip install 'ray'.") from error
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    shared = CellFolder(folder.path.resolve())
    task = ray.remote(num_cpus=1)(walk)
    waiting = [task.remote([cell], shared, 1) for cell in todo]
    with _bar(len(todo), 0) as bar:
        while waiting:
            done, waiting = ray.wait(waiting)
            ray.get(done)
            bar.update(len(done))
