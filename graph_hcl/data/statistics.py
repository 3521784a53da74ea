"""The statistics that a card states, and the check that a data set has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from graph_hcl.data.cards import Card
from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError


def sizes(node_ptr: Tensor, edge_ptr: Tensor) -> dict[str, float]:
    """Return the number of graphs and their mean sizes; edges count once per pair of nodes."""
    graphs = len(node_ptr) - 1
    return {
        "graphs": graphs,
        "average_nodes": round(int(node_ptr[-1]) / graphs, 2),
        "average_edges": round(int(edge_ptr[-1]) / 2 / graphs, 2),
    }


def statistics(store: GraphStore) -> dict[str, float]:
    """Return the statistics of a store that its card states.

    >>> from graph_hcl.data import load
    >>> statistics(load("MUTAG"))
    {'graphs': 188, 'average_nodes': 17.93, 'average_edges': 19.79, 'classes': 2}
    """
    return sizes(store.node_ptr, store.edge_ptr) | {"classes": store.num_classes}


def check_statistics(card: Card, found: Mapping[str, float], where: Path | str) -> None:
    """Raise `UserError` for a statistic that differs from the card's."""
    for what, value in found.items():
        expected = getattr(card, what)
        if value != expected:
            raise UserError(
                f"Expected {what.replace('_', ' ')} {expected} in {card.name}, but the files in "
                f"{where} have {value}: remove the folder to fetch them again."
            )
