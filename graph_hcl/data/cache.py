"""Stores cached as safetensors files, with the warnings that reading them gave."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from graph_hcl.data.store import GraphStore
from graph_hcl.data.store_file import DamagedStore
from graph_hcl.sealed import parse_json
from graph_hcl.tensor_files import DAMAGE
from graph_hcl.warn import warn_user


def cached(file: Path, stamp: str, make: Callable[[], GraphStore]) -> GraphStore:
    """Return the store in a cache file, or that of `make`, which is then written to the file.

    The file is used if it was made with the same `stamp` and has its hash; it is replaced if it is
    of an earlier version, and with a warning if it is damaged. Warnings of `make` are given again
    whenever the file is read. Raises the error of the system for a file that it does not let us
    read, which may be whole.
    """
    stored, damage = _open(file, stamp)
    if damage:
        warn_user(f"{file} is damaged ({damage}): it is rebuilt from its source.")
    if stored is None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            store = make()
        notes = [str(one.message) for one in caught if one.category is UserWarning]
        for other in (one for one in caught if one.category is not UserWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
        store.save(file, {"stamp": stamp, "notes": json.dumps(notes)})
    else:
        store, notes = stored
    for note in notes:
        warn_user(note)
    return store


def _open(file: Path, stamp: str) -> tuple[tuple[GraphStore, list[str]] | None, str]:
    """Return the stored graphs and warnings, or None, and what is wrong with the file."""
    if not file.is_file():
        return None, ""
    try:
        if GraphStore.metadata(file).get("stamp") != stamp:
            return None, ""
        store, metadata = GraphStore.open(file)
        return (store, _notes(metadata)), ""
    except DamagedStore as error:
        if isinstance(error.__cause__, PermissionError):
            raise error.__cause__ from None
        return None, "" if error.is_earlier else error.problem
    except DAMAGE:
        return None, "its warnings are no list of texts"


def _notes(metadata: Mapping[str, str]) -> list[str]:
    """Return the warnings in the metadata of a file; raise one of `DAMAGE` for anything else."""
    notes = parse_json(metadata["notes"].encode())
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise TypeError(notes)
    return notes
