"""Figures of runs and embedding spaces; each function draws on matplotlib axes and returns them.

Without `ax`, a new figure is created: a notebook displays it when the axes are the value of a cell,
and it need not be closed. With `ax`, the function draws on those axes. Figures that are created
within `styled("dark")`, or have a dark background already, are drawn for a dark page.
"""

from graph_hcl.plot.curves import (
    collapse,
    compare,
    losses,
    orderings,
    ranks,
    spread,
    temperatures,
)
from graph_hcl.plot.embedding import embedding_map
from graph_hcl.plot.files import save, svg
from graph_hcl.plot.maps import project
from graph_hcl.plot.scores import confusion, folds, predictions
from graph_hcl.plot.space import similarities, spectra, weights
from graph_hcl.plot.style import styled

__all__ = [
    "collapse",
    "compare",
    "confusion",
    "embedding_map",
    "folds",
    "losses",
    "orderings",
    "predictions",
    "project",
    "ranks",
    "save",
    "similarities",
    "spectra",
    "spread",
    "styled",
    "svg",
    "temperatures",
    "weights",
]
