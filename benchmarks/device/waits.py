"""How often the host waits for the device, and where."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch

from benchmarks.device.pretend import DEVICE, place, pretended, takes_kernel

Waits = collections.Counter[str]


def count_waits(device: torch.device, make: Callable[[torch.device], Callable[[], Any]]) -> Waits:
    """Return how often a call waits for the device, by file and line of this project.

    `make(device)` returns the call, and what it does itself is not counted. CUDA tells of waits
    itself; without it the call is made on a pretended device.
    """
    if device.type != "cuda":
        with pretended() as seen:
            call = make(DEVICE)
            seen.waits.clear()
            call()
            return Waits(seen.waits)
    call, found = make(device), Waits()

    def note(message: Any, *_: Any, **__: Any) -> None:
        if "synchroniz" in str(message):
            found[place()] += 1

    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(), mock.patch.object(warnings, "showwarning", note):
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            call()
        finally:
            torch.cuda.set_sync_debug_mode(before)
    return found


def walks_by_kernel(device: torch.device) -> bool:
    """Tell whether subgraphs of the default view grow without a wait where waits are counted."""
    return takes_kernel(device if device.type == "cuda" else DEVICE)
