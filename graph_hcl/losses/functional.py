"""The contrastive losses as functions: the formulas of the papers, in one place.

UCL, SCL, H-UCL and H-SCL are `contrastive_loss` with different pairs and hardening; `psi_loss` is
its generalisation to any convex ψ, and `jensen_shannon_loss` contrasts nodes with graphs.
"""

from __future__ import annotations

import math
from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from graph_hcl.losses._kernels.dense import all_logits, empty_loss
from graph_hcl.losses._kernels.dispatch import compute_loss, compute_psi_loss
from graph_hcl.losses.adaptive import resolve_hardening
from graph_hcl.losses.checks import check_rows
from graph_hcl.losses.finite import largest_product
from graph_hcl.losses.hardening import Adaptive
from graph_hcl.losses.options import lists_options
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import of_one_type
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.settings import (
    JensenShannonOptions,
    LossOptions,
    LossSettings,
    PsiOptions,
)
from graph_hcl.losses.weighting import check_has_weights, hardness_weights

__all__ = ["contrastive_loss", "jensen_shannon_loss", "psi_loss"]


@lists_options(LossOptions)
def contrastive_loss(
    anchors: Tensor, pairs: Pairs, samples: Tensor | None = None, **options: Unpack[LossOptions]
) -> Tensor:
    r"""Return the hard-negative contrastive loss of anchors against samples.

    With logits s_ij = ⟨a_i, x_j⟩ / T, positives P(i) and negatives N(i) of each anchor i,

        ℓ_ip = −log( e^{s_ip} / (e^{s_ip} + n_i) ),
        n_i  = Q_i · Σ_{j∈N(i)} η(s_ij) e^{s_ij} / Σ_{j∈N(i)} η(s_ij),
        L    = mean_i mean_{p∈P(i)} ℓ_ip.

    This is equation (1) of arXiv 2209.00078 for η = 1 (UCL, SCL), and its H-UCL and H-SCL for a
    growing η, by importance sampling (proposition 1). It is the loss of arXiv 2311.05139 with
    InfoNCE as ψ. With η = e^{βs} and τ⁺ > 0 it is the debiased estimator of Robinson et al.
    (ICLR 2021), n_ip = max((n_i − τ⁺ Q_i e^{s_ip}) / (1 − τ⁺), Q_i e^{−1/T}).

    All of it is computed in log space, ℓ_ip = softplus(log n_i − s_ip), in float32 at least. An
    anchor without positives or without negatives does not count; if none counts, the loss is 0
    with a zero gradient. The second derivative exists, with the β of an adaptive hardening held
    constant. Inside `torch.compile` and the transforms of `torch.func` no values are checked.

    Args:
        anchors: features [A, d], used as they are. Normalise them first; a warning names logits
            beyond ±100.
        pairs: which samples are positives and negatives of which anchor.
        samples: features [S, d]; the anchors themselves unless given.
        **options: the settings of `LossSettings`.

    Raises:
        ValueError: for wrong shapes, features that are not finite, and values out of range.

    >>> z = torch.eye(2).repeat(2, 1)
    >>> graph = torch.tensor([0, 1, 0, 1])
    >>> contrastive_loss(z, Pairs.among(graph, graph), temperature=1.0)  # log(1 + 2 / e)
    tensor(0.5514)
    """
    settings = LossSettings(**options)  # type: ignore[arg-type]
    if settings.validate_args:
        check_rows(anchors, anchors if samples is None else samples, pairs)
    anchors, samples = of_one_type(anchors, samples)
    reach = largest_product(anchors, samples, settings)
    return compute_loss(anchors, samples, pairs, settings, reach)


@lists_options(PsiOptions)
def psi_loss(
    anchors: Tensor,
    pairs: Pairs,
    samples: Tensor | None = None,
    *,
    psi: Psi,
    **options: Unpack[PsiOptions],
) -> Tensor:
    r"""Return the loss of arXiv 2311.05139 for any convex non-decreasing ψ (section 3).

        ℓ_ip = ψ(t_i·, q_i·),   t_ij = s_ij − s_ip,   q_ij = Q_i η(s_ij) / Σ_{k∈N(i)} η(s_ik)

    over the negatives j of i, or over `num_negatives` of them drawn ∝ η with weight Q_i/K each.
    With ψ = log(1 + Σ q e^t) it is `contrastive_loss`, whose other arguments it shares. It holds
    a few matrices [A, S].

    Args:
        anchors: features [A, d].
        pairs: which samples are positives and negatives of which anchor.
        samples: features [S, d]; the anchors themselves unless given.
        psi: ψ(t [P, K], q [P, K]) -> losses [P].
        **options: the settings of `LossSettings` that apply.

    Raises:
        ValueError: as `contrastive_loss`.

    >>> from graph_hcl.losses.psi import InfoNCE
    >>> z, key = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> psi_loss(z, Pairs.among(key, key), psi=InfoNCE(), temperature=1.0)  # log(1 + 2 / e)
    tensor(0.5514)
    """
    settings = LossSettings(**options)
    check_has_weights(settings.hardening, "psi")
    if not callable(psi) or isinstance(psi, type):
        raise ValueError(
            f"Expected psi as a function of t and q, such as Triplet(), but got {psi!r:.60}."
        )
    if settings.validate_args:
        check_rows(anchors, anchors if samples is None else samples, pairs)
    anchors, samples = of_one_type(anchors, samples)
    largest_product(anchors, samples, settings)
    return compute_psi_loss(anchors, samples, pairs, settings, psi)


@lists_options(JensenShannonOptions, temperature=1.0)
def jensen_shannon_loss(
    nodes: Tensor, graphs: Tensor, pairs: Pairs, **options: Unpack[JensenShannonOptions]
) -> Tensor:
    r"""Return the negative Jensen–Shannon estimate of the information between nodes and graphs.

    With s_ij = ⟨h_i, g_j⟩ / T of node i and graph j,

        L = mean_i [mean_{p∈P(i)} softplus(−s_ip) + E_i⁻] − 2 log 2,
        E_i⁻ = Σ_{j∈N(i)} w_ij softplus(s_ij),   w_ij = η(s_ij) / Σ_{k∈N(i)} η(s_ik)

    (InfoGraph, arXiv 1908.01000, equations 4 and 5, with η = 1). A growing η puts more weight on
    hard negatives, as equation 4 of Robinson et al. (ICLR 2021) demands. τ⁺ removes the share of
    the anchor's own class that is expected among the negatives,
    E_i⁻ ← max((E_i⁻ − τ⁺ mean_p softplus(s_ip)) / (1 − τ⁺), 0), which pulls positives nearer,
    never away. A node without a positive or a negative graph does not count; the loss is 0 if none
    counts.

    Args:
        nodes: features [n, d], used as they are.
        graphs: features [B, d].
        pairs: which graphs are positives and negatives of which node.
        **options: the settings of `LossSettings` that apply; the hardening must not be adaptive.

    Raises:
        ValueError: for wrong shapes, features that are not finite, and values out of range.

    >>> nodes, graphs, key = torch.zeros(3, 2), torch.zeros(2, 2), torch.tensor([0, 0, 1])
    >>> names = torch.arange(2)
    >>> pairs = Pairs((key, names), (key, names))
    >>> jensen_shannon_loss(nodes, graphs, pairs)  # no information
    tensor(0.)
    """
    return compute_jensen_shannon(
        nodes, graphs, pairs, LossSettings(**({"temperature": 1.0} | options))
    )


def compute_jensen_shannon(
    nodes: Tensor, graphs: Tensor, pairs: Pairs, settings: LossSettings
) -> Tensor:
    """Return `jensen_shannon_loss` with settings that are made already.

    >>> nodes, key = torch.zeros(3, 2), torch.arange(3)
    >>> compute_jensen_shannon(nodes, nodes, Pairs((key, key), (key, key)), LossSettings())
    tensor(0.)
    """
    check_has_weights(settings.hardening, "the Jensen–Shannon estimate")
    if settings.validate_args:
        check_rows(nodes, graphs, pairs, ("nodes [n, d]", "graphs [B, d]"))
        if isinstance(settings.hardening, Adaptive):
            raise ValueError("Expected a hardening with the same beta for all nodes.")
    nodes, graphs = of_one_type(nodes, graphs)
    largest_product(nodes, graphs, settings, warn=False)
    if not (len(nodes) and len(graphs)):
        return empty_loss(nodes, graphs, settings)
    positives, negatives = pairs.masks()
    counted = positives.any(1) & negatives.any(1)
    s = all_logits(nodes, graphs, settings.temperature)
    weights = hardness_weights(s, negatives, resolve_hardening(settings, nodes, graphs, pairs))
    share = positives.to(s) / positives.sum(1, keepdim=True).clamp_min(1)
    away = F.softplus(s, threshold=40.0)
    near = ((away - s) * share).sum(1)
    far = (weights * away).sum(1)
    if settings.tau_plus > 0:
        collisions = (away * share).sum(1)
        far = ((far - settings.tau_plus * collisions) / (1 - settings.tau_plus)).clamp_min(0.0)
    each = torch.where(counted, near + far - 2 * math.log(2), 0.0)
    return each if settings.reduction == "none" else each.sum() / counted.sum().clamp_min(1)
