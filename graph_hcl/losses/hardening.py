"""Hardening functions: how much more a negative counts the nearer it is to the anchor."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses.checks import check_number
from graph_hcl.registry import Registry

LogEta = Callable[[Tensor], Tensor]

HARDENINGS: Registry[Callable[..., Any]] = Registry("hardening")


@HARDENINGS.register("none")
@dataclass(frozen=True)
class NoHardening:
    """η(s) = 1: all negatives count alike.

    >>> NoHardening()(torch.tensor([0.5, 2.0]))
    tensor([0., 0.])
    """

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log η, zeros of the logits' shape."""
        return torch.zeros_like(logits)


@HARDENINGS.register("exponential")
@dataclass(frozen=True)
class Exponential:
    """η(s) = e^{βs} (arXiv 2209.00078; Robinson et al., ICLR 2021).

    Raises `ValueError` for an infinite β, and for β < 0, which would favour the easy negatives.

    >>> Exponential(beta=2.0)(torch.tensor([0.5, 2.0]))
    tensor([1., 4.])
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_number("beta", self.beta)
        if not 0 <= self.beta < math.inf:
            raise ValueError(f"Expected beta to be 0 or more and finite, but got {self.beta}.")

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log η = βs, of the logits' shape."""
        return self.beta * logits


@HARDENINGS.register("threshold")
@dataclass(frozen=True)
class Threshold:
    """η(s) = 1[e^s ≥ τ] (arXiv 2209.00078): only negatives above the threshold count.

    An anchor with no negative above it takes its hardest negative alone, the limit as τ falls to
    that negative. Raises `ValueError` for τ < 0.

    >>> Threshold(tau=1.0)(torch.tensor([-0.1, 0.1]))
    tensor([-inf, 0.])
    """

    tau: float = math.exp(-0.1)

    def __post_init__(self) -> None:
        check_number("tau", self.tau)
        if not self.tau >= 0:
            raise ValueError(f"Expected threshold to be 0 or more, but got {self.tau}.")

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log η, 0 or −∞, of the logits' shape."""
        cut = math.log(self.tau) if self.tau > 0 else -math.inf
        return torch.zeros_like(logits).masked_fill(logits < cut, -math.inf)


def steepness(log_eta: Any) -> float | None:
    """Return β of η = e^{βs}, 0 for η = 1 or none, and None for any other η.

    >>> steepness(Exponential(2.0)), steepness(NoHardening()), steepness(torch.sin)
    (2.0, 0.0, None)
    """
    if log_eta is None or isinstance(log_eta, NoHardening):
        return 0.0
    return log_eta.beta if isinstance(log_eta, Exponential) else None


def log_eta_of(log_eta: LogEta, logits: Tensor) -> Tensor:
    """Return log η of logits; raise `ValueError` unless it has their shape.

    >>> log_eta_of(lambda s: s.sum(1), torch.zeros(2, 3))
    Traceback (most recent call last):
    ValueError: Expected log η of the logits' shape [2, 3], but got [2].
    """
    found = log_eta(logits)
    if found.shape != logits.shape:
        raise ValueError(
            f"Expected log η of the logits' shape {list(logits.shape)}, but got "
            f"{list(found.shape)}."
        )
    return found


def exponentials(s: Tensor, beta: float | Tensor) -> tuple[Tensor, Tensor | None]:
    """Return e^{(1+β)s} and e^{βs} of logits s [A, S], which are overwritten; None for β = 0.

    β is one number or one per anchor [A].

    >>> exponentials(torch.zeros(1, 2), 2.0)
    (tensor([[1., 1.]]), tensor([[1., 1.]]))
    """
    if isinstance(beta, Tensor):
        eta = (s * beta[:, None]).exp_()
    elif beta == 0:
        return s.exp_(), None
    elif beta == 1:
        eta = s.exp_()
        return eta * eta, eta
    else:
        eta = (s * beta).exp_()
    return s.exp_().mul_(eta), eta
