"""What is known of each data set: `datasets/NAME.yaml`, read without importing torch."""

from __future__ import annotations

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
    """One data set: where it is from, what must hold of it, and what others reported on it.

    `features` says what a graph without node labels and attributes gets: its nodes' degrees,
    one-hot with a cap (`degree_cap`), or log-scaled. `attributes` tells whether the continuous
    node attributes are always used, because there is nothing else. Each figure of `published` has
    its method, accuracy and std in percent, what the std is over (seeds or folds; null for no std)
    and its protocol, which says "leaky" where test folds chose something.
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


@cache
def folder() -> Path:
    """Return the folder of the cards: in the package when installed, else beside it."""
    installed = _PACKAGE / "datasets"
    return installed if installed.is_dir() else _PACKAGE.parent / "datasets"


def known() -> list[str]:
    """Return the names of the data sets that have a card.

    >>> "MUTAG" in known()
    True
    """
    return sorted(file.stem for file in folder().glob("*.yaml"))


@cache
def card(name: str) -> Card:
    """Return the card of a data set; raise `UserError` for one that has none.

    >>> card("MUTAG").graphs, card("MUTAG").classes
    (188, 2)
    """
    file = folder() / f"{name}.yaml"
    if not file.is_file():
        raise UserError(f"There is no card of '{name}'.{did_you_mean(name, known())}")
    return Card(**yaml.safe_load(file.read_text(encoding="utf-8")))
