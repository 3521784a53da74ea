"""Baselines without training: bags of labels, Weisfeiler–Lehman kernels, the majority class."""

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
