"""Reading tensors and metadata from safetensors files without keeping them open or mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

DAMAGE = (
    *(SafetensorError, ValueError, TypeError, KeyError, AttributeError, OverflowError),
    *(RuntimeError, RecursionError, MemoryError),  # of torch, for types and sizes without meaning
)
"""What a damaged or forged file raises when it is read."""


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file by name, and its metadata.

    The tensors are copies: a mapped file cannot be replaced on Windows, and mapped tensors would
    change if the file is overwritten. Raises `SafetensorError` for any other format.

    >>> import tempfile
    >>> from safetensors.torch import save_file
    >>> file = Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> save_file({"x": torch.ones(2)}, file, {"epoch": "3"})
    >>> read_tensors(file)
    ({'x': tensor([1., 1.])}, {'epoch': '3'})
    """
    tensors = {}
    with (
        path.open("rb") as stream,  # first, because safe_open says of each problem: no such file
        safe_open(path, framework="pt") as file,
    ):  # safe_open validates it
        head = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        start = stream.tell()
        for name in file.keys():  # noqa: SIM118 (safe_open is no mapping)
            # Copying the mapped tensor would hold the file in memory twice.
            tensors[name] = torch.empty_like(file.get_tensor(name))
            stream.seek(start + head[name]["data_offsets"][0])
            content = tensors[name].reshape(-1).view(torch.uint8).numpy().data
            if stream.readinto(content) != len(content):
                raise SafetensorError(f"{name} is truncated")
        return tensors, file.metadata() or {}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file without its tensors; raises as `read_tensors` does."""
    with path.open("rb"), safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def hashed(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of tensors with their names, types and shapes.

    >>> hashed({"a": torch.zeros(2)}) == hashed({"a": torch.zeros(1, 2)})
    False
    """
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
