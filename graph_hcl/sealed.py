"""JSON objects that carry their own hash, so that damage is noticed when they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "sha256"
"""The entry that holds the hash of all others."""


def digest(content: Any) -> str:
    """Return the sha256 of what JSON can hold, whatever the order and layout it is written in.

    >>> digest({"a": 1, "b": 2.5}) == digest(json.loads('{"b": 2.50, "a": 1}'))
    True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with its hash as the last entry.

    >>> unseal(seal({"epoch": 3}))
    {'epoch': 3}
    """
    return {**content, SEAL: digest(content)}


def unseal(content: Any) -> dict[str, Any]:
    """Return the content without its hash; raise `ValueError` for any that is not as sealed."""
    if not isinstance(content, Mapping):
        raise ValueError("it is not a mapping")
    rest = {name: value for name, value in content.items() if name != SEAL}
    try:
        sha256 = digest(rest)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if content.get(SEAL) != sha256:
        raise ValueError("its content does not have its sha256")
    return rest


def parse_json(text: bytes) -> Any:
    """Return what a JSON text in UTF-8 holds; raise `ValueError` for any other text.

    >>> parse_json(b"[" * 100_000)
    Traceback (most recent call last):
    ValueError: it is nested too deeply
    """
    try:
        return json.loads(text.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_sealed(text: bytes) -> dict[str, Any]:
    """Return the content of a sealed JSON text; raise `ValueError` for any other text."""
    return unseal(parse_json(text))
