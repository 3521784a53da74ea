"""ψ of arXiv 2311.05139: convex, non-decreasing losses of the differences t_j = s_j − s_p."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_number

Psi = Callable[[Tensor, Tensor], Tensor]
"""(t [P, K], weights q [P, K]) -> losses [P]; entries with q = 0 must not count."""


@names_arguments()
@dataclass(frozen=True)
class InfoNCE:
    """ψ(t) = log(α + Σ_j q_j e^{t_j}); α = 1 is the loss of arXiv 2209.00078.

    Raises `ValueError` for an α below 0 or infinite.

    >>> InfoNCE()(torch.zeros(1, 2), torch.ones(1, 2))  # log(1 + 2)
    tensor([1.0986])
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha)
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"Expected alpha to be 0 or more and finite, but got {self.alpha}.")

    def __call__(self, t: Tensor, q: Tensor) -> Tensor:
        """Return losses [P], by a log-sum-exp that does not overflow."""
        # A weight of 0 must give e^{−∞} without the infinite slope of log at 0.
        terms = t + torch.where(q > 0, q, 1).log().masked_fill(q == 0, -torch.inf)
        if self.alpha:
            alpha = torch.tensor(self.alpha, dtype=t.dtype, device=t.device).log()
            terms = torch.cat([terms, alpha.expand(len(t), 1)], 1)
        return terms.logsumexp(1)


@names_arguments()
@dataclass(frozen=True)
class Triplet:
    """ψ(t) = Σ_j q_j max(0, t_j + margin): the triplet or hinge loss (arXiv 2311.05139).

    Raises `ValueError` for a margin that is not finite.

    >>> Triplet(margin=1.0)(torch.tensor([[-2.0, 0.5]]), torch.tensor([[0.5, 0.5]]))
    tensor([0.7500])
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_number("margin", self.margin)
        if not math.isfinite(self.margin):
            raise ValueError(f"Expected margin to be finite, but got {self.margin}.")

    def __call__(self, t: Tensor, q: Tensor) -> Tensor:
        """Return losses [P]."""
        return (q * (t + self.margin).clamp_min(0.0)).sum(1)


@names_arguments()
@dataclass(frozen=True)
class Logistic:
    """ψ(t) = Σ_j q_j log(1 + e^{t_j}): a smooth hinge.

    >>> Logistic()(torch.zeros(1, 1), torch.ones(1, 1))  # log 2
    tensor([0.6931])
    """

    def __call__(self, t: Tensor, q: Tensor) -> Tensor:
        """Return losses [P]."""
        return (q * torch.nn.functional.softplus(t, threshold=40.0)).sum(1)
