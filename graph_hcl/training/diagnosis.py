"""Metrics of the features of one batch; they read labels, whatever the objective reads."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graph_hcl import geometry
from graph_hcl.losses.objective import CallableObjective


@torch.inference_mode()
def diagnose(z: Tensor, graph: Tensor, label: Tensor, objective: Any = None) -> dict[str, float]:
    """Return losses, orderings and collapse metrics of one batch's features z [M, d] as numbers.

    The four losses of arXiv 2209.00078 (prefactor "mean") and the statistics of the negatives use
    the temperature and the hardening of the objective; T = 0.5 and exponential hardening with β = 1
    where it has none. Values that a batch does not define (one class, no positive) are left out.

    >>> z, label = geometry.simplex(3).repeat(2, 1), torch.arange(3).repeat(2)
    >>> metrics = diagnose(z, torch.arange(3).repeat(2), label)
    >>> round(metrics["equal_inner_product"], 4), metrics["class_mean_accuracy"]
    (0.0, 1.0)
    """
    z = z.detach().float()
    metrics = _loss_metrics(z, graph, label, objective) | _collapse_metrics(z, label)
    first, second = _view_pairs(graph)
    if len(first):
        metrics["alignment"] = float(geometry.alignment(z[first], z[second]))
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _loss_metrics(z: Tensor, graph: Tensor, label: Tensor, objective: Any) -> dict[str, float]:
    """Return the four losses, how often Assumption 1 holds, and statistics of the negatives."""
    temperature, hardening = _contrast(objective)
    several_views = len(graph.unique()) < len(graph)
    negatives = geometry.look_at(
        z,
        graph,
        label,
        temperature=temperature,
        log_eta=hardening,
        positives="views" if several_views else "label",
    )
    holds = negatives.assumption_1()
    return negatives.losses() | {
        "assumption_1": float(holds.float().mean()) if len(holds) else math.nan,
        "same_class_mass": float(negatives.same_class_mass().mean()),
        "effective_sample_size": float(negatives.effective_sample_size().mean()),
    }


def _collapse_metrics(z: Tensor, label: Tensor) -> dict[str, float]:
    """Return the distances from neural collapse, and the spread of the features."""
    means, spectrum = geometry.class_means(z, label), geometry.covariance_spectrum(z)
    angles = float(geometry.equal_inner_product(means)) if len(means) > 1 else math.nan
    return {
        "zero_sum": float(geometry.zero_sum(means)),
        "unit_norm": float(geometry.unit_norm(means)),
        "equal_inner_product": angles,
        "within_class": float(geometry.within_class(z, label)),
        "class_mean_accuracy": float(geometry.nearest_class_mean(z, label)),
        "effective_rank": float(geometry.effective_rank(spectrum)),
        "uniformity": float(geometry.uniformity(z)),
        "feature_std": float(geometry.feature_std(z)),
    }


def _contrast(objective: Any) -> tuple[float, Any]:
    """Return the temperature and the hardening of an objective; 0.5 and None where it has none.

    The one place that asks an objective for more than its protocol: only contrastive objectives
    have these attributes, and nothing but this display depends on them.
    """
    if isinstance(objective, CallableObjective):
        objective = objective.function
    hardening = getattr(objective, "hardening", getattr(objective, "log_eta", None))
    return getattr(objective, "temperature", 0.5), hardening


def _view_pairs(graph: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of each pair of consecutive views of the same graph."""
    order = graph.argsort(stable=True)
    same = graph[order][1:] == graph[order][:-1]
    return order[:-1][same], order[1:][same]
