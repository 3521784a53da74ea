"""What an earlier call of a command left among the files that it writes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from graph_hcl.files import retry_on_windows


def remove_others(folder: Path, pattern: str, kept: Collection[str]) -> None:
    """Remove the files in a folder whose whole names match `pattern`, but for those `kept`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("run0-loss.svg", "run1-loss.svg", "mine.svg"):
    ...     (folder / name).touch()
    >>> remove_others(folder, r"run\\d+-loss\\.svg", {"run0-loss.svg"})
    >>> sorted(file.name for file in folder.iterdir())
    ['mine.svg', 'run0-loss.svg']
    """
    for file in [*folder.iterdir()] if folder.is_dir() else []:
        if re.fullmatch(pattern, file.name) and file.name not in kept and file.is_file():
            retry_on_windows(partial(file.unlink, missing_ok=True))


@contextmanager
def folder_for(folder: Path) -> Iterator[None]:
    """Make a folder for the block; one that was not there before is removed where the block fails.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp(), "figures")
    >>> with folder_for(folder):
    ...     folder.is_dir()
    True
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise
