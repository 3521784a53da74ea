"""Atomic writes, and file names that are valid on every file system."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from graph_hcl.causes import as_system_error, sentence
from graph_hcl.errors import UserError
from graph_hcl.process import WINDOWS, is_gone, place

T = TypeVar("T")

LONGEST_NAME = 200
"""Bytes of a name; file systems take 255, of which endings and temporary files need some."""
RETRY_SECONDS = 2.0
"""Seconds to wait on Windows for another program to close a file."""

_IN_USE = (errno.EBUSY, errno.EINVAL, errno.EXDEV, errno.EACCES, errno.EPERM)
"""What systems say of a folder that cannot be replaced."""
_UMASK = os.umask(0)
os.umask(_UMASK)

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.I | re.S)


def safe_name(text: str) -> str:
    r"""Return a text as a file or folder name that is valid on every system, Windows included.

    Each run of separators, control characters and `< > : " | ? *` becomes a hyphen, leading and
    trailing spaces and trailing dots are dropped, and device names of Windows get an underscore. A
    name that is too long for file systems ends in its hash.

    >>> safe_name("my_package.losses:MyLoss"), safe_name("a/b\\c. "), safe_name("NUL.txt")
    ('my_package.losses-MyLoss', 'a-b-c', '_NUL.txt')
    """
    name = _FORBIDDEN.sub("-", text).lstrip(" ").rstrip(". ")
    if len(os.fsencode(name)) > LONGEST_NAME:
        start = os.fsencode(name)[: LONGEST_NAME - 20].decode("utf-8", "ignore")
        name = f"{start}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"
    return f"_{name}" if not name or _DEVICE.fullmatch(name) else name


def as_path(given: object, name: str) -> Path:
    """Return a path that a user gave, with their home folder in place of ~.

    Raises `UserError` for what is no path, and for ~ where there is no home folder.

    >>> as_path("runs/a", "folder").parts, as_path("~/a", "folder") == Path.home() / "a"
    (('runs', 'a'), True)
    """
    if not isinstance(given, str | os.PathLike):
        raise UserError(f"Expected a string or Path as {name}, but got {given!r:.60}.")
    try:
        return Path(given).expanduser()
    except RuntimeError as error:  # no home folder
        raise UserError(sentence(error) or str(error)) from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file in the same folder, flush it, and rename it to `path`.

    A kill or a power cut at any time leaves either the old file or the new one; a failed write
    leaves the old one and removes the temporary file. Raises what `write` raises, and `UserError`
    where `path` cannot be replaced.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.bin"
    >>> write_atomically(target, lambda temporary: temporary.write_bytes(b"whole"))
    >>> target.read_bytes(), len(list(target.parent.iterdir()))
    (b'whole', 1)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        with naming(path, temporary):
            _check_no_folder(path)
            write(temporary)
            if not WINDOWS:
                temporary.chmod(0o666 & ~_UMASK)  # some libraries make files for their user alone
            flush(temporary)
        try:
            retry_on_windows(lambda: temporary.replace(path))
        except PermissionError as error:
            raise UserError(
                f"Expected to replace {path}, but got '{error.strerror}': close the program that "
                "uses it, or make it writable."
            ) from error
        flush_folder(path.parent)
    finally:
        retry_on_windows(lambda: temporary.unlink(missing_ok=True))


def temporary_beside(path: Path) -> Path:
    """Return a name beside `path`, and remove what killed processes left under such names."""
    thread = threading.current_thread()
    of_thread = "" if thread is threading.main_thread() else f".{thread.ident}"
    own = path.with_name(f".{path.name}{of_thread}.{os.getpid()}-{_here()}.tmp")
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        if left == own or _is_left(left):  # another process may have had the number of this one
            _remove(left)
    return own


def sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder and those in it: unfinished writes.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / ".a.json.99999999999-00000000.tmp").touch()  # of another machine
    >>> sweep(folder)
    >>> len(list(folder.iterdir()))
    1
    """
    for left in folder.rglob(".*.tmp"):
        if _is_left(left):
            _remove(left)


def _here() -> str:
    return hashlib.sha256(place().encode()).hexdigest()[:8]


def _is_left(temporary: Path) -> bool:
    """Tell whether a name is one of `temporary_beside` whose process here has ended."""
    process, _, where = temporary.name.split(".")[-2].partition("-")
    return where == _here() and is_gone(place(), process)


def _remove(left: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def check_writable(path: Path) -> None:
    """Raise the error of the system that writing a file at `path` will end in, before any work.

    >>> check_writable(Path("."))
    Traceback (most recent call last):
    IsADirectoryError: [Errno 21] Is a directory: '.'
    """
    with naming(path):
        _check_no_folder(path)
        with naming(path, temporary := temporary_beside(path)):
            temporary.exists()  # raises for a name that is too long
        near = next(folder for folder in path.absolute().parents if folder.exists())
        if not near.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(near))
        if not os.access(near, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(near))


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


@contextmanager
def naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Let errors of the system inside the block name `path`, whatever library they come from.

    >>> with naming(Path("a.bin")):
    ...     raise RuntimeError("I/O error: No space left on device (os error 28)")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'a.bin'
    """
    try:
        yield
    except Exception as error:
        system = as_system_error(error)
        if system is None:
            raise
        inside = system.filename is not None and (
            temporary is None or temporary.name not in str(system.filename)
        )
        if inside:
            raise
        raise OSError(system.errno, system.strerror, str(path)) from error


def write_text(path: Path, text: str) -> None:
    r"""Write a text atomically, as UTF-8 with `\n` line endings on every system.

    Undecodable bytes of paths, which Python holds as surrogates, are written unchanged.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_text(target, "β = 1\n")
    >>> target.read_bytes()
    b'\xce\xb2 = 1\n'
    """
    content = text.encode("utf-8", "surrogateescape")
    write_atomically(path, lambda to: to.write_bytes(content))


def place_folder(path: Path, fill: Callable[[Path], object]) -> bool:
    """Let `fill` write files into a new folder, which then appears as `path` with all of them.

    Returns False where `path` holds something. A folder that cannot be replaced, such as the
    current one, is filled in place.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "run"
    >>> [place_folder(place, lambda folder: (folder / "a").write_bytes(b"1")) for _ in range(2)]
    [True, False]
    """
    if path.is_symlink() or path.name in ("", ".."):
        return _fill_in_place(path, fill)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = temporary_beside(path)
    try:
        with naming(path, staged):
            staged.mkdir()
            fill(staged)
        if WINDOWS and path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        staged.rename(path)
        flush_folder(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        if not path.is_dir() or error.errno not in _IN_USE:
            raise
        return _fill_in_place(path, fill)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return True


def _fill_in_place(path: Path, fill: Callable[[Path], object]) -> bool:
    if any(path.iterdir()):
        return False
    fill(path)
    return True


def copy_or_link(file: Path, to: Path) -> None:
    """Make `to` another name of a file that is only ever replaced, or a copy of it.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a").write_bytes(b"1")
    >>> copy_or_link(folder / "a", folder / "b")
    >>> (folder / "b").read_bytes()
    b'1'
    """
    try:
        os.link(file, to)
    except OSError:  # a file system without links
        shutil.copyfile(file, to)


def flush(file: Path) -> None:
    """Wait until the content of a file is on disk."""
    with file.open("r+b") as stream:  # Windows cannot flush a file opened read-only
        os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the entries of a folder are on disk, where folders can be flushed."""
    if WINDOWS:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that is writable but not readable
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(handle)


def retry_on_windows(action: Callable[[], T]) -> T:
    """Return the result of a file operation, retried for a while where Windows refuses it.

    Windows can neither replace nor remove a file that another process is reading.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return action()
        except PermissionError:
            if not WINDOWS or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
