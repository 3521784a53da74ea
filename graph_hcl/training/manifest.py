"""The manifest of a run: what it was begun with, by which its other files are checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.files import write_text
from graph_hcl.sealed import digest, parse_sealed, seal

SCHEMA = 1
FREE = ("epochs", "out", "device", "data_dir", "mirror", "logger", "diagnose", "checkpoint_every")
"""Settings that do not decide what is trained, or may be changed on the way."""


@dataclass(frozen=True)
class Manifest:
    """What a run was begun with.

    `run` is the hash of the settings that decide its training, which each checkpoint bears;
    `configs` are the hashes that `config.yaml` may have; `code` those of the user's own modules,
    `data` that of the graphs, and `environment` commit, processor, threads and versions.
    """

    run: str
    configs: tuple[str, ...]
    code: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Write the manifest, sealed."""
        write_text(file, json.dumps(seal({"schema": SCHEMA, **asdict(self)}), indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> Manifest:
        """Return the manifest in a file; raise `UserError` without one, or for a damaged one."""
        try:
            content = parse_sealed(file.read_bytes())
            if content.pop("schema", None) != SCHEMA:
                raise ValueError(f"its schema is not {SCHEMA}")
            content["configs"] = tuple(content["configs"])
            if set(content) != {one.name for one in fields(cls)}:
                raise ValueError("it has other entries")
            _check(content)
            return cls(**content)
        except FileNotFoundError as error:
            raise UserError(
                f"Expected the manifest of a run at {file}, but there is none: the folder is not "
                "whole, or of an earlier version, so train anew."
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"Expected the manifest of a run at {file}, but it is damaged ({error}): restore "
                "it, or train anew."
            ) from error


def run_hash(settings: Mapping[str, Any]) -> str:
    """Return the hash of the settings of a run that decide its training.

    >>> run_hash({"lr": 0.1, "epochs": 3}) == run_hash({"lr": 0.1, "epochs": 5})
    True
    """
    return digest({name: value for name, value in settings.items() if name not in FREE})


def file_hash(file: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _check(content: Mapping[str, Any]) -> None:
    """Raise `ValueError` for entries of another type than those of `Manifest`."""
    code, about = content["code"], content["environment"]
    versions = about.get("versions", {}) if isinstance(about, Mapping) else None
    if (
        not isinstance(content["run"], str)
        or not isinstance(content["data"], str)
        or not all(isinstance(one, str) for one in content["configs"])
        or not isinstance(code, Mapping)
        or not all(isinstance(one, str) for one in code.values())
        or not isinstance(versions, Mapping)
    ):
        raise ValueError("one of its entries is of another type")


def text_hash(text: str) -> str:
    """Return the sha256 of the file that `write_text` makes of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def changed_environment(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs of processor, threads and versions, in words.

    >>> changed_environment({"threads": 2, "commit": "a"}, {"threads": 1, "commit": "b"})
    ['threads (2, now 1)']
    """
    flat = [
        {name: value for name, value in about.items() if name in ("processor", "threads")}
        | dict(about.get("versions", {}))
        for about in (before, now)
    ]
    return [
        f"{name} ({flat[0].get(name)}, now {flat[1].get(name)})"
        for name in dict.fromkeys([*flat[0], *flat[1]])
        if flat[0].get(name) != flat[1].get(name)
    ]
