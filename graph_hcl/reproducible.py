"""The same bits again: whose random numbers, how many threads compute, by which algorithms."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from graph_hcl.errors import UserError

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_lock = threading.RLock()
_counting = threading.Lock()
_found: list[int] = []
"""The mode of torch that each block of `deterministic` found, in the order in which they began."""


def _renew() -> None:
    """Make the locks anew: in a forked process, nobody is left to release them."""
    global _lock, _counting
    _lock, _counting = threading.RLock(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


@contextmanager
def in_turn() -> Iterator[None]:
    """Let one thread at a time into such blocks; they may be in each other.

    For what uses a state of the whole process, such as the global generators.

    >>> with in_turn(), in_turn():
    ...     print("mine")
    mine
    """
    with _lock:
        yield


@contextmanager
def generators_kept() -> Iterator[None]:
    """Leave the global generators of Python, numpy and torch as they were before the block.

    That of a CUDA device is left so if it was in use before.

    >>> state = random.getstate()
    >>> with generators_kept():
    ...     random.seed(0)
    >>> state == random.getstate()
    True
    """
    import numpy as np
    import torch

    with ExitStack() as after:
        after.callback(random.setstate, random.getstate())
        after.callback(np.random.set_state, np.random.get_state())
        after.callback(torch.set_rng_state, torch.get_rng_state())
        if torch.cuda.is_initialized():
            after.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
        yield


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute on so many threads inside the block: torch, and the BLAS of numpy and scikit-learn.

    Sums are split among threads, so their number decides the last bits.

    >>> import torch
    >>> with threads(1):
    ...     torch.get_num_threads()
    1
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(count):
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """Compute the same bits on any number of cores inside the block, if this is wanted.

    The CPU computes on one thread, and torch uses deterministic algorithms alone, in the whole
    process until the last of such blocks in several threads ends. Raises
    `UserError` for an operation that has none on its device, and where products of matrices were
    computed on a GPU before without the setting that makes them deterministic.

    >>> import torch
    >>> with deterministic():
    ...     torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    (1, True)
    """
    if not wanted:
        yield
        return
    import torch

    # Read by cuBLAS when it starts; without it, torch refuses products of matrices.
    os.environ.setdefault(WORKSPACE, ":4096:8")
    with _counting:
        _found.append(torch.get_deterministic_debug_mode())
        torch.use_deterministic_algorithms(True)
    try:
        with threads(1):
            yield
    except RuntimeError as error:
        if WORKSPACE in str(error):  # torch asks once, and something was computed before
            raise UserError(
                f"Expected {WORKSPACE} to be set before the first product of matrices on the GPU, "
                f"but it was not: set {WORKSPACE}=:4096:8 before Python starts."
            ) from error
        text = str(error).partition(", but you set")[0]
        if "does not have a deterministic implementation" not in text:
            raise
        raise UserError(
            f"Expected operations that are deterministic on this device, but {text}: compute on "
            "the CPU with --device cpu, or leave out --deterministic."
        ) from error
    finally:
        with _counting:
            first = _found.pop()  # in the end, that of the first block
            if not _found:
                torch.set_deterministic_debug_mode(first)
