"""A folder of trials that several processes or machines share: one of them works on each."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graph_hcl.files import WINDOWS, patiently

STALE_SECONDS = 600.0


@contextmanager
def lock(path: Path, stale_seconds: float = STALE_SECONDS) -> Iterator[bool]:
    """Yield whether this process got the lock `path`; hold it alive, and drop it at the end.

    A lock is a file that is created exclusively, so at most one process gets it, on any file
    system that creates exclusively. Its holder touches it while it lives; a lock not touched for
    `stale_seconds`, or one of a process of this machine that is no more (which Windows does not
    tell), belongs to nobody and is taken over, again by at most one process.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "trial.lock"
    >>> with lock(file) as mine, lock(file) as again:
    ...     print(mine, again)
    True False
    >>> file.exists()
    False
    """
    _drop_if_stale(path, stale_seconds)
    owner = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
    try:
        with patiently(lambda: path.open("x", encoding="utf-8")) as file:
            file.write(owner)
    except FileExistsError:
        yield False
        return
    finished = threading.Event()
    heart = threading.Thread(target=_beat, args=(path, finished, stale_seconds / 10), daemon=True)
    heart.start()
    try:
        yield True
    finally:
        finished.set()
        heart.join()
        if _read(path) == owner:
            patiently(lambda: path.unlink(missing_ok=True))


def _beat(path: Path, finished: threading.Event, every: float) -> None:
    while not finished.wait(every):
        with suppress(FileNotFoundError):
            os.utime(path)


def _read(path: Path) -> str:
    try:
        return patiently(lambda: path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""


def _is_stale(path: Path, stale_seconds: float) -> bool:
    if _age(path) > stale_seconds:
        return True
    host, _, rest = _read(path).partition(" ")
    process = rest.partition(" ")[0]
    # On Windows os.kill would not ask about the process but send it Ctrl-C.
    if WINDOWS or host != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _drop_if_stale(path: Path, stale_seconds: float) -> None:
    if not _is_stale(path, stale_seconds):
        return
    # Of several processes that see it stale, the rename succeeds for one.
    grave = path.with_name(f"{path.name}.{uuid.uuid4().hex}.stale")
    try:
        patiently(lambda: path.rename(grave))
    except FileNotFoundError:
        return
    if not _is_stale(grave, stale_seconds):
        # Another process had already taken it over in between: give that lock back.
        patiently(lambda: grave.replace(path))
    else:
        patiently(lambda: grave.unlink(missing_ok=True))


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
