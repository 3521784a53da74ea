"""The one door to the kernels: which of them computes a loss."""

from __future__ import annotations

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dense import dense_loss, dense_psi_loss, empty_loss
from graph_hcl.losses._kernels.pair_loss import log_count, pair_weights
from graph_hcl.losses._kernels.positives import sum_over_positives
from graph_hcl.losses._kernels.rowwise import rowwise_loss
from graph_hcl.losses._kernels.schedule import tile_size
from graph_hcl.losses._kernels.symmetric import symmetric_loss
from graph_hcl.losses._kernels.tiled import log_mean_tiled, logit_bound
from graph_hcl.losses._kernels.triton_launch import why_not
from graph_hcl.losses._kernels.triton_loss import triton_loss
from graph_hcl.losses.adaptive import resolve_hardening
from graph_hcl.losses.checks import check_keys_are_known, transformed
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import at_least_float, full_precision
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import Weighting

MEMORY = 24 * 2**20
"""Bytes that the tiles in use at a time may take."""
ONE_PASS = 2**22
"""Logits up to which holding them all is faster than two passes over half of the tiles."""
ROWWISE_MEMORY = 64 * 2**20
"""Bytes of a block of whole rows: below it, sums over many short blocks cost more than logits."""


def compute_loss(
    anchors: Tensor,
    samples: Tensor | None,
    pairs: Pairs,
    settings: LossSettings,
    reach: float | None,
    kind: torch.dtype | None = None,
) -> Tensor:
    """Return the loss of `contrastive_loss` by the fastest kernel that the settings allow.

    `samples` None contrasts the anchors with each other. `reach` is a bound of all |⟨a, x⟩|, or
    None where none is known. `kind` is the type that the features had before they were normalised,
    None for that of the anchors.

    - dense: all logits; where negatives are drawn, for one value per anchor, and inside
      `torch.compile` and `torch.func`.
    - symmetric: all logits once, anchors against themselves with bounded logits.
    - rowwise: blocks of whole rows; any η = e^{βs} and any power mean.
    - tiled: two passes over tiles; large symmetric batches, and any other η.
    - triton: two passes over tiles, on a GPU; any η = e^{βs} and any power mean.

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> compute_loss(z, None, Pairs.among(key, key), LossSettings(temperature=1.0), 1.0)
    tensor(0.5514)
    """
    x = anchors if samples is None else samples
    if settings.mode in ("tiled", "triton") and transformed():
        raise ValueError("Expected mode auto or dense inside torch.compile and torch.func.")
    if not (len(anchors) and len(x)):
        return empty_loss(anchors, x, settings)
    weighting = resolve_hardening(settings, anchors, x, pairs)
    every = settings.mode == "dense" or settings.reduction == "none"
    if every or settings.num_negatives is not None or transformed():
        return dense_loss(anchors, x, pairs, settings, weighting)
    a, b = at_least_float(anchors), None if samples is None else at_least_float(samples)
    with full_precision(a.device.type):
        beta, bound = weighting.beta, None
        if reach is not None and beta is not None and not isinstance(beta, Tensor):
            bound = logit_bound(reach, settings.temperature, beta + weighting.order - 1)
        kind = kind or torch.promote_types(anchors.dtype, x.dtype)
        if _takes_triton(a, weighting, settings, kind):
            return triton_loss(a, b, pairs, settings, weighting, bound=bound, kind=kind)
        symmetric = bound is not None and b is None and pairs.symmetric
        small = settings.mode == "auto" and len(a) * len(x) <= ONE_PASS
        if beta is None or (symmetric and not small):
            return _tiled_loss(a, b, pairs, settings, weighting, bound if symmetric else None)
        if symmetric and bound is not None:
            return symmetric_loss(a, pairs, settings, weighting, bound=bound)
        memory = ROWWISE_MEMORY
        return rowwise_loss(a, b, pairs, settings, weighting, bound=bound, memory=memory)


def compute_psi_loss(
    anchors: Tensor, samples: Tensor | None, pairs: Pairs, settings: LossSettings, psi: Psi
) -> Tensor:
    """Return the loss of `psi_loss`, by the only kernel that there is.

    >>> from graph_hcl.losses.psi import InfoNCE
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> settings = LossSettings(temperature=1.0)
    >>> compute_psi_loss(z, None, Pairs.among(key, key), settings, InfoNCE())
    tensor(0.5514)
    """
    x = anchors if samples is None else samples
    check_keys_are_known(pairs, "psi")
    if not (len(anchors) and len(x)):
        return empty_loss(anchors, x, settings)
    weighting = resolve_hardening(settings, anchors, x, pairs)
    return dense_psi_loss(anchors, x, pairs, settings, weighting, psi)


def _takes_triton(
    anchors: Tensor, weighting: Weighting, settings: LossSettings, kind: torch.dtype
) -> bool:
    """Tell whether the Triton kernels compute the loss; raise `ValueError` if they must but cannot.

    They are taken by themselves on a GPU alone.
    """
    asked = settings.mode == "triton"
    if not asked and (settings.mode != "auto" or anchors.device.type != "cuda"):
        return False
    reason = why_not(anchors.device, kind if anchors.dtype == torch.float32 else anchors.dtype)
    if reason is None and (weighting.beta is None or isinstance(weighting.beta, Tensor)):
        reason = "a hardening that is neither exponential nor a power mean"
    if asked and reason is not None:
        raise ValueError(f"Expected another mode than triton with {reason}.")
    return reason is None


def _tiled_loss(
    a: Tensor,
    b: Tensor | None,
    pairs: Pairs,
    settings: LossSettings,
    weighting: Weighting,
    bound: float | None,
) -> Tensor:
    positive_count, negative_count = pairs.counts()
    counted = (positive_count > 0) & (negative_count > 0)
    log_mean = log_mean_tiled(
        a,
        b,
        pairs,
        settings.temperature,
        weighting,
        bound=bound,
        count=negative_count,
        memory=MEMORY,
    )
    log_q = log_count(negative_count, settings, a)
    return sum_over_positives(
        a,
        b,
        log_q + torch.where(counted, log_mean, 0),
        log_q,
        pair_weights(positive_count, counted, settings, a),
        pairs,
        positive_count,
        settings,
        size=tile_size(MEMORY, a.element_size()),
    )
