"""Theory at neural collapse: floors of the losses, and the weights of the negatives."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from graph_hcl.geometry.inputs import check_positive
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_whole
from graph_hcl.losses.psi import InfoNCE, Psi


@names_arguments()
def simplex(classes: int) -> Tensor:
    """Return C unit vectors [C, C] with equal inner products −1/(C−1): neural collapse.

    Raises `ValueError` for fewer than two classes.

    >>> (simplex(3) @ simplex(3).t()).round(decimals=3)[0]
    tensor([ 1.0000, -0.5000, -0.5000])
    """
    check_whole("classes", classes, 2)
    return F.normalize(torch.eye(classes) - 1 / classes, dim=1)


@names_arguments()
def loss_floor(
    classes: int, temperature: float = 1.0, negatives: float = 1.0, psi: Psi | None = None
) -> float:
    """Return the least SCL and H-SCL in the unit ball, ψ(−C/((C−1)T), …) (arXiv 2311.05139).

    It is reached exactly at neural collapse, for balanced classes and dimensions ≥ C − 1, by any
    hardening (theorems 1 and 2).

    Args:
        classes: number of classes C, 2 or more.
        temperature: T > 0 of the logits.
        negatives: Q ≥ 0: 1 for the reduction "mean", the number of negatives for "sum".
        psi: ψ of arXiv 2311.05139, InfoNCE unless given.

    Raises `ValueError` for fewer than two classes, and for other values out of these ranges.

    >>> round(loss_floor(2), 4), round(loss_floor(100), 4)
    (0.1269, 0.3106)
    """
    _check(classes, temperature)
    if isinstance(negatives, str):
        raise ValueError(
            f"Expected negatives as a number, but got {negatives!r}: 1 for the reduction mean, the "
            "number of negatives for sum."
        )
    check_positive("negatives", negatives, or_zero=True)
    if not (psi is None or (callable(psi) and not isinstance(psi, type))):
        raise ValueError(
            f"Expected psi as a function of t and q, but got {psi!r:.60}: Triplet() of "
            "graph_hcl.losses is one."
        )
    t = torch.tensor([[-classes / ((classes - 1) * temperature)]], dtype=torch.float64)
    return float((InfoNCE() if psi is None else psi)(t, torch.full_like(t, negatives)))


@names_arguments()
def collapse_point(
    classes: int, temperature: float = 1.0, beta: float = 0.0
) -> tuple[float, float]:
    """Return UCL or H-UCL at neural collapse ("mean", k → ∞), and the same-class mass there.

    A negative has the anchor's class with probability 1/C and then the logit 1/T, otherwise
    −1/((C−1)T); η = e^{βs} weights both. Raises `ValueError` for fewer than two classes, and for
    other values out of these ranges.

    Args:
        classes: number of classes C, 2 or more.
        temperature: T > 0 of the logits.
        beta: β ≥ 0 of η = e^{βs}; 0 is UCL.

    >>> [round(value, 4) for value in collapse_point(2)], round(collapse_point(6, beta=2.0)[1], 2)
    ([0.4496, 0.5], 0.69)
    """
    _check(classes, temperature)
    check_positive("beta", beta, or_zero=True)
    # By how much the logit of another class is below: no exponential of it overflows.
    gap = -classes / ((classes - 1) * temperature)
    mass = 1 / (1 + (classes - 1) * math.exp(beta * gap))
    return math.log1p(mass + (1 - mass) * math.exp(gap)), mass


def _check(classes: Any, temperature: Any) -> None:
    check_whole("classes", classes, 2)
    check_positive("temperature", temperature)
