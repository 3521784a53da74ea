"""A store with its features in another vocabulary, or as some of its graphs alone tell them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from graph_hcl.data.indexing import segment_rows
from graph_hcl.data.translate import name_unused, translate
from graph_hcl.data.vocabulary import Features, Vocabulary
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
    changed: dict[str, Any] = {"vocabulary": wanted}
    if wanted.node.columns != own.node.columns:
        derived = _degrees(store, wanted.node)
        changed["x"] = translate(store.x, own.node, wanted.node, level="node", derived=derived)
    if not wanted.edge.columns:
        changed["edge_attr"] = None
        name_unused([column.name for column in own.edge.columns], "edge")
    elif wanted.edge.columns != own.edge.columns:
        changed["edge_attr"] = translate(store.edge_attr, own.edge, wanted.edge, level="edge")
    return replace(store, **changed)._edges_as_in(store)


def _degrees(store: GraphStore, wanted: Features) -> dict[str, Tensor]:
    """Return the degrees [N] by name where they are all that is wanted, as of graphs without x."""
    if not wanted.are_degrees:
        return {}
    (column,), degree = wanted.columns, store.degree()
    return {column.name: degree.float().log1p() if column.values is None else degree}


def fitted(store: GraphStore, graphs: Tensor, standardize: bool = True) -> GraphStore:
    """Return the store with its vocabulary as the graphs with these numbers [B] alone tell it."""
    node, edge = store.vocabulary.node, store.vocabulary.edge
    rows = segment_rows(store.node_ptr, graphs)[0]
    node = node.fitted(store.x.index_select(0, rows), standardize)
    if store.edge_attr is not None:
        rows = segment_rows(store.edge_ptr, graphs)[0]
        edge = edge.fitted(store.edge_attr.index_select(0, rows), standardize)
    return replace(store, vocabulary=Vocabulary(node, edge))._edges_as_in(store)
