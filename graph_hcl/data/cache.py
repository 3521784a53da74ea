"""Stores cached as safetensors files, with the warnings that reading them gave."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from graph_hcl.data import store_file
from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.files import write_atomically
from graph_hcl.sealed import digest, parse_json


def cached(file: Path, stamp: str, make: Callable[[], GraphStore], stacklevel: int) -> GraphStore:
    """Return the store in a cache file, or that of `make`, which is then written to the file.

    The file is used if it was made with the same `stamp` and is intact; it is replaced with a
    warning if it is damaged. Warnings of `make` are given again whenever the file is read; they
    point at the caller `stacklevel` frames up.
    """
    stored, damage = _open(file, stamp)
    if damage:
        warnings.warn(f"{damage} It is rebuilt.", stacklevel=stacklevel + 1)
    if stored is None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            store = make()
        notes = [str(one.message) for one in caught if one.category is UserWarning]
        for other in (one for one in caught if one.category is not UserWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
        metadata = {"stamp": stamp, "notes": json.dumps(notes)}
        metadata["seal"] = _seal(store, store_file.described(store) | metadata)
        write_atomically(file, lambda to: store.save(to, metadata))
    else:
        store, notes = stored
    for note in notes:
        warnings.warn(note, stacklevel=stacklevel + 1)
    return store


def _open(file: Path, stamp: str) -> tuple[tuple[GraphStore, list[str]] | None, str]:
    """Return the stored graphs and warnings, or None, and what is wrong with the file."""
    if not file.is_file():
        return None, ""
    try:
        if GraphStore.metadata(file).get("stamp") != stamp:
            return None, ""
        store, metadata = GraphStore.open(file)
    except UserError as error:
        return None, str(error)
    if "seal" not in metadata:
        return None, ""  # of an earlier version
    try:
        notes = parse_json(metadata["notes"].encode())
    except (KeyError, ValueError):
        notes = None
    are_notes = isinstance(notes, list) and all(isinstance(note, str) for note in notes)
    if not are_notes or metadata.pop("seal") != _seal(store, metadata):
        return None, f"{file} was altered."
    return (store, notes), ""


def _seal(store: GraphStore, metadata: Mapping[str, str]) -> str:
    """Return the sha256 of a store and of all that its file says of it."""
    return digest([store.digest(), dict(metadata)])
