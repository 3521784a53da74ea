"""The files of a data set taken out of a zip archive that nobody vouches for."""

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
    """Return the paths of the files NAME_SUFFIX.txt by suffix, in whichever folder they lie.

    Separators may be / or \\, and case does not matter; other NAME_*.txt files come under the
    suffix as written, README.txt under README; what macOS adds (`__MACOSX`, `._NAME_…`) is passed
    over. Raises `UserError`, naming `where`, if a suffix is there twice.

    >>> set_files("PTC", ["ptc\\\\ptc_a.txt", "__MACOSX/ptc/._ptc_a.txt"], ["A"], Path("PTC.zip"))
    {'A': 'ptc\\\\ptc_a.txt'}
    """
    known = {suffix.casefold(): suffix for suffix in suffixes}
    wanted = re.compile(rf"{re.escape(name)}_([\w.-]+)\.txt", re.IGNORECASE)
    found: dict[str, str] = {}
    for path in paths:
        parts = PureWindowsPath(path).parts  # takes both separators
        readme = bool(parts) and parts[-1].casefold() == "readme.txt"
        match = wanted.fullmatch(f"{name}_README.txt" if readme else parts[-1]) if parts else None
        if not match or "__MACOSX" in parts:
            continue
        suffix = known.get(match[1].casefold(), match[1])
        if suffix in found:
            raise UserError(
                f"Expected one {name}_{suffix}.txt in {where}, but got '{found[suffix]}' and "
                f"'{path}': keep one of them."
            )
        found[suffix] = path
    return found


def unpack(name: str, archive: Path, to: Path, suffixes: Iterable[str]) -> None:
    """Extract the files NAME_*.txt of an archive into a folder, after a look at every member.

    Raises `UserError` for what is no whole zip archive, is encrypted, would unpack to more than
    8 GiB, or has members that leave their folder or are links.
    """
    try:
        with zipfile.ZipFile(archive) as bundle:
            _check(archive, bundle.infolist())
            paths = [member.filename for member in bundle.infolist() if not member.is_dir()]
            for suffix, path in set_files(name, paths, suffixes, archive).items():
                if bundle.getinfo(path).flag_bits & 1:
                    raise UserError(
                        f"Expected an open archive, but '{path}' in {archive} is encrypted: "
                        "decrypt it first."
                    )
                with (
                    bundle.open(path) as source,
                    (to / f"{name}_{suffix}.txt").open("wb") as target,
                ):
                    shutil.copyfileobj(source, target, 1 << 20)
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(f"{archive} is not a whole zip archive ({error}).") from error
    # RuntimeError: a method of compression that is not known; MemoryError: a dictionary too large.
    except (OSError, RuntimeError, MemoryError) as error:
        raise UserError(f"{archive} cannot be unpacked ({error}).") from error


def _check(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise UserError(f"{archive} would unpack to more than {MAX_BYTES >> 30} GiB.")
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
