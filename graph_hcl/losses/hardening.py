"""Hardenings: how much more a negative counts the nearer it is to the anchor."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from graph_hcl.keywords import names_arguments
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


@names_arguments()
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


@names_arguments()
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


@names_arguments()
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


@names_arguments()
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
    """A hardening that chooses β_i for η_i = e^{β_i s}; derive from it for another rule.

    >>> class One(Adaptive):
    ...     def betas(self, logits, negatives, positive):
    ...         return torch.ones(len(logits))
    >>> from graph_hcl.losses import HUCL
    >>> z = torch.eye(3)
    >>> HUCL(hardening=One())(z, z) == HUCL(beta=1.0)(z, z)
    tensor(True)
    """

    @abstractmethod
    def betas(self, logits: Tensor, negatives: Tensor, positive: Tensor) -> Tensor:
        """Return β [A], one for each anchor.

        Args:
            logits: logits [A, K] of anchors and samples.
            negatives: mask [A, K] of the negatives of each anchor.
            positive: mean logit [A] of the positives of each anchor.
        """


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


def _check_beta(beta: float) -> None:
    check_number("beta", beta)
    if not 0 <= beta < math.inf:
        raise ValueError(f"Expected beta to be 0 or more and finite, but got {beta}.")
