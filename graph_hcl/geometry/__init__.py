"""What an embedding space looks like: collapse, and what theory says of the losses on it."""

from graph_hcl.geometry.collapse import (
    LIVE,
    alignment,
    class_mean_spectrum,
    class_means,
    covariance_spectrum,
    effective_rank,
    equal_inner_product,
    feature_std,
    live_dimensions,
    nearest_class_mean,
    rankme,
    uniformity,
    unit_norm,
    within_class,
    zero_sum,
)
from graph_hcl.geometry.theory import Anchors, collapse_point, look_at, loss_floor, simplex

__all__ = [
    "LIVE",
    "Anchors",
    "alignment",
    "class_mean_spectrum",
    "class_means",
    "collapse_point",
    "covariance_spectrum",
    "effective_rank",
    "equal_inner_product",
    "feature_std",
    "live_dimensions",
    "look_at",
    "loss_floor",
    "nearest_class_mean",
    "rankme",
    "simplex",
    "uniformity",
    "unit_norm",
    "within_class",
    "zero_sum",
]
