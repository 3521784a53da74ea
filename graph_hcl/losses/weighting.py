"""How negatives are weighted, as the kernels need it: by η of their logits, or by a power mean."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses.checks import check_shape
from graph_hcl.losses.hardening import Exponential, LogEta, NoHardening, PowerMean


@dataclass(frozen=True)
class Weighting:
    """η as the kernels need it: a function of the logits, or log η = βs with a known β.

    `beta` is one number, one per anchor [A], or None for any other function. `detached` stops the
    gradient through η. `order` is that of the power mean of the negatives' e^s.

    >>> Weighting.of(Exponential(2.0)).beta, Weighting.of(torch.sin).beta
    (2.0, None)
    """

    beta: float | Tensor | None
    function: LogEta = field(default_factory=NoHardening)
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
        check_shape("log η of the logits' shape", values, logits.shape)
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
    # A tuple: before torch 2.9 a union of types breaks the graph of torch.compile.
    return log_eta.beta if isinstance(log_eta, (Exponential, PowerMean)) else None


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
