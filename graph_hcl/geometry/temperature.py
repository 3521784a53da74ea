"""Hardness as a temperature: where a hardened loss and the plain one push alike.

With logits s = ⟨z_i, z_j⟩ / T and p_b = softmax(b · s) over an anchor's negatives, a loss pushes
them by the gradient of its log n by s: p_1 for the plain loss, p_{1+β} for a power mean and for
exponential weights that are held constant, (1 + β) p_{1+β} − β p_β for exponential weights that
are differentiated. The plain loss at a lower temperature does the same.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from graph_hcl.geometry.inputs import features
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_flag, check_number
from graph_hcl.losses.contrastive import ContrastiveLoss
from graph_hcl.losses.inputs import as_keys

LOWEST = 0.002
"""Least temperature, as a part of the loss's own, that is looked at."""
COARSE = 12
"""Temperatures of the first, evenly spaced look."""
ROUGH = 120
"""Those of a debiased loss, whose floor lets the cosine jump."""
VANISHING = 1e-12
"""Largest entry of a gradient below which squares may vanish in float32."""
FINE = 12
"""Golden-section steps of the second look: 0.3 % of T."""


class TemperatureMatch(NamedTuple):
    """The temperature at which the plain loss has the most parallel gradient, and their cosine.

    >>> TemperatureMatch(0.25, 1.0).temperature
    0.25
    """

    temperature: float
    cosine: float


@names_arguments()
def equivalent_temperature(
    temperature: float, beta: float, *, detach_weights: bool = False, hardening: str = "exponential"
) -> float:
    """Return the temperature at which plain negatives are pushed as those with hardness β are.

    T / (1 + 2β) for exponential weights that are differentiated, to first order in the spread of
    the logits; T / (1 + β) for weights that are held constant and for a power mean of order 1 + β,
    exactly. Positives keep their T, which the plain loss cannot: see `match_temperature`.

    Args:
        temperature: T > 0 of the hardened loss.
        beta: β ≥ 0.
        detach_weights: whether the gradient stops at the weights.
        hardening: "exponential" or "power".

    Raises:
        ValueError: for values out of range, and for another hardening.

    >>> equivalent_temperature(0.5, 2.0), equivalent_temperature(0.5, 2.0, hardening="power")
    (0.1, 0.16666666666666666)
    """
    check_number("temperature", temperature)
    check_number("beta", beta)
    check_flag("detach_weights", detach_weights)
    if not (0 < temperature < math.inf and 0 <= beta < math.inf):
        raise ValueError(
            f"Expected a temperature above 0 and beta of 0 or more, but got {temperature} and "
            f"{beta}."
        )
    if hardening not in ("exponential", "power"):
        raise ValueError(
            f"Expected hardening exponential or power, but got {hardening!r}: match_temperature "
            "finds the temperature of any other."
        )
    exact = detach_weights or hardening == "power"
    return temperature / (1 + (beta if exact else 2 * beta))


@names_arguments()
def match_temperature(
    loss: ContrastiveLoss, z: Tensor, graph: Tensor, label: Tensor | None = None
) -> TemperatureMatch:
    """Return the temperature at which the plain loss has the gradient most parallel to a loss's.

    The plain loss is the same with η = 1; gradients are those by the features, along the sphere
    where all rows have length 1. A cosine near 1 means that the hardened loss trains as the plain
    one does at that temperature. Temperatures from 0.002 T to 2 T are looked at. With
    `num_negatives`, the gradient is that of one draw: calls differ unless torch is seeded before.

    Args:
        loss: a contrastive loss, with any hardening and any ψ; its memory is left out, and its
            temperature is that of these features where it is "auto".
        z: features [M, d].
        graph: the graph [M] that each row is a view of.
        label: labels [M], where the loss reads them.

    Raises:
        ValueError: as the loss does, where its gradient is 0 or not finite, and for another loss.

    >>> from graph_hcl.losses import HUCL
    >>> z = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
    >>> found = match_temperature(HUCL(beta=2.0, hardening="power"), z, torch.arange(16).repeat(2))
    >>> round(found.temperature, 2), found.cosine > 0.99
    (0.18, True)
    """
    if not isinstance(loss, ContrastiveLoss):
        raise ValueError(f"Expected a contrastive loss such as HUCL(), but got {loss!r:.60}.")
    z = features(z).detach()
    graph = as_keys(graph, "graph", z)
    unit = loss.normalize or bool(((z.norm(dim=1) - 1).abs() < 1e-3).all())
    other = _bare_copy(loss, unit)
    if loss.auto_temperature:
        with torch.no_grad():
            other(z, graph=graph, label=label if loss.uses_labels else None)
        other.auto_temperature = False
    temperature = other.temperature
    wanted = _gradient(other, z, graph, label)
    length = float(wanted.norm())
    # Where all rows agree, the gradient is rounding.
    least = 100 * torch.finfo(z.dtype).eps / (temperature * math.sqrt(max(1, len(z))))
    if not least < length < math.inf:
        raise ValueError(
            f"Expected a loss with a gradient to be matched, but its length is {length:.3g}: give "
            "rows that differ, with positives and negatives."
        )

    def cosine(log_t: float) -> float:
        other.settings = dataclasses.replace(plain, temperature=math.exp(log_t))
        found = _gradient(other, z, graph, label)
        largest = float(found.abs().max())
        if 0 < largest < VANISHING:
            found = found / largest
        return float((found * wanted).sum() / (found.norm() * length).clamp_min(1e-30))

    plain = dataclasses.replace(
        other.settings, hardening=None, detach_weights=False, num_negatives=None
    )
    low, high = math.log(LOWEST * temperature), math.log(2 * temperature)
    best, value = _highest(cosine, low, high, ROUGH if plain.tau_plus > 0 else COARSE)
    return TemperatureMatch(math.exp(best), value)


@names_arguments()
@torch.no_grad()
def effective_share(z: Tensor, graph: Tensor, temperature: float) -> float:
    """Return how many of an anchor's negatives count in the plain loss, as a share, on average.

    Kish's effective sample size (Σ_j e^{s_j})² / Σ_j e^{2 s_j} of the negatives' weights in the
    gradient, over their number: 1 where all count alike, 1/|N| where one counts.

    Args:
        z: features [M, d] as the loss takes them, of length 1 as a rule.
        graph: the graph [M] of each row; negatives are the rows of other graphs.
        temperature: T > 0.

    Raises:
        ValueError: for a temperature out of range, and without any negative.

    >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> round(effective_share(z, torch.arange(3), temperature=0.5), 4)
    0.7553
    """
    check_number("temperature", temperature)
    if not 0 < temperature < math.inf:
        raise ValueError(f"Expected a temperature above 0, but got {temperature}.")
    z = features(z).detach()
    graph = as_keys(graph, "graph", z)
    shares = []
    for rows in torch.arange(len(z)).split(max(1, 2**22 // len(z))):
        negative = graph[rows, None] != graph
        s = (z[rows] @ z.t() / temperature).masked_fill(~negative, -math.inf)
        some = negative.any(1)
        size = (2 * s.logsumexp(1) - (2 * s).logsumexp(1)).exp() / negative.sum(1)
        shares.append(size[some])
    every = torch.cat(shares)
    if not len(every):
        raise ValueError("Expected graphs of two kinds at least, but no row has a negative.")
    return float(every.mean())


def _bare_copy(loss: ContrastiveLoss, unit: bool) -> ContrastiveLoss:
    """Return a loss with the same settings, without memory or schedule."""
    other = copy.copy(loss)
    vars(other)["_modules"] = dict(loss._modules)  # which copy.copy shares
    other.settings = dataclasses.replace(loss.settings, reduction="mean", mode="auto")
    other.memory, other.annealing, other.normalize = None, None, unit
    return other


def _gradient(loss: ContrastiveLoss, z: Tensor, graph: Tensor, label: Tensor | None) -> Tensor:
    with torch.enable_grad():
        leaf = z.clone().requires_grad_()
        value = loss(leaf, graph=graph, label=label if loss.uses_labels else None)
        (slope,) = torch.autograd.grad(value, leaf)
    return slope


def _highest(
    f: Callable[[float], float], low: float, high: float, points: int
) -> tuple[float, float]:
    """Return where f is highest in [low, high], and f there: a grid, then golden steps."""
    step = (high - low) / (points - 1)
    grid = [(f(low + k * step), low + k * step) for k in range(points)]
    value, best = max(grid)
    left, right, golden = max(low, best - step), min(high, best + step), (math.sqrt(5) - 1) / 2
    a, b = right - golden * (right - left), left + golden * (right - left)
    fa, fb = f(a), f(b)
    for _ in range(FINE):
        if fa >= fb:
            right, b, fb = b, a, fa
            a = right - golden * (right - left)
            fa = f(a)
        else:
            left, a, fa = a, b, fb
            b = left + golden * (right - left)
            fb = f(b)
    value, best = max([(value, best), (fa, a), (fb, b)])
    return best, value
