"""InfoGraph's Jensen–Shannon loss between nodes and graphs, and its form with hard negatives."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.checks import (
    check_logits,
    check_road,
    check_rows,
    check_values,
    longest_row,
    transformed,
)
from graph_hcl.losses.contrast import OBJECTIVES
from graph_hcl.losses.contrastive import Reduction
from graph_hcl.losses.dense import all_logits, nothing
from graph_hcl.losses.hardening import LogEta, NoHardening, log_eta_of, steepness
from graph_hcl.losses.make import make_hardening
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.views import as_keys


def jensen_shannon_loss(
    nodes: Tensor,
    graphs: Tensor,
    pairs: Pairs,
    *,
    temperature: float = 1.0,
    log_eta: LogEta | None = None,
    tau_plus: float = 0.0,
    detach_weights: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the negative Jensen–Shannon estimate of the information between nodes and graphs.

    With s_ij = ⟨h_i, g_j⟩ / T of node i and graph j,

        L = mean_i [mean_{p∈P(i)} softplus(−s_ip) + E_i⁻] − 2 log 2,
        E_i⁻ = Σ_{j∈N(i)} w_ij softplus(s_ij),   w_ij = η(s_ij) / Σ_{k∈N(i)} η(s_ik)

    (InfoGraph, arXiv 1908.01000, equations 4 and 5, with η = 1). A growing η weighs hard negatives
    up, as equation 4 of Robinson et al. (ICLR 2021) demands; `tau_plus` removes the share of the
    anchor's own class that is expected among the negatives, E_i⁻ ← max((E_i⁻ − τ⁺ mean_p
    softplus(s_ip)) / (1 − τ⁺), 0), which pulls positives nearer, never away. Nodes without a
    positive or a negative graph are not counted; the loss is 0 when none is left. `reduction`
    "none" gives the value of each node [n] instead, 0 for one that is not counted.

    Raises `ValueError` for wrong shapes, non-finite features, and values out of range.

    >>> nodes, graphs, key = torch.zeros(3, 2), torch.zeros(2, 2), torch.tensor([0, 0, 1])
    >>> names = torch.arange(2)
    >>> pairs = Pairs((key, names), (key, names))
    >>> jensen_shannon_loss(nodes, graphs, pairs)  # no information
    tensor(0.)
    """
    check_values(temperature, tau_plus, "sum", "anchor")
    check_road("auto", reduction, "anchor", None)
    check_rows(nodes, graphs, pairs, ("nodes [n, d]", "graphs [B, d]"))
    if not transformed():
        longest = longest_row(nodes), longest_row(graphs)
        check_logits(*longest, temperature, steepness(log_eta) or 0.0, nodes.dtype)
    if not (len(nodes) and len(graphs)):
        return nothing(nodes, graphs, reduction)
    positives, negatives = pairs.masks()
    counted = positives.any(1) & negatives.any(1)
    s = all_logits(nodes, graphs, temperature)
    eta = log_eta_of(log_eta or NoHardening(), s)
    eta = (eta.detach() if detach_weights else eta).masked_fill(~negatives, -math.inf)
    empty = (eta == -math.inf).all(1, keepdim=True)
    hardest = s.detach().masked_fill(~negatives, -math.inf)
    alone = (hardest == hardest.amax(1, keepdim=True)).to(s)
    weights = torch.where(empty, alone, torch.where(empty, 0, eta).softmax(1) * negatives)
    away = F.softplus(s, threshold=40.0)
    share = positives / positives.sum(1, keepdim=True).clamp_min(1)
    near = ((away - s) * share).sum(1)
    total = torch.where(counted[:, None], weights.sum(1, keepdim=True), 1.0)
    far = (weights / total * away).sum(1)
    if tau_plus > 0:
        far = ((far - tau_plus * (away * share).sum(1)) / (1 - tau_plus)).clamp_min(0.0)
    each = torch.where(counted, near + far - 2 * math.log(2), 0.0)
    if reduction == "none":
        return each
    return each.sum() / counted.sum().clamp_min(1)


@OBJECTIVES.register("infograph")
class InfoGraph(nn.Module):
    """InfoGraph: a node's features tell its graph from the others of the batch.

    `loss(z, graph=graph, nodes=nodes, node_graph=node_graph)` takes graph features z [M, d] with
    the graph [M] of each, and node features [n, d] with theirs [n]. Its inner products are those
    of the paper, of features as they are: it normalises nothing. `reduction` "none" gives one value
    per node [n]. Raises `ValueError` for a
    temperature of 0 or less, and for features or graphs that do not fit each other.

    >>> graph = torch.tensor([0, 1])
    >>> nodes, node_graph = torch.zeros(4, 3), graph.repeat(2)
    >>> InfoGraph()(torch.zeros(2, 3), graph=graph, nodes=nodes, node_graph=node_graph)
    tensor(0.)
    """

    uses_labels = False
    reads_nodes = True

    def __init__(self, *, temperature: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__()
        check_values(temperature, 0.0, "sum", "anchor")
        check_road("auto", reduction, "anchor", None)
        self.reduction: Reduction = reduction
        self.temperature = temperature
        self.log_eta: Any = None
        self.settings: dict[str, Any] = {}

    def counted(self, graph: Tensor, label: Tensor | None = None) -> Tensor:
        """Return how many rows have another graph beside them [], whatever their labels."""
        return (graph != graph[:1]).any() * len(graph)

    def forward(
        self,
        z: Tensor,
        *,
        graph: Tensor,
        nodes: Tensor,
        node_graph: Tensor,
        label: Tensor | None = None,
    ) -> Tensor:
        """Return the loss of all nodes against all graphs; labels are not read."""
        keys = as_keys(node_graph, "node_graph", nodes), as_keys(graph, "graph", z)
        return jensen_shannon_loss(
            nodes,
            z,
            Pairs(keys, keys),
            temperature=self.temperature,
            log_eta=self.log_eta,
            reduction=self.reduction,
            **self.settings,
        )


@OBJECTIVES.register("h-infograph")
class HInfoGraph(InfoGraph):
    """InfoGraph with hard negatives, weighted up by η = e^{βs} and debiased by `tau_plus`.

    The hard form that Robinson et al. (ICLR 2021) intend; their graph code weighs easy negatives
    up and, with its τ⁺, does not attract positives.

    >>> graph = torch.tensor([0, 1])
    >>> nodes, node_graph = torch.zeros(4, 3), graph.repeat(2)
    >>> loss = HInfoGraph(beta=1.0)
    >>> loss(torch.zeros(2, 3), graph=graph, nodes=nodes, node_graph=node_graph)
    tensor(0.)
    """

    def __init__(
        self,
        *,
        temperature: float = 1.0,
        beta: float = 1.0,
        hardening: str | LogEta = "exponential",
        hardening_options: dict[str, Any] | None = None,
        tau_plus: float = 0.0,
        detach_weights: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(temperature=temperature, reduction=reduction)
        check_values(temperature, tau_plus, "sum", "anchor")
        self.log_eta = make_hardening(hardening, beta, hardening_options)
        if isinstance(self.log_eta, Adaptive):
            raise ValueError(
                f"Expected a hardening with the same beta for all nodes, but got {hardening!r}."
            )
        self.settings = {"tau_plus": tau_plus, "detach_weights": detach_weights}
