"""What the system and libraries raise for causes that the user can remove, each as one sentence."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graph_hcl.errors import UserError

ADVICE = {
    errno.ENOSPC: "make room there; what was finished is kept",
    errno.EDQUOT: "make room there; what was finished is kept",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or write elsewhere",
    errno.EACCES: "change its permissions, or name another place",
    errno.EPERM: "change its permissions, or name another place",
    errno.EROFS: "name another place",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "name a folder",
    errno.EEXIST: "name a folder, or another place",
    errno.ENOENT: "name a place that exists",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "correct the links, which lead to each other",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.EIO: "check the disk or the connection to it",
    errno.ESTALE: "check the connection to that file system",
    errno.ENODEV: "name an ordinary file",
    errno.ENXIO: "name an ordinary file",
}
"""What to do about an error of the system, by its number."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What systems say of a disk that takes no more."""

SMALLER = "take a smaller --batch-size, --hidden or --layers, or bound nodes by --max-nodes"

SENTENCES = (
    ("OutOfMemoryError", r"^(?:(?s:.)*?(?P<what>Tried to allocate [\d.]+ \w+))?",
     "The memory of the GPU is exhausted{what}: " + SMALLER + "."),
    ("MemoryError", r"^(?:(?s:.)*?(?P<what>Unable to allocate [\d.]+ \w+))?",
     "The memory is exhausted{what}: " + SMALLER + "."),
    ("RuntimeError", r"can't allocate memory: you tried to allocate (?P<bytes>\d+) bytes",
     "The memory is exhausted{what}: " + SMALLER + "."),
    ("RuntimeError", r"not enough memory|Storage size calculation overflowed|std::bad_alloc"
     r"|numel: integer multiplication overflow|invalid size for storage",
     "The memory is exhausted{what}: " + SMALLER + "."),
    ("RuntimeError", r"CUDA out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED",
     "The memory of the GPU is exhausted{what}: " + SMALLER + "."),
    ("RuntimeError", r"can't start new thread",
     "Expected to start one more thread, but the system refuses it: take a smaller --probe.jobs or "
     "--jobs, or raise the limit of processes (ulimit -u)."),
    ("RuntimeError", r"Could not determine home directory",
     "Expected a home folder for a path with ~, but found none: set $HOME, or name the whole path; "
     "$GRAPH_HCL_DATA or --data-dir is where data sets are kept."),
    ("ValueError", r"embedded null (byte|character)",
     "Expected names of files and folders, but one holds the character NUL: correct it."),
    ("ModuleNotFoundError", r"No module named '(?P<module>(?!graph_hcl)[\w.]+)'",
     "Expected the package {module}, but it is not installed: install it with pip."),
)  # fmt: skip
"""The name of a class of errors, a pattern of the message, and the sentence that replaces it."""


def sentence(error: BaseException) -> str | None:
    """Return what to tell the user of an error of the system or a library; None for a bug.

    >>> sentence(PermissionError(13, "Permission denied", "runs"))
    "Expected to use runs, but got 'Permission denied': change its permissions, or name another \
place."
    >>> sentence(MemoryError())
    'The memory is exhausted: take a smaller --batch-size, --hidden or --layers, or bound nodes \
by --max-nodes.'
    >>> sentence(KeyError("x")) is None
    True
    """
    system = as_system_error(error)
    if system is not None:
        return _of_system(system)
    classes = {kind.__name__ for kind in type(error).__mro__}
    for kind, pattern, text in SENTENCES:
        found = re.search(pattern, str(error)) if kind in classes else None
        if found:
            parts = found.groupdict()
            if size := parts.get("bytes"):
                parts["what"] = f"tried to allocate {int(size) / 2**30:.3g} GiB"
            what = str(parts.get("what") or "")
            parts["what"] = f" ({what[0].lower()}{what[1:]})" if what else ""
            return text.format(**parts)
    return None


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Raise errors of the system inside the block as `UserError`, where `sentence` has one.

    >>> with in_one_sentence():
    ...     raise PermissionError(13, "Permission denied", "runs")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected to use runs, but got 'Permission denied': change its \
permissions, or name another place.
    """
    try:
        yield
    except OSError as error:
        if (told := sentence(error)) is None:
            raise
        raise UserError(told) from error


def as_system_error(error: BaseException) -> OSError | None:
    """Return an error as one of the system if it is one, such as a full disk; else None.

    Libraries written in Rust tell its number in their message alone.

    >>> as_system_error(ValueError("I/O error: No space left on device (os error 28)"))
    OSError(28, 'No space left on device')
    >>> as_system_error(ValueError("IoError(Os { code: 27, kind: FileTooLarge, … })"))
    OSError(27, 'File too large')
    """
    if isinstance(error, OSError | UserError):
        return error if isinstance(error, OSError) and error.errno is not None else None
    found = re.search(r"(?:\(os error |Os \{ code: )(\d+)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def _of_system(error: OSError) -> str | None:
    """Return the sentence for an error of the system; None for one without a file or advice."""
    advice = ADVICE.get(error.errno or 0)
    if error.filename is None and advice is None:
        return None
    # Of a copy, the second file is the one that is written.
    name = error.filename2 if error.filename2 and error.errno in FULL else error.filename
    shown = os.fsdecode(name) if isinstance(name, bytes | str) else "the output"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        places = (Path(shown), *Path(shown).parents)
        in_the_way = [place for place in places if place.is_file()]
        if in_the_way[:1] == [Path(shown)]:
            return f"Expected a folder at {shown}, but it is a file: name another place."
        if in_the_way:
            return f"Expected to use {shown}, but {in_the_way[0]} is a file: name another place."
    if len(shown) > 200:
        shown = f"{shown[:100]}…{shown[-60:]}"
    reason = error.strerror or str(error)
    return f"Expected to use {shown}, but got '{reason}'{': ' + advice if advice else ''}."
