"""A store as one safetensors file, and the sha256 of its content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file

from graph_hcl.data.check_store import check_store
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.sealed import parse_json
from graph_hcl.tensor_files import DAMAGE, read_metadata, read_tensors

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore

NAMES = ("classes", "tasks", "ids", "groups", "unused")
"""Entries of the metadata that are lists of names, or null."""


def save(store: GraphStore, path: Path, metadata: dict[str, str]) -> None:
    """Write the store and the metadata as one safetensors file."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in store.tensors().items()}
    save_file(tensors, path, described(store) | metadata)


def described(store: GraphStore) -> dict[str, str]:
    """Return what the file of a store says of it besides its tensors, as texts."""
    return {
        "sha256": store.sha256,
        "mirrored": str(int(store.is_sorted_undirected)),
        "vocabulary": store.vocabulary.to_json(),
        "classes": json.dumps(store.classes),
        "tasks": json.dumps(store.tasks),
        "ids": json.dumps(store.ids),
        "groups": json.dumps(store.groups),
        "unused": json.dumps(store.unused),
    }


def read(path: Path) -> tuple[GraphStore, dict[str, str]]:
    """Return the store in a file and the file's metadata; raise `UserError` for another file.

    The tensors are copies in memory rather than a map of the file: the digest of a cache is checked
    when it is opened and must hold afterwards, and a mapped file cannot be replaced on Windows.
    """
    from graph_hcl.data.store import GraphStore

    try:
        tensors, about = read_tensors(path)
        names = {name: parse_json(about[name].encode()) for name in NAMES}
        fields: dict[str, Any] = {**tensors}
        store = GraphStore(
            **fields,
            vocabulary=Vocabulary.from_json(about["vocabulary"]),
            **names | {"unused": tuple(names["unused"])},
            sha256=about["sha256"],
        )
        check_store(store)
        if about["mirrored"] not in ("0", "1"):
            raise ValueError("it does not say whether its edges are mirrored")
        store.__dict__["is_sorted_undirected"] = about["mirrored"] == "1"
        return store, about
    except (OSError, *DAMAGE) as error:
        raise _not_a_store(path, error) from error


def metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file without reading its tensors; raise as `read` does."""
    try:
        return read_metadata(path)
    except (OSError, *DAMAGE) as error:
        raise _not_a_store(path, error) from error


def digest(store: GraphStore) -> str:
    """Return the sha256 of a store's tensors, vocabulary and names."""
    names = [tuple(store.classes)]  # written as when these were its only names
    if store.tasks or store.ids is not None:
        names += [tuple(store.tasks), tuple(store.ids or ())]
    if store.groups is not None:
        names += [tuple(store.groups)]
    text = " ".join(map(str, names))
    result = hashlib.sha256(f"{store.vocabulary.to_json()} {text}".encode())
    for name, tensor in store.tensors().items():
        result.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        result.update(tensor.contiguous().cpu().numpy().data)
    return result.hexdigest()


def _not_a_store(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} is damaged or not a graph store ({error}).")
