"""Parts of an objective by name: the hardening, ψ, and how β grows during training."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.hardening import HARDENINGS, Exponential, LogEta, log_eta_of
from graph_hcl.losses.psi import PSIS, Psi
from graph_hcl.registry import Registry

Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True)
class Annealing:
    """β from `start` to `stop` over a training: linearly, or along half a cosine wave.

    >>> Annealing("linear", 0.0, 2.0).beta(0.5), Annealing("cosine", 0.0, 2.0).beta(1.0)
    (1.0, 2.0)
    """

    schedule: Schedule
    start: float
    stop: float

    def beta(self, done: float) -> float:
        """Return β after the share `done` in [0, 1] of the training."""
        share = done if self.schedule == "linear" else (1 - math.cos(math.pi * done)) / 2
        return self.start + (self.stop - self.start) * share


def make_annealing(
    schedule: Schedule, start: float, stop: float, hardening: str | LogEta | Adaptive
) -> Annealing | None:
    """Return how β changes, or None for a constant one.

    Raises `ValueError` for another schedule, and for a hardening without a β to change.

    >>> make_annealing("constant", 0.0, 1.0, "exponential") is None
    True
    """
    if schedule not in ("constant", "linear", "cosine"):
        raise ValueError(
            f"Expected schedule to be constant, linear or cosine, but got {schedule!r}."
        )
    if schedule == "constant":
        if start:
            raise ValueError("Expected beta_start 0 with schedule constant: it has no effect.")
        return None
    if hardening != "exponential":
        raise ValueError(
            f"Expected schedule constant with the hardening {hardening!r}: it has no beta."
        )
    return Annealing(schedule, start, stop)


def make_hardening(
    hardening: str | LogEta | Adaptive, beta: float, options: Mapping[str, Any] | None = None
) -> LogEta | Adaptive:
    """Return a hardening by name with its options, or by import path, or as it was given.

    An import path with options names a class to be called with them, one without options a
    function log η of the logits. Raises `ValueError` for a β or options that it does not take.

    >>> make_hardening("exponential", beta=2.0), make_hardening("threshold", 1.0, {"tau": 0.5})
    (Exponential(beta=2.0), Threshold(tau=0.5))
    """
    if options and (hardening == "exponential" or not isinstance(hardening, str)):
        raise ValueError(
            f"Expected no hardening_options with the hardening {hardening!r}: it takes none."
        )
    if beta != 1 and hardening != "exponential":
        raise ValueError(
            f"Expected the hardening exponential with a beta of {beta}, but got {hardening!r}, "
            "which has none of that kind."
        )
    if not isinstance(hardening, str):
        return hardening
    if HARDENINGS.get(hardening) is Exponential:
        return Exponential(beta)
    found: LogEta | Adaptive = _made(HARDENINGS, hardening, "hardening_options", options)
    return found


def make_psi(psi: str | Psi, options: Mapping[str, Any] | None = None) -> Psi:
    """Return ψ by name with its options, or by import path, or as it was given.

    Raises `ValueError` for options of one that was given, and for those that it does not take.

    >>> make_psi("triplet", {"margin": 0.5})
    Triplet(margin=0.5)
    """
    if not isinstance(psi, str):
        if options:
            raise ValueError("Expected no psi_options with a psi that is made already.")
        return psi
    found: Psi = _made(PSIS, psi, "psi_options", options)
    return found


def _made(registry: Registry[Any], name: str, what: str, options: Mapping[str, Any] | None) -> Any:
    """Return a part with its options; one from outside that is given none as it is."""
    part = registry.get(name)
    if not options and part not in registry.parts():
        return part
    try:
        return part(**(options or {}))
    except TypeError as error:
        known = ", ".join(inspect.signature(part).parameters) or "none"
        raise ValueError(
            f"Expected {what} that {name} takes ({known}), but got {dict(options or {})}."
        ) from error


def hardness_weights(logits: Tensor, negatives: Tensor, log_eta: LogEta) -> Tensor:
    """Return w [A, S] with mean 1 over each anchor's negatives, 0 elsewhere.

    Where η is 0 for all of them, the hardest alone counts, as in the losses.

    >>> hardness_weights(torch.zeros(1, 3), torch.tensor([[True, True, False]]), Exponential(1.0))
    tensor([[1., 1., 0.]])
    """
    eta = log_eta_of(log_eta, logits).masked_fill(~negatives, -math.inf)
    hardest = logits.masked_fill(~negatives, -math.inf)
    alone = torch.zeros_like(logits).masked_fill(hardest < hardest.amax(1, True), -math.inf)
    eta = torch.where((eta == -math.inf).all(1, keepdim=True), alone, eta)
    weights = eta.softmax(1).masked_fill(~negatives, 0.0)
    return weights * negatives.sum(1, keepdim=True)
