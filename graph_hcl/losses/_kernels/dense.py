"""The losses by the whole matrix of logits: any hardening or ψ, sampled negatives."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graph_hcl.losses._kernels.pair_loss import log_count, pair_loss, pair_weights
from graph_hcl.losses._kernels.positives import pair_sums
from graph_hcl.losses.checks import check_keys_are_known, check_shape, transformed
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import at_least_float, full_precision
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import Weighting, normalized_eta

CHUNK = 2**22
"""Elements of t_ij that ψ is given at a time."""


def dense_loss(
    anchors: Tensor, samples: Tensor, pairs: Pairs, settings: LossSettings, weighting: Weighting
) -> Tensor:
    """Return the loss of `contrastive_loss`, differentiable as often as one likes.

    No shape depends on a value unless negatives are drawn, so torch can compile and map it.

    >>> from graph_hcl.losses.hardening import NoHardening
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> settings = LossSettings(temperature=1.0)
    >>> dense_loss(z, z, Pairs.among(key, key), settings, Weighting.of(NoHardening()))
    tensor(0.5514)
    """
    positives, negatives = pairs.masks()
    same, others = positives.sum(1), negatives.sum(1)
    counted = (same > 0) & (others > 0)
    logits = all_logits(anchors, samples, settings.temperature)
    log_q = log_count(others, settings, logits)
    if settings.num_negatives is None:
        eta = _masked_eta(logits, negatives, weighting)
        log_n = log_q + torch.where(counted, _log_mean(logits, eta, negatives, weighting), 0.0)
        each = pair_sums(logits, log_n, log_q, positives, settings)
    else:
        check_keys_are_known(pairs, "num_negatives")
        row, column = (positives & counted[:, None]).nonzero(as_tuple=True)
        drawn = _draw(logits, negatives, weighting, row, settings.num_negatives)
        hard = logits[row[:, None], drawn].logsumexp(1) - math.log(settings.num_negatives)
        losses = pair_loss(settings, log_q[row] + hard, logits[row, column], log_q[row])
        each = logits[:, :0].sum(1).index_add(0, row, losses)
    return _reduced(each, same, counted, settings)


def dense_psi_loss(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    settings: LossSettings,
    weighting: Weighting,
    psi: Psi,
) -> Tensor:
    """Return the loss of `psi_loss`; positive pairs are given to ψ in chunks.

    The backward pass computes the chunks again, so memory is that of a few matrices [A, S].

    >>> from graph_hcl.losses.psi import InfoNCE
    >>> from graph_hcl.losses.hardening import NoHardening
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> settings = LossSettings(temperature=1.0)
    >>> eta = Weighting.of(NoHardening())
    >>> dense_psi_loss(z, z, Pairs.among(key, key), settings, eta, InfoNCE())
    tensor(0.5514)
    """
    positives, negatives = pairs.masks()
    same, others = positives.sum(1), negatives.sum(1)
    counted = (same > 0) & (others > 0)
    logits = all_logits(anchors, samples, settings.temperature)
    q = normalized_eta(logits, negatives, weighting)
    count = log_count(others, settings, logits).exp()
    row, column = (positives & counted[:, None]).nonzero(as_tuple=True)

    def chunk_losses(row: Tensor, column: Tensor, drawn: Tensor | None) -> Tensor:
        positive = logits[row, column, None]
        if drawn is not None:
            t = logits[row[:, None], drawn] - positive
            return psi(t, (count[row] / drawn.shape[1])[:, None].expand_as(t))
        mask = negatives[row]
        return psi((logits[row] - positive).masked_fill(~mask, 0.0), q[row] * count[row, None])

    size = max(1, CHUNK // max(1, len(samples)))
    each = logits[:, :0].sum(1)  # zeros that have a gradient, if there is no pair
    for start in range(0, len(row), size):
        rows, columns = row[start : start + size], column[start : start + size]
        drawn = None
        if settings.num_negatives is not None:
            drawn = _draw(logits, negatives, weighting, rows, settings.num_negatives)
        # The transforms of torch.func do not support checkpoints.
        losses = (
            chunk_losses(rows, columns, drawn)
            if transformed()
            else checkpoint(chunk_losses, rows, columns, drawn, use_reentrant=False)
        )
        check_shape("losses of ψ", losses, rows.shape)
        each = each.index_add(0, rows, losses)
    return _reduced(each, same, counted, settings)


def empty_loss(anchors: Tensor, samples: Tensor, settings: LossSettings) -> Tensor:
    """Return the loss without any anchor or without any sample: 0 with a zero gradient.

    >>> empty_loss(torch.eye(2), torch.empty(0, 2), LossSettings(reduction="none"))
    tensor([0., 0.])
    """
    each = at_least_float(anchors)[:, :0].sum(1) + at_least_float(samples)[:0].sum()
    return each if settings.reduction == "none" else each.sum()


def all_logits(anchors: Tensor, samples: Tensor, temperature: float) -> Tensor:
    """Return the inner products over T [A, S], in float32 at least.

    >>> all_logits(torch.eye(2).half(), torch.eye(2).half(), 0.5)
    tensor([[2., 0.],
            [0., 2.]])
    """
    with full_precision(anchors.device.type):
        return at_least_float(anchors) @ at_least_float(samples).t() / temperature


def log_mean_dense(
    anchors: Tensor, samples: Tensor, pairs: Pairs, temperature: float, weighting: Weighting
) -> Tensor:
    """Return LSE_N(s + log η) − LSE_N(log η) of each anchor [A]; −∞ without negatives.

    A power mean of order r has LSE_N(rs) / r − log|N| / r.

    >>> from graph_hcl.losses.hardening import NoHardening
    >>> z, pairs = torch.eye(3), Pairs.among(torch.arange(3), torch.arange(3))
    >>> log_mean_dense(z, z, pairs, 1.0, Weighting.of(NoHardening())).abs() < 1e-6
    tensor([True, True, True])
    """
    negatives = pairs.masks()[1]
    logits = all_logits(anchors, samples, temperature)
    eta = _masked_eta(logits, negatives, weighting)
    return _log_mean(logits, eta, negatives, weighting)


def _masked_eta(logits: Tensor, negatives: Tensor, weighting: Weighting) -> Tensor:
    """Return log η [A, S], −∞ where there is no negative."""
    return weighting.log_eta(logits).masked_fill(~negatives, -math.inf)


def _reduced(each: Tensor, same: Tensor, counted: Tensor, settings: LossSettings) -> Tensor:
    """Return the loss, given the sum over the positives of each anchor [A]."""
    if settings.reduction == "none":
        return torch.where(counted, each / same.clamp_min(1), 0.0)
    return torch.where(counted, each * pair_weights(same, counted, settings, each), 0.0).sum()


def _log_mean(logits: Tensor, eta: Tensor, negatives: Tensor, weighting: Weighting) -> Tensor:
    """Return the log of the η-weighted mean of e^s over each anchor's negatives [A].

    An anchor for which η is 0 everywhere uses its hardest negative alone.
    """
    hardest = logits.masked_fill(~negatives, -math.inf).amax(1)
    empty = (eta == -math.inf).all(1)
    # Rows that are all −∞ would give NaN gradients even where their value is not used.
    safe = torch.where(empty[:, None], torch.zeros_like(eta), eta)
    order = weighting.order
    tilted = ((order * logits + safe).logsumexp(1) - safe.logsumexp(1)) / order
    return torch.where(empty, hardest, tilted)


@torch.no_grad()
def _draw(
    logits: Tensor, negatives: Tensor, weighting: Weighting, row: Tensor, count: int
) -> Tensor:
    """Return `count` negatives drawn ∝ η, with replacement, for each pair [P, count]."""
    probability = normalized_eta(logits, negatives, weighting)
    return torch.multinomial(probability[row], count, replacement=True)
