"""Files that are either whole or absent, under names that every file system takes."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from graph_hcl.errors import UserError

T = TypeVar("T")

WINDOWS = os.name == "nt"
PATIENCE = 2.0
"""Seconds that Windows is given until another program has closed a file."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.I | re.S)


def safe_name(text: str) -> str:
    r"""Return a text as a name of one file or folder that Windows takes as well as others do.

    A run of separators, control characters and `< > : " | ? *` becomes a hyphen, spaces at both
    ends and dots at the last go, and a name that Windows keeps for a device gets an underscore.

    >>> safe_name("my_package.losses:MyLoss"), safe_name("a/b\\c. "), safe_name("NUL.txt")
    ('my_package.losses-MyLoss', 'a-b-c', '_NUL.txt')
    """
    name = _FORBIDDEN.sub("-", text).lstrip(" ").rstrip(". ")
    return f"_{name}" if not name or _DEVICE.fullmatch(name) else name


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary neighbour, flush it to disk, then rename it to `path`.

    A kill or a power cut at any moment leaves the old file or the new one; a failed write leaves
    the old one and removes the temporary. Raises what `write` raises, and `UserError` where `path`
    cannot be replaced.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.bin"
    >>> write_atomically(target, lambda temporary: temporary.write_bytes(b"whole"))
    >>> target.read_bytes(), len(list(target.parent.iterdir()))
    (b'whole', 1)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        flush(temporary)
        try:
            patiently(lambda: temporary.replace(path))
        except PermissionError as error:
            raise UserError(
                f"Expected to replace {path}, but got '{error.strerror}': close the program that "
                "has it open, or make it writable."
            ) from error
        flush_folder(path.parent)
    finally:
        patiently(lambda: temporary.unlink(missing_ok=True))


def write_text(path: Path, text: str) -> None:
    r"""Write a text atomically: in UTF-8, with lines that end in `\n` on every system.

    What a path of other bytes than UTF-8 left in it is written as these bytes.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_text(target, "β = 1\n")
    >>> target.read_bytes()
    b'\xce\xb2 = 1\n'
    """
    content = text.encode("utf-8", "surrogateescape")
    write_atomically(path, lambda to: to.write_bytes(content))


def flush(file: Path) -> None:
    """Wait until the content of a file is on disk."""
    with file.open("r+b") as stream:  # Windows flushes no file that is open for reading alone
        os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where folders can be flushed."""
    if WINDOWS:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that may be written and not listed
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(handle)


def patiently(action: Callable[[], T]) -> T:
    """Return what an action on a file returns, tried again while Windows refuses it.

    There a file that another process reads at that moment can be neither replaced nor removed.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except PermissionError:
            if not WINDOWS or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
