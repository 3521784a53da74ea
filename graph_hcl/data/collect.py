"""Graphs of any kind as a store: the one door for everything that takes a list of graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset
from torch_geometric.data import Batch, Data
from torch_geometric.data.data import BaseData

from graph_hcl.data.concat_stores import store_in
from graph_hcl.data.containers import one_column
from graph_hcl.data.convert import from_data
from graph_hcl.data.labels import choose_labels
from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.missing import is_missing
from graph_hcl.registry import did_you_mean

TAKES = {
    "a GraphStore": ("y", "undirected"),
    "PyG's Data": ("y", "categorical", "undirected", "ignored_attrs"),
    "NetworkX graphs": (
        *("y", "node_attrs", "edge_attrs", "weight", "fields", "categorical", "undirected"),
        "ignored_attrs",
    ),
    "SMILES": ("y", "ids", "groups", "invalid"),
    "a name or path": (
        *("y", "undirected", "data_dir", "mirror", "node_attributes"),
        *("smiles", "targets", "ids", "groups", "invalid", "labels", "options"),
    ),
}
"""The options that each kind of graphs takes."""
USUAL = {
    "undirected": False,
    "node_attributes": False,
    "categorical": "auto",
    "invalid": "error",
    "labels": "auto",
}
"""Values at which an option asks for nothing, besides None."""
WANTED = "PyG's Data, NetworkX graphs or SMILES, a GraphStore, or the name or path of a data set"


def as_store(graphs: Any, **options: Any) -> GraphStore:
    """Return graphs of any kind as a store.

    `graphs` is a `GraphStore`, a list or other iterable of PyG's `Data`, of NetworkX graphs or of
    SMILES, a PyG data set or batch, or the name or path of a data set. `options` are those of
    `GraphStore.from_data`, `GraphStore.from_networkx`, `GraphStore.from_smiles` or `load`,
    whichever reads these graphs; `y` are labels that replace the graphs' own. Options at None or
    their defaults count as not given.

    Raises `UserError` for anything else, such as a single graph, for an option that these graphs
    have no use for, and as those functions do.

    >>> import networkx
    >>> as_store([networkx.path_graph(3)], y=["path"]), len(as_store("MUTAG"))
    (GraphStore(1 graphs, 3 node features, 4 edges, y), 188)
    """
    return collect(graphs, where="graphs", **options)


def collect(graphs: Any, *, where: str, **options: Any) -> GraphStore:
    """Return graphs as `as_store` does; `where` names them in messages."""
    given = {name: value for name, value in options.items() if not _is_usual(name, value)}
    graphs = one_column(graphs, where)
    if isinstance(graphs, str | Path):
        _check(given, "a name or path", where)
        return _by_name(graphs, given)
    if (store := store_in(graphs)) is not None:
        _check(given, "a GraphStore", where)
        return from_data(store, **given)
    if isinstance(graphs, Data | BaseData) and not isinstance(graphs, Batch):
        raise UserError(f"Expected {where} as a list of graphs, but got one Data: write [data].")
    if hasattr(graphs, "to_directed"):
        raise UserError(f"Expected {where} as a list of graphs, but got one graph: write [graph].")
    numbers = isinstance(graphs, np.ndarray) and graphs.dtype.kind not in "OUT"
    refused = (bytes, Mapping, set, frozenset, Tensor)
    if isinstance(graphs, refused) or numbers or not isinstance(graphs, Iterable | Dataset):
        raise UserError(f"Expected {where} as a list of {WANTED}, but got {type(graphs).__name__}.")
    if isinstance(graphs, Batch | Dataset):
        _check(given, "PyG's Data", where)
        return from_data(cast(Any, graphs), **given)  # which applies the transforms of a data set
    return _listed(list(graphs), given, where)


def _is_usual(name: str, value: Any) -> bool:
    return value is None or (isinstance(value, str | bool) and USUAL.get(name) == value)


def _listed(items: list[Any], given: dict[str, Any], where: str) -> GraphStore:
    if not items:
        raise UserError(f"Expected at least one graph in {where}, but got none.")
    first = items[0]
    kind = next((name for name, test in KINDS.items() if test(first)), None)
    if kind is None:
        raise UserError(
            f"Expected {where} as a list of {WANTED}, but graph 0 is {type(first).__name__}."
        )
    _check(given, kind, where)
    for number, item in enumerate(items):
        if kind == "SMILES" and is_missing(item):
            raise UserError(
                f"Expected a SMILES of each graph in {where}, but graph {number} has none: leave "
                "it out, and its label."
            )
        if not KINDS[kind](item):
            raise UserError(
                f"Expected {where} of one kind, {kind} as graph 0 is, but graph {number} is "
                f"{type(item).__name__}."
            )
    if kind == "SMILES":
        return GraphStore.from_smiles(map(str, items), **given)
    if kind == "NetworkX graphs":
        return GraphStore.from_networkx(items, **given)
    return from_data(items, **given)


KINDS: dict[str, Callable[[Any], bool]] = {
    "SMILES": lambda item: isinstance(item, str),
    "NetworkX graphs": lambda item: hasattr(item, "to_directed"),
    "PyG's Data": lambda item: isinstance(item, BaseData),
}


def _by_name(name: str | Path, given: dict[str, Any]) -> GraphStore:
    from graph_hcl.data.loading import load

    labels = given.pop("y", None)
    if isinstance(name, str):
        _refuse_one_molecule(name, given.get("data_dir"), given.get("mirror"))
    store = load(name, **given)
    if labels is None:
        return store
    return replace(store, **choose_labels(labels, None, len(store)))


def _refuse_one_molecule(text: str, data_dir: str | None, mirror: str | None) -> None:
    """Raise `UserError` for one SMILES that could be taken for the name of a data set."""
    from graph_hcl.data.cards import find_card
    from graph_hcl.data.fetch import canonical_name, data_folder
    from graph_hcl.data.sources import find_source

    name = canonical_name(text, data_dir, mirror)
    known = find_card(name) or (data_folder(data_dir) / name).is_dir()
    if known or Path(text).exists() or find_source(name).what not in ONE_MOLECULE:
        return
    try:
        from graph_hcl.data.molecules import read_molecule

        found = not isinstance(read_molecule(text), str)
    except UserError:  # without rdkit
        return
    if found:
        raise UserError(f"Expected a list of molecules, but got one SMILES: write ['{text:.80}'].")


ONE_MOLECULE = ("a TU data set", "a folder of graphs")


def _check(given: Mapping[str, Any], kind: str, where: str) -> None:
    """Raise `UserError` for options that graphs of this kind have no use for."""
    known = sorted({name for names in TAKES.values() for name in names})
    for name in given:
        if name not in known:
            raise UserError(
                f"Expected options of {', '.join(known)} for {where}, but got '{name}'."
                f"{did_you_mean(name, known)}"
            )
        if name not in TAKES[kind]:
            others = [other for other, names in TAKES.items() if name in names]
            raise UserError(
                f"Expected no {name} for {kind}, but got {given[name]!r:.60}: it applies to "
                f"{' or '.join(others)}."
            )


def known_store(graphs: Any) -> GraphStore:
    """Return a store; raise `UserError` for anything else.

    >>> known_store([])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the graphs as a GraphStore, but got list: make one with \
graph_hcl.data.as_store.
    """
    if not isinstance(graphs, GraphStore):
        raise UserError(
            f"Expected the graphs as a GraphStore, but got {type(graphs).__name__}: make one with "
            "graph_hcl.data.as_store."
        )
    return graphs
