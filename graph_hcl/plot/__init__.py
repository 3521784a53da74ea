"""Figures of runs and embedding spaces; each function draws on matplotlib axes and returns them."""

from graph_hcl.plot.curves import collapse, compare, losses, orderings, ranks, spread
from graph_hcl.plot.files import save, svg
from graph_hcl.plot.maps import check_map, embedding_map, project
from graph_hcl.plot.scores import confusion, folds
from graph_hcl.plot.space import similarities, spectra
from graph_hcl.plot.style import styled

__all__ = [
    "check_map",
    "collapse",
    "compare",
    "confusion",
    "embedding_map",
    "folds",
    "losses",
    "orderings",
    "project",
    "ranks",
    "save",
    "similarities",
    "spectra",
    "spread",
    "styled",
    "svg",
]
