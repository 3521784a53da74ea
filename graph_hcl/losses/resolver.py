"""Parts of an objective by name: its hardening, its ψ, and its schedule of β."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from graph_hcl.losses.checks import check_made
from graph_hcl.losses.hardening import Adaptive, Annealing, Exponential, LogEta, PowerMean, Schedule
from graph_hcl.losses.psi import Psi
from graph_hcl.registries import HARDENINGS, PSIS
from graph_hcl.registry import Registry

STEEP: dict[str, Callable[[float], LogEta]] = {"exponential": Exponential, "power": PowerMean}
"""The hardenings that a β describes, by name."""


def make_annealing(
    schedule: Schedule, start: float, stop: float, hardening: str | LogEta | Adaptive
) -> Annealing | None:
    """Return how β changes, or None for a constant one.

    Raises `ValueError` for another schedule, and for a hardening without a β to change.

    >>> make_annealing("constant", 0.0, 1.0, "exponential") is None
    True
    """
    annealing = Annealing(schedule, start, stop)
    hardening = _canonical(hardening)
    if schedule == "constant":
        if start:
            raise ValueError("Expected beta_start 0 with schedule constant: it has no effect.")
        return None
    if hardening not in STEEP:
        raise ValueError(
            f"Expected schedule constant with the hardening {hardening!r}: it has no beta."
        )
    return annealing


def make_hardening(
    hardening: str | LogEta | Adaptive, beta: float, options: Mapping[str, Any] | None = None
) -> LogEta | Adaptive:
    """Return a hardening by name with its options, or by import path, or as it was given.

    An import path with options names a class to be called with them, one without options a
    function log η of the logits. Raises `ValueError` for a β or options that it does not take.

    >>> make_hardening("exponential", beta=2.0), make_hardening("threshold", 1.0, {"tau": 0.5})
    (Exponential(beta=2.0), Threshold(tau=0.5))
    """
    hardening = _canonical(hardening)
    steep = STEEP.get(hardening) if isinstance(hardening, str) else None
    if options and (steep or not isinstance(hardening, str)):
        raise ValueError(
            f"Expected no hardening_options with the hardening {hardening!r}: it takes none."
        )
    if beta != 1 and not steep:
        raise ValueError(
            f"Expected the hardening exponential or power with a beta of {beta}, but got "
            f"{hardening!r}, which has none of that kind."
        )
    if not isinstance(hardening, str):
        return hardening
    if steep:
        return steep(beta)
    made: LogEta | Adaptive = _resolve(HARDENINGS, hardening, "hardening_options", options)
    return made


def make_psi(psi: str | Psi, options: Mapping[str, Any] | None = None) -> Psi:
    """Return ψ by name with its options, or by import path, or as it was given.

    Raises `ValueError` for options of one that was given, for those that it does not take, and for
    a class.

    >>> make_psi("triplet", {"margin": 0.5})
    Triplet(margin=0.5)
    """
    if not isinstance(psi, str):
        if options:
            raise ValueError("Expected no psi_options with a psi that is made already.")
        check_made("psi", psi)
        return psi
    made: Psi = _resolve(PSIS, psi, "psi_options", options)
    return made


def _canonical(hardening: str | LogEta | Adaptive) -> str | LogEta | Adaptive:
    return HARDENINGS.canonical(hardening) if isinstance(hardening, str) else hardening


def _resolve(
    registry: Registry[Any], name: str, what: str, options: Mapping[str, Any] | None
) -> Any:
    """Return a part with its options; a function from outside that is given none as it is."""
    part = registry.get(name)
    if not options and registry.name_of(part) is None and not isinstance(part, type):
        return part
    try:
        return part(**(options or {}))
    except TypeError as error:
        known = ", ".join(inspect.signature(part).parameters) or "none"
        raise ValueError(
            f"Expected {what} that {name} takes ({known}), but got {dict(options or {})}."
        ) from error
