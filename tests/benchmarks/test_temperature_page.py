"""The page and figures of the temperature benchmark, from invented results."""

import doctest
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.science.temperature import (
    advice,
    figures,
    grid,
    page,
    pairs,
    section,
    sections,
    verdicts,
    words,
)
from benchmarks.science.temperature.grid import Point
from benchmarks.science.temperature.pairs import Runs
from graph_hcl import plot
from graph_hcl.probes import corrected_t_test

POINTS = grid.grid()
BOTH = {f"{name}-{theme}" for name in figures.NAMES for theme in ("light", "dark")}
SETS = ("digits", "COIL-DEL", "PROTEINS")

UNKNOWN = "| not known yet | 0 | – | no records of several seeds yet |"


def invented(points, gain=0.0, level=lambda t: 0.8 - 0.05 * np.log(t), noise=0.001, **gains):
    """Return results whose accuracy depends on T′ alone, and `gain` more for hard losses.

    `gains` are those of a probe instead. Folds differ a lot, and settings by `noise`.
    """
    trials = []
    for point in points:
        control = point.control()
        lower = (control or point).temperature
        base = 0.6 if point.form == "untrained" else float(level(lower))
        held_out = point.family != "ucl"
        folds = 1 if held_out else 10
        scores = {}
        for number, probe in enumerate(pairs.PROBES):
            common = np.random.default_rng([point.seed, number]).normal(0, 0.02, folds)
            own = np.random.default_rng([zlib.crc32(point.name.encode()), number])
            more = gains.get(probe.replace("-", "_"), gain) if point.form == "exponential" else 0
            scores[probe] = list(base + common + more + own.normal(0, noise, folds))
        share = min(1.0, lower / 2)
        about = {f"{t:g}": share for t in (point.temperature,)}
        trials.append(
            {
                "name": point.name,
                **{name: getattr(point, name) for name in
                   ("dataset", "family", "form", "temperature", "beta", "value", "factor", "seed")},
                "control": None if control is None else control.name,
                "graphs": [800, 200] if held_out else [1000],
                "classes": point.set.classes,
                "scores": scores,
                "batch_share": about,
                "match": {"temperature": lower, "cosine": 0.99},
                "pull": 0.9 if control else 0.5,
            }
        )  # fmt: skip
    return trials


def core(*, seeds=3, datasets=SETS, family="ucl"):
    return [
        point
        for name in datasets
        for seed in range(seeds)
        for point in grid.core(name, family, seed)
    ]


def written(trials, drawn=("temperature-dark",)) -> str:
    return page.page(trials, 4200, drawn)


def part(text: str, title: str) -> str:
    """Return the text under a heading, to the next one."""
    return re.split(r"^#+ ", text.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize("module", [advice, figures, page, pairs, section, sections, verdicts])
def test_the_examples_in_the_docstrings_are_right(module):
    assert not doctest.testmod(module).failed


# --- verdicts -------------------------------------------------------------------------------------


def test_verdicts_turn_with_the_numbers():
    equal, higher, lower = (written(invented(core(), gain)) for gain in (0.0, 0.05, -0.05))
    assert "**The law holds**: of 9 comparisons" in equal
    assert "9 equal" in part(equal, "Hard losses and their controls")
    assert "| `ucl`: equal over the sets |" in equal
    for text, word in ((higher, "higher"), (lower, "lower")):
        assert "**The law does not hold**" in text
        assert f"**does not hold**: of 9 rows, 9 {word}" in text
        assert "both: they are not equal everywhere" in text
    assert "| tune | tune | `h-ucl` |" in higher
    assert "| tune | 0 | `ucl` |" in lower
    some = written(invented(core(), class_mean=0.05))
    assert "**The law does not hold everywhere**: of 9 comparisons" in some
    assert "6 equal, 3 higher" in some
    open_ = written(invented(core(seeds=1), noise=0.1))
    assert "**The law is undecided**" in open_
    assert "equal where decided" in open_


def test_a_low_temperature_is_advised_where_it_is_better_and_not_where_it_is_worse():
    def row(level, case):
        text = written(invented(core(seeds=2), level=level))
        return next(line for line in text.splitlines() if line.startswith(f"| {words.CASES[case]}"))

    for case in ("many", "few"):
        assert "| `auto` | 0 | `ucl` |" in row(lambda t: 0.7 - 0.05 * np.log(t), case)
        assert "| .5 | 0 | `ucl` |" in row(lambda t: 0.8 + 0.05 * np.log(t), case)
        assert "| .5 or `auto`: not decided | 0 |" in row(lambda t: 0.8, case)
    assert UNKNOWN in row(lambda t: 0.8, "head")


def test_what_has_no_records_is_named_and_a_page_without_any_is_written():
    text = written([], ())
    assert "**The law is not measured**" in text
    assert "No records yet." in part(text, "One curve")
    assert "figures/" not in text
    for name in page.TITLES.values():
        assert name in part(text, "Where it ends")
    assert text.count(UNKNOWN) == len(advice.ROWS)
    assert "0 trials of the 4200" in text


def test_every_section_appears_with_its_records():
    names = ("digits", "MSRC_21", "NCI1", "COIL-DEL")
    trials = invented([point for point in POINTS if point.dataset in names])
    text = written(trials)
    assert set(page.ENDS) == set(page.TITLES)
    for build in page.ENDS.values():
        found = build(Runs(trials))
        assert f"### {found.title}\n" in text
        assert len(found.comparisons) >= 6
    assert "No records of several seeds yet" not in text
    assert "no records of several seeds yet |" not in text
    for name in words.FACTOR_NAMES.values():
        assert f"| {name} |" in text
    assert "{" not in re.sub(r"[_^∈] ?\{[^}]*\}", "", text)
    shown = part(text, "Which temperature")
    assert "| batches of 32 | digits |" in shown
    # The share is T / 2, which is nearest to 5 % at .1.
    assert "| core, no head | 0.1 | digits | 5 |" in shown
    assert "| head of 2 layers | digits | 0.90 / 0.50 | 3 |" in text


def test_each_figure_and_test_that_the_page_names_is_there(tmp_path):
    trials = invented(core(seeds=1))
    drawn = figures.draw_all(Runs(trials), tmp_path / "figures")
    linked = set(re.findall(r"figures/([a-z-]+)\.svg", written(trials, drawn)))
    assert linked < set(drawn) == {*BOTH, *figures.FRONTS}
    tests = Path(__file__).parents[1] / "geometry" / "test_temperature.py"
    defined = re.findall(r"^def (test_\w+)", tests.read_text(encoding="utf-8"), re.M)
    assert set(words.PROOFS) <= set(defined)


# --- pairs ----------------------------------------------------------------------------------------


def test_a_comparison_is_the_mean_over_pairs_by_seed_and_fold():
    trials = invented(core(datasets=["digits"]), noise=0.01)
    found = pairs.compared(Runs(trials).hard_pairs("ucl", "digits"), "svm")
    by_name = {trial["name"]: trial for trial in trials}
    sides = ([], [])
    for seed in range(3):
        for fold in range(10):
            hard = [t for t in trials if t["form"] == "exponential" and t["seed"] == seed]
            sides[0].append(np.mean([t["scores"]["svm"][fold] for t in hard]))
            sides[1].append(np.mean([by_name[t["control"]]["scores"]["svm"][fold] for t in hard]))
    expected = corrected_t_test(*sides, test_to_train=1 / 9)
    assert (found.pairs, found.seeds) == (12, 3)
    assert found.paired.difference == pytest.approx(expected.difference)
    assert found.paired.p_value == pytest.approx(expected.p_value)


def test_a_seed_that_is_not_finished_is_left_out():
    points = [p for p in core(datasets=["digits"], seeds=2) if p.seed == 0 or p.beta in (0, 1)]
    whole = pairs.compared(Runs(invented(points)).hard_pairs("ucl", "digits"), "knn")
    assert (whole.pairs, whole.seeds) == (12, 1)
    first = [p for p in points if p.seed == 0]
    alone = pairs.compared(Runs(invented(first)).hard_pairs("ucl", "digits"), "knn")
    assert whole.paired == alone.paired
    half = [p for p in points if p.form != "plain" or p.temperature >= 0.2]  # few controls
    found = pairs.compared(Runs(invented(half)).hard_pairs("ucl", "digits"), "knn")
    assert 0 < found.pairs < 12
    hard = [p for p in points if p.form == "exponential"]
    assert pairs.compared(Runs(invented(hard)).hard_pairs("ucl", "digits"), "knn") is None


def test_held_out_needs_two_seeds_and_has_its_own_ratio():
    one, two = (
        pairs.compared(
            Runs(invented(core(datasets=["digits"], seeds=n, family="scl"))).hard_pairs(
                "scl", "digits"
            ),
            "knn",
        )
        for n in (1, 2)
    )
    assert one is None
    assert two.paired.degrees == 1


def test_the_best_setting_is_chosen_on_the_other_seeds():
    def trial(seed, score):
        return {"seed": seed, "scores": {"knn": [score]}}

    a = {0: trial(0, 0.9), 1: trial(1, 0.1), 2: trial(2, 0.1)}
    b = {0: trial(0, 0.2), 1: trial(1, 0.3), 2: trial(2, 0.3)}
    found = pairs.chosen([a, b], "knn")
    assert {seed: one["scores"]["knn"][0] for seed, one in found.items()} == {
        0: 0.2,
        1: 0.1,
        2: 0.1,
    }
    assert pairs.chosen([{0: a[0]}, b], "knn") == {}
    assert pairs.chosen([], "knn") == {}


def test_both_sides_are_chosen_on_the_seeds_that_both_have():
    def trials(*scores):
        return {seed: {"seed": seed, "scores": {"knn": [x]}} for seed, x in enumerate(scores)}

    a, b, c = trials(0.5, 0.5, 0.9), trials(0.6, 0.6, 0.6), trials(0.4, 0.4)
    found, other = pairs.chosen_pair([a, b], [c], "knn")
    assert set(found) == set(other) == {0, 1}
    # Of seeds 0 and 1 alone, b is the best in both; with the third seed, a would be.
    assert found == {0: b[0], 1: b[1]}
    assert pairs.chosen([a, b], "knn")[0] == a[0]
    assert pairs.chosen_pair([], [c], "knn") == ({}, {})


def test_the_mean_over_sets_takes_subsets_of_one_set_once():
    names = ("digits", "COIL-DEL", "COIL-DEL-5")
    runs = Runs(invented(core(datasets=names, seeds=1), 0.01, noise=0.02))
    each = [pairs.compared(runs.hard_pairs("ucl", name), "knn") for name in names]
    found = pairs.over_sets(each, "knn")
    first, second = each[0].paired, each[1].paired
    assert found.dataset == "mean of 2 sets"
    assert found.paired.difference == pytest.approx((first.difference + second.difference) / 2)
    error = np.hypot(first.error, second.error) / 2
    low, high = stats.t.interval(
        0.95, found.paired.degrees, loc=found.paired.difference, scale=error
    )
    assert found.paired.interval == pytest.approx((low, high))
    assert 9 <= found.paired.degrees <= 18
    assert pairs.over_sets(each[:1], "knn") is None
    begun = pairs.compared(runs.hard_pairs("ucl", "COIL-DEL", betas=[1.0]), "knn")
    assert pairs.over_sets([each[0], begun], "knn") is None
    assert pairs.over_sets([begun, each[0], each[2]], "knn").dataset == "mean of 2 sets"


def test_forms_are_paired_where_they_push_alike():
    points = [p for p in grid.forms("digits", 0) if p.factor == ""] + core(
        datasets=["digits"], seeds=1
    )
    found = Runs(invented(points)).same_push("digits", "exponential", "power")
    assert len(found) == 8
    for first, second in found:
        (a,), (b,) = first.values(), second.values()
        assert a["temperature"] == b["temperature"]
        assert pairs.equivalent(a) == pytest.approx(pairs.equivalent(b))


# --- figures --------------------------------------------------------------------------------------


def test_a_panel_has_the_points_it_should():
    points = core(datasets=["digits"], seeds=2)
    runs = Runs(invented(points, level=lambda t: 0.8 - t / 10, noise=0.0))
    found = figures.curve(runs, "digits", "knn")
    plain = {p.temperature for p in points if p.form == "plain"}
    assert [dot.temperature for dot in found.plain] == sorted(plain)
    assert {t: len(dots) for t, dots in found.hard.items()} == {1.0: 4, 0.5: 4, 0.2: 4}
    on_curve = {dot.temperature: dot.mean for dot in found.plain}
    for dots in found.hard.values():
        for dot in dots:
            assert dot.mean == pytest.approx(on_curve[dot.temperature])
    assert found.seeds == 2
    assert found.untrained == pytest.approx(
        100 * np.mean([pairs.accuracy(t, "knn") for t in runs.of(
            "ucl", "digits", "", "untrained").values()])
    )  # fmt: skip

    with plot.styled():
        drawn = dict(figures.figures(runs))
    ax = drawn["temperature-light"].axes[0]
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines[figures.PLAIN].get_xdata()) == sorted(plain)
    for temperature, dots in found.hard.items():
        line = lines[figures.hard_name(temperature)]
        assert list(zip(*line.get_data(), strict=True)) == [(d.temperature, d.mean) for d in dots]
    markers = {line.get_marker() for name, line in lines.items() if name.startswith("H-UCL")}
    assert len(markers) == 3
    assert ax.get_xscale() == "log"


def test_a_figure_of_what_is_there():
    points = [p for p in core(datasets=["digits", "COIL-DEL"], seeds=2) if p.form != "untrained"]
    assert dict(figures.figures(Runs([]))) == {}
    drawn = dict(figures.figures(Runs(invented(points))))
    assert set(drawn) == BOTH  # the front needs the untrained encoder
    some = [p for p in points if p.seed == 0 or p.temperature == 1.0]
    assert figures.curve(Runs(invented(some)), "digits", "knn").seeds == 1
    whole = dict(figures.figures(Runs(invented(core(seeds=1)))))
    texts = [text.get_text() for text in whole[figures.FRONTS[0]].axes[0].texts]
    assert texts == ["COIL-DEL", "digits"]


def test_drawing_twice_gives_the_same_file(tmp_path):
    runs = Runs(invented(core(datasets=["digits"], seeds=1)))
    for name in "ab":
        figures.draw_all(runs, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_form_without_an_equivalent_temperature_has_no_place_in_the_figure():
    assert Point("digits", "ucl", "bell", 0.5, value=0.7).control() is None
    with pytest.raises(AssertionError):
        pairs.equivalent(invented([Point("digits", "ucl", "bell", 0.5, value=0.7)])[0])


def test_one_set_decides_nothing_where_the_mean_over_sets_is_open() -> None:
    none = dict.fromkeys(verdicts.MARKS, 0)
    better, worse, unknown = ({**none, one: 3} for one in ("higher", "lower", "undecided"))
    mixed = {**none, "higher": 2, "lower": 1}
    assert advice._deciding(better, unknown) == unknown
    assert advice._deciding(better, none) == better
    assert advice._deciding(mixed, better) == {**none, "higher": 3, "lower": 1}
    assert advice._deciding(mixed, worse) == {**none, "higher": 2, "lower": 3}
