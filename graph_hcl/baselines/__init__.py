"""Baselines without training: bags of labels, Weisfeiler–Lehman kernels, the majority class.

`wl_subtree` and `wl_optimal_assignment` are kernels for `graph_hcl.probes.kernel_svm`, `bag` is a
matrix of embeddings, and `BASELINES` are those that a benchmark takes by name.
"""

from graph_hcl.baselines.baseline import Baseline, bag
from graph_hcl.baselines.wl import refine, wl_optimal_assignment, wl_subtree
from graph_hcl.registries import BASELINES

__all__ = [
    "BASELINES",
    "Baseline",
    "bag",
    "refine",
    "wl_optimal_assignment",
    "wl_subtree",
]
