"""What is drawn is what was logged: values read back from the axes."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from graph_hcl import plot
from graph_hcl.geometry import collapse_point, loss_floor
from graph_hcl.losses import Exponential
from graph_hcl.probes import Evaluation, FoldScore
from graph_hcl.results import Comparison, Provenance

KEYS = {
    "losses": {"ucl": "UCL", "h-ucl": "H-UCL", "scl": "SCL", "h-scl": "H-SCL"},
    "orderings": {
        "assumption_1": "anchors under Assumption 1",
        "same_class_mass": "same-class mass of η",
        "effective_sample_size": "effective sample size",
    },
    "collapse": {
        "zero_sum": "zero sum",
        "unit_norm": "unit norm",
        "equal_inner_product": "equal inner product",
        "within_class": "within class",
    },
    "spread": {
        "alignment": "alignment of views",
        "uniformity": "uniformity",
        "feature_std": "feature standard deviation",
    },
    "ranks": {"effective_rank": "effective rank of the features"},
    "temperatures": {"matched_temperature": "of the plain loss"},
}


def lines(ax) -> dict[str, tuple[list, list]]:
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines}


@pytest.fixture
def log():
    """Three epochs of two models; the second model stopped after two."""
    generator = np.random.default_rng(0)
    names = [key for keys in KEYS.values() for key in keys]
    return [
        {"epoch": epoch, "part": part} | {name: float(generator.random()) for name in names}
        for part, epochs in (("seed0-fold0", 3), ("seed0-fold1", 2))
        for epoch in range(1, epochs + 1)
    ]


@pytest.mark.parametrize("figure", KEYS)
def test_lines_are_means_over_models_of_what_was_logged(figure, log) -> None:
    found = lines(getattr(plot, figure)(log))
    assert list(found) == list(KEYS[figure].values())
    for key, name in KEYS[figure].items():
        epochs, values = found[name]
        assert epochs == [1, 2, 3]
        for epoch, value in zip(epochs, values, strict=True):
            logged = [record[key] for record in log if record["epoch"] == epoch]
            assert math.isclose(value, sum(logged) / len(logged))


def test_bands_span_the_models(log) -> None:
    ax = plot.losses(log)
    assert len(ax.collections) == 4
    corners = ax.collections[0].get_paths()[0].vertices
    for epoch in (1, 2, 3):
        logged = [record["ucl"] for record in log if record["epoch"] == epoch]
        drawn = corners[corners[:, 0] == epoch, 1]
        assert math.isclose(drawn.min(), min(logged))
        assert math.isclose(drawn.max(), max(logged))
    assert not plot.losses(log[:3]).collections


def test_every_line_of_a_figure_differs_in_colour_and_in_dashes(log) -> None:
    drawn = plot.losses(log, {"a": 0.1, "b": 0.2, "c": 0.3}).lines
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in drawn}
    dashes = {str(line._unscaled_dash_pattern) for line in drawn}
    assert len(looks) == len(drawn) == 7
    assert len(dashes) >= 6


def test_floors_are_level_lines_by_name(log) -> None:
    floors = {"floor": loss_floor(6, 0.5), "UCL": collapse_point(6, 0.5)[0]}
    found = lines(plot.losses(log, floors))
    for name, level in floors.items():
        assert found[name][1] == [level, level]
    assert lines(plot.orderings(log, base=0.25))["same-class share, unweighted"][1] == [0.25, 0.25]
    assert lines(plot.ranks(log, dimensions=96))["dimensions: 96"][1] == [96, 96]


def test_gaps_and_values_that_are_not_finite_are_left_out() -> None:
    log = [
        {"epoch": 1, "ucl": 1.0},
        {"epoch": 2, "ucl": math.nan},
        {"epoch": 3},
        {"epoch": 4, "ucl": 0.5, "scl": None},
    ]
    assert lines(plot.losses(log)) == {"UCL": ([1, 4], [1.0, 0.5])}
    empty = plot.losses([])
    assert not empty.lines
    assert empty.get_legend() is None


def test_runs_beside_each_other(log) -> None:
    runs = {f"run {k}": [{"epoch": 1, "loss": k}, {"epoch": 2, "loss": 2 * k}] for k in range(12)}
    ax = plot.compare(runs, "loss", "training loss")
    assert lines(ax) == {f"run {k}": ([1, 2], [k, 2 * k]) for k in range(12)}
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in ax.lines}
    assert len(looks) == 12
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(runs)


@pytest.mark.filterwarnings("error")
def test_long_names_leave_room_for_the_figure() -> None:
    long = ["a-folder-" + "with-a-long-name-" * 10 + end for end in "abcdefgh"]
    folds = [FoldScore(0, k, {"accuracy": 0.9}, {}, None, 9, 0, [k], [0], [0]) for k in (0, 1)]
    encoder = Evaluation("transductive", "svm", {}, folds)
    record = Comparison(encoder, encoder, Provenance("SET", "ucl", "a", ["a"], 0.5, 1.0, 1.0))
    log = [{"epoch": 1, "loss": 1.0}]
    for ax in (
        plot.compare(dict.fromkeys(long, log), "loss", "loss"),
        plot.folds(dict.fromkeys(long, record)),
        plot.spectra({name: [1.0] for name in long}),
    ):
        plot.svg(ax)
        assert ax.get_position().width > 0.4
        names = [text.get_text() for text in (ax.get_legend().get_texts() or ax.get_yticklabels())]
        assert len(names) == len(set(names))


def test_a_name_with_dollars_is_text_and_no_formula() -> None:
    hostile = r"$\frac$ a_b <x>"
    ax = plot.compare({hostile: [{"epoch": 1, "loss": 1.0}], "b": []}, "loss", "loss")
    assert plot.svg(ax).startswith("<svg")
    assert ax.get_legend().get_texts()[0].get_text() == hostile


def test_one_set_of_axes_is_drawn_on_and_settings_stay(log) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    mine = Figure().subplots()
    assert plot.losses(log, ax=mine) is mine
    assert dict(mpl.rcParams) == before


def test_every_curve_is_in_the_legend_whatever_its_name(log) -> None:
    strange = ["_old", "", "_", "new", 5]
    named = {name: [1.0, 0.5] for name in strange}
    for ax in (
        plot.compare(dict.fromkeys(strange, log), "ucl", "UCL"),
        plot.losses(log, {"_old": 0.1, "": 0.2, "_": 0.3, "new": 0.4, 5: 0.5}),
        plot.temperatures(log, {"_old": 0.1, "": 0.2, "_": 0.3, "new": 0.4, 5: 0.5}),
        plot.spectra(named),
        plot.weights({name: Exponential(1.0) for name in strange}, [0.0, 0.5]),
    ):
        told = [text.get_text() for text in ax.get_legend().get_texts()]
        assert len(told) >= len(ax.lines)
        for name in strange:
            assert any(text.lstrip("\u200b").startswith(str(name)) for text in told)
    assert plot.compare({"_old": log}, "ucl", "UCL").get_legend() is None


@pytest.mark.parametrize("count", [3, 5, 12])
def test_every_level_is_drawn(log, count) -> None:
    levels = {f"level {k}": 0.1 * k for k in range(1, count + 1)}
    losses, temperatures = plot.losses(log, levels), plot.temperatures(log, levels)
    for name, level in levels.items():
        assert lines(losses)[name][1] == [level, level]
        assert lines(temperatures)[f"{name} = {level:.3g}"][1] == [level, level]
    drawn = [line for line in losses.lines if line.get_label() in levels]
    assert len({str(line._unscaled_dash_pattern) for line in drawn}) == min(count, 5)


CURVES = {
    "ranks": (plot.ranks, "effective_rank"),
    "collapse": (plot.collapse, "zero_sum"),
    "temperatures": (plot.temperatures, "matched_temperature"),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_on_the_same_axes_are_all_in_sight(name) -> None:
    draw, key = CURVES[name]
    ax = None
    for top in (1.0, 40.0, 7.0):
        ax = draw([{"epoch": 1, key: 0.5 * top}, {"epoch": 2, key: top}], ax=ax)
        assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > 40
    first, second = Figure().subplots(1, 2, sharey=True)
    draw([{"epoch": 1, key: 1.0}, {"epoch": 2, key: 2.0}], ax=first)
    draw([{"epoch": 1, key: 1.0}, {"epoch": 2, key: 9.0}], ax=second)
    assert first.get_ylim() == second.get_ylim()
    assert first.get_ylim()[1] > 9
    fixed = Figure().subplots()
    fixed.set_ylim(0, 3)
    assert draw([{"epoch": 1, key: 9.0}], ax=fixed).get_ylim() == (0, 3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("draw", [plot.ranks, plot.collapse, plot.temperatures, plot.orderings])
def test_a_logarithmic_axis_stays_one(log, draw) -> None:
    ax = Figure().subplots()
    ax.set_yscale("log")
    drawn = draw(log, ax=ax)
    assert drawn.get_yscale() == "log"
    assert drawn.get_ylim()[0] > 0
    plot.svg(drawn)


def test_numbers_of_numpy_are_numbers() -> None:
    log = [{"epoch": np.int64(1), "ucl": np.float32(1.0)}, {"epoch": np.int64(2), "ucl": 0.5}]
    assert lines(plot.losses(log)) == {"UCL": ([1, 2], [1.0, 0.5])}
