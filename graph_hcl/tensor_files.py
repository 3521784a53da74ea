"""Tensors and text about them in one safetensors file, which nothing keeps open or mapped."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open
from torch import Tensor


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file by name, and its metadata.

    They are copies: a file that is still mapped cannot be replaced on Windows, and would change
    under the tensors where it is written to in place. Raises `SafetensorError` for another format.

    >>> import tempfile, torch
    >>> from safetensors.torch import save_file
    >>> file = Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> save_file({"x": torch.ones(2)}, file, {"epoch": "3"})
    >>> read_tensors(file)
    ({'x': tensor([1., 1.])}, {'epoch': '3'})
    """
    with safe_open(path, framework="pt") as file:
        names = file.keys()
        return {name: file.get_tensor(name).clone() for name in names}, file.metadata() or {}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file of tensors without reading these; raise as `read_tensors`."""
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}
