"""A store with its features in another vocabulary, or with its quantities standardised."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from graph_hcl.data.columns import LOG_DEGREE
from graph_hcl.data.indexing import segment_rows
from graph_hcl.data.translate import name_unused, translate
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore


def with_vocabulary(store: GraphStore, wanted: Vocabulary) -> GraphStore:
    """Return the store with its features in an encoder's vocabulary; see `translate`.

    Raises `UserError` for anything but a vocabulary.
    """
    if not isinstance(wanted, Vocabulary):
        raise UserError(
            f"Expected a Vocabulary, such as that of another store, but got {wanted!r:.60}."
        )
    own = store.vocabulary
    if wanted == own:
        return store

    def derive(name: str) -> Tensor | None:
        """Return a node feature [N] that follows from the graphs themselves."""
        if name == "degree":
            return store.degree()
        return store.degree().float().log1p() if name == LOG_DEGREE else None

    changed: dict[str, Any] = {"vocabulary": wanted}
    if wanted.node.columns != own.node.columns:
        changed["x"] = translate(store.x, own.node, wanted.node, level="node", derive=derive)
    if not wanted.edge.columns:
        changed["edge_attr"] = None
        name_unused([column.name for column in own.edge.columns], "edge")
    elif wanted.edge.columns != own.edge.columns:
        changed["edge_attr"] = translate(store.edge_attr, own.edge, wanted.edge, level="edge")
    return replace(store, **changed)._edges_as_in(store)


def fitted(store: GraphStore, graphs: Tensor) -> GraphStore:
    """Return the store with its quantities standardised by the graphs with these numbers [B]."""
    node, edge = store.vocabulary.node, store.vocabulary.edge
    if node.scalable:
        rows = segment_rows(store.node_ptr, graphs)[0]
        node = node.fitted(store.x.index_select(0, rows))
    if edge.scalable and store.edge_attr is not None:
        rows = segment_rows(store.edge_ptr, graphs)[0]
        edge = edge.fitted(store.edge_attr.index_select(0, rows))
    return replace(store, vocabulary=Vocabulary(node, edge))._edges_as_in(store)
