"""Data set cards, one `datasets/NAME.yaml` each, read without importing torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from graph_hcl.errors import UserError
from graph_hcl.registry import did_you_mean

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Card:
    """One data set: its source, the statistics its files must have, and published results.

    Attributes:
        name: name of the data set.
        source: address of its files.
        graphs: number of graphs.
        classes: number of classes.
        average_nodes: mean number of nodes of a graph.
        average_edges: mean number of undirected edges of a graph.
        features: what the nodes of a data set without node labels or attributes get: their degree,
            one-hot up to `degree_cap`, or log(1 + degree). "attributes" marks data sets whose only
            node features are continuous attributes.
        degree_cap: largest degree with a column of its own.
        citation: the paper that the data set is from.
        notes: what a reader of its results must know.
        sha256: hash of each of its files.
        published: results, each with a method, its accuracy and std in percent, `std_over`
            ("seeds", "folds", or null for no std) and a protocol, which contains "leaky" if a
            choice was made on the test folds.
        preset: settings for this data set, by dotted name.

    >>> card = get_card("MUTAG")
    >>> card.graphs, card.classes, card.features
    (188, 2, 'labels')
    """

    name: str
    source: str
    graphs: int
    classes: int
    average_nodes: float
    average_edges: float
    features: Literal["labels", "attributes", "degree-one-hot", "degree-log"]
    degree_cap: int = 0
    citation: str = ""
    notes: str = ""
    sha256: dict[str, str] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    preset: dict[str, Any] = field(default_factory=dict)


_added: list[Path] = []


def list_datasets() -> list[str]:
    """Return the names of the data sets that have a card.

    >>> "MUTAG" in list_datasets()
    True
    """
    return sorted({file.stem for folder in _folders() for file in folder.glob("*.yaml")})


def find_card(name: str) -> Card | None:
    """Return the card of a data set, or None if it has none.

    >>> find_card("MUTAG").degree_cap, find_card("my-own")
    (0, None)
    """
    file = f"{name}.yaml"
    for folder in _folders():
        # Listed because some file systems would open it under a name in other capitals.
        if folder.is_dir() and file in os.listdir(folder):
            return _read(folder / file)
    return None


def get_card(name: str) -> Card:
    """Return the card of a data set; raise `UserError` if it has none.

    >>> get_card("MUTAG").graphs, get_card("MUTAG").classes
    (188, 2)
    """
    card = find_card(name)
    if card is None:
        raise UserError(f"There is no card of '{name}'.{did_you_mean(name, list_datasets())}")
    return card


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """Within the block, the cards in `folder` add to the shipped ones and replace their namesakes.

    >>> with using(Path("no-such-folder")):
    ...     "MUTAG" in list_datasets()
    True
    """
    _added.insert(0, folder)
    _read.cache_clear()  # files may have changed since the last block
    try:
        yield
    finally:
        _added.remove(folder)
        _read.cache_clear()


def _folders() -> list[Path]:
    return [*_added, _shipped()]


@cache
def _shipped() -> Path:
    """Return the folder of the shipped cards: inside an installed package, else beside it."""
    installed = _PACKAGE / "datasets"
    return installed if installed.is_dir() else _PACKAGE.parent / "datasets"


@cache
def _read(file: Path) -> Card:
    return Card(**yaml.safe_load(file.read_text(encoding="utf-8")))
