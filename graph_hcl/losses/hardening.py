"""Hardenings: how much more a negative counts the nearer it is to the anchor."""

from __future__ import annotations

import dataclasses
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
        _check_beta(self.beta)

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log η = βs, of the logits' shape."""
        return self.beta * logits


@dataclass(frozen=True)
class PowerMean:
    """No η: n is Q times the power mean of order 1 + β of the negatives' e^s.

    n = Q (mean_j e^{(1+β) s_j})^{1/(1+β)}, whose gradient pushes negatives by softmax((1+β) s) as
    the plain loss at T / (1 + β) does, exactly; exponential hardening has the Lehmer mean of that
    order in its place. Called with logits, it returns the log of each negative's weight in the
    gradient over that in the plain loss's, βs. Raises `ValueError` as `Exponential` does.

    >>> hard = PowerMean(beta=2.0)
    >>> hard.order, hard(torch.tensor([0.5, 2.0]))
    (3.0, tensor([1., 4.]))
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        _check_beta(self.beta)

    @property
    def order(self) -> float:
        """The order of the mean, 1 + β."""
        return 1 + self.beta

    def __call__(self, logits: Tensor) -> Tensor:
        """Return βs, of the logits' shape."""
        return self.beta * logits


@dataclass(frozen=True)
class Bell:
    """log η(s) = −(s − μ)² / 2σ²: the nearer a negative's logit to μ, the more it counts.

    ADNCE (arXiv 2310.11048, equation 14) with its μ and σ, which are cosines, divided by T, and
    with detached weights. Its slope (μ − s) / σ² is the β of an exponential hardening that has the
    same effect on negatives of logit s. Raises `ValueError` for μ that is not finite and σ ≤ 0.

    >>> Bell(mean=1.0, width=0.5)(torch.tensor([1.0, 2.0]))
    tensor([-0., -2.])
    """

    mean: float = 1.4
    width: float = 2.0

    def __post_init__(self) -> None:
        check_number("mean", self.mean)
        check_number("width", self.width)
        if not (math.isfinite(self.mean) and 0 < self.width < math.inf):
            raise ValueError(
                f"Expected a finite mean and a width above 0, but got {self.mean} and {self.width}."
            )

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log η up to a constant, of the logits' shape."""
        return -((logits - self.mean) / self.width).square() / 2


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
    gradient through η. `order` is that of the power mean of the negatives' e^s.

    >>> Weighting.of(Exponential(2.0)).beta, Weighting.of(torch.sin).beta
    (2.0, None)
    """

    beta: float | Tensor | None
    function: LogEta = NoHardening()
    detached: bool = False
    order: float = 1.0

    @classmethod
    def of(cls, log_eta: LogEta, detached: bool = False) -> Weighting:
        """Return the weighting by a hardening that is not `Adaptive`."""
        if isinstance(log_eta, PowerMean):
            return cls(0.0, detached=detached, order=log_eta.order)
        return cls(steepness(log_eta), log_eta, detached)

    def of_anchors(self, rows: Any) -> Weighting:
        """Return the weighting for some anchors.

        >>> Weighting(torch.tensor([1.0, 2.0])).of_anchors(slice(1, 2)).beta
        tensor([2.])
        """
        if not isinstance(self.beta, Tensor):
            return self
        return dataclasses.replace(self, beta=self.beta[rows])

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

    def push(self, logits: Tensor) -> Tensor:
        """Return log of each negative's weight over that in the plain loss [A, S].

        It is log η, or what a power mean has for it in its gradient.

        >>> Weighting.of(PowerMean(2.0)).push(torch.tensor([[0.5, 1.0]]))
        tensor([[1., 2.]])
        """
        return self.log_eta(logits) if self.order == 1 else (self.order - 1) * logits

    def slopes(self, beta: Any) -> tuple[Any, Any]:
        """Return ∂ LSE(s + log η) and ∂ LSE(log η) by a shift of all logits: 1 + β and β.

        >>> hard = Exponential(2.0)
        >>> Weighting.of(hard).slopes(2.0), Weighting.of(hard, detached=True).slopes(2.0)
        ((3.0, 2.0), (1, 0))
        """
        return (1, 0) if self.detached else (1 + beta, beta)


def steepness(log_eta: Any) -> float | None:
    """Return β of η = e^{βs} and of a power mean, 0 for η = 1 or none, None for any other η.

    >>> steepness(Exponential(2.0)), steepness(NoHardening()), steepness(torch.sin)
    (2.0, 0.0, None)
    """
    if log_eta is None or isinstance(log_eta, NoHardening):
        return 0.0
    return log_eta.beta if isinstance(log_eta, Exponential | PowerMean) else None


def check_has_weights(hardening: Any, what: str) -> None:
    """Raise `ValueError` for a power mean, which has no η, where `what` needs one.

    >>> check_has_weights(PowerMean(1.0), "psi")
    Traceback (most recent call last):
    ValueError: Expected another hardening than power with psi: a power mean has no weights.
    """
    if isinstance(hardening, PowerMean):
        raise ValueError(
            f"Expected another hardening than power with {what}: a power mean has no weights."
        )


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
    eta = weighting.push(logits).masked_fill(~negatives, -math.inf)
    empty = (eta == -math.inf).all(1, keepdim=True)
    hardest = logits.detach().masked_fill(~negatives, -math.inf)
    alone = (hardest == hardest.amax(1, keepdim=True)).log()
    return torch.where(empty, alone, eta).softmax(1)


def _check_beta(beta: float) -> None:
    check_number("beta", beta)
    if not 0 <= beta < math.inf:
        raise ValueError(f"Expected beta to be 0 or more and finite, but got {beta}.")
