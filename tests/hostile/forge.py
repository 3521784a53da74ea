"""Ways to damage valid files behind their hash or checksum, as a forger would."""

import contextlib
import gzip
import json
import random

from safetensors.torch import load

from graph_hcl.sealed import SEAL, seal
from graph_hcl.tensor_files import hashed
from tests.hostile.damage import (
    damage_bytes,
    damage_json,
    damage_tensors,
    damage_text,
    damage_value,
    joined,
    parted,
)


def damage_sealed(rng: random.Random, text: bytes) -> bytes:
    """Return sealed JSON, or lines of it, with one value changed and sealed again."""
    if rng.random() < 0.1:
        return damage_json(rng, text)
    lines = text.splitlines() if text.count(b"\n{") > 1 else [text]
    place = rng.randrange(len(lines))
    content = json.loads(lines[place])
    content.pop(SEAL, None)
    changed = damage_value(rng, content)
    if isinstance(changed, dict):
        changed = seal(changed)
    lines[place] = json.dumps(changed).encode()
    return b"\n".join(lines)


def forge_gzip(rng: random.Random, content: bytes) -> bytes:
    """Return a compressed text that is damaged, mostly before it is compressed."""
    if rng.random() < 0.3:
        return damage_bytes(rng, content)
    return gzip.compress(damage_text(rng, gzip.decompress(content)), mtime=0)


def reseal(text: bytes) -> bytes:
    """Return JSON, or lines of it, with each object sealed again; others are left as they are."""
    lines = text.split(b"\n") if b"\n{" in text else [text]
    for place, line in enumerate(lines):
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(line)
            if isinstance(content, dict):
                content.pop(SEAL, None)
                lines[place] = json.dumps(seal(content)).encode()
    return b"\n".join(lines)


def reseal_tensors(content: bytes) -> bytes:
    """Return a safetensors file of ours with its tensors hashed and its metadata sealed again."""
    with contextlib.suppress(Exception):  # it is damaged too far
        header, body = parted(content)
        (name, text), *_ = header["__metadata__"].items()
        about = json.loads(text)
        about.pop(SEAL, None)
        with contextlib.suppress(Exception):
            about["tensors"] = hashed(load(content))
        header["__metadata__"][name] = json.dumps(seal(about))
        return joined(header, body)
    return content


def forge_tensors(rng: random.Random, content: bytes) -> bytes:
    """Return a safetensors file of ours, damaged and mostly sealed again."""
    damaged = damage_tensors(rng, content)
    return damaged if rng.random() < 0.2 else reseal_tensors(damaged)
