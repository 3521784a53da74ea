"""The times at which walkers reach the nodes of a batch: over all edges at once, or by a kernel."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl.with_triton import OPTIONS, is_installed, why_no_kernel

HOPS_PER_CHECK, HOPS_PER_WAIT = 4, 16
"""Hops between two checks whether the walk still spreads, on the CPU and on a device, which each
check waits for."""
HOPS_PER_CUT = 32
"""Hops after which the graphs in which it no longer spreads are left out."""
BLOCK, WARPS = 512, 4
"""Edges that a program of the kernel relaxes at a time, and its warps."""
MOST_EDGES = 2**16
"""Edges of the mean graph above which one program for each graph would take too long."""


def travel_times(
    edge_index: Tensor,
    wait: Tensor,
    start: Tensor,
    batch: Tensor,
    ptr: Tensor,
    *,
    in_order: bool = False,
) -> Tensor:
    """Return the least time [n] to reach each node from a start of a mask [n]; ∞ for none.

    `wait` [E] ≥ 0.001 are the times that the edges take, in float32, `batch` [n] is the graph of
    each node, and `ptr` [B + 1] where the nodes of each graph start. `in_order` promises edges that
    are sorted by source.

    On a GPU with Triton, one program for each graph relaxes its edges until nothing changes, which
    the host does not wait for. Elsewhere all edges are relaxed together, and from time to time the
    host looks whether that is over.

    >>> edges, wait = torch.tensor([[0, 0, 1], [1, 2, 2]]), torch.tensor([1.0, 5.0, 2.0])
    >>> start = torch.tensor([True, False, False, False])
    >>> travel_times(edges, wait, start, torch.tensor([0, 0, 0, 1]), torch.tensor([0, 3, 4]))
    tensor([0., 1., 3., inf])
    """
    time = torch.full(start.shape, math.inf, device=start.device, dtype=torch.float32)
    time.masked_fill_(start, 0)
    if takes_kernel(time.device) and len(wait) <= MOST_EDGES * (len(ptr) - 1):
        return by_kernel(time, edge_index, wait, batch, ptr, in_order)
    return by_hops(time, edge_index, wait, batch, len(ptr) - 1)


def takes_kernel(device: torch.device) -> bool:
    """Tell whether the kernel runs on a device by itself; the CPU has none.

    >>> takes_kernel(torch.device("cpu"))
    False
    """
    return device.type != "cpu" and why_no_kernel(device, kernel()) is None


@functools.cache
def kernel() -> Any:
    """Return the kernel, None where Triton is not installed."""
    if not is_installed():
        return None
    from graph_hcl.augment.triton_walk import spread

    return spread


def by_kernel(
    time: Tensor, edge_index: Tensor, wait: Tensor, batch: Tensor, ptr: Tensor, in_order: bool
) -> Tensor:
    """Return the times, given those at the start, without a wait for the device."""
    source, target = edge_index
    if in_order:
        first = torch.searchsorted(source, ptr.to(source.dtype))
    else:
        graph, order = batch.index_select(0, source).sort()
        source, target, wait = (each.index_select(0, order) for each in (source, target, wait))
        first = torch.searchsorted(graph, torch.arange(len(ptr), device=ptr.device))
    bits = time.view(torch.int32)
    run(len(ptr) - 1, bits, source.contiguous(), target.contiguous(), wait, first)
    return time


def run(graphs: int, *given: Tensor) -> None:
    """Run one program of the kernel for each graph."""
    if not graphs:
        return
    if given[0].device.type == "cpu":  # the interpreter
        kernel()[(graphs,)](*given, BLOCK=16)
        return
    with torch.cuda.device(given[0].device):
        kernel()[(graphs,)](*given, BLOCK=BLOCK, num_warps=WARPS, **OPTIONS)


def by_hops(
    time: Tensor, edge_index: Tensor, wait: Tensor, batch: Tensor, num_graphs: int
) -> Tensor:
    """Return the times, given those at the start, by hops over all edges at once."""
    source, target = edge_index
    deep = False
    hops = HOPS_PER_CHECK if time.device.type == "cpu" else HOPS_PER_WAIT
    while True:
        for _ in range(HOPS_PER_CUT // hops):
            for hop in range(hops):
                if hop == hops - 1:
                    before = time.clone()
                reached = time.index_select(0, source)
                if deep:  # after thousands of hops, a short wait is less than the time's last digit
                    later = reached.nextafter(reached.new_tensor(math.inf))
                    reached = later.maximum(reached + wait)
                else:
                    reached.add_(wait)
                time.scatter_reduce_(0, target, reached, "amin")
            if torch.equal(time, before):  # no node was reached sooner, so none will be
                return time
        # One long path must not hold up a whole batch: only its graph's edges go on.
        spreads = time.new_zeros(num_graphs, dtype=torch.bool)
        spreads.index_fill_(0, batch[time != before], True)
        kept = spreads[batch[source]]
        source, target, wait = source[kept], target[kept], wait[kept]
        deep = True
