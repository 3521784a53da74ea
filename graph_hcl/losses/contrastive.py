"""The one formula of UCL, SCL, H-UCL and H-SCL, and which computation of it is taken."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.checks import (
    check_road,
    check_rows,
    check_values,
    longest_rows,
    transformed,
)
from graph_hcl.losses.dense import dense_loss, nothing, settle
from graph_hcl.losses.hardening import LogEta, steepness
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.plan import tile_size
from graph_hcl.losses.positives import PairLoss, log_count, shares, sum_over_positives
from graph_hcl.losses.precision import at_least_float, full_precision
from graph_hcl.losses.rowwise import rowwise_loss
from graph_hcl.losses.symmetric import symmetric_loss
from graph_hcl.losses.tiled import log_mean_tiled, logit_bound

Mode = Literal["auto", "dense", "tiled"]
Reduction = Literal["mean", "none"]

MEMORY = 24 * 2**20
"""Bytes that the tiles in work at a time may take."""
ONE_PASS = 2**22
"""Logits up to which holding them all is faster than two passes over half of the tiles."""
ROWWISE_MEMORY = 64 * 2**20
"""Bytes of a block of whole rows: below it, sums over many short blocks cost more than logits."""


def contrastive_loss(
    anchors: Tensor,
    pairs: Pairs,
    samples: Tensor | None = None,
    *,
    temperature: float = 0.5,
    log_eta: LogEta | Adaptive | None = None,
    prefactor: Literal["sum", "mean"] = "sum",
    average: Literal["anchor", "pair"] = "anchor",
    tau_plus: float = 0.0,
    detach_weights: bool = False,
    num_negatives: int | None = None,
    joint: bool = False,
    mode: Mode = "auto",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the hard-negative contrastive loss of anchors [A, d] against samples [S, d].

    With logits s_ij = ⟨a_i, x_j⟩ / T and the negatives N(i) of each anchor,

        log n_i = log Q_i + LSE_{j∈N(i)}(s_ij + log η(s_ij)) − LSE_{j∈N(i)} log η(s_ij)
        ℓ_ip    = softplus(log n_i − s_ip)

    for each positive p; Q_i = |N(i)| ("sum") or 1 ("mean"). This is the loss of arXiv 2209.00078
    by its importance identity (proposition 1), and that of arXiv 2311.05139 with InfoNCE as ψ;
    with η = e^{βs} and `tau_plus` it is the debiased estimator of Robinson et al. (ICLR 2021):
    n_ip = max((n_i − τ⁺ Q_i e^{s_ip}) / (1 − τ⁺), Q_i e^{−1/T}).

    The loss is the mean over anchors of the mean over their positives ("anchor") or the mean over
    all pairs ("pair"). Anchors without positives or without negatives are not counted; when none
    is left the loss is 0 with a zero gradient. `reduction` "none" gives the value of each anchor
    [A] instead, 0 for one that is not counted. Rows are taken as they are: normalise them first,
    or a warning tells of logits beyond ±100. `detach_weights` stops the gradient through η, as
    in sampling from the hardened distribution; `num_negatives` draws that many negatives per
    positive pair ∝ η with replacement instead of averaging over all. An adaptive hardening chooses
    a β for each anchor first, without gradient. With `joint`, the positive stands among the
    negatives already, so that ℓ_ip = log n_i − s_ip. Half precision is computed in float32.

    `mode` "auto" and "tiled" give value and gradient in O(rows) memory where η acts on each logit
    alone; "tiled" takes no shortcut for small batches. "dense" holds all logits, as do sampled
    negatives, `reduction` "none", a gradient that is to be differentiated again
    (`create_graph=True`; the β of an adaptive hardening are constants), and whatever runs inside
    `torch.compile` or the transforms of `torch.func`, where no values are checked.

    Raises `ValueError` for wrong shapes, non-finite features, and values out of range.

    >>> z = torch.eye(2).repeat(2, 1)
    >>> graph = torch.tensor([0, 1, 0, 1])
    >>> contrastive_loss(z, Pairs.among(graph, graph), temperature=1.0)  # log(1 + 2 / e)
    tensor(0.5514)
    """
    x = anchors if samples is None else samples
    check_values(temperature, tau_plus, prefactor, average)
    check_road(mode, reduction, average, num_negatives)
    check_rows(anchors, x, pairs)
    traced = transformed()
    if traced and mode == "tiled":
        raise ValueError("Expected mode auto or dense inside torch.compile and torch.func.")
    longest = (
        (0.0, 0.0)
        if traced
        else longest_rows(anchors, samples, temperature, steepness(log_eta) or 0.0)
    )
    reach = longest[0] * longest[1]
    if not (len(anchors) and len(x)):
        return nothing(anchors, x, reduction)
    hardening = settle(log_eta, anchors, x, pairs, temperature)
    pair_loss = PairLoss(joint, tau_plus, temperature)
    if mode == "dense" or num_negatives is not None or reduction == "none" or traced:
        return dense_loss(
            anchors,
            x,
            pairs,
            pair_loss,
            hardening,
            prefactor=prefactor,
            average=average,
            detach_weights=detach_weights,
            num_negatives=num_negatives,
            reduction=reduction,
        )
    a, b = at_least_float(anchors), None if samples is None else at_least_float(samples)
    beta = hardening if isinstance(hardening, Tensor) else steepness(hardening)
    with full_precision(a.device.type):
        number = None if isinstance(beta, Tensor) else beta
        bound = None if number is None else logit_bound(reach, temperature, number)
        mirrored = bound is not None and b is None and pairs.symmetric
        small = mode == "auto" and len(a) * len(x) <= ONE_PASS
        shared: dict[str, Any] = {
            "prefactor": prefactor,
            "average": average,
            "detach_weights": detach_weights,
        }
        if beta is not None and (small or not mirrored):
            if mirrored and number is not None and bound is not None:
                return symmetric_loss(a, pairs, pair_loss, beta=number, bound=bound, **shared)
            return rowwise_loss(
                a, b, pairs, pair_loss, beta=beta, bound=bound, memory=ROWWISE_MEMORY, **shared
            )
        assert not isinstance(hardening, Tensor)
        positive_count, negative_count = pairs.counts()
        counted = (positive_count > 0) & (negative_count > 0)
        log_mean = log_mean_tiled(
            a,
            b,
            pairs,
            temperature,
            hardening,
            bound=bound if mirrored else None,
            count=negative_count,
            detach_weights=detach_weights,
            memory=MEMORY,
        )
        log_q = log_count(negative_count, prefactor, a)
        return sum_over_positives(
            a,
            b,
            log_q + torch.where(counted, log_mean, 0),
            log_q,
            shares(positive_count, counted, average, a),
            pairs,
            positive_count,
            pair_loss,
            size=tile_size(MEMORY, a.element_size()),
        )
