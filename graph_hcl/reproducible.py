"""The same bits again: how many threads compute, and by which algorithms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from graph_hcl.errors import UserError

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


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

    The CPU computes on one thread, and torch uses deterministic algorithms alone. Raises
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
    before = torch.get_deterministic_debug_mode()
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
        torch.set_deterministic_debug_mode(before)
