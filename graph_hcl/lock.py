"""Locks in a folder that several processes or machines share."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graph_hcl.files import naming, retry_on_windows, temporary_beside
from graph_hcl.interrupts import unbroken
from graph_hcl.process import is_gone, place, started

STALE_SECONDS = 600.0
EMPTY_SECONDS = 60.0
"""Age at which a lock without its holder's name is stale: it was killed in between."""
MAX_NAME = 4096
"""Characters of a holder's name; it has some hundred."""


@contextmanager
def lock(path: Path, stale_seconds: float = STALE_SECONDS) -> Iterator[bool]:
    """Yield whether this process acquired the lock `path`; renew it meanwhile, then release it.

    A lock is a file that is created exclusively, so at most one process acquires it, on any file
    system with exclusive creation. Its holder touches it regularly. A lock that was not touched for
    `stale_seconds` by the clock of its file system, or whose process on this machine has ended (not
    known on Windows), is stale and taken over, again by at most one process.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "trial.lock"
    >>> with lock(file) as mine, lock(file) as again:
    ...     print(mine, again)
    True False
    >>> file.exists()
    False
    """
    _drop_if_stale(path, stale_seconds)
    owner = f"{place()} {os.getpid()} {started(os.getpid())} {uuid.uuid4().hex}"
    finished = threading.Event()
    heartbeat = threading.Thread(
        target=_renew, args=(path, finished, stale_seconds / 10), daemon=True
    )
    mine = False
    try:
        with unbroken():  # a signal between the file and what removes it would leave the lock
            mine = _acquired(path, owner)
            if mine:
                heartbeat.start()
        yield mine
    finally:
        with unbroken():  # and so would a second one
            if mine:
                finished.set()
                heartbeat.join()
            if mine and _read(path) == owner:
                retry_on_windows(lambda: path.unlink(missing_ok=True))


def _acquired(path: Path, owner: str) -> bool:
    """Create a lock with its owner's name; tell whether there was none."""
    try:
        with naming(path), retry_on_windows(lambda: path.open("x", encoding="utf-8")) as file:
            file.write(owner)
    except FileExistsError:
        return False
    except OSError:  # such as a full disk
        if path.is_file() and not _read(path):
            path.unlink(missing_ok=True)
        raise
    return True


def _renew(path: Path, finished: threading.Event, every: float) -> None:
    while not finished.wait(every):
        with suppress(FileNotFoundError):
            os.utime(path)


def _read(path: Path) -> str:
    """Return the name of a lock's holder, "" where there is no lock; any file may lie there."""
    try:
        with retry_on_windows(lambda: path.open(encoding="utf-8", errors="replace")) as file:
            return file.read(MAX_NAME)
    except FileNotFoundError:
        return ""


def _is_stale(path: Path, stale_seconds: float) -> bool:
    age, owner = _age(path), _read(path)
    if age > (stale_seconds if owner else min(EMPTY_SECONDS, stale_seconds)):
        return True
    where, process, since = [*owner.split(" "), "", "", ""][:3]
    return is_gone(where, process, since)


def _drop_if_stale(path: Path, stale_seconds: float) -> None:
    if not _is_stale(path, stale_seconds):
        return
    # Of several processes that find it stale, one succeeds in renaming it.
    moved = temporary_beside(path)
    try:
        retry_on_windows(lambda: path.rename(moved))
    except FileNotFoundError:
        return
    if not _is_stale(moved, stale_seconds):
        # Another process had taken it over in between: put that lock back.
        retry_on_windows(lambda: moved.replace(path))
    else:
        retry_on_windows(lambda: moved.unlink(missing_ok=True))


def _age(path: Path) -> float:
    """Return the seconds since a file was touched, by the clock that its file system sets."""
    try:
        touched = path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    probe = temporary_beside(path)
    try:
        with probe.open("x", encoding="utf-8"):
            return probe.stat().st_mtime - touched
    except OSError:  # nothing can be written there
        return time.time() - touched
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
