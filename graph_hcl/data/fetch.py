"""The raw files of a TU data set: found, copied or downloaded, checked, and put in place whole."""

from __future__ import annotations

import difflib
import hashlib
import http.client
import importlib.util
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graph_hcl.data.archive import MAX_BYTES, set_files, unpack
from graph_hcl.data.cards import find_card, list_datasets
from graph_hcl.errors import UserError
from graph_hcl.files import flush, flush_folder, patiently, safe_name
from graph_hcl.progress import Progress
from graph_hcl.registry import did_you_mean, same_but_for_case

OFFICIAL = "https://www.chrsmrrs.com/graphkerneldatasets"
OFFLINE = "MUTAG"

REQUIRED = ("A", "graph_indicator")
OPTIONAL = (
    "graph_labels",
    "graph_attributes",
    "node_labels",
    "node_attributes",
    "edge_labels",
    "edge_attributes",
)
SUFFIXES = (*REQUIRED, *OPTIONAL)


def data_folder(data_dir: str | None) -> Path:
    """Return the cache: the argument, else GRAPH_HCL_DATA, else ~/.cache/graph_hcl."""
    return Path(data_dir or os.environ.get("GRAPH_HCL_DATA") or "~/.cache/graph_hcl").expanduser()


def canonical_name(name: str, data_dir: str | None = None, mirror: str | None = None) -> str:
    """Return the name of a data set as its card or its folder in the cache has it.

    Raises `UserError` where the mirror is a folder with two data sets that are equal but for
    capitals, for the cache could hold one of them alone on many file systems.

    >>> canonical_name("mutag"), canonical_name("my-own")
    ('MUTAG', 'my-own')
    """
    place = Path(_place(mirror)).expanduser()
    offered = {zipped.stem for zipped in place.glob("*.zip")} if place.is_dir() else set()
    equal = sorted(one for one in offered if one.casefold() == name.casefold())
    if len(equal) > 1:
        raise UserError(
            f"Expected data sets whose names differ in more than capitals, but got "
            f"{' and '.join(equal)} in {place}: rename one of them, files and all."
        )
    cache = data_folder(data_dir)
    there = [folder.name for folder in cache.iterdir()] if cache.is_dir() else []
    return same_but_for_case(name, {*list_datasets(), *there})


def raw_files(name: str, data_dir: str | None = None, mirror: str | None = None) -> dict[str, Path]:
    """Return the raw text files of a TU data set by their suffix (A, graph_labels, …).

    Looks in DATA/NAME/raw first, where a user may have put them; then MUTAG comes from the
    installed grakel package; others are taken from the mirror: an URL or a folder, in which
    NAME.zip, NAME/raw/NAME_A.txt, NAME/NAME_A.txt and NAME_A.txt are looked for in this order.
    What arrives is checked in a temporary folder and renamed into place, so that a kill at any
    moment leaves all of it or nothing.

    Warns of files NAME_node_….txt and the like that are not read. Raises `UserError` for an
    unknown name, no network, an archive that is none or that climbs out of its folder, missing
    files, files that are there twice, and content whose sha256 is not that of the card.
    """
    if not re.fullmatch(r"\w[\w.+-]*", name) or safe_name(name) != name:
        raise UserError(f"Expected the name of a data set, but got '{name}'.")
    raw = data_folder(data_dir) / name / "raw"
    if not raw.is_dir():
        with _new_folder(raw) as temporary:
            if name == OFFLINE:
                source = _copy_from_grakel(name, temporary)
            else:
                source = _fetch(name, mirror, temporary, raw)
            check_sha256(name, _present(name, temporary, source), source)
    files = _present(name, raw)
    _warn_of_unread(name, raw, files)
    return files


def _listed(name: str, folder: Path) -> dict[str, Path]:
    """Return the files NAME_*.txt in a folder by suffix."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return {s: folder / file for s, file in set_files(name, names, SUFFIXES, folder).items()}


def _present(name: str, folder: Path, source: str = "") -> dict[str, Path]:
    """Return the files to read; raise `UserError` where one is missing, in terms of the source."""
    found = _listed(name, folder)
    card = find_card(name)
    published = card.sha256 if card else {}
    missing = [
        f"{name}_{suffix}.txt"
        for suffix in SUFFIXES
        if suffix not in found and (suffix in REQUIRED or suffix in published)
    ]
    if missing:
        raise UserError(
            f"Expected the raw files of {name} in {source or folder}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: put them there or "
            f"{'name another mirror' if source else 'remove the folder to fetch it again'}."
        )
    return {suffix: found[suffix] for suffix in SUFFIXES if suffix in found}


def _warn_of_unread(name: str, folder: Path, files: dict[str, Path]) -> None:
    """Name the files that look like data and are not read, such as NAME_node_label.txt."""
    absent = [suffix for suffix in OPTIONAL if suffix not in files]
    for suffix, file in _listed(name, folder).items():
        near = difflib.get_close_matches(suffix.casefold(), absent, n=1, cutoff=0.75)
        if suffix not in files and (near or re.match("(node|edge|graph)s?_", suffix, re.I)):
            kinds = f"{name}_{near[0]}.txt" if near else f"one of {', '.join(OPTIONAL)}"
            warnings.warn(
                f"{file} is not read: rename it to {kinds} if that is what it holds.",
                stacklevel=5,  # whoever called `load`
            )


def check_sha256(name: str, files: dict[str, Path], source: str = "") -> str:
    """Return one sha256 over all raw files; raise `UserError` where the card has another.

    `source` says where the files were taken from, if that is not the folder that they are in.
    """
    card = find_card(name)
    expected = card.sha256 if card else {}
    whole = hashlib.sha256()
    for suffix, file in sorted(files.items()):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{suffix} {digest}\n".encode())
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
    return whole.hexdigest()


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` if all goes well, and vanishes otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".fetch-*"):  # by a process that was killed an hour ago or more
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)
    temporary = target.parent / f".fetch-{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            flush(file)
        flush_folder(temporary)
        try:
            patiently(lambda: temporary.rename(target))
            flush_folder(target.parent)
        except OSError:
            if not target.is_dir():  # unless another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):  # unless something else is in there
            target.parent.rmdir()


def _copy_from_grakel(name: str, to: Path) -> str:
    found = importlib.util.find_spec("grakel")
    folder = Path(found.origin).parent / "tests" / "data" / name if found and found.origin else to
    if not _copy_folder(name, folder, to):
        raise UserError(f"Expected {name} in the installed grakel package, but {folder} is empty.")
    return str(folder)


def _copy_folder(name: str, folder: Path, to: Path) -> bool:
    """Copy the files NAME_*.txt if NAME_A.txt is among them, and return whether it is."""
    files = _listed(name, folder) if folder.is_dir() else {}
    if "A" not in files:
        return False
    for suffix, file in files.items():
        shutil.copyfile(file, to / f"{name}_{suffix}.txt")
    return True


def _place(mirror: str | None) -> str:
    return mirror or os.environ.get("GRAPH_HCL_TU_MIRROR") or OFFICIAL


def _fetch(name: str, mirror: str | None, to: Path, raw: Path) -> str:
    """Put the raw files of a data set into `to`, and return where they are from."""
    place = _place(mirror)
    if "://" in place:
        url = f"{place.rstrip('/')}/{urllib.parse.quote(name)}.zip"
        archive = to / f"{name}.zip"
        _download_or_explain(name, url, archive, raw)
        unpack(name, archive, to, SUFFIXES)
        archive.unlink()
        return url
    folder = Path(place).expanduser()
    archive = folder / f"{name}.zip"
    if archive.is_file():
        unpack(name, archive, to, SUFFIXES)
        return str(archive)
    for candidate in (folder / name / "raw", folder / name, folder):
        if _copy_folder(name, candidate, to):
            return str(candidate)
    there = [path.stem for path in folder.iterdir()] if folder.is_dir() else []
    has = f"has neither {archive.name} nor a folder {name} with {name}_A.txt"
    near = did_you_mean(name, {*list_datasets(), *there})
    raise UserError(
        f"Unknown data set '{name}': the mirror folder {folder} "
        f"{has if folder.is_dir() else 'does not exist'}.{near}"
    )


def _download_or_explain(name: str, url: str, to: Path, raw: Path) -> None:
    near = did_you_mean(name, list_datasets()) if find_card(name) is None else ""
    try:
        _download(url, to)
        return
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UserError(f"Unknown data set '{name}': there is no {url}.{near}") from error
        reason = f"{error.code} {error.reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", error))
    raise UserError(
        f"Cannot fetch {url} ({reason}): put the files {name}_A.txt, … into {raw}, name a mirror "
        f"with --mirror, or use {OFFLINE}, which needs no network.{near}"
    )


def _download(url: str, to: Path) -> None:
    with urllib.request.urlopen(url, timeout=30) as response, to.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        with Progress(to.name, size or None, "B") as bar:
            while chunk := response.read(1 << 16):
                file.write(chunk)
                bar.update(len(chunk))
                if bar.done > MAX_BYTES:
                    raise OSError(f"more than {MAX_BYTES >> 30} GiB")
    if size and to.stat().st_size != size:
        raise OSError(f"{to.stat().st_size} of {size} bytes came")
