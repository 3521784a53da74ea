"""Extract the files of a data set from an untrusted zip archive."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from graph_hcl.errors import UserError

MAX_BYTES = 8 << 30
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
    """Extract the files NAME_*.txt of an archive into a folder, after checking every member.

    Raises `UserError` for a file that is not a complete zip archive, is encrypted or would unpack
    to more than `max_bytes`, and for members that leave their folder or are links.
    """
    try:
        with zipfile.ZipFile(archive) as bundle:
            _check(archive, bundle.infolist(), max_bytes)
            paths = [member.filename for member in bundle.infolist() if not member.is_dir()]
            for suffix, path in set_files(name, paths, suffixes, archive).items():
                if bundle.getinfo(path).flag_bits & 1:
                    raise UserError(
                        f"Expected an archive without a password, but '{path}' in {archive} is "
                        "encrypted: decrypt it first."
                    )
                with (
                    bundle.open(path) as source,
                    (to / f"{name}_{suffix}.txt").open("wb") as target,
                ):
                    shutil.copyfileobj(source, target, 1 << 20)
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(f"{archive} is not a complete zip archive ({error}).") from error
    # RuntimeError: unknown compression method; MemoryError: a dictionary that is too large.
    except (OSError, RuntimeError, MemoryError) as error:
        raise UserError(f"{archive} cannot be unpacked ({error}).") from error


def _check(archive: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    if sum(member.file_size for member in members) > max_bytes:
        raise UserError(f"{archive} would unpack to more than {max_bytes / 2**30:g} GiB.")
    for member in members:
        path = PureWindowsPath(member.filename)
        if path.drive or path.root or ".." in path.parts:
            what = "leaves its folder"
        elif stat.S_ISLNK(member.external_attr >> 16):
            what = "is a link"
        else:
            continue
        raise UserError(
            f"{archive} has the member '{member.filename}', which {what}: nothing was extracted."
        )
