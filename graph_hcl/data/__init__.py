"""Graphs: the pre-collated store, TU data sets by name, their cards."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph_hcl.data.cards import Card, card, known
    from graph_hcl.data.loading import load
    from graph_hcl.data.store import GraphStore

_HOMES = {
    "Card": "cards",
    "card": "cards",
    "known": "cards",
    "load": "loading",
    "GraphStore": "store",
}

__all__ = ["Card", "GraphStore", "card", "known", "load"]


def __getattr__(name: str) -> Any:
    # Cards are read before torch is needed: for --help and for the preset of a data set.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    found = getattr(module, name)
    globals()[name] = found
    return found
