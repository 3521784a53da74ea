"""What a training's features look like, epoch by epoch: labels are read here, never by the loss."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl import geometry


@torch.inference_mode()
def diagnose(z: Tensor, graph: Tensor, label: Tensor, objective: Any = None) -> dict[str, float]:
    """Return losses, orderings and collapse metrics of one batch's features z [M, d] as numbers.

    The four losses of arXiv 2209.00078 (with Q = 1) and the weights of the negatives are those of
    the objective's temperature and hardening; T = .5 and β = 1 where it has none. Values that a
    batch does not define (one class, no positive) are left out.

    >>> z, label = geometry.simplex(3).repeat(2, 1), torch.arange(3).repeat(2)
    >>> found = diagnose(z, torch.arange(3).repeat(2), label)
    >>> round(found["equal_inner_product"], 4), found["class_mean_accuracy"]
    (0.0, 1.0)
    """
    z, several = z.detach().float(), len(label.unique()) > 1
    views = len(graph.unique()) < len(graph)
    temperature = getattr(objective, "temperature", 0.5)
    hardening = getattr(objective, "hardening", None)
    seen = geometry.negative_statistics(
        z,
        graph,
        label,
        temperature=temperature,
        hardening=hardening,
        positives="views" if views else "label",
    )
    means, rank = geometry.class_means(z, label), geometry.covariance_spectrum(z)
    holds = seen.assumption_1()
    found = seen.losses() | {
        "assumption_1": float(holds.float().mean()) if len(holds) else math.nan,
        "same_class_mass": float(seen.same_class_mass().mean()),
        "effective_sample_size": float(seen.effective_sample_size().mean()),
        "zero_sum": float(geometry.zero_sum(means)),
        "unit_norm": float(geometry.unit_norm(means)),
        "equal_inner_product": float(geometry.equal_inner_product(means)) if several else math.nan,
        "within_class": float(geometry.within_class(z, label)),
        "class_mean_accuracy": float(geometry.nearest_class_mean(z, label)),
        "effective_rank": float(geometry.effective_rank(rank)),
        "uniformity": float(geometry.uniformity(z)),
        "feature_std": float(geometry.feature_std(z)),
    }
    first, second = _twins(graph)
    if len(first):
        found["alignment"] = float(geometry.alignment(z[first], z[second]))
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _twins(graph: Tensor) -> tuple[Tensor, Tensor]:
    """Return one row and the next of the same graph, for all graphs with two rows or more."""
    order = graph.argsort(stable=True)
    same = graph[order][1:] == graph[order][:-1]
    return order[:-1][same], order[1:][same]
