"""Whether kernels of Triton can run: an extra that CUDA builds of PyTorch bring along."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import torch

from graph_hcl.warn import warn_user

OPTIONS = {"enable_fp_fusion": True}
"""Of all launches: Triton 3.9 warns where it is left to it."""


def is_installed() -> bool:
    """Tell whether Triton is there to be imported.

    >>> is_installed() in (True, False)
    True
    """
    return importlib.util.find_spec("triton") is not None


def is_interpreted(kernel: Any) -> bool:
    """Tell whether Triton interprets a kernel on the CPU (TRITON_INTERPRET=1).

    >>> is_interpreted(len)
    True
    """
    import triton

    return not isinstance(kernel, triton.JITFunction)


def why_no_kernel(device: torch.device, kernel: Any) -> str | None:
    """Return what keeps a kernel from running on a device, None if nothing does.

    `kernel` is None where Triton is not installed.

    >>> why_no_kernel(torch.device("cpu"), None)
    'no Triton (pip install triton)'
    """
    if kernel is None:
        return "no Triton (pip install triton)"
    if device.type == "cpu" and is_interpreted(kernel):
        return None
    if device.type != "cuda":
        return f"tensors on {device.type}"
    if torch.cuda.get_device_properties(device).major < 8:
        return "a GPU before compute capability 8.0"
    return why_not_run(device)


@functools.cache
def why_not_run(device: torch.device) -> str | None:
    """Return why no kernel runs on a CUDA device, None where one does; warn once, and go on.

    Triton builds its driver by a C compiler when it is first used, which slim images lack, and its
    assembler may be older than the GPU.
    """
    try:
        from graph_hcl.triton_probe import touch

        place = torch.zeros(1, dtype=torch.int32, device=device)
        with torch.cuda.device(device):
            touch[(1,)](place, **OPTIONS)
    except Exception as error:
        warn_user(
            f"Triton cannot run on {device}, so slower forms are taken: {type(error).__name__}: "
            f"{str(error).strip()[:200]}"
        )
        return "a Triton that does not run here"
    return None


def tf32_allowed() -> bool:
    """Tell whether the user allows products of float32 in TF32, by the old or the new switch.

    >>> tf32_allowed() in (True, False)
    True
    """
    matmul = torch.backends.cuda.matmul
    if hasattr(matmul, "fp32_precision"):  # reading the old one fails once the new one was set
        return bool(matmul.fp32_precision == "tf32")
    return bool(matmul.allow_tf32)
