"""Where the raw files of a TU data set come from: the grakel package, a mirror folder, or a URL."""

from __future__ import annotations

import importlib.util
import os
import shutil
import urllib.parse
from collections.abc import Collection
from pathlib import Path

from graph_hcl.data.archive import set_files, unpack
from graph_hcl.data.cards import find_card, list_datasets
from graph_hcl.data.download import download
from graph_hcl.data.names import GRAPH_FILES
from graph_hcl.errors import UserError
from graph_hcl.registry import did_you_mean

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


def list_files(name: str, folder: Path) -> dict[str, Path]:
    """Return the files NAME_*.txt in a folder, by suffix."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return {s: folder / file for s, file in set_files(name, names, SUFFIXES, folder).items()}


def copy_from_grakel(name: str, to: Path) -> str:
    """Copy the raw files that the installed grakel package carries, and return their folder."""
    spec = importlib.util.find_spec("grakel")
    folder = Path(spec.origin).parent / "tests" / "data" / name if spec and spec.origin else to
    if not _copy_folder(name, folder, to):
        raise UserError(f"Expected {name} in the installed grakel package, but {folder} is empty.")
    return str(folder)


def _copy_folder(name: str, folder: Path, to: Path) -> bool:
    """Copy the files NAME_*.txt if NAME_A.txt is one of them, and return whether it is."""
    files = list_files(name, folder) if folder.is_dir() else {}
    if "A" not in files:
        return False
    for suffix, file in files.items():
        shutil.copyfile(file, to / f"{name}_{suffix}.txt")
    return True


def mirror_of(mirror: str | None) -> str:
    """Return the mirror: the argument, else GRAPH_HCL_TU_MIRROR, else the official site."""
    return mirror or os.environ.get("GRAPH_HCL_TU_MIRROR") or OFFICIAL


def fetch(name: str, mirror: str | None, to: Path, raw: Path) -> str:
    """Put the raw files of a data set into `to`, and return where they came from.

    Raises `UserError` for an unknown data set, a failed download, and as `unpack` does; `raw` is
    the folder where the user may put the files instead.
    """
    place = mirror_of(mirror)
    if "://" in place:
        url = f"{place.rstrip('/')}/{urllib.parse.quote(name)}.zip"
        archive = to / f"{name}.zip"
        _download(name, url, archive, raw)
        unpack(name, archive, to, SUFFIXES)
        archive.unlink()
        return url
    folder = Path(place).expanduser()
    archive = folder / f"{name}.zip"
    if archive.is_file():
        unpack(name, archive, to, SUFFIXES)
        return str(archive)
    for candidate in _places(name, folder):
        if _copy_folder(name, candidate, to):
            return str(candidate)
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "does not exist"
        raise UserError(
            f"Expected {name} in a mirror, but the mirror folder {folder} {problem}: correct "
            f"--mirror or $GRAPH_HCL_TU_MIRROR.{_near(name, {*list_datasets()} - {name})}"
        )
    present = [path.stem for path in folder.iterdir()]
    has = f"has neither {archive.name} nor a folder {name} with {name}_A.txt"
    near = _near(name, {*list_datasets(), *present})
    raise UserError(f"Unknown data set '{name}': the mirror folder {folder} {has}.{near}")


def _near(name: str, known: Collection[str]) -> str:
    """Return what else may be meant: a folder of graphs that has none, or another name."""
    if Path(name).is_dir():
        return f" The folder {name} has no {', '.join(GRAPH_FILES)} files."
    return did_you_mean(name, known)


def _places(name: str, folder: Path) -> tuple[Path, ...]:
    """Return the folders of a mirror that may hold the files of a data set, in order."""
    return folder / name / "raw", folder / name, folder


def changed_at(name: str, mirror: str | None) -> float:
    """Return when the files of a data set in a mirror folder last changed, 0 for none or a URL."""
    place = mirror_of(mirror)
    if "://" in place:
        return 0.0
    folder = Path(place).expanduser()
    files = [folder / f"{name}.zip"]
    files += [file for candidate in _places(name, folder) for file in candidate.glob(f"{name}_*")]
    return max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)


def _download(name: str, url: str, to: Path, raw: Path) -> None:
    near = _near(name, list_datasets()) if find_card(name) is None else ""
    download(
        url,
        to,
        unknown=f"Unknown data set '{name}': there is no {url}.{near}",
        advice=f"put the files {name}_A.txt, … into {raw}, name a mirror with --mirror, or use "
        f"{OFFLINE}, which needs no network.{near}",
    )
