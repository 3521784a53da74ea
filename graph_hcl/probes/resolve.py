"""From a config's values to a protocol: its name, and the settings that it has a use for."""

from __future__ import annotations

import dataclasses
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.probes.protocol import EvaluationProtocol
from graph_hcl.probes.protocols import Inductive, Transductive
from graph_hcl.registries import PROTOCOLS
from graph_hcl.registry import did_you_mean
from graph_hcl.warn import warn_user


def make_protocol(name: str, **settings: Any) -> EvaluationProtocol:
    """Return the protocol of that name with those of the flat settings that it has a use for.

    Raises `UserError` for an unknown name or setting, and for a setting that only another protocol
    can follow, unless it has its default there; warns of a setting that would have no effect.

    >>> make_protocol("inductive", folds=5, inner=5, fraction=1.0)
    Inductive(folds=5, validation=0.1, splits=None)
    >>> make_protocol("inductive", fraction=0.5)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected --protocol transductive with --probe.fraction.
    """
    protocol = PROTOCOLS.get(name)
    own = {setting.name for setting in dataclasses.fields(protocol)}
    others = _settings_of_all()
    for setting, value in settings.items():
        if setting in own:
            continue
        if setting not in others:
            raise UserError(
                f"Expected settings of a protocol ({', '.join(others)}), but got '{setting}'."
                f"{did_you_mean(setting, others)}"
            )
        owner, known = others[setting]
        if value == known.default:
            continue
        if known.metadata.get("refused_by_others"):
            raise UserError(f"Expected --protocol {owner} with --probe.{setting}.")
        warn_user(f"--probe.{setting} {value} has no use with the {name} protocol: leave it out.")
    made: EvaluationProtocol = protocol(**{key: settings[key] for key in settings if key in own})
    return made


def _settings_of_all() -> dict[str, tuple[str, dataclasses.Field[Any]]]:
    """Return each setting of any protocol with the name of the first that has it."""
    settings: dict[str, tuple[str, dataclasses.Field[Any]]] = {}
    for name in PROTOCOLS.names():
        for setting in dataclasses.fields(PROTOCOLS.get(name)):
            settings.setdefault(setting.name, (name, setting))
    return settings


def resolve_protocol(name: str, uses_labels: bool) -> str:
    """Return the protocol's name; `auto` is transductive unless the objective reads labels.

    Raises `UserError` for an unknown name, and for a protocol that trains on the graphs that it
    tests with an objective that reads labels.

    >>> resolve_protocol("auto", uses_labels=True)
    'inductive'
    """
    if name == "auto":
        return Inductive.name if uses_labels else Transductive.name
    if name not in PROTOCOLS.names():
        raise UserError(
            f"Expected the protocol to be auto or one of {', '.join(PROTOCOLS.names())}, but got "
            f"'{name}'."
        )
    if uses_labels and PROTOCOLS.get(name).trains_on_test_graphs:
        raise UserError(
            f"Expected the inductive protocol for an objective that reads labels: under the {name} "
            "one it would pre-train on the labels of the test graphs, which leaks them into the "
            "scores."
        )
    return name
