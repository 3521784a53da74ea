"""The loss by the whole matrix of logits: for sampled negatives, any ψ, and second derivatives."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graph_hcl.losses.adaptive import Adaptive, solve_betas
from graph_hcl.losses.hardening import LogEta, NoHardening
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.positives import PairLoss, log_count
from graph_hcl.losses.psi import Psi

CHUNK = 2**22
"""Elements of t_ij that ψ is given at a time."""


def dense_loss(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    pair_loss: PairLoss,
    hardening: LogEta | Tensor,
    *,
    prefactor: str,
    average: str,
    detach_weights: bool,
    num_negatives: int | None,
) -> Tensor:
    """Return the loss [] by the whole matrix of logits, differentiable as often as one likes.

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> dense_loss(z, z, Pairs.among(key, key), PairLoss(False, 0.0, 1.0), NoHardening(),
    ...     prefactor="sum", average="anchor", detach_weights=False, num_negatives=None)
    tensor(0.5514)
    """
    found = _contrasts(anchors, samples, pairs, pair_loss.temperature, hardening, detach_weights)
    if found is None:
        return (anchors.sum() + samples.sum()) * 0.0
    logits, eta, positives, negatives = found
    log_q = log_count(negatives.sum(1), prefactor, logits)
    row, column = positives.nonzero(as_tuple=True)
    if num_negatives is None:
        log_n = (log_q + _log_mean(logits, eta, negatives))[row]
    else:
        drawn = _draw(logits, eta, negatives, row, num_negatives)
        log_n = log_q[row] + logits[row[:, None], drawn].logsumexp(1) - math.log(num_negatives)
    losses = pair_loss(log_n, logits[row, column], log_q[row])
    return _average(losses, row, positives, average)


def psi_loss(
    anchors: Tensor,
    pairs: Pairs,
    samples: Tensor | None = None,
    *,
    psi: Psi,
    temperature: float = 0.5,
    log_eta: LogEta | Adaptive | None = None,
    prefactor: str = "sum",
    average: str = "anchor",
    detach_weights: bool = False,
    num_negatives: int | None = None,
) -> Tensor:
    r"""Return the loss of arXiv 2311.05139 for any convex non-decreasing ψ (section 3).

        ℓ_ip = ψ(t_i·, q_i·),   t_ij = s_ij − s_ip,   q_ij = Q_i η(s_ij) / Σ_{k∈N(i)} η(s_ik)

    over the negatives j of i, or over `num_negatives` of them drawn ∝ η with weight Q_i/K each.
    With ψ = log(1 + Σ q e^t) it is `contrastive_loss`. The pairs are given to ψ in chunks that are
    computed again in the backward pass, so memory is that of a few matrices [A, S].

    Raises `ValueError` for wrong shapes.

    >>> from graph_hcl.losses.psi import InfoNCE
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> psi_loss(z, Pairs.among(key, key), psi=InfoNCE(), temperature=1.0)  # log(1 + 2 / e)
    tensor(0.5514)
    """
    x = anchors if samples is None else samples
    hardening = settle(log_eta, anchors, x, pairs, temperature)
    found = _contrasts(anchors, x, pairs, temperature, hardening, detach_weights)
    if found is None:
        return (anchors.sum() + x.sum()) * 0.0
    logits, eta, positives, negatives = found
    q = _weights(logits, eta, negatives)
    count = log_count(negatives.sum(1), prefactor, logits).exp()
    row, column = positives.nonzero(as_tuple=True)

    def some(row: Tensor, column: Tensor, drawn: Tensor | None) -> Tensor:
        near = logits[row, column, None]
        if drawn is not None:
            t = logits[row[:, None], drawn] - near
            return psi(t, (count[row] / drawn.shape[1])[:, None].expand_as(t))
        mask = negatives[row]
        return psi((logits[row] - near).masked_fill(~mask, 0.0), q[row] * count[row, None])

    size = max(1, CHUNK // len(x))
    parts = []
    for start in range(0, len(row), size):
        rows, columns = row[start : start + size], column[start : start + size]
        drawn = None
        if num_negatives is not None:
            drawn = _draw(logits, eta, negatives, rows, num_negatives)
        parts.append(checkpoint(some, rows, columns, drawn, use_reentrant=False))
    return _average(torch.cat(parts), row, positives, average)


def settle(
    log_eta: LogEta | Adaptive | None,
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    temperature: float,
) -> LogEta | Tensor:
    """Return the hardening as a function of the logits, or as the β [A] that it chose.

    >>> settle(None, torch.eye(2), torch.eye(2), Pairs.among(torch.arange(2), None), 1.0)
    NoHardening()
    """
    if isinstance(log_eta, Adaptive):
        near, far = at_least_float(anchors.detach()), at_least_float(samples.detach())
        with full_precision(near.device.type):
            return solve_betas(log_eta, near, far, pairs, temperature)
    return log_eta or NoHardening()


def full_precision(device_type: str) -> AbstractContextManager[Any]:
    """Return a context without autocast; entering one costs time, so only where there is one.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision("cpu"):
    ...     (torch.eye(2) @ torch.eye(2)).dtype
    torch.float32
    """
    if torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def at_least_float(values: Tensor) -> Tensor:
    """Return values in float32 at least.

    >>> at_least_float(torch.ones(1, dtype=torch.float16)).dtype
    torch.float32
    """
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _contrasts(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    temperature: float,
    hardening: LogEta | Tensor,
    detach: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """Return logits, log η (−∞ beside negatives) and both masks of the anchors that count."""
    positives, negatives = pairs.masks()
    counted = (positives.any(1) & negatives.any(1)).nonzero().squeeze(1)
    if len(counted) == 0:
        return None
    positives, negatives = positives[counted], negatives[counted]
    with full_precision(anchors.device.type):
        logits = at_least_float(anchors)[counted] @ at_least_float(samples).t() / temperature
    if isinstance(hardening, Tensor):
        eta = hardening[counted, None] * logits
    else:
        eta = hardening(logits)
    eta = (eta.detach() if detach else eta).masked_fill(~negatives, -math.inf)
    return logits, eta, positives, negatives


def _average(losses: Tensor, row: Tensor, positives: Tensor, average: str) -> Tensor:
    if average == "pair":
        return losses.mean()
    share = positives.sum(1).to(losses).reciprocal()[row]
    return (losses * share).sum() / len(positives)


def _log_mean(logits: Tensor, eta: Tensor, negatives: Tensor) -> Tensor:
    """Return the log of the η-weighted mean of e^s over each anchor's negatives [A].

    An anchor for which η is 0 everywhere takes its hardest negative alone.
    """
    hardest = logits.masked_fill(~negatives, -math.inf).amax(1)
    empty = (eta == -math.inf).all(1)
    # Rows that are all −∞ would give NaN gradients even where their value is not used.
    safe = torch.where(empty[:, None], torch.zeros_like(eta), eta)
    tilted = (logits + safe).logsumexp(1) - safe.logsumexp(1)
    return torch.where(empty, hardest, tilted)


def _weights(logits: Tensor, eta: Tensor, negatives: Tensor) -> Tensor:
    """Return η over its sum [A, S]; the hardest negative alone where η is 0 everywhere."""
    hardest = logits.detach().masked_fill(~negatives, -math.inf)
    empty = (eta == -math.inf).all(1, keepdim=True)
    return torch.where(empty, (hardest == hardest.amax(1, keepdim=True)).log(), eta).softmax(1)


def _draw(logits: Tensor, eta: Tensor, negatives: Tensor, row: Tensor, count: int) -> Tensor:
    """Return `count` negatives drawn ∝ η, with replacement, for each pair [P, count]."""
    chance = _weights(logits.detach(), eta.detach(), negatives)
    return torch.multinomial(chance[row], count, replacement=True)
