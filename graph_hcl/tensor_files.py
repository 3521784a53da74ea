"""Tensors and text about them in one safetensors file, which nothing keeps open or mapped."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file by name, and its metadata.

    They are copies: a file that is still mapped cannot be replaced on Windows, and would change
    under the tensors where it is written to in place. Raises `SafetensorError` for another format.

    >>> import tempfile
    >>> from safetensors.torch import save_file
    >>> file = Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> save_file({"x": torch.ones(2)}, file, {"epoch": "3"})
    >>> read_tensors(file)
    ({'x': tensor([1., 1.])}, {'epoch': '3'})
    """
    tensors = {}
    with safe_open(path, framework="pt") as file, path.open("rb") as stream:  # the first checks it
        head = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        start = stream.tell()
        for name in file.keys():  # noqa: SIM118 (safe_open is no mapping)
            # A copy of the mapped tensor would have the file in memory twice.
            tensors[name] = torch.empty_like(file.get_tensor(name))
            stream.seek(start + head[name]["data_offsets"][0])
            content = tensors[name].reshape(-1).view(torch.uint8).numpy().data
            if stream.readinto(content) != len(content):
                raise SafetensorError(f"{name} is cut short")
        return tensors, file.metadata() or {}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file of tensors without reading these; raise as `read_tensors`."""
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}
