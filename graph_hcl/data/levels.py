"""The fields that graphs carry, and whether their rows belong to nodes, edges or graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch

from graph_hcl.warn import warn_user

NODE, EDGE, GRAPH = "node", "edge", "graph"
LEVELS = {"x": NODE, "edge_attr": EDGE, "edge_weight": EDGE, "pos": NODE, "y": GRAPH}
"""The level of each field. A new field takes one entry here and one attribute of `GraphStore`."""
NEW_EDGE_VALUES = {"edge_weight": 1}
"""The values of an added edge in edge-level fields; 0 in all others."""
OPTIONAL_FIELDS = tuple(name for name, level in LEVELS.items() if name != "x" and level != GRAPH)
"""The fields that a backbone may read besides x."""
Rows = Tensor | slice | None
"""Selected rows: ascending numbers [K], a slice with both ends, or None for all."""
_STRUCTURE = frozenset({"edge_index", "batch", "ptr", "num_nodes"})


def levels(batch: Batch) -> dict[str, str]:
    """Return the level of each field of a batch, except edge_index, batch and ptr.

    The level of a user's own field is the only one with as many elements as the field has rows; a
    field that matches no level, or several, is left out with a warning. Batches made from others
    keep the levels of their fields.

    >>> batch = Batch(x=torch.ones(3, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=[5])
    >>> batch.batch, batch.charge = torch.zeros(3, dtype=torch.long), torch.tensor([1, 0, 2])
    >>> levels(batch)
    {'x': 'node', 'y': 'graph', 'charge': 'node'}
    """
    sizes = {
        NODE: batch.num_nodes,
        EDGE: batch.edge_index.shape[1],
        GRAPH: batch.num_graphs,
    }
    known = LEVELS | getattr(batch, "_levels", {})
    by_name, unclear = {}, []
    for name, value in batch.stores[0].items():
        if name in _STRUCTURE or value is None:
            continue
        level = _level(batch, name, value, sizes, known.get(name))
        if level is None:
            unclear.append(name)
        else:
            by_name[name] = level
    if unclear:
        warn_user(
            f"Left out of the batch: {', '.join(sorted(unclear))}, since it is unclear whether "
            "their rows belong to nodes, edges or graphs."
        )
    return by_name


def take_rows(value: Any, rows: Rows) -> Any:
    """Return the selected rows of a field, which is a tensor, an array or a list.

    >>> take_rows(["a", "b", "c"], slice(1, 3)), take_rows(["a", "b", "c"], torch.tensor([0, 2]))
    (['b', 'c'], ['a', 'c'])
    """
    if rows is None:
        return value
    if isinstance(rows, slice):
        return value[rows]
    if isinstance(value, Tensor):
        return value.index_select(0, rows.to(value.device))
    if isinstance(value, np.ndarray):
        return value[rows.cpu().numpy()]
    return [value[k] for k in rows.tolist()]


def _level(
    batch: Batch, name: str, value: Any, sizes: dict[str, int], known: str | None
) -> str | None:
    if isinstance(value, Tensor | np.ndarray):
        length = value.shape[0] if value.ndim else None
    else:
        length = len(value) if isinstance(value, list | tuple) else None
    if length is None:
        return None
    if known is not None and sizes[known] == length:
        return known
    # Node numbers would have to be shifted, and nothing says which fields hold node numbers.
    if batch.__cat_dim__(name, value) != 0 or torch.as_tensor(batch.__inc__(name, value)).any():
        return None
    matching = [
        level
        for level, size in sizes.items()
        if size == length and not _cut_otherwise(batch, name, level, length)
    ]
    if EDGE in matching and "edge" in name:  # PyG's own rule
        return EDGE
    return matching[0] if len(matching) == 1 else None


def _cut_otherwise(batch: Batch, name: str, level: str, length: int) -> bool:
    """Tell whether PyG cuts a field into graphs at other rows than nodes or edges: y [T] of each.

    PyG's cuts are on the host.
    """
    cuts = getattr(batch, "_slice_dict", {})
    own, of_level = cuts.get(name), cuts.get({NODE: "x", EDGE: "edge_index"}.get(level))
    if not isinstance(own, Tensor) or not isinstance(of_level, Tensor) or int(own[-1]) != length:
        return False
    return not torch.equal(own, of_level)
