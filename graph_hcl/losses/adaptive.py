"""Adaptive hardening: a β for each anchor, chosen from its own logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_keys_are_known, check_number
from graph_hcl.losses.hardening import Adaptive
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import at_least_float, full_precision
from graph_hcl.losses.segment import segment_sum
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import Weighting

STEPS = 32
"""Bisections: β is found to a 2⁻³² part of its range, or to the rounding of its type."""
COLUMNS = 512
"""Samples from which β is estimated; of more, so many are taken by `spread_columns`."""


def check_beta_max(value: float) -> None:
    """Raise `ValueError` unless the largest β that may be chosen is above 0 and finite."""
    check_number("beta_max", value)
    if not 0 < value < math.inf:
        raise ValueError(f"Expected beta_max to be above 0 and finite, but got {value}.")


@names_arguments()
@dataclass(frozen=True)
class EffectiveSampleSize(Adaptive):
    """β_i with which the weighted negatives count as much as `share` · |N(i)| equal ones.

    Kish's effective sample size of the weights e^{βs}, log ESS = 2 LSE(βs) − LSE(2βs), falls from
    |N(i)| at β = 0; β_i is where it meets share · |N(i)|, or `beta_max`. Raises `ValueError` for a
    share outside (0, 1].

    >>> two = torch.tensor([[0.0, 1.0]])
    >>> beta = EffectiveSampleSize(share=0.6).betas(two, two == two, torch.zeros(1))
    >>> weights = (beta * two).exp()
    >>> weights.sum() ** 2 / weights.square().sum()
    tensor(1.2000)
    """

    share: float = 0.5
    beta_max: float = 100.0

    def __post_init__(self) -> None:
        check_beta_max(self.beta_max)
        check_number("share", self.share)
        if not 0 < self.share <= 1:
            raise ValueError(f"Expected share to be in (0, 1], but got {self.share}.")

    def betas(self, logits: Tensor, negatives: Tensor, positive: Tensor) -> Tensor:
        """Return β [A]; 0 for an anchor without negatives.

        Args:
            logits: logits [A, K] of anchors and samples.
            negatives: mask [A, K] of the negatives of each anchor.
            positive: mean logit [A] of the positives of each anchor.
        """
        s = _below_top(logits, negatives)
        least = self.share * negatives.sum(1)

        def too_hard(beta: Tensor) -> Tensor:
            weights = (beta[:, None] * s).exp() * negatives
            return weights.sum(1).square() < least * weights.square().sum(1)

        most = positive.new_full((len(s),), self.beta_max)
        return torch.where(least > 0, _bisect(too_hard, torch.zeros_like(most), most), 0)


@names_arguments()
@dataclass(frozen=True)
class ClassMass(Adaptive):
    """The largest β_i up to which the negatives' estimated same-class mass stays within `bound`.

    With a share `prior` of the negatives in the anchor's own class, whose logits are taken to be
    that of its positives as in the debiased estimator of Robinson et al. (ICLR 2021), the weight
    that falls on them is m(β) = prior · e^{βs_p} / mean_j e^{βs_j}, with m(0) = prior. β_i is the
    largest for which m ≤ bound on all of [0, β_i], at most `beta_max`: where m rises above the
    bound and falls again, it is the first crossing, and 0 where the prior is above the bound. It is
    found to 2⁻³² · `beta_max`, or to rounding. Raises `ValueError` for a bound or prior outside
    (0, 1).

    Args:
        bound: largest mass, in (0, 1).
        prior: share of the negatives in the anchor's own class, in (0, 1).
        beta_max: largest β_i, above 0.

    >>> s, positive = torch.tensor([[0.0, 0.0]]), torch.ones(1)  # m = .2 e^β meets .4 at β = log 2
    >>> ClassMass(bound=0.4, prior=0.2).betas(s, s == s, positive)
    tensor([0.6931])
    """

    bound: float = 0.5
    prior: float = 0.1
    beta_max: float = 100.0

    def __post_init__(self) -> None:
        check_beta_max(self.beta_max)
        check_number("bound", self.bound)
        check_number("prior", self.prior)
        if not (0 < self.bound < 1 and 0 < self.prior < 1):
            raise ValueError(
                f"Expected bound and prior to be in (0, 1), but got {self.bound} and {self.prior}."
            )

    def betas(self, logits: Tensor, negatives: Tensor, positive: Tensor) -> Tensor:
        """Return β [A]; 0 for an anchor without negatives.

        Args:
            logits: logits [A, K] of anchors and samples.
            negatives: mask [A, K] of the negatives of each anchor.
            positive: mean logit [A] of the positives of each anchor.
        """
        s = _below_top(logits, negatives)
        count, top = negatives.sum(1), logits.masked_fill(~negatives, -math.inf).amax(1)
        gap = positive - torch.where(top.isfinite(), top, positive)

        def passes(beta: Tensor) -> Tensor:
            mean = ((beta[:, None] * s).exp() * negatives).sum(1) / count
            return math.log(self.prior / self.bound) + beta * gap - mean.log() > 0

        def falls(beta: Tensor) -> Tensor:
            weights = (beta[:, None] * s).exp() * negatives
            return (weights * s).sum(1) / weights.sum(1) >= gap

        # log m is concave: it passes the bound on the way to its peak, or never.
        zero, most = positive.new_zeros(len(s)), positive.new_full((len(s),), self.beta_max)
        peak = _bisect(falls, zero, most)
        betas = torch.where(passes(peak), _bisect(passes, zero, peak), most)
        return torch.where(count > 0, betas, 0)


def resolve_hardening(
    settings: LossSettings, anchors: Tensor, samples: Tensor, pairs: Pairs
) -> Weighting:
    """Return the weighting of the negatives, with β [A] chosen if the hardening is adaptive.

    >>> z, pairs = torch.eye(2), Pairs.among(torch.arange(2), None)
    >>> resolve_hardening(LossSettings(), z, z, pairs).beta
    0.0
    """
    hardening = settings.log_eta
    if not isinstance(hardening, Adaptive):
        return settings.weighting()
    check_keys_are_known(pairs, "an adaptive hardening")
    a, x = at_least_float(anchors.detach()), at_least_float(samples.detach())
    with full_precision(a.device.type):
        return settings.weighting(solve_betas(hardening, a, x, pairs, settings.temperature))


@torch.no_grad()
def solve_betas(
    hardening: Adaptive, anchors: Tensor, samples: Tensor, pairs: Pairs, temperature: float
) -> Tensor:
    """Return β [A] of an adaptive hardening; no gradient.

    β is estimated from at most `COLUMNS` samples, and from all of them for an anchor that has no
    negative among these.

    >>> z, key = torch.tensor([[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0]]), torch.arange(3)
    >>> solve_betas(EffectiveSampleSize(0.6), z, z, Pairs.among(key, key), 0.5)
    tensor([0.6368, 0.7164, 5.7311])
    """
    columns = spread_columns(len(samples), anchors.device)
    positive = mean_positive(anchors, samples, pairs) / temperature
    negatives = torch.cat(
        [
            pairs.masks(slice(top, top + COLUMNS))[1][:, columns]
            for top in range(0, len(anchors), COLUMNS)
        ]
    )
    logits = anchors @ samples[columns].t() / temperature
    betas = torch.where(negatives.any(1), hardening.betas(logits, negatives, positive), 0)
    if len(columns) < len(samples):
        missed = (~negatives.any(1) & (pairs.counts()[1] > 0)).nonzero().squeeze(1)
        for rows in missed.split(COLUMNS):
            logits = anchors[rows] @ samples.t() / temperature
            betas[rows] = hardening.betas(logits, pairs.masks(rows)[1], positive[rows])
    return betas


def spread_columns(count: int, device: torch.device) -> Tensor:
    """Return at most `COLUMNS` of `count` columns, spread out but with no period, in their order.

    Every k-th of them would be of one label where labels take turns.

    >>> spread_columns(3, torch.device("cpu")), len(spread_columns(10**4, torch.device("cpu")))
    (tensor([0, 1, 2]), 512)
    """
    columns = torch.arange(count, device=device)
    if count <= COLUMNS:
        return columns
    # Multiples of the golden ratio are spread evenly over the circle, and over each residue class.
    return (columns * 2654435769 % 2**32).argsort()[:COLUMNS].sort().values


def mean_positive(anchors: Tensor, samples: Tensor, pairs: Pairs) -> Tensor:
    """Return each anchor's mean inner product with its positives [A], 0 without any.

    >>> mean_positive(torch.eye(2), torch.eye(2), Pairs.among(torch.tensor([0, 0]), None))
    tensor([0., 0.])
    """
    left, right = pairs.positive
    keys, segment = torch.unique(torch.cat([left, right]), return_inverse=True)
    of_anchor, of_sample = segment[: len(left)], segment[len(left) :]
    total = segment_sum(samples, of_sample, len(keys))[of_anchor]
    count = torch.bincount(of_sample, minlength=len(keys))[of_anchor]
    if pairs.self_index is not None:
        total, count = total - samples[pairs.self_index], count - 1
    return (anchors * total).sum(1) / count.clamp_min(1)


def _below_top(logits: Tensor, negatives: Tensor) -> Tensor:
    """Return logits less the anchor's largest, so that no e^{βs} overflows; 0 for others."""
    top = logits.masked_fill(~negatives, -math.inf).amax(1, keepdim=True)
    return (logits - torch.where(top.isfinite(), top, 0)).masked_fill(~negatives, 0.0)


def _bisect(above: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    """Return the point of [low, high] from which on `above` holds; `high` where it never does."""
    never = ~above(high)
    top = high
    for _ in range(STEPS):
        middle = (low + high) / 2
        over = above(middle)
        low, high = torch.where(over, low, middle), torch.where(over, middle, high)
    return torch.where(never, top, low)
