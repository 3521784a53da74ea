"""Controls that no result should be without: what graphs tell before anything is learned."""

from graph_hcl.controls.control import CONTROLS, ROUNDS, Control, bag
from graph_hcl.controls.wl import refine, wl_optimal_assignment, wl_subtree

__all__ = [
    "CONTROLS",
    "ROUNDS",
    "Control",
    "bag",
    "refine",
    "wl_optimal_assignment",
    "wl_subtree",
]
