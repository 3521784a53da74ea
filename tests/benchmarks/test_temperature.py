"""The temperature benchmark: its grid, its subsets, and a run end to end on digits."""

import dataclasses
import doctest
import json

import pytest

from benchmarks.science import command as shared
from benchmarks.science import held_out, table
from benchmarks.science.temperature import __main__ as command
from benchmarks.science.temperature import cost, grid, measure, results, runs, subsets
from benchmarks.science.temperature.grid import Point
from benchmarks.science.temperature.sets import SETS
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.data import load
from graph_hcl.errors import UserError
from graph_hcl.sealed import seal

POINTS = grid.grid()


def test_no_trial_of_the_grid_is_run_twice():
    assert len(set(POINTS)) == len(POINTS) == len({point.name for point in POINTS})
    settings = {
        json.dumps([point.family, point.dataset, point.seed, point.settings()], sort_keys=True)
        for point in POINTS
        if point.form != "untrained"
    }
    assert len(settings) == sum(point.form != "untrained" for point in POINTS)


def test_every_hard_point_has_its_control_in_the_grid():
    known = set(POINTS)
    hard = [point for point in POINTS if point.form in ("exponential", "power", "detached")]
    assert hard
    for point in hard:
        control = point.control()
        assert control in known
        assert (control.form, control.beta, control.factor) == ("plain", 0.0, point.factor)
        slope = 2 if point.form == "exponential" else 1
        expected = point.temperature / (1 + slope * point.beta)
        assert control.temperature == pytest.approx(expected, rel=1e-5)


def test_points_without_an_equivalent_temperature_have_no_control():
    others = {point.form for point in POINTS if point.control() is None}
    assert others == {"plain", "untrained", *grid.FORMS}


def test_the_core_has_each_point_of_the_plan_and_the_curve_for_every_set():
    for name, each in SETS.items():
        for family in ("ucl", "scl"):
            here = [p for p in POINTS if (p.dataset, p.family, p.factor) == (name, family, "")]
            assert {p.seed for p in here} == set(range(each.seeds))
            core = [p for p in here if p.seed == 0]
            hard = {(p.temperature, p.beta) for p in core if p.form == "exponential"}
            assert hard == {(t, b) for t in (1.0, 0.5, 0.2) for b in (0.5, 1.0, 2.0, 5.0)}
            plain = {p.temperature for p in core if p.form == "plain"}
            assert plain >= {1.0, 0.5, 0.25, 0.2, 0.1, 0.05, 0.025}


def test_what_can_be_read_early_comes_early():
    seeds = [(point.family, point.seed) for point in POINTS]
    assert seeds[0] == ("ucl", 0)
    first = {name: [p.dataset for p in POINTS].index(name) for name in SETS}
    assert list(first) == sorted(first, key=lambda name: first[name])
    assert seeds.index(("ucl", 1)) < seeds.index(("scl", 0))


def test_each_factor_changes_one_setting_and_each_form_is_made():
    base = Point("digits", "ucl", "plain", 0.5).settings()
    for name in ("head", "batch32", "hidden128", "long", "mean", "debiased"):
        own = Point("digits", "ucl", "plain", 0.5, factor=name).settings()
        assert len({key for key in own if own[key] != base.get(key)}) == 1
    kinds = {(p.family, p.form, p.factor, p.dataset): p for p in POINTS}
    for point in kinds.values():
        trial = point.trial()  # which makes the objective
        assert trial.config.epochs == point.epochs
        assert trial.dataset == point.set.source
        assert trial.protocol == ("transductive" if point.family == "ucl" else "inductive")
    assert kinds["scl", "plain", "oracle", "digits"].trial().config.loss.positives == "views"


def test_a_bell_is_given_in_logits():
    (options,) = (
        Point("digits", "ucl", "bell", 0.5, value=0.7).settings()[name]
        for name in ["loss.hardening_options"]
    )
    assert options == {"mean": 1.4, "width": 2.0}


def test_the_identity_of_a_trial_is_that_of_its_settings():
    point = Point("digits", "ucl", "exponential", 0.5, 2.0)
    assert point.trial().name == point.trial().name
    names = {point.trial().name}
    for change in (
        {"beta": 1.0}, {"temperature": 1.0}, {"seed": 1}, {"form": "power"}, {"factor": "head"},
        {"family": "scl"}, {"dataset": "MSRC_21"},
    ):  # fmt: skip
        names.add(dataclasses.replace(point, **change).trial().name)
    assert len(names) == 8
    few, many = (Point(f"COIL-DEL-{n}", "ucl", "plain", 0.5) for n in (5, 50))
    assert few.trial().name != many.trial().name
    # The page and the grid may change while the trials run; what is measured may not.
    code = point.trial().code
    assert "benchmarks.science.temperature.measure" in code
    assert not {name for name in code if name.endswith(("grid", "page", "results", "__main__"))}


def test_subsets_are_nested_and_steps_are_those_of_the_whole_set():
    whole = subsets.chosen_classes(100)
    assert sorted(whole) == list(range(100))
    steps = []
    for classes in (5, 10, 25, 50):
        assert subsets.chosen_classes(classes) == whole[:classes]
        each = SETS[f"COIL-DEL-{classes}"]
        assert (each.classes, each.graphs) == (classes, 39 * classes)
        steps.append(each.epochs * -(-each.graphs // 128))
    every = SETS["COIL-DEL"]
    total = every.epochs * -(-every.graphs // 128)
    assert all(0.97 * total <= count <= total for count in steps)


def test_a_subset_has_the_graphs_of_its_classes(monkeypatch):
    mutag = load("MUTAG")
    monkeypatch.setattr(subsets, "load", lambda name: mutag)
    monkeypatch.setattr(subsets, "chosen_classes", lambda classes: [1])
    store = subsets.coil_del(1)
    assert len(store) == int((mutag.y == mutag.y.max()).sum())
    assert store.y.unique().tolist() == [int(mutag.y.max())]


@pytest.mark.parametrize(
    "module",
    [grid, runs, results, subsets, cost, measure, held_out, table, shared],
    ids=lambda m: m.__name__,
)
def test_the_examples_in_the_docstrings_are_right(module):
    assert not doctest.testmod(module).failed


@pytest.fixture
def tiny(monkeypatch):
    """Two points of MUTAG of each kind of measurement, trained for an epoch."""
    mutag = dataclasses.replace(SETS["ENZYMES"], source="MUTAG", classes=2, epochs=1)
    monkeypatch.setitem(SETS, "MUTAG", mutag)
    points = [
        Point("MUTAG", family, form, temperature, beta)
        for family in ("ucl", "scl")
        for form, temperature, beta in (("exponential", 0.5, 2.0), ("plain", 0.1, 0.0))
    ]
    points.append(Point("MUTAG", "ucl", "untrained", 0.5))
    monkeypatch.setattr(
        command, "BENCHMARK", dataclasses.replace(command.BENCHMARK, grid=lambda: points)
    )
    return points


def test_a_run_gives_results_and_a_page_and_runs_nothing_twice(tiny, tmp_path, capsys):
    places = [f"--{name}={tmp_path / name}" for name in ("trials", "results", "docs")]
    folder = TrialFolder(tmp_path / "trials")
    assert command.main([*places, "--only", "beta2"]) == 0
    assert [folder.is_finished(point.trial()) for point in tiny] == [
        True,
        False,
        True,
        False,
        False,
    ]
    written = {file: file.stat().st_mtime_ns for file in folder.path.rglob("*.json")}
    assert command.main(places) == 0  # goes on where it was stopped
    later = {file: file.stat().st_mtime_ns for file in folder.path.rglob("*.json")}
    assert len(later) == len(tiny)
    assert later.items() >= written.items()
    assert command.main(places) == 0
    assert {file: file.stat().st_mtime_ns for file in folder.path.rglob("*.json")} == later

    capsys.readouterr()
    command.main([*places, "--list"])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[:-1]] == ["done"] * 5
    assert listed[-1].startswith("0 of 5 trials are missing")

    assert command.main([*places, "--check"]) == 1
    assert command.main([*places, "--page"]) == 0
    assert command.main([*places, "--check"]) == 0
    found = {trial["name"]: trial for trial in results.read(tmp_path / "results")}
    assert set(found) == {point.name for point in tiny}
    hard, plain, labelled, _, untrained = (found[point.name] for point in tiny)
    assert hard["control"] == plain["name"]
    assert hard["control"] in (tmp_path / "results" / "MUTAG.jsonl").read_text(encoding="utf-8")
    assert 0.05 < hard["match"]["temperature"] < 0.2
    assert hard["match"]["cosine"] > 0.9
    assert plain["match"] == {"temperature": 0.1, "cosine": 1.0}
    assert "match" not in untrained
    for trial in (hard, plain, untrained):
        assert {name: len(folds) for name, folds in trial["scores"].items()} == {
            "knn": 10, "class-mean": 10, "svm": 10,
        }  # fmt: skip
    assert {len(folds) for folds in labelled["scores"].values()} == {1}
    assert labelled["graphs"] == [150, 38]
    text = (tmp_path / "docs" / command.LISTING).read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| exponential"))
    assert runs.scores([hard]) in row
    assert runs.scores([plain]) in row

    page = tmp_path / "docs" / command.PAGE
    assert "This page rests on 5 trials" in page.read_text(encoding="utf-8")
    page.write_text("out of date", encoding="utf-8")
    assert command.main([*places, "--check"]) == 1

    # With results committed, nothing is left to run.
    empty = [f"--trials={tmp_path / 'empty'}", *places[1:]]
    assert command.main(empty) == 0
    assert not list((tmp_path / "empty").rglob("*.json"))


def unsealed_line() -> bytes:
    """Return a committed result as it was written before lines had a hash."""
    line = (command.BENCHMARK.results / "ENZYMES.jsonl").read_bytes().splitlines()[0]
    content = {name: value for name, value in results.parse(line).items() if name != "schema"}
    return json.dumps(content, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda line: line[:50], "line 1 is damaged"),
        (lambda line: line.replace(b'"knn":[0.', b'"knn":[7.'), "the accuracies of knn are no"),
        (lambda line: line.replace(b'"seed":0', b'"seed":null'), "no valid 'seed'"),
        (lambda line: line.replace(b'{"name"', b'{"schema":1,"name"'), "does not have its sha256"),
        (lambda line: line + b"\n" + line, "line 2 is damaged .it is the second one of its name"),
    ],
)
def test_a_damaged_line_of_the_results_is_named(tmp_path, change, problem):
    line = unsealed_line()
    (tmp_path / "ENZYMES.jsonl").write_bytes(change(line))
    with pytest.raises(UserError, match=problem):
        results.read(tmp_path)


def test_a_new_line_of_the_results_bears_its_hash():
    line = unsealed_line()
    trial = {"schema": results.SCHEMA} | json.loads(line)
    assert results.parse(json.dumps(seal(trial)).encode()) == trial


def test_the_committed_results_are_trials_of_the_grid():
    names = {trial["name"] for trial in results.read(command.BENCHMARK.results)}
    assert names <= {point.name for point in POINTS}
