"""The memory that a model needs at least, against what the machine has, before any is asked for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import torch

from graph_hcl.config import Config
from graph_hcl.errors import UserError

COPIES = 4
"""Weights, their gradients and two averages of the optimiser."""
CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def least_bytes(hidden: int, layers: int) -> int:
    """Return the bytes that a training needs at least for the weights between hidden layers.

    >>> least_bytes(hidden=100, layers=3)
    320000
    """
    return hidden * hidden * (layers - 1) * 4 * COPIES


def memory_of(device: torch.device) -> int | None:
    """Return the bytes of memory of a device, or None where they are not known.

    >>> memory_of(torch.device("meta")) is None
    True
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type != "cpu" or not hasattr(os, "sysconf"):
        return None
    known = []
    with suppress(ValueError, OSError):
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in CONTAINER_LIMITS:
        with suppress(ValueError, OSError):  # "max" is no limit
            known.append(int(Path(file).read_text(encoding="utf-8")))
    return min(known, default=None)


def check_fits(config: Config, device: torch.device) -> None:
    """Raise `UserError` for a backbone whose weights cannot fit into the memory of the device."""
    has, needs = memory_of(device), least_bytes(config.hidden, config.layers)
    if has is not None and needs > has:
        raise UserError(
            f"Expected a backbone that fits into the {has / 2**30:.3g} GiB of memory of the "
            f"{'GPU' if device.type == 'cuda' else 'machine'}, but --hidden {config.hidden} and "
            f"--layers {config.layers} need {needs / 2**30:,.0f} GiB or more: take fewer."
        )
