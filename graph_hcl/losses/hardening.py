"""Hardening functions η: how much more a negative counts the nearer it is to the anchor."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from graph_hcl.losses.checks import check_choice, check_number

LogEta = Callable[[Tensor], Tensor]
"""log η of logits, elementwise and of their shape."""
Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True)
class NoHardening:
    """η(s) = 1: every negative counts the same.

    >>> NoHardening()(torch.tensor([0.5, 2.0]))
    tensor([0., 0.])
    """

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log η, zeros of the logits' shape."""
        return torch.zeros_like(logits)


@dataclass(frozen=True)
class Exponential:
    """η(s) = e^{βs} (arXiv 2209.00078; Robinson et al., ICLR 2021).

    Raises `ValueError` for an infinite β, and for β < 0, which would favour easy negatives.

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


@dataclass(frozen=True)
class Threshold:
    """η(s) = 1[e^s ≥ τ] (arXiv 2209.00078): only negatives above the threshold count.

    An anchor with no negative above it uses its hardest negative alone, the limit as τ falls to
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


class Adaptive(ABC):
    """A hardening that chooses β_i for η_i = e^{β_i s}; derive from it for another rule."""

    @abstractmethod
    def betas(self, logits: Tensor, negatives: Tensor, positive: Tensor) -> Tensor:
        """Return β [A] of logits [A, K], the mask of negatives, and mean positive logits [A]."""


@dataclass(frozen=True)
class Annealing:
    """β from `start` to `stop` over a training: linearly, or along half a cosine wave.

    Raises `ValueError` for another schedule.

    >>> Annealing("linear", 0.0, 2.0).beta(0.5), Annealing("cosine", 0.0, 2.0).beta(1.0)
    (1.0, 2.0)
    """

    schedule: Schedule
    start: float
    stop: float

    def __post_init__(self) -> None:
        check_choice("schedule", self.schedule, ("constant", "linear", "cosine"))

    def beta(self, progress: float) -> float:
        """Return β when a fraction `progress` in [0, 1] of the training is done."""
        share = progress if self.schedule == "linear" else (1 - math.cos(math.pi * progress)) / 2
        return self.start + (self.stop - self.start) * share


@dataclass(frozen=True)
class Weighting:
    """η as the kernels need it: a function of the logits, or log η = βs with a known β.

    `beta` is one number, one per anchor [A], or None for any other function. `detached` stops the
    gradient through η.

    >>> Weighting.of(Exponential(2.0)).beta, Weighting.of(torch.sin).beta
    (2.0, None)
    """

    beta: float | Tensor | None
    function: LogEta = NoHardening()
    detached: bool = False

    @classmethod
    def of(cls, log_eta: LogEta, detached: bool = False) -> Weighting:
        """Return the weighting by a hardening that is not `Adaptive`."""
        return cls(steepness(log_eta), log_eta, detached)

    def of_anchors(self, rows: Any) -> Weighting:
        """Return the weighting for some anchors.

        >>> Weighting(torch.tensor([1.0, 2.0])).of_anchors(slice(1, 2)).beta
        tensor([2.])
        """
        if not isinstance(self.beta, Tensor):
            return self
        return Weighting(self.beta[rows], self.function, self.detached)

    def log_eta(self, logits: Tensor) -> Tensor:
        """Return log η [A, S]; raise `ValueError` for a function that changes the shape.

        >>> Weighting.of(lambda s: s.sum(1)).log_eta(torch.zeros(2, 3))
        Traceback (most recent call last):
        ValueError: Expected log η of the logits' shape [2, 3], but got [2].
        """
        if isinstance(self.beta, Tensor):
            values = self.beta[:, None] * logits
        else:
            values = self.function(logits)
        if values.shape != logits.shape:
            raise ValueError(
                f"Expected log η of the logits' shape {list(logits.shape)}, but got "
                f"{list(values.shape)}."
            )
        return values.detach() if self.detached else values

    def slopes(self, beta: Any) -> tuple[Any, Any]:
        """Return ∂ LSE(s + log η) and ∂ LSE(log η) by a shift of all logits: 1 + β and β.

        >>> hard = Exponential(2.0)
        >>> Weighting.of(hard).slopes(2.0), Weighting.of(hard, detached=True).slopes(2.0)
        ((3.0, 2.0), (1, 0))
        """
        return (1, 0) if self.detached else (1 + beta, beta)


def steepness(log_eta: Any) -> float | None:
    """Return β of η = e^{βs}, 0 for η = 1 or none, and None for any other η.

    >>> steepness(Exponential(2.0)), steepness(NoHardening()), steepness(torch.sin)
    (2.0, 0.0, None)
    """
    if log_eta is None or isinstance(log_eta, NoHardening):
        return 0.0
    return log_eta.beta if isinstance(log_eta, Exponential) else None


def hardness_weights(logits: Tensor, negatives: Tensor, weighting: Weighting) -> Tensor:
    """Return η over its sum over each anchor's negatives [A, S]; rows sum to 1, or to 0.

    Where η is 0 for all negatives of an anchor, the hardest one has all the weight.

    >>> mask = torch.tensor([[True, True, False]])
    >>> hardness_weights(torch.zeros(1, 3), mask, Weighting.of(Exponential(1.0)))
    tensor([[0.5000, 0.5000, 0.0000]])
    """
    return normalized_eta(logits, negatives, weighting).masked_fill(~negatives, 0.0)


def normalized_eta(logits: Tensor, negatives: Tensor, weighting: Weighting) -> Tensor:
    """Return `hardness_weights` where each anchor has a negative; other rows are uniform.

    >>> mask = torch.tensor([[False, False]])
    >>> normalized_eta(torch.zeros(1, 2), mask, Weighting.of(Exponential(1.0)))
    tensor([[0.5000, 0.5000]])
    """
    eta = weighting.log_eta(logits).masked_fill(~negatives, -math.inf)
    empty = (eta == -math.inf).all(1, keepdim=True)
    hardest = logits.detach().masked_fill(~negatives, -math.inf)
    alone = (hardest == hardest.amax(1, keepdim=True)).log()
    return torch.where(empty, alone, eta).softmax(1)
