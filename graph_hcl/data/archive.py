"""Extract the files of a data set from an untrusted archive."""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PureWindowsPath

from graph_hcl.causes import FULL, as_system_error
from graph_hcl.errors import UserError

MAX_BYTES = 8 << 30
MAX_MEMBERS = 10_000
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, ValueError)


def set_files(
    name: str, paths: Iterable[str], suffixes: Iterable[str], where: Path | str
) -> dict[str, str]:
    """Return the paths of the files NAME_SUFFIX.txt by suffix, whatever folder they are in.

    Separators may be / or \\, and case does not matter. Other NAME_*.txt files keep the suffix as
    written, README.txt is README, and the files that macOS adds (`__MACOSX`, `._NAME_…`) are
    skipped. Raises `UserError`, naming `where`, for two files with the same suffix.

    >>> set_files("PTC", ["ptc\\\\ptc_a.txt", "__MACOSX/ptc/._ptc_a.txt"], ["A"], Path("PTC.zip"))
    {'A': 'ptc\\\\ptc_a.txt'}
    """
    known = {suffix.casefold(): suffix for suffix in suffixes}
    wanted = re.compile(rf"{re.escape(name)}_([\w.-]+)\.txt", re.IGNORECASE)
    by_suffix: dict[str, str] = {}
    for path in paths:
        parts = PureWindowsPath(path).parts  # takes both separators
        readme = bool(parts) and parts[-1].casefold() == "readme.txt"
        match = wanted.fullmatch(f"{name}_README.txt" if readme else parts[-1]) if parts else None
        if not match or "__MACOSX" in parts:
            continue
        suffix = known.get(match[1].casefold(), match[1])
        if suffix in by_suffix:
            raise UserError(
                f"Expected one {name}_{suffix}.txt in {where}, but got '{by_suffix[suffix]}' and "
                f"'{path}': keep one of them."
            )
        by_suffix[suffix] = path
    return by_suffix


def unpack(
    name: str, archive: Path, to: Path, suffixes: Iterable[str], max_bytes: int = MAX_BYTES
) -> None:
    """Extract the files NAME_*.txt of an archive into a folder; raise as `extract` does."""

    def choose(paths: list[str]) -> dict[str, str]:
        files = set_files(name, paths, suffixes, archive)
        return {f"{name}_{suffix}.txt": path for suffix, path in files.items()}

    extract(archive, to, choose, max_bytes)


def extract(
    archive: Path,
    to: Path,
    choose: Callable[[list[str]], Mapping[str, str]],
    max_bytes: int = MAX_BYTES,
) -> None:
    """Extract some files of an archive into a folder, after checking every member.

    `choose` maps the name of each file in the folder to the path of a member, of those given.
    Raises `UserError` for a file that is not a complete zip archive, is encrypted, has more than
    `MAX_MEMBERS` members or would unpack to more than `max_bytes`, and for members that leave their
    folder or are links; of what it extracted before, nothing is left.
    """
    before = set(to.iterdir())
    try:
        _extract(archive, to, choose, max_bytes)
    except BaseException:
        for file in set(to.iterdir()) - before:
            file.unlink()
        raise


def _extract(
    archive: Path, to: Path, choose: Callable[[list[str]], Mapping[str, str]], max_bytes: int
) -> None:
    try:
        with zipfile.ZipFile(archive) as bundle:
            _check(archive, bundle.infolist(), max_bytes)
            paths = [member.filename for member in bundle.infolist() if not member.is_dir()]
            for file, path in choose(paths).items():
                if bundle.getinfo(path).flag_bits & 1:
                    raise UserError(
                        f"Expected an archive without a password, but '{path}' in {archive} is "
                        "encrypted: decrypt it first."
                    )
                with bundle.open(path) as source, (to / file).open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except UserError:
        raise
    except (KeyError, OverflowError, *_DAMAGE) as error:
        raise UserError(f"{archive} is not a complete zip archive ({error}).") from error
    # RuntimeError: unknown compression method; MemoryError: a dictionary that is too large.
    except (OSError, RuntimeError, MemoryError) as error:
        if (system := as_system_error(error)) is not None and system.errno in FULL:
            raise OSError(system.errno, system.strerror, str(to)) from error
        raise UserError(f"{archive} cannot be unpacked ({error}).") from error


def decompress(file: Path, to: Path, max_bytes: int = MAX_BYTES) -> None:
    """Write the content of a gzip file to `to`.

    Raises `UserError` for a file that is not complete, or holds more than `max_bytes`; nothing of
    it is left then.
    """
    try:
        _decompress(file, to, max_bytes)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def _decompress(file: Path, to: Path, max_bytes: int) -> None:
    written = 0
    try:
        with gzip.open(file, "rb") as source, to.open("wb") as target:
            while chunk := source.read(1 << 20):
                written += len(chunk)
                if written > max_bytes:
                    raise UserError(f"{file.name} would unpack to over {max_bytes / 2**30:g} GiB.")
                target.write(chunk)
    except (gzip.BadGzipFile, *_DAMAGE) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{file.name} is not a complete gzip file ({error}).") from error


def _check(archive: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    if len(members) > MAX_MEMBERS:
        raise UserError(
            f"Expected at most {MAX_MEMBERS:,} members in {archive}, but got {len(members):,}: "
            "pack the files of the data set alone."
        )
    if sum(member.file_size for member in members) > max_bytes:
        raise UserError(f"{archive} would unpack to more than {max_bytes / 2**30:g} GiB.")
    for member in members:
        path = PureWindowsPath(member.filename)
        if path.drive or path.root or ".." in path.parts:
            what = "leaves its folder"
        elif not member.filename.strip("\0"):
            what = "has no name"
        elif stat.S_ISLNK(member.external_attr >> 16):
            what = "is a link"
        else:
            continue
        raise UserError(
            f"{archive} has the member '{member.filename}', which {what}: nothing was extracted."
        )
