"""Every figure shows as the value of a notebook's cell, and pyplot's state stays as it was."""

import io

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from graph_hcl import plot
from graph_hcl.errors import UserError
from graph_hcl.probes import Evaluation, FoldScore
from graph_hcl.results import Comparison, Provenance

LOG = [{"epoch": k, "ucl": 1 / k, "zero_sum": 1.0, "uniformity": -1.0, "effective_rank": 3.0,
        "assumption_1": 0.5} for k in (1, 2)]  # fmt: skip
FOLDS = [FoldScore(0, k, {"accuracy": 0.9}, {}, None, 9, 0, [0, 1], [0, 1], [0, 1]) for k in (0, 1)]
ENCODER = Evaluation("transductive", "svm", {}, FOLDS)
RECORD = Comparison(ENCODER, ENCODER, Provenance("SET", "ucl", "a", ["a"], 0.5, 1.0, 1.0))
FIGURES = {
    "losses": lambda **k: plot.losses(LOG, **k),
    "orderings": lambda **k: plot.orderings(LOG, **k),
    "temperatures": lambda **k: plot.temperatures(LOG, {"T": 0.5}, **k),
    "collapse": lambda **k: plot.collapse(LOG, **k),
    "spread": lambda **k: plot.spread(LOG, **k),
    "ranks": lambda **k: plot.ranks(LOG, **k),
    "compare": lambda **k: plot.compare({"a": LOG, "b": LOG}, "ucl", "UCL", **k),
    "embedding_map": lambda **k: plot.embedding_map(np.eye(2), [0, 1], **k),
    "confusion": lambda **k: plot.confusion(ENCODER, **k),
    "predictions": lambda **k: plot.predictions(ENCODER, **k),
    "folds": lambda **k: plot.folds({"a": RECORD}, **k),
    "similarities": lambda **k: plot.similarities(
        torch.eye(4), torch.arange(4), torch.arange(4) % 2, **k
    ),
    "spectra": lambda **k: plot.spectra({"a": [1.0, 0.5]}, **k),
    "weights": lambda **k: plot.weights({"flat": torch.zeros_like}, [0.0, 0.5], **k),
}


@pytest.fixture(autouse=True)
def same_pyplot():
    """Check that the test leaves pyplot with the figures and settings that it had."""
    before = plt.get_fignums(), dict(mpl.rcParams)
    yield
    assert (plt.get_fignums(), dict(mpl.rcParams)) == before


def test_every_drawing_function_is_tried() -> None:
    others = {"check_map", "compress", "project", "save", "styled", "svg"}
    assert set(FIGURES) == set(plot.__all__) - others


@pytest.mark.parametrize("name", FIGURES)
def test_a_cell_shows_the_figure(name) -> None:
    ax = FIGURES[name]()
    for value in (ax, ax.figure):
        image = plt.imread(io.BytesIO(value._repr_png_()))
        assert min(image.shape[:2]) > 150
        assert image[..., :3].std() > 0.02  # something is drawn


@pytest.mark.parametrize("name", FIGURES)
def test_axes_of_a_user_are_drawn_on_and_given_back(name) -> None:
    # Plain axes show as pyplot shows them: an image of their own would show them twice.
    ax = Figure().subplots()
    assert FIGURES[name](ax=ax) is ax
    assert ax.get_title(loc="left")
    assert not hasattr(ax, "_repr_png_")


def test_what_is_no_axes_costs_one_sentence() -> None:
    for wrong in (Figure(), Figure().subplots(1, 2), "ax"):
        with pytest.raises(UserError, match="Expected ax to be matplotlib axes, but got"):
            plot.losses(LOG, ax=wrong)


def test_a_change_by_the_user_shows() -> None:
    ax = plot.losses(LOG)
    before = ax._repr_png_()
    ax.set_title("mine", loc="left")
    assert ax._repr_png_() != before


def test_ipython_finds_the_image() -> None:
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed")
    data, _ = formatters.DisplayFormatter().format(plot.losses(LOG))
    assert data["image/png"].startswith(b"\x89PNG")
