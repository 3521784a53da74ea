"""Metrics of the features of one batch; they read labels where there are any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from graph_hcl import geometry
from graph_hcl.geometry.rounding import scaled
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_tensor
from graph_hcl.losses.contrastive import ContrastiveLoss
from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.objective import CallableObjective
from graph_hcl.losses.precision import unit
from graph_hcl.losses.settings import LossSettings


@names_arguments()
@torch.inference_mode()
def diagnose(
    z: Tensor, graph: Tensor, label: Tensor | None, objective: Any = None
) -> dict[str, float]:
    """Return losses, orderings and collapse metrics of one batch's features z [M, d] as numbers.

    The four losses of arXiv 2209.00078 (with Q = 1) and the statistics of the negatives use
    the temperature and the hardening of the objective, T = 0.5 and exponential hardening with β = 1
    where it has none, and rows of length 1 if it normalises them; other metrics are of the features
    as they are. Values that a batch does not define (no classes, one class, no positive, features
    that are not finite) are left out.

    Args:
        z: features [M, d], as the objective gets them.
        graph: graph [M] that each row is a view of.
        label: class [M] of each row, NaN where it has none, or None. Real targets, and those of
            several tasks, are no classes.
        objective: the objective that is trained.

    >>> z, label = geometry.simplex(3).repeat(2, 1), torch.arange(3).repeat(2)
    >>> metrics = diagnose(z, torch.arange(3).repeat(2), label)
    >>> round(metrics["equal_inner_product"], 4), metrics["class_mean_accuracy"]
    (0.0, 1.0)
    """
    check_tensor("z", z)
    z = z.detach().float()
    if not z.numel() or not bool(torch.isfinite(z).all()):
        return {}
    metrics, graph = _spread_metrics(z), as_keys(graph, "graph", z)
    if label is not None and len(rows := _rows_with_class(z, label)):
        some, names = z[rows], label[rows]
        metrics |= _loss_metrics(some, graph[rows], names, objective)
        metrics |= _collapse_metrics(some, names)
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
        share = geometry.effective_share(_contrasted(z, objective), graph, objective.temperature)
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


def _rows_with_class(z: Tensor, label: Tensor) -> Tensor:
    """Return the rows [K] that have a class: none of real targets, nor of several tasks."""
    every = torch.arange(len(z), device=z.device)
    if isinstance(label, Tensor) and label.dim() == 2 and len(label) == len(z):
        return every[:0]
    if isinstance(label, Tensor) and label.is_floating_point() and label.shape == every.shape:
        rows = every[~label.isnan()]
        values = label[rows]
        return rows if bool((values.long() == values).all()) else rows[:0]
    as_keys(label, "label", z)
    return every


def _loss_metrics(z: Tensor, graph: Tensor, label: Tensor, objective: Any) -> dict[str, float]:
    """Return the four losses, how often Assumption 1 holds, and statistics of the negatives."""
    temperature, hardening = _contrast(objective)
    several_views = len(graph.unique()) < len(graph)
    negatives = geometry.negative_statistics(
        _contrasted(z, objective),
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
        # Which no factor changes, while squares may be out of range.
        "effective_rank": float(
            geometry.effective_rank(geometry.covariance_spectrum(scaled(z)[0]))
        ),
        "uniformity": float(geometry.uniformity(z)) if len(z) > 1 else math.nan,
        "feature_std": float(geometry.feature_std(z)),
    }


def _contrasted(z: Tensor, objective: Any) -> Tensor:
    """Return the rows [M, d] that an objective contrasts: of length 1 if it normalises them."""
    return unit(z) if getattr(_own(objective), "normalize", False) is True else z


def _own(objective: Any) -> Any:
    """Return an objective, or the function that it calls."""
    return objective.function if isinstance(objective, CallableObjective) else objective


def _contrast(objective: Any) -> tuple[float, Any]:
    """Return the temperature and the hardening of an objective; 0.5 and None where it has none.

    Only contrastive objectives have these attributes, which are no part of an objective's
    protocol, and nothing but this display depends on them.
    """
    objective = _own(objective)
    temperature = getattr(objective, "temperature", 0.5)
    hardening = getattr(objective, "hardening", None)
    if isinstance(temperature, Tensor) and temperature.numel() == 1:  # a learned one
        temperature = float(temperature)
    try:
        LossSettings(temperature=temperature, hardening=hardening)
    except ValueError:  # another meaning of these names
        return 0.5, None
    return temperature, hardening


def _view_pairs(graph: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of each pair of consecutive views of the same graph."""
    order = graph.argsort(stable=True)
    same = graph[order][1:] == graph[order][:-1]
    return order[:-1][same], order[1:][same]
