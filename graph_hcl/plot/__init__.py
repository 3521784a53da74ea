"""Figures of runs and embedding spaces; each function draws on matplotlib axes and returns them."""

from graph_hcl.plot.curves import collapse, compare, losses, orderings, ranks
from graph_hcl.plot.scores import confusion, folds
from graph_hcl.plot.space import embedding_map, project, similarities, spectra
from graph_hcl.plot.style import save, styled

__all__ = [
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
    "styled",
]
