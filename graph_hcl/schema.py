"""The schema of settings: their dotted names and types, from the fields of `Config`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from functools import cache
from typing import Any, get_type_hints

from graph_hcl.config import Config
from graph_hcl.kinds import describe_kind
from graph_hcl.registry import closest

MOVED = {
    "optimizer.lr": "lr",
    "optimizer.weight_decay": "weight_decay",
    "encoder.readout": "readout",
    "loss.prefactor": "loss.negative_reduction",
    "loss.queue_size": "loss.memory_size",
}
"""Former names of settings."""
MEANT = {
    "learning_rate": "lr",
    "tau": "temperature",
    "num_epochs": "epochs",
    "hidden_dim": "hidden",
    "hidden_channels": "hidden",
    "num_layers": "layers",
    "wd": "weight_decay",
    "pooling": "readout",
    "augmentations": "views",
}
"""What other packages and papers call settings."""
SHORT = {"probe": "probe.name", "metric": "probe.metric", "optimizer": "optimizer.name"}
"""Short names: `--probe svm` is short for `--probe.name svm`."""


def meant(name: str, known: Collection[str]) -> list[str]:
    """Return up to three known names that an unknown one may stand for.

    They are what other packages call so, settings of the same name in other groups, and the closest
    ones, of the same group where there are any.

    >>> meant("tau", ["temperature"]), meant("loss.beta", ["beta", "loss.ring"])
    (['temperature'], ['beta'])
    """
    group, _, last = name.rpartition(".")
    if MEANT.get(last) in known:
        return [MEANT[last]]
    matches = [other for other in known if other.rpartition(".")[2] == last]
    if not matches and group in setting_groups():
        prefix = f"{group}."
        members = [other.removeprefix(prefix) for other in known if other.startswith(prefix)]
        matches = [prefix + member for member in closest(last, members)]
    return matches or closest(name, known)


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
