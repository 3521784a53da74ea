"""Graph data: `GraphStore`, `load` by name or path, `as_store` for any graphs, and cards.

`select` and `concat` take batches apart and join them; `get_card` and `official_split` tell what is
known of a data set.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph_hcl.data.batch import concat, select
    from graph_hcl.data.cards import Card, find_card, get_card, list_datasets
    from graph_hcl.data.collect import as_store
    from graph_hcl.data.loading import load
    from graph_hcl.data.ogb_files import official_metric, official_split
    from graph_hcl.data.store import GraphStore

_MODULES = {
    "concat": "batch",
    "select": "batch",
    "Card": "cards",
    "find_card": "cards",
    "get_card": "cards",
    "list_datasets": "cards",
    "as_store": "collect",
    "load": "loading",
    "official_metric": "ogb_files",
    "official_split": "ogb_files",
    "GraphStore": "store",
}

__all__ = [
    "Card",
    "GraphStore",
    "as_store",
    "concat",
    "find_card",
    "get_card",
    "list_datasets",
    "load",
    "official_metric",
    "official_split",
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
