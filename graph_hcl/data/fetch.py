"""The raw files of a TU data set: found, copied or downloaded, checked, and put in place whole."""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import os
import re
import shutil
import time
import urllib.error
import urllib.request
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from graph_hcl.data.cards import card, known
from graph_hcl.errors import UserError
from graph_hcl.progress import Progress
from graph_hcl.registry import did_you_mean, same_but_for_case

OFFICIAL = "https://www.chrsmrrs.com/graphkerneldatasets"
OFFLINE = "MUTAG"
MAX_BYTES = 8 << 30

REQUIRED = ("A", "graph_indicator", "graph_labels")
OPTIONAL = ("node_labels", "node_attributes", "edge_labels", "edge_attributes")


def data_folder(data_dir: str | None) -> Path:
    """Return the cache: the argument, else GRAPH_HCL_DATA, else ~/.cache/graph_hcl."""
    return Path(data_dir or os.environ.get("GRAPH_HCL_DATA") or "~/.cache/graph_hcl").expanduser()


def canonical_name(name: str, data_dir: str | None = None) -> str:
    """Return the name of a data set as its card or its folder in the cache has it.

    >>> canonical_name("mutag"), canonical_name("my-own")
    ('MUTAG', 'my-own')
    """
    cache = data_folder(data_dir)
    there = [folder.name for folder in cache.iterdir()] if cache.is_dir() else []
    return same_but_for_case(name, {*known(), *there})


def raw_files(name: str, data_dir: str | None = None, mirror: str | None = None) -> dict[str, Path]:
    """Return the raw text files of a TU data set by their suffix (A, graph_labels, …).

    Looks in DATA/NAME/raw first, where a user may have put them; then MUTAG comes from the
    installed grakel package; others are taken from the mirror, an URL or a folder with NAME.zip.
    What arrives is checked in a temporary folder and renamed into place, so that a kill at any
    moment leaves all of it or nothing.

    Raises `UserError` for an unknown name, no network, an archive that is none or that climbs out
    of its folder, missing files, and content whose sha256 is not that of the card.
    """
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise UserError(f"Expected the name of a data set, but got '{name}'.")
    raw = data_folder(data_dir) / name / "raw"
    if not raw.is_dir():
        with _new_folder(raw) as temporary:
            if name == OFFLINE:
                _copy_from_grakel(name, temporary)
            else:
                _unpack(name, _archive(name, mirror, temporary, raw), temporary)
            found = _present(name, temporary)
            check_sha256(name, found)
    return _present(name, raw)


def _present(name: str, raw: Path) -> dict[str, Path]:
    files = {suffix: raw / f"{name}_{suffix}.txt" for suffix in (*REQUIRED, *OPTIONAL)}
    missing = [files[suffix].name for suffix in REQUIRED if not files[suffix].is_file()]
    if missing:
        raise UserError(
            f"Expected the raw files of {name} in {raw}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: put them there or remove the folder "
            "to fetch it again."
        )
    return {suffix: file for suffix, file in files.items() if file.is_file()}


def check_sha256(name: str, files: dict[str, Path]) -> str:
    """Return one sha256 over all raw files; raise `UserError` where the card has another."""
    expected = card(name).sha256 if name in known() else {}
    whole = hashlib.sha256()
    for suffix, file in sorted(files.items()):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{suffix} {digest}\n".encode())
        if expected and digest != expected.get(suffix, digest):
            raise UserError(
                f"{file} is not the published file (sha256 {digest[:12]}…, expected "
                f"{expected[suffix][:12]}…): it was altered or cut short; remove the folder "
                f"{file.parent} to fetch it again."
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
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():  # unless another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):  # unless something else is in there
            target.parent.rmdir()


def _copy_from_grakel(name: str, to: Path) -> None:
    found = importlib.util.find_spec("grakel")
    folder = Path(found.origin).parent / "tests" / "data" / name if found and found.origin else to
    files = sorted(folder.glob(f"{name}_*.txt"))
    if not files:
        raise UserError(f"Expected {name} in the installed grakel package, but {folder} is empty.")
    for file in files:
        shutil.copyfile(file, to / file.name)


def _archive(name: str, mirror: str | None, to: Path, raw: Path) -> Path:
    """Return the zip of a data set, from a folder as it lies or downloaded into `to`."""
    place = mirror or os.environ.get("GRAPH_HCL_TU_MIRROR") or OFFICIAL
    if "://" not in place:
        file = Path(place).expanduser() / f"{name}.zip"
        if file.is_file():
            return file
        there = [path.stem for path in file.parent.glob("*.zip")] if file.parent.is_dir() else []
        raise UserError(
            f"Unknown data set '{name}': the mirror folder {file.parent} has no {file.name}."
            f"{did_you_mean(name, {*known(), *there})}"
        )
    near = "" if name in known() else did_you_mean(name, known())
    url = f"{place.rstrip('/')}/{name}.zip"
    try:
        return _download(url, to / f"{name}.zip")
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


def _download(url: str, to: Path) -> Path:
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
    return to


def _unpack(name: str, archive: Path, to: Path) -> None:
    """Extract the NAME_*.txt files of an archive after looking at every member."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = bundle.infolist()
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise UserError(f"{archive} would unpack to more than {MAX_BYTES >> 30} GiB.")
            for member in members:
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts:
                    raise UserError(
                        f"{archive} has the member '{member.filename}', which leaves its folder: "
                        "nothing was extracted."
                    )
            for member in members:
                file = PurePosixPath(member.filename).name
                if file.startswith(f"{name}_") and file.endswith(".txt"):
                    with bundle.open(member) as source, (to / file).open("wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(f"{archive} is not a whole zip archive ({error}).") from error
    if archive.parent == to:
        archive.unlink()
