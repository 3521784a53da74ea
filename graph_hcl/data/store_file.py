"""A store as one safetensors file, and the sha256 of its content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file

from graph_hcl.data.check_store import check_store
from graph_hcl.data.labels import REAL, has_fractions
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.files import write_atomically
from graph_hcl.sealed import parse_sealed, seal
from graph_hcl.tensor_files import DAMAGE, hashed, read_metadata, read_tensors

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore

SCHEMA = 1
"""Version of the file format."""


class DamagedStore(UserError):
    """A file that is no store, or has changed since it was written, or is of an earlier version."""

    def __init__(self, path: Path, problem: str, is_earlier: bool) -> None:
        super().__init__(
            f"{path} is damaged or not a graph store ({problem}): restore it, or make it anew."
        )
        self.problem = problem
        self.is_earlier = is_earlier


class _EarlierError(ValueError):
    """A file without what the present version writes."""


def save(store: GraphStore, path: Path, metadata: dict[str, str]) -> None:
    """Write the store and the metadata as one safetensors file, atomically, with its sha256."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in store.tensors().items()}
    about = {
        "schema": SCHEMA,
        "sha256_of_data": store.sha256,
        "mirrored": store.is_sorted_undirected,
        "vocabulary": store.vocabulary.to_json(),
        "classes": store.classes,
        "tasks": store.tasks,
        "ids": store.ids,
        "groups": store.groups,
        "unused": list(store.unused),
        "name": store.name,
        "metadata": metadata,
        "tensors": hashed(tensors),
    }
    # One entry only: safetensors would write several in arbitrary order.
    described = {"store": json.dumps(seal(json.loads(json.dumps(about))))}
    write_atomically(path, lambda to: save_file(tensors, to, described))


def read(path: Path) -> tuple[GraphStore, dict[str, str]]:
    """Return the store in a file and the file's metadata; raise `UserError` for another file.

    The tensors are copies in memory rather than a map of the file: the hash of a file is checked
    when it is opened and must hold afterwards, and a mapped file cannot be replaced on Windows.
    """
    from graph_hcl.data.store import GraphStore

    try:
        tensors, described = read_tensors(path)
        about = _described(described)
        if about["tensors"] != hashed(tensors):
            raise ValueError("its tensors do not have their sha256")
        fields: dict[str, Any] = {**tensors}
        store = GraphStore(
            **fields,
            vocabulary=Vocabulary.from_json(about["vocabulary"]),
            classes=about["classes"],
            tasks=about["tasks"],
            ids=about["ids"],
            groups=about["groups"],
            unused=tuple(about["unused"]),
            sha256=about["sha256_of_data"],
            name=about.get("name", ""),  # absent from files of earlier versions
        )
        check_store(store)
        if not isinstance(about["mirrored"], bool):
            raise ValueError("it does not say whether its edges are mirrored")
        store.__dict__["is_sorted_undirected"] = about["mirrored"]
        return store, about["metadata"]
    except (OSError, *DAMAGE) as error:
        raise _not_a_store(path, error) from error


def metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file without reading its tensors; raise as `read` does."""
    try:
        return dict(_described(read_metadata(path))["metadata"])
    except (OSError, *DAMAGE) as error:
        raise _not_a_store(path, error) from error


def _described(metadata: dict[str, str]) -> dict[str, Any]:
    """Return what is said of a store's tensors; raise one of `DAMAGE` unless it is as written."""
    if "store" not in metadata:
        raise _EarlierError("it has no sha256: it is of an earlier version, or no store")
    about = parse_sealed(metadata["store"].encode())
    if about.get("schema") != SCHEMA:
        raise _EarlierError(f"its schema is not {SCHEMA}")
    return about


def digest(store: GraphStore) -> str:
    """Return the sha256 of a store's tensors, vocabulary and names."""
    names = [tuple(store.classes)]  # written as when these were its only names
    bare = store.tasks == [REAL] and store.y is not None and has_fractions(store.y)
    tasks = [] if bare else store.tasks  # as when a real target without a name was no task
    if tasks or store.ids is not None:
        names += [tuple(tasks), tuple(store.ids or ())]
    if store.groups is not None:
        names += [tuple(store.groups)]
    text = " ".join(map(str, names))
    result = hashlib.sha256(f"{store.vocabulary.to_json()} {text}".encode())
    for name, tensor in store.tensors().items():
        result.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        result.update(tensor.contiguous().cpu().numpy().data)
    return result.hexdigest()


def _not_a_store(path: Path, error: Exception) -> DamagedStore:
    problem = f"{' '.join(str(error).split()):.200}"
    return DamagedStore(path, problem, isinstance(error, _EarlierError))
