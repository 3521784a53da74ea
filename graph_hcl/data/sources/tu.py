"""The data sets of TU Dortmund: raw files, features as the card says, and a cache of the result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from graph_hcl.data.cache import cached
from graph_hcl.data.cards import Card, find_card
from graph_hcl.data.codes import one_hot_columns
from graph_hcl.data.columns import DEGREE_CAP, LOG_DEGREE, Column, degree_column
from graph_hcl.data.fetch import check_sha256, data_folder, raw_files
from graph_hcl.data.labels import REAL
from graph_hcl.data.names import is_function, is_place
from graph_hcl.data.readme import LabelNames, label_names, readmes
from graph_hcl.data.sources import Request
from graph_hcl.data.sources.folder import graph_files
from graph_hcl.data.statistics import check_statistics, sizes
from graph_hcl.data.store import GraphStore
from graph_hcl.data.tu import RawGraphs, read
from graph_hcl.data.tu_mirror import OFFICIAL, mirror_of
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError

READER = 7  # incremented when the same files are read differently


class TU:
    """The data sets of TU Dortmund (https://chrsmrrs.github.io/datasets), fetched on first use.

    Node features are the node labels, preceded by the continuous attributes with `node_attributes`,
    or the node degrees if a data set has neither, as its card says. `y` holds
    positions in `classes`, the labels in the file, or real targets if there are no classes.

    The first call checks the sha256 of every raw file against the card; later ones check sizes and
    modification times, and the sha256 of the cached tensors. The cache is rebuilt if the files, the
    reader or the features changed, and with a warning if it is damaged.

    >>> TU().recognises("MUTAG"), TU().recognises("mine.csv")
    (True, False)
    """

    what = "a TU data set"
    takes = frozenset({"node_attributes"})

    def recognises(self, name: str) -> bool:
        """Tell whether a name is none of a file, folder or function."""
        return not is_place(name) and not is_function(name)

    def read(self, request: Request) -> GraphStore:
        """Return the graphs; raise `UserError` for an unknown name, no network and damaged files.

        >>> store = TU().read(Request("MUTAG"))
        >>> len(store), store.vocabulary.node.names()[:2]
        (188, ['node_labels=C', 'node_labels=N'])
        """
        name, attributes = request.name, request.node_attributes
        _check_is_no_folder(request)
        files = raw_files(name, request.data_dir, request.mirror)
        card = find_card(name)
        cache = files["A"].parents[1] / f"{'attributes' if attributes else 'default'}.safetensors"
        stamp = _stamp(name, files, card)
        return cached(cache, stamp, lambda: _read(name, files, card, attributes))


def _check_is_no_folder(request: Request) -> None:
    """Raise `UserError` for a folder without graph files, whose name no server needs to know.

    That is where the data set would come from the official site, which has none that is known.
    """
    folder, raw = Path(request.name), data_folder(request.data_dir) / request.name / "raw"
    given = mirror_of(request.mirror) != OFFICIAL or raw.is_dir()
    if not request.name or given or find_card(request.name) is not None or not folder.is_dir():
        return
    if not (folder / "raw").is_dir() and not any(folder.glob("*_A.txt")):
        graph_files(folder)


def _read(name: str, files: dict[str, Path], card: Card | None, attributes: bool) -> GraphStore:
    sha256 = check_sha256(name, files)
    raw = read(files)
    if card is not None:
        check_statistics(card, statistics(raw), files["A"].parent)
    names = label_names(files["A"].parent, name)
    x, node, unused = _node_features(name, raw, attributes, card, names)
    edge_attr, edge = _edge_features(raw, names)
    y, tasks = raw.y, list[str]()
    if y is None and raw.targets is not None:
        y = raw.targets
        if y.shape[1] == 1:
            y, tasks = y.squeeze(1), [REAL]
    elif raw.targets is not None:
        unused.append(f"{raw.targets.shape[1]} graph attributes (the graph labels are used)")
    return GraphStore(
        x=x.contiguous(),
        edge_index=raw.edge_index,
        node_ptr=raw.node_ptr,
        edge_ptr=raw.edge_ptr,
        edge_attr=edge_attr,
        y=y,
        tasks=tasks,
        vocabulary=Vocabulary(node, edge),
        classes=list(map(str, raw.classes)),
        unused=tuple(unused),
        sha256=sha256,
    )


def _stamp(name: str, files: dict[str, Path], card: Card | None) -> str:
    """Return a cheap description of what a cache was made from."""
    raw = files["A"].parent
    read = {file.name: file for file in [*files.values(), *readmes(raw, name)]}
    states = {key: file.stat() for key, file in read.items()}
    policy = [card.features, card.degree_cap] if card else []
    return json.dumps([READER, policy, [[k, s.st_size, s.st_mtime_ns] for k, s in states.items()]])


def _node_features(
    name: str, raw: RawGraphs, attributes: bool, card: Card | None, names: LabelNames
) -> tuple[Tensor, Features, list[str]]:
    """Return stored node features as the card says, their meaning, and what is left out."""
    if attributes and raw.node_attributes is None:
        raise UserError(
            f"Expected node attributes in {name} for data.node-attributes, but there are none: "
            "leave that out, or choose a data set that has them."
        )
    labels, column_names = raw.node_labels, _attribute_names(raw.node_attributes)
    if labels is not None and (attributes or raw.node_attributes is None):
        return (*_stored(raw.node_attributes, column_names, labels, "node", names), [])
    if labels is not None:
        count = len(column_names)
        what = f"{count} node attribute{'s' if count > 1 else ''}"
        left = f"{what} (read with --data.node-attributes true)"
        return (*_stored(None, (), labels, "node", names), [left])
    if raw.node_attributes is not None:
        return (*_stored(raw.node_attributes, column_names, None, "node", names), [])
    degree = raw.degree()
    if card is not None and card.features == "degree-log":
        return degree.float().log1p()[:, None], Features((Column(LOG_DEGREE),)), []
    cap = card.degree_cap if card is not None else DEGREE_CAP
    column = degree_column(int(degree.max()), cap).seen_in(degree)
    return degree[:, None], Features((column,)), []


def _edge_features(raw: RawGraphs, names: LabelNames) -> tuple[Tensor | None, Features]:
    if raw.edge_labels is None and raw.edge_attributes is None:
        return None, Features()
    return _stored(raw.edge_attributes, raw.edge_attribute_names, raw.edge_labels, "edge", names)


def _attribute_names(attributes: Tensor | None) -> tuple[str, ...]:
    count = 0 if attributes is None else attributes.shape[1]
    return tuple(f"node_attributes[{k}]" for k in range(count))


def _stored(
    attributes: Tensor | None,
    attribute_names: Sequence[str],
    labels: Tensor | None,
    level: str,
    names: LabelNames,
) -> tuple[Tensor, Features]:
    """Return attributes [n, A] and labels [n, C] as stored features, attributes first."""
    columns, parts = [Column(name) for name in attribute_names], []
    if attributes is not None:
        parts.append(attributes)
    if labels is not None:
        for number, values in enumerate(one_hot_columns(labels)):
            name = f"{level}_labels" + (f"[{number}]" if labels.shape[1] > 1 else "")
            named = names.get((level, number), {})
            codes = torch.searchsorted(torch.tensor(values), labels[:, number].contiguous())
            column = Column(name, tuple(named.get(value, value) for value in values))
            columns.append(column.seen_in(codes))
            parts.append(codes[:, None])
    kind = torch.float if attributes is not None else torch.long
    return torch.cat([part.to(kind) for part in parts], dim=1), Features(tuple(columns))


def statistics(raw: RawGraphs) -> dict[str, float]:
    """Return the statistics that a card states."""
    return sizes(raw.node_ptr, raw.edge_ptr) | {"classes": len(raw.classes)}
