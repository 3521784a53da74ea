"""Tables with a column of SMILES: CSV, TSV, Parquet and .smi files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from graph_hcl.data.cache import cached
from graph_hcl.data.fetch import data_folder
from graph_hcl.data.groups import SCAFFOLD, group_names, scaffold
from graph_hcl.data.molecules import MoleculeReader
from graph_hcl.data.names import is_table, short_name, suffix_of
from graph_hcl.data.sources import Request
from graph_hcl.data.store import GraphStore
from graph_hcl.data.tables import (
    check_separator,
    count_smi,
    find_column,
    read_header,
    read_rows,
    read_smi,
    warn_unread,
)
from graph_hcl.data.targets import as_name, check_one_task, column_targets, task_row
from graph_hcl.errors import UserError
from graph_hcl.files import as_path, safe_name

READER = 3  # incremented when the same files are read differently

UNREAD = "targets=, ids= and groups= (--data.targets and so on) name columns to read"


class Table:
    """A table with one molecule in each line, as SMILES in one of its columns.

    The column is `smiles`, or else the one that is called so in any capitals. A .smi file has no
    header: each line is a SMILES and perhaps a name, up to a tab. One warning names the columns
    that are not read. The result is cached by the content of the file and the options.
    """

    what = "a table"
    takes = frozenset({"smiles", "targets", "ids", "groups", "invalid", "labels"})

    def recognises(self, name: str) -> bool:
        """Tell whether a name ends as a table's does."""
        return is_table(name)

    def read(self, request: Request) -> GraphStore:
        """Return the molecules; raise `UserError` for missing columns and what is no molecule."""
        file = as_path(request.name, "dataset")
        with _existing(file).open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        bare = suffix_of(file.name) == ".smi"
        request = _checked_smi(request) if bare else _with_columns(request, file)
        # Targets and names may be read anew from the same data.
        identity = json.dumps([content, request.smiles, request.invalid])
        sha256 = hashlib.sha256(identity.encode()).hexdigest()
        versions = [metadata.version("torch_geometric"), _rdkit_version()]
        asked = [request.targets, request.ids, request.labels]
        asked += [] if request.groups is None else [request.groups]
        stamp = json.dumps([READER, sha256, asked, versions])
        key = hashlib.sha256(stamp.encode()).hexdigest()[:16]
        title = safe_name(short_name(file.name))[:80]
        cache = data_folder(request.data_dir) / "tables" / f"{title}-{key}.safetensors"
        return cached(cache, stamp, lambda: _read(file, request, sha256))


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise UserError(f"Expected a file at {file}, but there is none.")
    return file


def _checked_smi(request: Request) -> Request:
    for name in ("smiles", "targets", "ids", "groups"):
        value = getattr(request, name)
        if value is not None and (name, value) != ("groups", SCAFFOLD):
            raise UserError(
                f"Expected no {name} (--data.{name}) for {request.name}, but got "
                f"{value!r}: a .smi file has no header; each line is a SMILES and "
                "perhaps a name, so write a .csv file for more."
            )
    return request


def _with_columns(request: Request, file: Path) -> Request:
    """Return the request with columns that the file has: their names, and targets as a list."""
    header = read_header(file)
    smiles = request.smiles
    if smiles is None:
        named = [name for name in header if name.casefold() == "smiles"]
        if len(named) != 1 and "smiles" not in named:
            check_separator(header, file)
            many = f"{' and '.join(named)} are called so"
            none = f"none is called so among {', '.join(header[:12])}"
            raise UserError(
                f"Expected a column of SMILES in {file}, but {many if named else none}: name it "
                "with smiles= (--data.smiles)."
            )
        smiles = "smiles" if "smiles" in named else named[0]
    targets = target_columns(request.targets, header, file)
    if isinstance(targets, list):
        check_one_task(len(targets), request.labels, ", ".join(targets))
        targets = targets[0] if request.labels == "classes" else targets
    if request.ids is not None:
        find_column(request.ids, header, file)
    if request.groups not in (None, SCAFFOLD):
        find_column(str(request.groups), header, file)
    return replace(request, smiles=find_column(smiles, header, file), targets=targets)


def target_columns(
    targets: str | Sequence[str] | None, header: Sequence[str], file: Path
) -> str | list[str] | None:
    """Return the name of the one target column, or those of several tasks, all of them present.

    A text names one column, or several with commas between them.

    >>> target_columns("a,b", ["a", "b"], Path("t.csv")), target_columns("a", ["a"], Path("t.csv"))
    (['a', 'b'], 'a')
    """
    if targets is None:
        return None
    if isinstance(targets, str):
        if targets in header or "," not in targets:
            return find_column(targets, header, file)
        targets = [name.strip() for name in targets.split(",")]
    names = [find_column(name, header, file) for name in targets]
    if not names or len(set(names)) < len(names):
        raise UserError(f"Expected different columns as targets, but got {names}.")
    return names


def _read(file: Path, request: Request, sha256: str) -> GraphStore:
    suffix, asked = suffix_of(file.name), request.targets
    tasks = [asked] if isinstance(asked, str) else list(asked or [])
    what = "row" if suffix == ".parquet" else "line"
    by_scaffold, grouped = request.groups == SCAFFOLD, False
    if suffix == ".smi":
        read, where, has_ids = partial(read_smi, file), str(file), True
        total = count_smi(file)
    else:
        header = read_header(file)
        by_scaffold &= SCAFFOLD not in header
        grouped = request.groups is not None and not by_scaffold
        ids = [] if request.ids is None else [request.ids]
        columns = [str(request.smiles), *tasks, *ids, *([str(request.groups)] if grouped else [])]
        read = partial(read_rows, file, header, columns)
        warn_unread(header, columns, file, UNREAD)
        where, has_ids = f"{file}, column '{request.smiles}'", bool(ids)
        total = sum(1 for _ in read())
    reader = MoleculeReader(total)
    lines: list[int] = []
    names: list[str] = []
    words: list[str] = []
    numbers: list[np.ndarray] = []
    groups: list[str] = []
    for line, (text, *values) in read():
        reader.add(text, f"{what} {line}")
        lines.append(line)
        groups += [values.pop()] if grouped else [text] if by_scaffold else []
        names += [as_name(values.pop())] if has_ids else []
        if isinstance(asked, str):
            words += values
        elif tasks:
            numbers.append(task_row(values, tasks, f"{what} {line} of {file}"))
    store = reader.store(where, request.invalid)
    kept = reader.kept
    places = [f"{what} {lines[row]} of {file}" for row in kept]
    if isinstance(asked, str):
        y, classes = column_targets([words[row] for row in kept], request.labels, asked, places)
        store = replace(store, y=y, classes=classes, tasks=[] if classes else [asked])
    elif tasks:
        y = torch.from_numpy(np.stack([numbers[row] for row in kept]))
        store = replace(store, y=y, tasks=tasks)
    named = [names[row] for row in kept] if any(names) else None
    if groups:
        groups = [groups[row] for row in kept]
        groups = (
            list(map(scaffold, groups))
            if by_scaffold
            else group_names(groups, str(request.groups), places)
        )
    return replace(store, ids=named, groups=groups or None, sha256=sha256)


def _rdkit_version() -> str:
    try:
        return metadata.version("rdkit")
    except metadata.PackageNotFoundError:
        return ""
