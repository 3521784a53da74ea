"""Whether kernels of Triton can run: an extra that CUDA builds of PyTorch bring along."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch


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
    return None
