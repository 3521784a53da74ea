"""A data set by name: raw files, features by the policy of its card, and a cache of the result."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor

from graph_hcl.data.cards import Card, card, known
from graph_hcl.data.codes import one_hot, one_hot_columns
from graph_hcl.data.fetch import check_sha256, raw_files
from graph_hcl.data.store import GraphStore
from graph_hcl.data.tu import RawGraphs, read
from graph_hcl.errors import UserError
from graph_hcl.files import write_atomically

READER = 4  # counts the changes of what is read from the same files
DEFAULT_DEGREE_CAP = 100


def load(
    name: str,
    *,
    data_dir: str | None = None,
    mirror: str | None = None,
    node_attributes: bool = False,
) -> GraphStore:
    """Return a TU data set by name, fetched on first use and memory-mapped from then on.

    Node features follow the data set's card: node labels one-hot; with `node_attributes`, the
    continuous attributes before them; node degrees where a data set has neither.

    The first start checks the sha256 of every raw file against the card; a later one looks at
    their sizes and times of change, and at the sha256 of the cached tensors. The cache is made
    anew when the files, the reader or the features changed, with a warning when it is damaged.

    Raises `UserError` for an unknown name, no network, and for damaged or contradictory files.

    >>> store = load("MUTAG")
    >>> len(store), store.num_features, store.num_classes
    (188, 7, 2)
    """
    files = raw_files(name, data_dir, mirror)
    found = card(name) if name in known() else None
    cache = files["A"].parents[1] / f"{'attributes' if node_attributes else 'default'}.safetensors"
    stamp = _stamp(files, found)
    stored = _cached(cache, stamp)
    if stored is not None:
        return stored
    sha256 = check_sha256(name, files)
    raw = read(files)
    if found is not None:
        _check_statistics(found, raw, files["A"].parent)
    store = GraphStore(
        x=_features(name, raw, node_attributes, found).contiguous(),
        edge_index=raw.edge_index,
        node_ptr=raw.node_ptr,
        edge_ptr=raw.edge_ptr,
        edge_attr=_joined(raw.edge_attributes, raw.edge_labels),
        y=raw.y,
        sha256=sha256,
    )
    metadata = {"stamp": stamp, "digest": store.digest()}
    write_atomically(cache, lambda to: store.save(to, metadata))
    return store


def _stamp(files: dict[str, Path], found: Card | None) -> str:
    """Return what a cache was made from, in a form that is cheap to compare."""
    states = {key: file.stat() for key, file in files.items()}
    policy = [found.features, found.degree_cap] if found else []
    return json.dumps([READER, policy, [[k, s.st_size, s.st_mtime_ns] for k, s in states.items()]])


def _cached(cache: Path, stamp: str) -> GraphStore | None:
    """Return the cached store if it was made from these very files and is intact."""
    if not cache.is_file():
        return None
    try:
        store, metadata = GraphStore.open(cache)
    except UserError as error:
        warnings.warn(f"{error} It is made anew from the raw files.", stacklevel=3)
        return None
    if metadata.get("stamp") != stamp:
        return None
    if metadata.get("digest") != store.digest():
        warnings.warn(f"{cache} was altered: it is made anew from the raw files.", stacklevel=3)
        return None
    return store


def _features(name: str, raw: RawGraphs, node_attributes: bool, found: Card | None) -> Tensor:
    """Return node features [N, F] by the card's policy, or by what there is without a card."""
    labels, attributes = raw.node_labels, raw.node_attributes
    if node_attributes and attributes is None:
        raise UserError(f"{name} has no node attributes: leave out --data.node-attributes.")
    x = _joined(attributes if node_attributes or labels is None else None, labels)
    if x is not None:
        return x
    degree = raw.degree()
    if found is not None and found.features == "degree-log":
        return degree.float().log1p()[:, None]
    cap = found.degree_cap if found is not None else min(DEFAULT_DEGREE_CAP, int(degree.max()))
    x = torch.zeros(len(degree), cap + 1)  # F.one_hot takes three times the memory
    return x.scatter_(1, degree.clamp(max=cap)[:, None], 1.0)


def _joined(attributes: Tensor | None, labels: Tensor | None) -> Tensor | None:
    """Return attributes and one-hot labels side by side; None where there are neither."""
    coded = None if labels is None else one_hot(labels, one_hot_columns(labels))
    parts = [part for part in (attributes, coded) if part is not None]
    return torch.cat(parts, dim=1) if parts else None


def statistics(raw: RawGraphs) -> dict[str, float]:
    """Return what a card states of its data: edges are counted once per pair of nodes."""
    graphs = len(raw.node_ptr) - 1
    return {
        "graphs": graphs,
        "classes": len(raw.classes),
        "average_nodes": round(int(raw.node_ptr[-1]) / graphs, 2),
        "average_edges": round(int(raw.edge_ptr[-1]) / 2 / graphs, 2),
    }


def _check_statistics(found: Card, raw: RawGraphs, folder: Path) -> None:
    for what, value in statistics(raw).items():
        expected = getattr(found, what)
        if value != expected:
            raise UserError(
                f"Expected {what.replace('_', ' ')} {expected} in {found.name}, but the files in "
                f"{folder} have {value}: remove the folder to fetch them again."
            )
