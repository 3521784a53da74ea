"""Metrics of the features of one batch; they read labels where there are any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from graph_hcl import geometry
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.contrastive import ContrastiveLoss
from graph_hcl.losses.objective import CallableObjective


@names_arguments()
@torch.inference_mode()
def diagnose(
    z: Tensor, graph: Tensor, label: Tensor | None, objective: Any = None
) -> dict[str, float]:
    """Return losses, orderings and collapse metrics of one batch's features z [M, d] as numbers.

    The four losses of arXiv 2209.00078 (with Q = 1) and the statistics of the negatives use
    the temperature and the hardening of the objective; T = 0.5 and exponential hardening with β = 1
    where it has none. Values that a batch does not define (no labels, one class, no positive) are
    left out.

    Args:
        z: features [M, d], as the objective gets them.
        graph: graph [M] that each row is a view of.
        label: class [M] of each row, or None.
        objective: the objective that is trained.

    >>> z, label = geometry.simplex(3).repeat(2, 1), torch.arange(3).repeat(2)
    >>> metrics = diagnose(z, torch.arange(3).repeat(2), label)
    >>> round(metrics["equal_inner_product"], 4), metrics["class_mean_accuracy"]
    (0.0, 1.0)
    """
    z = z.detach().float()
    metrics = _spread_metrics(z)
    if label is not None:
        metrics |= _loss_metrics(z, graph, label, objective) | _collapse_metrics(z, label)
    first, second = _view_pairs(graph)
    if len(first):
        metrics["alignment"] = float(geometry.alignment(z[first], z[second]))
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


@names_arguments()
def diagnose_temperature(
    z: Tensor, graph: Tensor, label: Tensor | None, objective: Any = None
) -> dict[str, float]:
    """Return at which temperature the plain loss trains one batch as a hardened objective does.

    `temperature` is the objective's own and `effective_share` that of `geometry.effective_share` at
    it; `matched_temperature` and `gradient_cosine` are those of `geometry.match_temperature`. Other
    objectives than contrastive ones have none of them, plain ones no match.

    Args:
        z: features [M, d], as the objective gets them.
        graph: graph [M] that each row is a view of.
        label: class [M] of each row, or None.
        objective: the objective that is trained.

    >>> from graph_hcl.losses import HUCL
    >>> z = torch.nn.functional.normalize(torch.eye(4).repeat(2, 1) + 0.1, dim=1)
    >>> sorted(diagnose_temperature(z, torch.arange(4).repeat(2), None, HUCL(beta=0.5)))
    ['effective_share', 'gradient_cosine', 'matched_temperature', 'temperature']
    """
    if not isinstance(objective, ContrastiveLoss) or not bool(torch.isfinite(z).all()):
        return {}
    try:
        share = geometry.effective_share(z, graph, objective.temperature)
        found = {"temperature": objective.temperature, "effective_share": share}
        if objective.hardening is None:
            return found
        match = geometry.match_temperature(objective, z, graph, label)
    except ValueError:  # no row has both a positive and a negative, or all features agree
        return {}
    return found | {
        "matched_temperature": match.temperature,
        "gradient_cosine": match.cosine,
    }


def describe_temperature(records: Sequence[Mapping[str, Any]]) -> str:
    """Return one line on the temperature that a run's hardness amounts to, empty without any.

    `records` are lines of `metrics.jsonl`; the last value of each part counts, and parts are
    averaged.

    >>> log = [{"part": "seed0", "matched_temperature": 0.1004, "gradient_cosine": 0.998}]
    >>> print(describe_temperature(log), end="")
    trained like the plain loss at temperature 0.100 (cosine of the gradients 0.998)
    """
    last = {r["part"]: r for r in records if "matched_temperature" in r}
    if not last:
        return ""
    matched, cosine = (
        sum(float(record[key]) for record in last.values()) / len(last)
        for key in ("matched_temperature", "gradient_cosine")
    )
    return (
        f"trained like the plain loss at temperature {matched:.3f} (cosine of the gradients "
        f"{cosine:.3f})\n"
    )


def _loss_metrics(z: Tensor, graph: Tensor, label: Tensor, objective: Any) -> dict[str, float]:
    """Return the four losses, how often Assumption 1 holds, and statistics of the negatives."""
    temperature, hardening = _contrast(objective)
    several_views = len(graph.unique()) < len(graph)
    negatives = geometry.negative_statistics(
        z,
        graph,
        label,
        temperature=temperature,
        hardening=hardening,
        positives="views" if several_views else "label",
    )
    holds = negatives.assumption_1()
    return negatives.losses() | {
        "assumption_1": float(holds.float().mean()) if len(holds) else math.nan,
        "same_class_mass": float(negatives.same_class_mass().mean()),
        "effective_sample_size": float(negatives.effective_sample_size().mean()),
    }


def _collapse_metrics(z: Tensor, label: Tensor) -> dict[str, float]:
    """Return the distances from neural collapse."""
    means = geometry.class_means(z, label)
    angles = float(geometry.equal_inner_product(means)) if len(means) > 1 else math.nan
    return {
        "zero_sum": float(geometry.zero_sum(means)),
        "unit_norm": float(geometry.unit_norm(means)),
        "equal_inner_product": angles,
        "within_class": float(geometry.within_class(z, label)),
        "class_mean_accuracy": float(geometry.nearest_class_mean(z, label)),
    }


def _spread_metrics(z: Tensor) -> dict[str, float]:
    """Return how the features spread."""
    return {
        "effective_rank": float(geometry.effective_rank(geometry.covariance_spectrum(z))),
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
    return getattr(objective, "temperature", 0.5), getattr(objective, "hardening", None)


def _view_pairs(graph: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of each pair of consecutive views of the same graph."""
    order = graph.argsort(stable=True)
    same = graph[order][1:] == graph[order][:-1]
    return order[:-1][same], order[1:][same]
