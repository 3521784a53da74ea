"""The raw files of a TU data set in the cache: fetched if absent, checked, moved in whole."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from graph_hcl.data.cards import find_card, list_datasets
from graph_hcl.data.names import (
    LABELS,
    is_function,
    is_graph_file,
    is_ogb,
    is_place,
)
from graph_hcl.data.tu_mirror import (
    OFFLINE,
    OPTIONAL,
    REQUIRED,
    SUFFIXES,
    changed_at,
    copy_from_grakel,
    fetch,
    list_files,
    mirror_of,
)
from graph_hcl.errors import UserError
from graph_hcl.files import (
    as_path,
    flush,
    flush_folder,
    retry_on_windows,
    safe_name,
    temporary_beside,
)
from graph_hcl.registry import match_ignoring_case
from graph_hcl.warn import warn_user

LONGEST_NAME = 255
"""Bytes of the name of a file or folder that file systems take."""


def place_text(option: str, place: str | Path | None) -> str | None:
    """Return a folder or URL as text; raise `UserError` for what is neither.

    >>> place_text("mirror", Path("sets")), place_text("mirror", "https://sets.org/tu")
    ('sets', 'https://sets.org/tu')
    """
    return place if isinstance(place, str | None) else str(as_path(place, option))


def data_folder(data_dir: str | None) -> Path:
    """Return the cache folder: the argument, else GRAPH_HCL_DATA, else ~/.cache/graph_hcl."""
    place = data_dir or os.environ.get("GRAPH_HCL_DATA") or "~/.cache/graph_hcl"
    return as_path(place, "data_dir")


def canonical_name(name: str, data_dir: str | None = None, mirror: str | None = None) -> str:
    """Return the name of a data set with the capitals of its card or its folder in the cache.

    Paths and import paths are returned as they are. Raises `UserError` if the mirror folder has
    data sets whose names differ in capitals alone: many file systems could not keep both in the
    cache.

    >>> canonical_name("mutag"), canonical_name("my-own")
    ('MUTAG', 'my-own')
    """
    for what, path in (
        ("the name or path of a data set", name),
        ("a mirror", mirror),
        ("a folder of data", data_dir),
    ):
        if any(len(os.fsencode(part)) > LONGEST_NAME for part in re.split(r"[/\\]", path or "")):
            raise UserError(
                f"Expected {what}, but got one too long: '{path}': choose a shorter name."
            )
    if is_place(name) or is_function(name):
        return name
    if is_ogb(name):
        return name.lower().replace("_", "-")
    place = as_path(mirror_of(mirror), "mirror")
    archives = {zipped.stem for zipped in place.glob("*.zip")} if place.is_dir() else set()
    equal = sorted(one for one in archives if one.casefold() == name.casefold())
    if len(equal) > 1:
        raise UserError(
            f"Expected data sets whose names differ in more than capitals, but got "
            f"{' and '.join(equal)} in {place}: rename one of them, files and all."
        )
    cache = data_folder(data_dir)
    cached = [folder.name for folder in cache.iterdir()] if cache.is_dir() else []
    return match_ignoring_case(name, {*list_datasets(), *cached})


def raw_files(name: str, data_dir: str | None = None, mirror: str | None = None) -> dict[str, Path]:
    """Return the raw text files of a TU data set by their suffix (A, graph_labels, …).

    Files in DATA/NAME/raw are used if present; a user may put them there. Otherwise MUTAG comes
    from the installed grakel package and every other data set from the mirror: a URL, or a folder
    that is searched for NAME.zip, NAME/raw/NAME_A.txt, NAME/NAME_A.txt and NAME_A.txt in this
    order. New files are checked in a temporary folder that is then renamed, so a kill at any time
    leaves either all of them or none.

    Warns of files such as NAME_node_….txt that are not read, and of a data set without a published
    sha256 that changed in the mirror folder after it was fetched. Raises `UserError` for an unknown
    name, no network, a file that is not a zip archive, archive members outside their folder,
    missing or duplicate files, and a sha256 that differs from the card's.
    """
    if not re.fullmatch(r"\w[\w.+-]*", name) or safe_name(name) != name:
        raise UserError(f"Expected the name of a data set, but got '{name}'.")
    raw = data_folder(data_dir) / name / "raw"
    if not raw.is_dir():
        with new_folder(raw) as temporary:
            if name == OFFLINE:
                source = copy_from_grakel(name, temporary)
            else:
                source = fetch(name, mirror, temporary, raw)
            check_sha256(name, _present(name, temporary, source), source)
    files = _present(name, raw)
    _warn_of_unread(name, raw, files)
    _warn_of_newer(name, mirror, files)
    return files


def _warn_of_newer(name: str, mirror: str | None, files: dict[str, Path]) -> None:
    """Warn of a mirror folder whose files are newer than those in the cache."""
    card = find_card(name)
    if name == OFFLINE or (card is not None and card.sha256):
        return  # there is one right content
    if changed_at(name, mirror) > max(file.stat().st_mtime for file in files.values()):
        raw = files["A"].parent
        warn_user(
            f"{name} has changed in the mirror {mirror_of(mirror)} since it was copied to {raw}, "
            "whose files are used: remove that folder to fetch it again."
        )


def content_sha256(name: str, data_dir: str | None = None, mirror: str | None = None) -> str:
    """Return one sha256 over the raw files of a data set, which are fetched if absent.

    That of one's own file is over its name and bytes, that of a folder over all files that are
    read in it.
    It is remembered for as long as the files keep their sizes and times. Raises `UserError` as
    `raw_files` does, but does not warn.
    """
    if is_place(name):
        return _place_sha256(as_path(name, "dataset"))
    raw = data_folder(data_dir) / name / "raw"
    if not raw.is_dir():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever loads the set is warned
            raw_files(name, data_dir, mirror)
    states = ((file.name, file.stat()) for file in raw.iterdir())
    return _content_sha256(name, raw, tuple((n, s.st_size, s.st_mtime_ns) for n, s in states))


def place_files(place: Path) -> list[Path]:
    """Return what is read of the user's own data: the file itself, or files of a folder by name."""
    if not place.is_dir():
        return [place]
    files = (file for file in sorted(place.iterdir()) if file.is_file())
    return [file for file in files if file.name == LABELS or is_graph_file(file.name)]


def _place_sha256(place: Path) -> str:
    total = hashlib.sha256()
    try:
        for file in place_files(place):
            total.update(f"{file.name} {_file_sha256(file)}\n".encode())
    except OSError as error:
        raise UserError(f"Cannot read {place}: {error}") from error
    return total.hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=1024)
def _content_sha256(name: str, raw: Path, states: tuple[tuple[str, int, int], ...]) -> str:
    return check_sha256(name, _present(name, raw))


def _present(name: str, folder: Path, source: str = "") -> dict[str, Path]:
    """Return the files to read; raise `UserError`, naming the source, if one is missing."""
    files = list_files(name, folder)
    card = find_card(name)
    published = card.sha256 if card else {}
    missing = [
        f"{name}_{suffix}.txt"
        for suffix in SUFFIXES
        if suffix not in files and (suffix in REQUIRED or suffix in published)
    ]
    if missing:
        raise UserError(
            f"Expected the raw files of {name} in {source or folder}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: put them there or "
            f"{'name another mirror' if source else 'remove the folder to fetch it again'}."
        )
    return {suffix: files[suffix] for suffix in SUFFIXES if suffix in files}


def _warn_of_unread(name: str, folder: Path, files: dict[str, Path]) -> None:
    """Warn of files that look like data but are not read, such as NAME_node_label.txt."""
    absent = [suffix for suffix in OPTIONAL if suffix not in files]
    for suffix, file in list_files(name, folder).items():
        near = difflib.get_close_matches(suffix.casefold(), absent, n=1, cutoff=0.75)
        if suffix not in files and (near or re.match("(node|edge|graph)s?_", suffix, re.I)):
            kinds = f"{name}_{near[0]}.txt" if near else f"one of {', '.join(OPTIONAL)}"
            warn_user(f"{file} is not read: rename it to {kinds} if that is what it holds.")


def check_sha256(name: str, files: dict[str, Path], source: str = "") -> str:
    """Return one sha256 over all raw files; raise `UserError` if the card has another for any.

    `source` names where the files came from, if not the folder they are in.
    """
    card = find_card(name)
    expected = card.sha256 if card else {}
    total = hashlib.sha256()
    for suffix, file in sorted(files.items()):
        digest = _file_sha256(file)
        total.update(f"{suffix} {digest}\n".encode())
        if expected and digest != expected.get(suffix, digest):
            what = f"{file.name} in {source}" if source else str(file)
            remedy = (
                "name another mirror"
                if source
                else f"remove the folder {file.parent} to fetch it again"
            )
            raise UserError(
                f"{what} is not the published file (sha256 {digest[:12]}…, expected "
                f"{expected[suffix][:12]}…): it was altered or cut short; {remedy}."
            )
    return total.hexdigest()


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder, renamed to `target` on success and removed otherwise.

    Then folders that were made for it are removed, too.
    """
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            flush(file)
        flush_folder(temporary)
        try:
            retry_on_windows(lambda: temporary.rename(target))
            flush_folder(target.parent)
        except OSError:
            if not target.is_dir():  # unless another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in dict.fromkeys([target.parent, *made]):
            with suppress(OSError):  # unless something else is in there
                folder.rmdir()
