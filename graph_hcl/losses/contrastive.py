"""The one formula of UCL, SCL, H-UCL and H-SCL, and which computation of it is taken."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.dense import at_least_float, dense_loss, full_precision, settle
from graph_hcl.losses.hardening import LogEta
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.plan import tile_size
from graph_hcl.losses.positives import PairLoss, log_count, shares, sum_over_positives
from graph_hcl.losses.rowwise import rowwise_loss
from graph_hcl.losses.symmetric import symmetric_loss
from graph_hcl.losses.tiled import log_mean_tiled, logit_bound, steepness

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
    mode: Literal["auto", "dense", "tiled"] = "auto",
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
    is left the loss is 0 with a zero gradient. `detach_weights` stops the gradient through η, as
    in sampling from the hardened distribution; `num_negatives` draws that many negatives per
    positive pair ∝ η with replacement instead of averaging over all. An adaptive hardening chooses
    a β for each anchor first, without gradient. With `joint`, the positive stands among the
    negatives already, so that ℓ_ip = log n_i − s_ip. Half precision is computed in float32.

    `mode` "auto" and "tiled" give value and gradient in O(rows) memory, once differentiable, where
    η acts on each logit alone; "tiled" takes no shortcut for small batches. "dense" holds all
    logits and is differentiable twice; sampled negatives always are.

    Raises `ValueError` for wrong shapes, non-finite features, and values out of range.

    >>> z = torch.eye(2).repeat(2, 1)
    >>> graph = torch.tensor([0, 1, 0, 1])
    >>> contrastive_loss(z, Pairs.among(graph, graph), temperature=1.0)  # log(1 + 2 / e)
    tensor(0.5514)
    """
    x = anchors if samples is None else samples
    _check(anchors, x, pairs, temperature, tau_plus, num_negatives, mode)
    longest = _longest(anchors)
    reach = longest * (longest if samples is None else _longest(samples))
    hardening = settle(log_eta, anchors, x, pairs, temperature)
    pair_loss = PairLoss(joint, tau_plus, temperature)
    if mode == "dense" or num_negatives is not None:
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


def _check(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    temperature: float,
    tau_plus: float,
    num_negatives: int | None,
    mode: str,
) -> None:
    if mode not in ("auto", "dense", "tiled"):
        raise ValueError(f"Expected mode to be auto, dense or tiled, but got {mode!r}.")
    if mode == "tiled" and num_negatives is not None:
        raise ValueError("Expected mode dense or auto with num_negatives: draws need all logits.")
    if anchors.dim() != 2 or samples.dim() != 2 or anchors.shape[1] != samples.shape[1]:
        raise ValueError(
            f"Expected anchors [A, d] and samples [S, d], but got {list(anchors.shape)} and "
            f"{list(samples.shape)}."
        )
    keys = len(pairs.positive[0]), len(pairs.positive[1])
    if keys != (len(anchors), len(samples)):
        raise ValueError(
            f"Expected keys for {len(anchors)} anchors and {len(samples)} samples, but got keys "
            f"for {keys[0]} and {keys[1]}."
        )
    if not temperature > 0:
        raise ValueError(f"Expected temperature to be above 0, but got {temperature}.")
    if not 0 <= tau_plus < 1:
        raise ValueError(f"Expected tau_plus to be in [0, 1), but got {tau_plus}.")
    if num_negatives is not None and num_negatives < 1:
        raise ValueError(f"Expected num_negatives to be 1 or more, but got {num_negatives}.")


def _longest(rows: Tensor) -> float:
    """Return the largest norm of a row; raise for features that are not finite."""
    if len(rows) == 0:
        return 0.0
    longest = float(torch.linalg.vector_norm(at_least_float(rows.detach()), dim=1).amax())
    # The norm of finite features may overflow: only then need every one be looked at.
    if not math.isfinite(longest) and not torch.isfinite(rows).all():
        raise ValueError("Expected finite features, but some are NaN or infinite.")
    return longest
