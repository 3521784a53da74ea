"""Indices of graphs, the rows of segments, and edges without a reverse."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.errors import UserError

Indices = Tensor | np.ndarray | Sequence[int] | Sequence[bool] | slice


def as_number(chosen: Any) -> int | None:
    """Return an integer of any kind (not bool) as an int; None for anything else.

    >>> as_number(np.int64(3)), as_number(torch.tensor(3)), as_number([3]), as_number(True)
    (3, 3, None, None)
    """
    if isinstance(chosen, bool | np.bool_ | slice):
        return None
    if isinstance(chosen, Tensor | np.ndarray) and (chosen.ndim or "bool" in str(chosen.dtype)):
        return None
    try:
        return operator.index(chosen)
    except TypeError:
        return None


def positions(indices: Indices, count: int, device: torch.device) -> Tensor:
    """Return the numbers of the graphs selected by a slice, a mask [count] or integers.

    Raises `UserError` for anything else, also for what may be a mask of uint8, and `IndexError` for
    numbers out of range.

    >>> positions([-1, 0], 3, torch.device("cpu")), positions(slice(1), 3, torch.device("cpu"))
    (tensor([2, 0]), tensor([0]))
    """
    everything = torch.arange(count, device=device)
    if isinstance(indices, slice):
        indices = range(count)[indices]
    if isinstance(indices, range):
        indices = list(indices)
    if isinstance(indices, Sequence) and not len(indices):
        return everything[:0]
    try:
        chosen = torch.as_tensor(indices).to(device, non_blocking=True)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(
            f"Expected whole numbers [B] or a mask [{count}] to choose graphs, but got {indices!r}."
        ) from None
    if chosen.dtype == torch.bool and chosen.shape == (count,):
        return chosen.nonzero().squeeze(1)
    kind = chosen.dtype
    if chosen.dim() != 1 or kind == torch.bool or kind.is_floating_point or kind.is_complex:
        raise UserError(
            f"Expected whole numbers [B] or a mask [{count}] to choose graphs, but got "
            f"{chosen.dtype} {list(chosen.shape)}."
        )
    if kind == torch.uint8 and len(chosen) == count > 2 and int(chosen.max()) < 2:
        raise UserError(
            f"Expected whole numbers [B] or a mask [{count}] to choose graphs, but got 0 and 1 of "
            "torch.uint8, which may be either: make it bool for a mask, or int64 for numbers."
        )
    # Indexing leaves negative and out-of-range numbers to torch.
    return everything[chosen.long()]  # or else numbers of 8 bits would be a mask


def segment_rows(
    ptr: Tensor, indices: Tensor, total: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows of the chosen segments, their sizes, and their boundaries in the result.

    `total` is the number of these rows, which the device is asked for unless it is given.

    >>> segment_rows(torch.tensor([0, 2, 5]), torch.tensor([1, 0]))
    (tensor([2, 3, 4, 0, 1]), tensor([3, 2]), tensor([0, 3, 5]))
    """
    start = ptr[indices]
    sizes = ptr[indices + 1] - start
    new_ptr = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    total = int(new_ptr[-1]) if total is None else total
    offset = torch.repeat_interleave(start - new_ptr[:-1], sizes, output_size=total)
    return offset.add_(torch.arange(total, device=ptr.device)), sizes, new_ptr


def _edge_keys(edge_index: Tensor, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted keys [E] of the edges, and those of the reverse edges."""
    source, target = edge_index
    # numpy sorts several times faster than torch, which computes the permutation as well.
    keys = (source * nodes + target).cpu().numpy()
    turned = (target * nodes + source).cpu().numpy()
    keys.sort()
    turned.sort()
    return keys, turned


def is_sorted_both_ways(edge_index: Tensor, nodes: int) -> bool:
    """Tell whether edges [2, E] are sorted by source, in both directions each, and no self-loops.

    >>> is_sorted_both_ways(torch.tensor([[0, 1], [1, 0]]), 2)
    True
    """
    source, target = edge_index
    if not (source[1:] >= source[:-1]).all() or (source == target).any():
        return False
    return np.array_equal(*_edge_keys(edge_index, nodes))


def lacks_reverse(edge_index: Tensor, nodes: int) -> Tensor:
    """Return the mask [E] of the edges [2, E] that have no reverse edge.

    >>> lacks_reverse(torch.tensor([[0, 1, 2, 0], [1, 0, 2, 2]]), 3)
    tensor([False, False, False,  True])
    """
    keys, reverse = _edge_keys(edge_index, nodes)
    if np.array_equal(keys, reverse):  # the usual case, in a quarter of the time
        return edge_index.new_zeros(edge_index.shape[1], dtype=torch.bool)
    source, target = edge_index.cpu()
    turned = (target * nodes + source).numpy()
    place = np.searchsorted(keys, turned).clip(max=len(keys) - 1)
    return torch.from_numpy(keys[place] != turned).to(edge_index.device)
