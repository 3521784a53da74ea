"""The schema of settings: their dotted names and types, from the fields of `Config`."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, get_type_hints

from graph_hcl.config import Config
from graph_hcl.kinds import describe_kind

MOVED = {
    "optimizer.lr": "lr",
    "optimizer.weight_decay": "weight_decay",
    "encoder.readout": "readout",
    "loss.prefactor": "loss.negative_reduction",
    "loss.queue_size": "loss.memory_size",
}
"""Former names of settings."""
SHORT = {"probe": "probe.name", "metric": "probe.metric", "optimizer": "optimizer.name"}
"""Short names: `--probe svm` is short for `--probe.name svm`."""


def flag(name: str) -> str:
    """Return a setting's flag.

    >>> flag("data.node_attributes")
    '--data.node-attributes'
    """
    return f"--{name.replace('_', '-')}"


@cache
def field_types(kind: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name.

    >>> list(field_types(Config))[0]
    'dataset'
    """
    return get_type_hints(kind)


@cache
def setting_types() -> dict[str, Any]:
    """Return the type of every setting, by dotted name.

    >>> setting_types()["epochs"], setting_types()["encoder.norm"]
    (<class 'int'>, str | None)
    """
    return _schema(Config)


def _schema(kind: type, prefix: str = "") -> dict[str, Any]:
    types: dict[str, Any] = {}
    for name, annotation in field_types(kind).items():
        if dataclasses.is_dataclass(annotation):
            types |= _schema(annotation, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            types[prefix + name] = annotation
    return types


def setting_groups() -> set[str]:
    """Return the names of the groups of settings.

    >>> sorted(setting_groups())[:2]
    ['data', 'encoder']
    """
    return {name.partition(".")[0] for name in setting_types() if "." in name}


def setting_of(name: str) -> str | None:
    """Return the setting that a dotted name refers to: itself, or the mapping it is a key of.

    >>> setting_of("loss.psi_options.margin"), setting_of("loss.psy")
    ('loss.psi_options', None)
    """
    if name in setting_types():
        return name
    parent = name.rpartition(".")[0]
    is_mapping = "{" in describe_kind(setting_types().get(parent))
    return parent if is_mapping else None
