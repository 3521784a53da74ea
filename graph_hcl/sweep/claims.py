"""Several processes or machines share a folder of cells: each cell is worked on by one of them."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STALE_SECONDS = 600.0


@contextmanager
def claim(path: Path, stale_seconds: float = STALE_SECONDS) -> Iterator[bool]:
    """Yield whether this process got the claim `path`; hold it alive, and drop it at the end.

    A claim is a file that is created exclusively, so at most one process gets it, on any file
    system that creates exclusively. Its holder touches it while it lives; a claim not touched for
    `stale_seconds`, or one of a process of this machine that is no more, belongs to nobody and is
    taken over, again by at most one process.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "cell.claim"
    >>> with claim(file) as mine, claim(file) as again:
    ...     print(mine, again)
    True False
    >>> file.exists()
    False
    """
    _drop_if_stale(path, stale_seconds)
    owner = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
    try:
        with path.open("x") as file:
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
            path.unlink(missing_ok=True)


def _beat(path: Path, finished: threading.Event, every: float) -> None:
    while not finished.wait(every):
        if path.exists():
            os.utime(path)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _is_stale(path: Path, stale_seconds: float) -> bool:
    if _age(path) > stale_seconds:
        return True
    host, _, rest = _read(path).partition(" ")
    process = rest.partition(" ")[0]
    if host != socket.gethostname() or not process.isdigit():
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
        path.rename(grave)
    except FileNotFoundError:
        return
    if not _is_stale(grave, stale_seconds):
        # Another process had already taken it over in between: give that claim back.
        grave.replace(path)
    else:
        grave.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
