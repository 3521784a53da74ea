"""Geometry of an embedding space: collapse, loss floors, and the quantities of the theory.

`within_class`, `equal_inner_product` and their neighbours measure neural collapse, `effective_rank`
and the spectra dimensional collapse; `loss_floor` and `collapse_point` are levels of the losses;
`negative_statistics` tells what the negatives of each anchor are; `match_temperature` and
`equivalent_temperature` say which temperature a hardness amounts to.
"""

from graph_hcl.geometry.collapse import (
    class_mean_spectrum,
    class_means,
    covariance_spectrum,
    effective_rank,
    equal_inner_product,
    live_dimensions,
    nearest_class_mean,
    rankme,
    unit_norm,
    within_class,
    zero_sum,
)
from graph_hcl.geometry.distances import alignment, feature_std, spread, uniformity
from graph_hcl.geometry.floors import collapse_point, loss_floor, simplex
from graph_hcl.geometry.temperature import (
    TemperatureMatch,
    effective_share,
    equivalent_temperature,
    match_temperature,
)
from graph_hcl.geometry.theory import AnchorStatistics, negative_statistics, negative_weights

__all__ = [
    "AnchorStatistics",
    "TemperatureMatch",
    "alignment",
    "class_mean_spectrum",
    "class_means",
    "collapse_point",
    "covariance_spectrum",
    "effective_rank",
    "effective_share",
    "equal_inner_product",
    "equivalent_temperature",
    "feature_std",
    "live_dimensions",
    "loss_floor",
    "match_temperature",
    "nearest_class_mean",
    "negative_statistics",
    "negative_weights",
    "rankme",
    "simplex",
    "spread",
    "uniformity",
    "unit_norm",
    "within_class",
    "zero_sum",
]
