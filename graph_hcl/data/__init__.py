"""Graph data: `GraphStore`, `load` for TU data sets by name, and their cards."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph_hcl.data.batch import concat, select
    from graph_hcl.data.cards import Card, find_card, get_card, list_datasets
    from graph_hcl.data.loading import load
    from graph_hcl.data.store import GraphStore

_MODULES = {
    "concat": "batch",
    "select": "batch",
    "Card": "cards",
    "find_card": "cards",
    "get_card": "cards",
    "list_datasets": "cards",
    "load": "loading",
    "GraphStore": "store",
}

__all__ = [
    "Card",
    "GraphStore",
    "concat",
    "find_card",
    "get_card",
    "list_datasets",
    "load",
    "select",
]


def __getattr__(name: str) -> Any:
    # Cards are read before torch is needed: for --help and for the preset of a data set.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    value = getattr(module, name)
    globals()[name] = value
    return value
