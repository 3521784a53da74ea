"""The loss of one positive pair, and how much it weighs in the whole."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from graph_hcl.losses.settings import LossSettings


def pair_loss(settings: LossSettings, log_n: Tensor, s: Tensor, log_q: Tensor) -> Tensor:
    """Return ℓ_ip of log n_i, s_ip and log Q_i, elementwise: softplus(log n − s).

    With the denominator "negatives" it is log n − s. With `tau_plus`, log n is debiased first:
    log max((n − τ⁺ Q e^{s_p}) / (1 − τ⁺), Q e^{−1/T}).

    >>> decoupled = LossSettings(denominator="negatives")
    >>> pair_loss(decoupled, torch.tensor(2.0), torch.tensor(0.5), torch.tensor(0.0))
    tensor(1.5000)
    """
    if settings.tau_plus:
        _, floor, log_n = _debiased(settings, log_n, s, log_q)
        log_n = torch.maximum(log_n, floor)
    return log_n - s if settings.denominator == "negatives" else _softplus(log_n - s)


def pair_slopes(
    settings: LossSettings, log_n: Tensor, s: Tensor, log_q: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return ℓ of `pair_loss`, ∂ℓ/∂log n and ∂ℓ/∂s.

    >>> zero = torch.zeros(1)
    >>> pair_slopes(LossSettings(), zero, zero, zero)[1:]
    (tensor([0.5000]), tensor([-0.5000]))
    """
    gain, pull = None, None
    if settings.tau_plus:
        share, floor, log_n = _debiased(settings, log_n, s, log_q)
        gain = torch.where(log_n > floor, 1 / (1 - share), 0)
        pull = -gain * torch.where(log_n > floor, share, 0)
        log_n = torch.maximum(log_n, floor)
    u = log_n - s
    decoupled = settings.denominator == "negatives"
    chance = torch.ones_like(u) if decoupled else u.sigmoid()
    loss = u if decoupled else _softplus(u)
    if gain is None or pull is None:
        return loss, chance, -chance
    return loss, chance * gain, chance * (pull - 1)


def _debiased(
    settings: LossSettings, log_n: Tensor, s: Tensor, log_q: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the share of the positives in n, the floor, and the estimate above it, in logs."""
    # From 1 on the floor holds, and the slope of an overflow would be no number.
    share = (math.log(settings.tau_plus) + log_q + s - log_n).clamp_max(0.0).exp()
    left = (1 - share).clamp_min(torch.finfo(share.dtype).tiny)
    estimate = log_n + left.log() - math.log1p(-settings.tau_plus)
    floor = log_q - 1 / settings.temperature
    return share, floor, torch.where(share < 1, estimate, -math.inf)


def pair_weights(
    positives: Tensor, counted: Tensor, settings: LossSettings, like: Tensor
) -> Tensor:
    """Return the weight of each pair of an anchor [A]: 1/(anchors · positives) or 1/pairs.

    >>> counted = torch.tensor([True, True, False])
    >>> pair_weights(torch.tensor([1, 2, 5]), counted, LossSettings(), torch.ones(1))
    tensor([0.5000, 0.2500, 0.0000])
    """
    if settings.average == "pair":
        total = (positives * counted).sum()
    else:
        total = positives * counted.sum()
    return counted.to(like) / total.clamp_min(1)


def log_count(negatives: Tensor, settings: LossSettings, like: Tensor) -> Tensor:
    """Return log Q_i [A]: that of the number of negatives ("sum"), 0 ("mean"), or of a constant.

    >>> log_count(torch.tensor([1, 0]), LossSettings(negative_reduction="mean"), torch.zeros(1))
    tensor([0., 0.])
    """
    if settings.negative_reduction == "mean":
        return like.new_zeros(len(negatives))
    if settings.negative_reduction != "sum":
        return like.new_full((len(negatives),), math.log(settings.negative_reduction))
    return negatives.to(like).log().clamp_min(-math.log(2))


def _softplus(u: Tensor) -> Tensor:
    # From torch's own threshold of 20 on, the value would be off by 2e-9.
    return F.softplus(u, threshold=40.0)
