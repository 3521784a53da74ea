"""The identity of a trial: a frozen name and a frozen default for every setting.

Records are identified by a hash over these names, so they must outlive the schema. When a setting
is moved or renamed or gets another default there, only the left column changes here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from graph_hcl.config import Config

FROZEN: dict[str, tuple[Any, ...]] = {
    "dataset": ("dataset", "MUTAG"),
    "objective": ("objective", "h-ucl"),
    "beta": ("beta", None),
    "temperature": ("temperature", None),
    "epochs": ("epochs", 20),
    "batch_size": ("batch_size", 128),
    "max_nodes": ("max_nodes", None),
    "backbone": ("backbone", "gin"),
    "hidden": ("hidden", 32),
    "layers": ("layers", 3),
    "seed": ("seed", 0),
    "restart": ("restart", 0),
    "protocol": ("protocol", "auto"),
    "views": ("views", ["node_drop(0.2) | edge_drop(0.2) | subgraph(0.8) | feature_mask(0.2)"] * 2),
    "init_from": ("init_from", None),
    "data.node_attributes": ("data.node_attributes", False),
    "data.random_labels": ("data.random_labels", False),
    "data.standardize": ("data.standardize", False),
    "data.undirected": ("data.undirected", False),
    "data.smiles": ("data.smiles", None),
    "data.targets": ("data.targets", None),
    "data.groups": ("data.groups", None),
    "data.invalid": ("data.invalid", "error"),
    "data.labels": ("data.labels", "auto"),
    "data.options": ("data.options", {}),
    "readout": ("encoder.readout", "sum"),
    "encoder.jk": ("encoder.jk", "cat"),
    "encoder.norm": ("encoder.norm", "batch_norm"),
    "encoder.act": ("encoder.act", "relu"),
    "encoder.dropout": ("encoder.dropout", 0.0),
    "encoder.per_view": ("encoder.per_view", False),
    "encoder.weight_noise": ("encoder.weight_noise", 0.0),
    "encoder.embedding": ("encoder.embedding", None),
    "encoder.options": ("encoder.options", {}),
    "projection.layers": ("projection.layers", 2),
    "projection.dim": ("projection.dim", None),
    "projection.normalize": ("projection.normalize", None),
    "loss.hardening": ("loss.hardening", None),
    "loss.hardening_options": ("loss.hardening_options", None),
    "loss.schedule": ("loss.schedule", None),
    "loss.beta_start": ("loss.beta_start", None),
    "loss.positives": ("loss.positives", None),
    "loss.negatives": ("loss.negatives", None),
    "loss.negative_reduction": ("loss.prefactor", None),
    "loss.denominator": ("loss.denominator", None, "positive-and-negatives"),
    "loss.contrast": ("loss.contrast", None, "all"),
    "loss.include_self": ("loss.include_self", None, False),
    "loss.average": ("loss.average", None),
    "loss.tau_plus": ("loss.tau_plus", None),
    "loss.detach_weights": ("loss.detach_weights", None),
    "loss.num_negatives": ("loss.num_negatives", None),
    "loss.psi": ("loss.psi", None),
    "loss.psi_options": ("loss.psi_options", None),
    "loss.memory_size": ("loss.queue_size", None),
    "loss.options": ("loss.options", {}),
    "lr": ("optimizer.lr", 0.001),
    "weight_decay": ("optimizer.weight_decay", 0.0),
    "optimizer.name": ("optimizer.name", "adam"),
    "optimizer.momentum": ("optimizer.momentum", None),
    "optimizer.clip": ("optimizer.clip", None),
    "optimizer.schedule": ("optimizer.schedule", "constant"),
    "optimizer.warmup": ("optimizer.warmup", 0.0),
    "deterministic": ("deterministic", False),
    "precision": ("precision", "32-true"),
    "cuda_graphs": ("cuda_graphs", False),
    "probe.name": ("probe.name", "svm", None),
    "probe.metric": ("probe.metric", None),
    "probe.options": ("probe.options", {}),
    "probe.folds": ("probe.folds", 10),
    "probe.inner": ("probe.inner", 5),
    "probe.splits": ("probe.splits", None),
    "probe.validation": ("probe.validation", 0.1),
    "probe.fraction": ("probe.fraction", 1.0),
    "probe.draws": ("probe.draws",),
}
"""Name of the setting → its name in the key, then the values at which the hash omits it.

Never change the right-hand side. A new setting gets a row whose values are those that were in
effect in all earlier trials.
"""


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a result, by dotted name.

    Locations, devices and logging are marked in the schema with
    `metadata={"affects_result": False}`, and left out.

    >>> some = settings(Config(dataset="NCI1", device="cpu"))
    >>> some["dataset"], some["probe.folds"], "device" in some, "probe.jobs" in some
    ('NCI1', 10, False, False)
    """
    return dict(_walk(config, ""))


def _walk(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(group):
        value = getattr(group, field.name)
        if dataclasses.is_dataclass(value):
            yield from _walk(value, f"{prefix}{field.name}.")
        elif field.metadata.get("affects_result", True):
            yield prefix + field.name, value


def frozen_name(name: str) -> str:
    """Return the name in the key of a setting."""
    return str(FROZEN[name][0]) if name in FROZEN else name


def is_usual(name: str, value: Any) -> bool:
    """Tell whether the hash omits a setting at this value.

    A setting without a row is omitted at the schema's default.
    """
    return value in (FROZEN[name][1:] if name in FROZEN else (settings(Config())[name],))


def nested(flattened: dict[str, Any]) -> dict[str, Any]:
    """Return settings by dotted name as nested groups.

    >>> nested({"a.b": 1, "a.c": {"d": 2}, "e": 3})
    {'a': {'b': 1, 'c': {'d': 2}}, 'e': 3}
    """
    groups: dict[str, Any] = {}
    for name, value in flattened.items():
        *path, last = name.split(".")
        place = groups
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return groups


def name_of(key: Mapping[str, Any], unusual: dict[str, Any]) -> str:
    """Return the name of a trial from its key without settings, and its unusual ones.

    `unusual` has the settings that `is_usual` does not omit, by their frozen names.
    """
    # The first records were hashed with the group "probe" present, even when empty.
    text = json.dumps({**key, "config": {"probe": {}} | nested(unusual)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def recorded_name(key: Mapping[str, Any]) -> str | None:
    """Return the name of the trial that a recorded key is of.

    Names depend on frozen names and values alone, so a record proves its own. None for a key with
    settings that are not known here.

    >>> recorded_name({"format": 1, "config": {"dataset": "MUTAG", "beta": 0.5}})
    '33b3129ad98d2f7999ff'
    >>> recorded_name({"config": {"brand_new": 1}})
    """
    usual = {row[0]: row[1:] for row in FROZEN.values()}
    settings = dict(_flattened(key["config"], set(usual)))
    if not set(settings) <= set(usual):
        return None
    rest = {name: value for name, value in key.items() if name != "config"}
    return name_of(rest, {k: v for k, v in settings.items() if v not in usual[k]})


def _flattened(groups: Mapping[str, Any], names: set[str], prefix: str = "") -> Iterator[Any]:
    """Yield the settings of a key by their frozen dotted names."""
    for name, value in groups.items():
        if prefix + name in names or not isinstance(value, Mapping):
            yield prefix + name, value
        else:
            yield from _flattened(value, names, f"{prefix}{name}.")
