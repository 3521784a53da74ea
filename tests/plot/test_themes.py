"""Figures on light and dark pages: contrast of text, and which theme is in effect."""

import math
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from graph_hcl import plot
from graph_hcl.errors import UserError
from graph_hcl.losses import Bell, ClassMass, Exponential, Threshold
from graph_hcl.plot.scores import BLUE, DENSEST
from graph_hcl.plot.themes import CLASSES, DATA, THEMES, contrast, luminance
from graph_hcl.probes import Evaluation, FoldScore
from graph_hcl.reporting.theme import CSS

LOG = [{"epoch": k, "ucl": 1.0 / k, "scl": 0.5 / k} for k in (1, 2, 3)]
READABLE = 4.5


def colours(ax) -> set[str]:
    return set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", plot.svg(ax)))


def test_luminance_is_that_of_the_standard() -> None:
    for shade in ("#000000", "#0072b2", "#999999", "#ffffff"):
        channels = [int(shade[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        expected = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert luminance(shade) == pytest.approx(expected)


@pytest.mark.parametrize("theme", THEMES)
def test_text_reads(theme: str) -> None:
    found = THEMES[theme]
    assert contrast(found["ink"], found["paper"]) >= READABLE
    for share in np.linspace(0, DENSEST, 20):  # the numbers in a confusion matrix
        cell = tuple(share * np.array(BLUE) + (1 - share) * np.array(to_rgb(found["paper"])))
        assert contrast(found["ink"], cell) >= READABLE


@pytest.mark.parametrize(("theme", "place"), [("light", 0), ("dark", 1)])
def test_text_of_a_report_reads(theme: str, place: int) -> None:
    def value(name: str) -> str:
        return re.findall(rf"--{name}: (#[0-9a-f]{{6}})", CSS)[place]

    assert value("paper") == THEMES[theme]["paper"]
    for text in ("text", "quiet", "link", "warn"):
        for background in ("paper", "band"):
            assert contrast(value(text), value(background)) >= READABLE


def test_themes_name_the_same_colours_and_each_is_another() -> None:
    assert THEMES["light"].keys() == THEMES["dark"].keys()
    for found in THEMES.values():
        assert len(set(found.values())) == len(found)
        assert {found[name] for name in (*DATA, *CLASSES)} <= set(found.values())
    assert len(set(CLASSES)) == 10


def draw_all(theme: str):
    random = np.random.default_rng(0)
    fold = FoldScore(0, 0, {}, {}, None, 9, 0, [0, 1, 1], [0, 1, 1], [0, 1, 0])
    with plot.styled(theme):
        yield plot.losses(LOG, {"floor": 0.1})
        yield plot.spectra({"a": [1.0, 0.5]})
        yield plot.weights({"b": Exponential(2.0)}, random.normal(size=50) / 3)
        yield plot.embedding_map(random.normal(size=(60, 2)), np.arange(60) % 10)
        yield plot.embedding_map(random.normal(size=(60, 2)), np.arange(60) % 30)
        yield plot.confusion(Evaluation("transductive", "svm", {}, [fold]))


def test_no_colour_of_the_other_theme_is_left() -> None:
    for theme in THEMES:
        other = set().union(*(t.values() for name, t in THEMES.items() if name != theme))
        for ax in draw_all(theme):  # saved within the block or outside
            assert THEMES[theme]["paper"] in colours(ax)
            assert not colours(ax) & (other - set(THEMES[theme].values()))


def test_a_figure_keeps_its_theme_outside_the_block() -> None:
    with plot.styled("dark"):
        within = plot.losses(LOG)
        inside = plot.svg(within)
        empty = Figure().add_subplot()
    colours = re.compile('#[0-9a-f]{6}(?=[;"])')  # names and last digits may differ
    assert len(set(colours.findall(inside))) > 3
    assert colours.findall(plot.svg(within)) == colours.findall(inside)
    assert within._repr_png_() is not None
    plot.losses(LOG, ax=empty)  # the theme is that of the axes
    assert empty.get_lines()[0].get_color() == THEMES["dark"]["blue"]
    assert plot.losses(LOG).get_lines()[0].get_color() == THEMES["light"]["blue"]
    assert to_hex(plot.losses(LOG).figure.get_facecolor()) == "#ffffff"


def test_light_axes_in_a_dark_block_stay_light() -> None:
    light = Figure().add_subplot()
    with plot.styled("dark"):
        plot.losses(LOG, ax=light)
    assert light.get_lines()[0].get_color() == THEMES["light"]["blue"]


def test_a_theme_that_does_not_exist() -> None:
    with pytest.raises(UserError, match="light or dark, but got 'sepia'"), plot.styled("sepia"):
        pass


def test_points_become_one_image_without_hover_texts() -> None:
    ax = plot.embedding_map(np.random.default_rng(0).normal(size=(400, 2)), np.arange(400) % 3)
    whole, flat = plot.svg(ax), plot.svg(ax, hover=False)
    assert whole.count("<title>") == 400
    assert "<image" not in whole
    assert flat.count("<image") == 1
    assert "<title>" not in flat
    assert "hover:" not in flat
    assert "<image" not in plot.svg(ax)  # nothing of it stays


@pytest.mark.parametrize("eta", [Exponential(2.0), Threshold(1.2), Bell(1.0, 0.5)])
def test_weights_are_relative_to_their_mean(eta) -> None:
    products = np.random.default_rng(0).uniform(-1, 1, 400)
    ax = plot.weights({"x": eta}, products, temperature=0.5)
    xs, ys = ax.get_lines()[0].get_data()
    formula = {
        Exponential: lambda s: math.exp(2 * s),
        Threshold: lambda s: float(math.exp(s) >= 1.2),
        Bell: lambda s: math.exp(-(((s - 1) / 0.5) ** 2) / 2),
    }[type(eta)]
    mean = sum(formula(p / 0.5) for p in products) / len(products)
    for x, y in list(zip(xs, ys, strict=True))[::25]:
        expected = formula(x / 0.5) / mean
        assert (y == pytest.approx(expected)) if expected else math.isnan(y)


def test_weights_that_are_no_function_of_the_product() -> None:
    with pytest.raises(UserError, match="ClassMass, whose β differs by anchor"):
        plot.weights({"x": ClassMass()}, [0.0, 0.5])
    with pytest.raises(UserError, match="'x': its logits are all below"):
        plot.weights({"x": Threshold(100.0)}, [0.0, 0.5])
