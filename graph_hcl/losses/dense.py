"""The loss by the whole matrix of logits: for sampled negatives, any ψ, and second derivatives."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graph_hcl.losses.adaptive import Adaptive, solve_betas
from graph_hcl.losses.checks import (
    check_keys_are_known,
    check_road,
    check_rows,
    check_values,
    longest_rows,
    transformed,
)
from graph_hcl.losses.hardening import LogEta, NoHardening, log_eta_of, steepness
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.positives import PairLoss, log_count, pair_sums, shares
from graph_hcl.losses.precision import at_least_float, full_precision
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
    num_negatives: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the loss [] by the whole matrix of logits, differentiable as often as one likes.

    No shape depends on a value but where negatives are drawn, so that torch can compile and map it.
    With `reduction` "none" there is one value per anchor [A].

    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> dense_loss(z, z, Pairs.among(key, key), PairLoss(False, 0.0, 1.0), NoHardening(),
    ...     prefactor="sum", average="anchor", detach_weights=False)
    tensor(0.5514)
    """
    positives, negatives = pairs.masks()
    same, others = positives.sum(1), negatives.sum(1)
    counted = (same > 0) & (others > 0)
    logits = all_logits(anchors, samples, pair_loss.temperature)
    log_q = log_count(others, prefactor, logits)
    eta = _masked_eta(logits, negatives, hardening, detach_weights)
    if num_negatives is None:
        log_n = log_q + torch.where(counted, _log_mean(logits, eta, negatives), 0.0)
        each = pair_sums(logits, log_n, log_q, positives, pair_loss)
    else:
        check_keys_are_known(pairs, "num_negatives")
        row, column = (positives & counted[:, None]).nonzero(as_tuple=True)
        drawn = _draw(logits, eta, negatives, row, num_negatives)
        hard = logits[row[:, None], drawn].logsumexp(1) - math.log(num_negatives)
        losses = pair_loss(log_q[row] + hard, logits[row, column], log_q[row])
        each = logits[:, :0].sum(1).index_add(0, row, losses)
    return _reduced(each, same, counted, average, reduction)


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
    reduction: str = "mean",
) -> Tensor:
    r"""Return the loss of arXiv 2311.05139 for any convex non-decreasing ψ (section 3).

        ℓ_ip = ψ(t_i·, q_i·),   t_ij = s_ij − s_ip,   q_ij = Q_i η(s_ij) / Σ_{k∈N(i)} η(s_ik)

    over the negatives j of i, or over `num_negatives` of them drawn ∝ η with weight Q_i/K each.
    With ψ = log(1 + Σ q e^t) it is `contrastive_loss`. The pairs are given to ψ in chunks that are
    computed again in the backward pass, so memory is that of a few matrices [A, S]. `reduction`
    is that of `contrastive_loss`.

    Raises `ValueError` for wrong shapes, non-finite features, and values out of range.

    >>> from graph_hcl.losses.psi import InfoNCE
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> psi_loss(z, Pairs.among(key, key), psi=InfoNCE(), temperature=1.0)  # log(1 + 2 / e)
    tensor(0.5514)
    """
    x = anchors if samples is None else samples
    check_values(temperature, 0.0, prefactor, average)
    check_road("auto", reduction, average, num_negatives)
    check_rows(anchors, x, pairs)
    check_keys_are_known(pairs, "psi")
    if not transformed():
        longest_rows(anchors, samples, temperature, steepness(log_eta) or 0.0)
    if not (len(anchors) and len(x)):
        return nothing(anchors, x, reduction)
    hardening = settle(log_eta, anchors, x, pairs, temperature)
    positives, negatives = pairs.masks()
    same, others = positives.sum(1), negatives.sum(1)
    counted = (same > 0) & (others > 0)
    logits = all_logits(anchors, x, temperature)
    eta = _masked_eta(logits, negatives, hardening, detach_weights)
    q = _weights(logits, eta, negatives)
    count = log_count(others, prefactor, logits).exp()
    row, column = (positives & counted[:, None]).nonzero(as_tuple=True)

    def some(row: Tensor, column: Tensor, drawn: Tensor | None) -> Tensor:
        near = logits[row, column, None]
        if drawn is not None:
            t = logits[row[:, None], drawn] - near
            return psi(t, (count[row] / drawn.shape[1])[:, None].expand_as(t))
        mask = negatives[row]
        return psi((logits[row] - near).masked_fill(~mask, 0.0), q[row] * count[row, None])

    size = max(1, CHUNK // max(1, len(x)))
    each = logits[:, :0].sum(1)  # zeros that have a gradient, if there is no pair
    for start in range(0, len(row), size):
        rows, columns = row[start : start + size], column[start : start + size]
        drawn = None
        if num_negatives is not None:
            drawn = _draw(logits, eta, negatives, rows, num_negatives)
        # The transforms of torch.func know no checkpoints.
        losses = (
            some(rows, columns, drawn)
            if transformed()
            else checkpoint(some, rows, columns, drawn, use_reentrant=False)
        )
        each = each.index_add(0, rows, losses)
    return _reduced(each, same, counted, average, reduction)


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
        check_keys_are_known(pairs, "a hardening that sets itself")
        near, far = at_least_float(anchors.detach()), at_least_float(samples.detach())
        with full_precision(near.device.type):
            return solve_betas(log_eta, near, far, pairs, temperature)
    if log_eta is not None and not callable(log_eta):
        raise ValueError(
            f"Expected log_eta to be a function of the logits or an adaptive hardening, but got "
            f"{log_eta!r}."
        )
    return log_eta or NoHardening()


def nothing(anchors: Tensor, samples: Tensor, reduction: str) -> Tensor:
    """Return the loss where there are no anchors or no samples: 0 with a zero gradient.

    >>> nothing(torch.eye(2), torch.empty(0, 2), "none")
    tensor([0., 0.])
    """
    each = at_least_float(anchors)[:, :0].sum(1) + at_least_float(samples)[:0].sum()
    return each if reduction == "none" else each.sum()


def all_logits(anchors: Tensor, samples: Tensor, temperature: float) -> Tensor:
    """Return the inner products over T [A, S], in float32 at least.

    >>> all_logits(torch.eye(2).half(), torch.eye(2).half(), 0.5)
    tensor([[2., 0.],
            [0., 2.]])
    """
    with full_precision(anchors.device.type):
        return at_least_float(anchors) @ at_least_float(samples).t() / temperature


def log_mean_dense(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    temperature: float,
    hardening: LogEta | Tensor,
    detach: bool,
) -> Tensor:
    """Return LSE_N(s + log η) − LSE_N(log η) of each anchor [A]; −∞ without negatives.

    >>> z, key = torch.eye(3), torch.arange(3)
    >>> log_mean_dense(z, z, Pairs.among(key, key), 1.0, NoHardening(), False).abs() < 1e-6
    tensor([True, True, True])
    """
    negatives = pairs.masks()[1]
    logits = all_logits(anchors, samples, temperature)
    return _log_mean(logits, _masked_eta(logits, negatives, hardening, detach), negatives)


def _masked_eta(
    logits: Tensor, negatives: Tensor, hardening: LogEta | Tensor, detach: bool
) -> Tensor:
    """Return log η [A, S], −∞ beside the negatives."""
    if isinstance(hardening, Tensor):
        eta = hardening[:, None] * logits
    else:
        eta = log_eta_of(hardening, logits)
    return (eta.detach() if detach else eta).masked_fill(~negatives, -math.inf)


def _reduced(each: Tensor, same: Tensor, counted: Tensor, average: str, reduction: str) -> Tensor:
    """Return the loss of sums over the positives of each anchor [A]."""
    if reduction == "none":
        return torch.where(counted, each / same.clamp_min(1), 0.0)
    return torch.where(counted, each * shares(same, counted, average, each), 0.0).sum()


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
