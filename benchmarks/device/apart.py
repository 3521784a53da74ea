"""Steps in a process of their own: a kernel that ends it, or never ends, costs one case."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from benchmarks.device.machine import NO_TIME, Machine, about, said

LEAST = 2.0
"""Seconds without which a step is not begun."""
SLACK = 6.0
"""Seconds over its time after which a step ends its process, and as many more until it is ended."""
START = 60.0
"""Seconds in which a process has to be there."""
TRIES = 4
"""Processes that one step may take; each goes on behind the case that ended the last."""


class Apart:
    """Runs steps in one process, and in a new one where that has ended or has lost its device.

    Args:
        device: where to measure.
        quick: measures fewer and smaller cases.
        mirror: folder of data sets.
    """

    def __init__(self, device: torch.device, quick: bool, mirror: str | None) -> None:
        self._given = str(device), quick, mirror
        self._process: Any = None
        self._pipe: Any = None
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = Path(self._folder.name, "where.txt")
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._folder.cleanup()

    def begin(self, end: float) -> str | None:
        """Have a process, and what it says about the device; return why there is none."""
        if end - time.perf_counter() < LEAST:
            return NO_TIME
        if self._process is not None:
            return None
        spawned = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawned.Pipe()
        given = (theirs, *self._given, str(self._log))
        self._process = spawned.Process(target=_serve, args=given)
        self._process.start()
        theirs.close()
        try:
            if self._answers(min(end + SLACK, time.perf_counter() + START)):
                self.about = self._pipe.recv()
                return None
        except (EOFError, OSError):
            pass
        return f"no process began: {self._stop(1.0)}"

    def run(
        self, step: Any, end: float, found: dict[str, Any], note: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Run a step until a time at most; return what is kept of it.

        Args:
            step: has `run(machine, mirror)`, which returns what it finds.
            end: when it has to be over, by `time.perf_counter`.
            found: what an earlier process has found, whose cases are left out.
            note: called with all that it has found, after each case.

        Returns:
            `found` and, unless all is well, why it `failed` and its `traceback`; `lost` says how
            the process ended, if it did.
        """
        if why := self.begin(end):
            return {"failed": why, "found": found}
        try:
            self._pipe.send((step, end - time.perf_counter(), found))
            while self._answers(end + 2 * SLACK):
                is_over, value = self._pipe.recv()
                if is_over:
                    if "lost" in value:
                        self._stop()
                    return value
                found = value
                note(found)
        except (EOFError, OSError):
            pass
        how = self._stop(1.0)
        where = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
        lost = "it took too long" if where.startswith("Timeout") else f"its process ended: {how}"
        return {"failed": lost, "lost": lost, "traceback": where, "found": found}

    def _answers(self, end: float) -> bool:
        """Wait for an answer until a time; tell whether there is one."""
        while (left := end - time.perf_counter()) > 0:
            if self._pipe.poll(min(1.0, left)):
                return True
            if not self._process.is_alive():  # others that it began may still hold the pipe
                return self._pipe.poll(0)
        return False

    def _stop(self, seconds: float = 0.0) -> str:
        """End the process, and those that it began; return how it ended itself in some seconds."""
        if self._process is None:
            return ""
        self._process.join(seconds)
        code = self._process.exitcode
        if hasattr(os, "killpg"):
            with suppress(OSError):  # where it has not begun a group, or nothing is left of it
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join(SLACK / 2)
        self._pipe.close()
        self._process = None
        if code is None:
            return "it did not answer"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(pipe: Any, device: str, quick: bool, mirror: str | None, log: str) -> None:
    """Run the steps that come through a pipe, and answer with what they find."""
    if hasattr(os, "setsid"):
        os.setsid()  # a group, so that what it begins can be ended with it
    with open(log, "w", encoding="utf-8") as file:
        faulthandler.enable(file)

        def watch(seconds: float) -> None:
            file.seek(0)
            file.truncate()
            faulthandler.dump_traceback_later(seconds + SLACK, exit=True, file=file)

        on = Machine(torch.device(device), quick)
        on.watch, on.note = watch, lambda found: pipe.send((False, found))
        if on.is_cuda:
            torch.cuda.set_device(on.device.index or 0)  # which takes no "cuda" without a number
        pipe.send(about(on.device))
        with suppress(EOFError):  # nobody asks any more
            while True:
                step, seconds, found = pipe.recv()
                on.start(seconds, found)
                pipe.send((True, _outcome(step, on, mirror)))
                faulthandler.cancel_dump_traceback_later()


def _outcome(step: Any, on: Machine, mirror: str | None) -> dict[str, Any]:
    """Return what a step found, or why it failed, and whether it lost the device."""
    try:
        kept: dict[str, Any] = {"found": step.run(on, mirror)}
    except Exception as error:
        kept = {"failed": said(error), "traceback": traceback.format_exc(), "found": on.found}
    try:
        on.wait()
    except Exception as error:  # an error of the device stays, whatever is called
        kept |= {"failed": said(error), "lost": said(error), "found": on.found}
    return kept | {"first calls": on.first_calls}
