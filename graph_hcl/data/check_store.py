"""Checks of a store from a file: its tensors must fit each other before any of them is indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graph_hcl.data.levels import EDGE, GRAPH, LEVELS, NODE
from graph_hcl.data.vocabulary import Features

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore

FLOATS = (torch.float32, torch.float64)


def check_store(store: GraphStore) -> None:
    """Raise `ValueError` for tensors and names that are not those of graphs.

    Numbers out of range would be read beyond the end of other tensors.
    """
    for name in ("node_ptr", "edge_ptr"):
        ptr = getattr(store, name)
        _expect(_is_whole(ptr, 1) and len(ptr) > 1, f"{name} is no vector of boundaries")
        steps = bool((ptr[1:] >= ptr[:-1]).all()) and int(ptr[0]) == 0
        _expect(steps, f"{name} does not rise from 0")
    _expect(len(store.node_ptr) == len(store.edge_ptr), "node_ptr and edge_ptr differ in length")
    _expect(bool((store.node_ptr.diff() > 0).all()), "a graph has no nodes")
    edges, sizes = store.edge_index, _sizes(store)
    _expect(_is_whole(edges, 2) and edges.shape[0] == 2, "edge_index is no list of edges")
    _expect(edges.shape[1] == sizes[EDGE], "edge_index and edge_ptr differ")
    nodes = store.node_ptr.diff().repeat_interleave(store.edge_ptr.diff())
    inside = edges.numel() == 0 or bool(((edges >= 0) & (edges < nodes)).all())
    _expect(inside, "edge_index names nodes that its graphs do not have")
    for name, level in LEVELS.items():
        tensor = getattr(store, name)
        if tensor is not None:
            _expect(tensor.dim() > 0 and len(tensor) == sizes[level], f"{name} has other rows")
            kinds = FLOATS if name in ("edge_weight", "pos") else (*FLOATS, torch.int64)
            _expect(tensor.dtype in kinds, f"{name} is {tensor.dtype}")
    _check_features("x", store.x, store.vocabulary.node)
    if store.edge_attr is not None:
        _check_features("edge_attr", store.edge_attr, store.vocabulary.edge)
    if store.edge_weight is not None:
        _expect(store.edge_weight.dim() == 1, "edge_weight is no vector")
    _check_names(store)


def _sizes(store: GraphStore) -> dict[str, int]:
    nodes, edges = (int(ptr[-1]) for ptr in (store.node_ptr, store.edge_ptr))
    return {NODE: nodes, EDGE: edges, GRAPH: len(store.node_ptr) - 1}


def _check_features(name: str, stored: Tensor, meaning: Features) -> None:
    columns = meaning.columns
    flat = stored.dim() == 1 and len(columns) == 1 and columns[0].values is None
    fits = flat or (stored.dim() == 2 and stored.shape[1] == len(columns))
    _expect(fits, f"{name} does not have the columns of the vocabulary")
    if meaning.categorical and len(stored):
        _expect(stored.dtype == torch.int64, f"{name} is {stored.dtype} where it has categories")


def _check_names(store: GraphStore) -> None:
    graphs, y = len(store.node_ptr) - 1, store.y
    for name in ("classes", "tasks", "unused"):
        _expect(_are_texts(getattr(store, name)), f"{name} are no names")
    for name in ("ids", "groups"):
        names = getattr(store, name)
        fits = names is None or (_are_texts(names) and len(names) == graphs)
        _expect(fits, f"{name} are not those of its graphs")
    _expect(isinstance(store.sha256, str), "sha256 is no text")
    _expect(isinstance(store.name, str), "its name is no text")
    if y is None:
        return
    _expect(y.dim() in (1, 2) and (y.dim() == 1 or y.shape[1] > 0), "y is neither labels nor tasks")
    _expect(not bool(y.isinf().any()), "y is infinite")
    if store.classes:
        known = y[~y.isnan()]
        whole = bool(((known >= 0) & (known < len(store.classes)) & (known == known.round())).all())
        _expect(y.dim() == 1 and whole, "y is not among its classes")
    if y.dim() == 2 and store.tasks:
        _expect(len(store.tasks) == y.shape[1], "y and its tasks differ")


def _is_whole(tensor: Any, dimensions: int) -> bool:
    return bool(tensor.dtype == torch.int64 and tensor.dim() == dimensions)


def _are_texts(names: Any) -> bool:
    return isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)


def _expect(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
