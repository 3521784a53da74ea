"""The raw files of the Open Graph Benchmark's molecules: fetched, checked, and decompressed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PureWindowsPath

import torch
from torch import Tensor

from graph_hcl.data.archive import decompress, extract
from graph_hcl.data.cards import find_card
from graph_hcl.data.download import download
from graph_hcl.data.fetch import data_folder, new_folder, place_text
from graph_hcl.data.tu_text import read_table
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.registry import did_you_mean

OFFICIAL = "https://snap.stanford.edu/ogb/data/graphproppred/csv_mol_download"
SETS = {
    "ogbg-mollipo": "lipophilicity",
    **{
        f"ogbg-mol{name}": name
        for name in (
            *("bace", "bbbp", "chembl", "clintox", "esol", "freesolv", "hiv"),
            *("muv", "pcba", "sider", "tox21", "toxcast"),
        )
    },
}
"""Names of the sets, and of their archives at the official site."""
ERRORS = ("esol", "freesolv", "lipo")
RARE = ("muv", "pcba")
"""The sets of real targets, and those with so few actives that precision is measured."""
PARTS = ("train", "valid", "test")
GRAPHS = ("num-node-list", "num-edge-list", "edge", "node-feat", "edge-feat", "graph-label")
MEMBERS = {
    **{f"{name}.csv": ("raw", f"{name}.csv.gz") for name in GRAPHS},
    **{f"{part}.csv": ("scaffold", f"{part}.csv.gz") for part in PARTS},
    "mol.csv": ("mapping", "mol.csv.gz"),
}
"""The folder and name in an archive of each file in the cache."""


def raw_files(name: str, data_dir: str | None, mirror: str | None) -> dict[str, Path]:
    """Return the decompressed raw files of a set by name: node-feat, train, mol, ….

    Files in DATA/NAME/raw are used if present. Otherwise they come from the mirror: an URL that has
    ogbg_molNAME.zip, or a folder that has that archive, one by the official name, or the folder
    ogbg_molNAME, as the package ogb leaves it.

    Raises `UserError` for an unknown set, no network, a damaged archive and missing files.
    """
    if not re.fullmatch(r"ogbg-mol\w+", name):
        raise UserError(
            f"Expected a set of molecules of the Open Graph Benchmark, such as ogbg-molhiv, but "
            f"got '{name}'.{did_you_mean(name, SETS)}"
        )
    raw = data_folder(data_dir) / name / "raw"
    if not raw.is_dir():
        with new_folder(raw) as temporary:
            place = _fetch(name, mirror, temporary, raw)
            for file in MEMBERS:
                packed = temporary / f"{file}.gz"
                if not packed.is_file():
                    folder, member = MEMBERS[file]
                    raise UserError(f"Expected {folder}/{member} in {place}, but it is missing.")
                decompress(packed, temporary / file)
                packed.unlink()
    missing = [file for file in MEMBERS if not (raw / file).is_file()]
    if missing:
        raise UserError(
            f"Expected the raw files of {name} in {raw}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: remove the folder to fetch it again."
        )
    return {file.removesuffix(".csv"): raw / file for file in MEMBERS}


def _fetch(name: str, mirror: str | None, to: Path, raw: Path) -> str:
    """Put the compressed files into `to`, and return where they came from."""
    place = mirror or os.environ.get("GRAPH_HCL_OGB_MIRROR") or OFFICIAL
    own, official = name.replace("-", "_"), SETS.get(name, name.removeprefix("ogbg-mol"))
    near = did_you_mean(name, SETS) if name not in SETS else ""
    if "://" in place:
        url = f"{place.rstrip('/')}/{official if place == OFFICIAL else own}.zip"
        archive = to / f"{own}.zip"
        download(
            url,
            archive,
            unknown=f"Unknown data set '{name}': there is no {url}.{near}",
            advice=f"put {own}.zip into a folder and name that with --mirror, or unpack its files "
            f"into {raw}.{near}",
        )
        extract(archive, to, partial(_choose, where=archive))
        archive.unlink()
        return url
    folder = Path(place).expanduser()
    for stem in (own, name, official):
        archive = folder / f"{stem}.zip"
        if archive.is_file():
            extract(archive, to, partial(_choose, where=archive))
            return str(archive)
    unpacked = folder / own
    if unpacked.is_dir():
        paths = [str(file) for file in unpacked.rglob("*.csv.gz")]
        for file, path in _choose(paths, unpacked).items():
            (to / file).write_bytes(Path(path).read_bytes())
        return str(unpacked)
    has = f"has neither {own}.zip nor a folder {own}" if folder.is_dir() else "does not exist"
    raise UserError(f"Unknown data set '{name}': the mirror folder {folder} {has}.{near}")


def _choose(paths: Sequence[str], where: Path) -> dict[str, str]:
    """Return the member of an archive for each compressed file, whatever folder they are in."""
    chosen: dict[str, str] = {}
    names = {member: f"{file}.gz" for file, member in MEMBERS.items()}
    for path in paths:
        *_, folder, member = ("", *PureWindowsPath(path).parts)
        file = names.get((folder, member))
        if file in chosen:
            raise UserError(
                f"Expected one {path} in {where}, but got '{chosen[file]}', too: keep one of them."
            )
        if file is not None:
            chosen[file] = path
    return chosen


@names_arguments()
def official_metric(name: str) -> str:
    """Return the name of the metric that the benchmark measures on a set.

    >>> [official_metric(f"ogbg-mol{name}") for name in ("bace", "pcba", "esol")]
    ['roc_auc', 'average_precision', 'rmse']
    """
    own = name.removeprefix("ogbg-mol")
    return "rmse" if own in ERRORS else "average_precision" if own in RARE else "roc_auc"


@names_arguments()
def official_split(
    name: str, data_dir: str | Path | None = None, mirror: str | Path | None = None
) -> dict[str, Tensor]:
    """Return the set's own scaffold split: the numbers of the graphs in train, valid and test.

    Args:
        name: name of the set, such as ogbg-molhiv.
        data_dir: that of `load`.
        mirror: that of `load`.

    Raises `UserError` as `raw_files` does, and for a split that is no partition of the graphs.
    """
    files = raw_files(name, place_text("data_dir", data_dir), place_text("mirror", mirror))
    parts = {part: read_table(files[part], whole=True, columns=1)[0] for part in PARTS}
    graphs = read_table(files["num-node-list"], whole=True, columns=1).shape[1]
    if not torch.equal(torch.cat(list(parts.values())).sort()[0], torch.arange(graphs)):
        card = find_card(name)
        raise UserError(
            f"Expected each of {graphs} graphs in one part of the split of "
            f"{card.name if card else name}, but {files['train'].parent} has others: remove the "
            "folder to fetch it again."
        )
    return parts
