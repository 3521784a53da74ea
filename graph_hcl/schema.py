"""The schema of settings: the dotted name and type of each, read off the fields of `Config`."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, get_type_hints

from graph_hcl.config import Config
from graph_hcl.kinds import expected

MOVED = {
    "optimizer.lr": "lr",
    "optimizer.weight_decay": "weight_decay",
    "encoder.readout": "readout",
}
"""Former names of settings."""
SHORT = {"probe": "probe.name"}
"""Groups that a single text stands for a setting of: `--probe svm` is `--probe.name svm`."""


def flag(name: str) -> str:
    """Return a setting's flag.

    >>> flag("data.node_attributes")
    '--data.node-attributes'
    """
    return f"--{name.replace('_', '-')}"


@cache
def schema() -> dict[str, Any]:
    """Return the type of every setting, by dotted name.

    >>> schema()["epochs"], schema()["encoder.norm"]
    (<class 'int'>, str | None)
    """
    return _schema(Config)


def _schema(kind: type, prefix: str = "") -> dict[str, Any]:
    types: dict[str, Any] = {}
    for name, annotation in get_type_hints(kind).items():
        if dataclasses.is_dataclass(annotation):
            types |= _schema(annotation, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            types[prefix + name] = annotation
    return types


def groups() -> set[str]:
    """Return the names of the groups of settings.

    >>> sorted(groups())[:2]
    ['data', 'encoder']
    """
    return {name.partition(".")[0] for name in schema() if "." in name}


def setting_of(name: str) -> str | None:
    """Return the setting that a dotted name belongs to: itself, or the mapping it is a key of.

    >>> setting_of("loss.psi_options.margin"), setting_of("loss.psy")
    ('loss.psi_options', None)
    """
    if name in schema():
        return name
    holder = name.rpartition(".")[0]
    return holder if holder in schema() and "{" in expected(schema()[holder]) else None
