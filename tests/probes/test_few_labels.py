"""Few labels: which graphs are drawn, and what becomes of the scores of the draws."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.__main__ import main
from graph_hcl.benchmarking.running import _records
from graph_hcl.config import Config, ProbeConfig
from graph_hcl.errors import UserError
from graph_hcl.experiment import make_experiment
from graph_hcl.plot import folds as plot_folds
from graph_hcl.probes import (
    PROBES,
    Evaluation,
    FoldScore,
    ProbeInput,
    ProbeResult,
    ResultTable,
    Targets,
    Transductive,
    compare,
    evaluate,
    kernel_svm,
    make_protocol,
    stratified_folds,
)
from graph_hcl.reporting import captions
from graph_hcl.reporting.tables import same_folds
from graph_hcl.results import Comparison, Provenance, Results, table
from graph_hcl.results_file import read_results, write_results

Y = np.arange(60) % 3
X = np.random.default_rng(0).normal(size=(60, 5)) + Y[:, None]


@pytest.mark.parametrize(("fraction", "graphs", "inner"), [(0.2, 3, 3), (0.05, 1, 0), (0.5, 8, 5)])
def test_few_labels_are_all_that_the_probe_sees(fraction: float, graphs: int, inner: int) -> None:
    seen: list[ProbeInput] = []

    def spy(given: ProbeInput) -> ProbeResult:
        seen.append(given)
        return PROBES.get("svm")(given)

    found = evaluate(X, Y, probe=spy, folds=4, fraction=fraction, draws=3, seed=3, jobs=1)
    assert found.probe == "spy"
    folds = [fold for fold in stratified_folds(Y, folds=4, seed=3) for _ in range(3)]
    for given_, fold, score in zip(seen, folds, found.folds, strict=True):
        assert np.bincount(given_.y_train).tolist() == [graphs] * 3  # of 15 of each class
        assert len(given_.splits) == inner
        assert set(given_.indices) <= set(fold.train)
        np.testing.assert_array_equal(given_.x_train, X[given_.indices])
        np.testing.assert_array_equal(given_.x_test, X[fold.test])
        assert (score.train, score.pool, score.test) == (3 * graphs, 45, fold.test.tolist())
        assert (score.validation_score is None) == (inner == 0)
        assert inner or score.params == {"C": 1.0}
    assert [(s.fold, s.draw) for s in found.folds] == [(k, d) for k in range(4) for d in range(3)]


def test_each_draw_is_the_probe_on_its_own_graphs() -> None:
    gram = X @ X.T
    for probe in ("svm", kernel_svm(gram)):
        found = evaluate(X, Y, probe=probe, folds=3, inner=2, fraction=0.3, draws=4, seed=2, jobs=1)
        plan = Transductive(3, 2, 0.3, 4).plan(Targets.of(Y), 2, selects=True)
        for planned, score in zip(plan.folds, found.folds, strict=True):
            rows, test = planned.fold.train, planned.fold.test
            given_ = ProbeInput(X[rows], Y[rows], X[test], planned.splits, None, rows, test)
            alone = (PROBES.get(probe) if isinstance(probe, str) else probe)(given_)
            assert alone.predictions.tolist() == score.predictions
            assert (alone.params, alone.validation_score) == (score.params, score.validation_score)


def labelled(targets: Targets, fraction: float, draws: int, seed: int) -> list[set[int]]:
    plan = Transductive(fraction=fraction, draws=draws).plan(targets, seed, selects=False)
    return [set(planned.fold.train.tolist()) for planned in plan.folds]


@pytest.mark.parametrize("fraction", [0.01, 0.1])
def test_draws_share_graphs_as_chance_has_it(fraction: float) -> None:
    targets = Targets.of(np.arange(1000) % 2)
    sets = [one for seed in range(2) for one in labelled(targets, fraction, 20, seed)]
    size = len(sets[0])
    shares = {"fold": [], "other fold": [], "other seed": []}
    for i, a in enumerate(sets):
        for j in range(i):
            same = "fold" if i // 20 == j // 20 else "other fold"
            shares[same if i // 200 == j // 200 else "other seed"].append(len(a & sets[j]) / size)
    # Two draws of a fold are from one pool of 900; the pools of two folds share 800 of 900 graphs.
    for name, chance in (("fold", 1), ("other fold", 8 / 9), ("other seed", 0.9)):
        expected = size / 900 * chance
        error = np.sqrt(expected / size / len(shares[name]))
        assert np.mean(shares[name]) == pytest.approx(expected, abs=5 * error)


def test_draws_follow_from_seed_fold_and_number_alone() -> None:
    targets = Targets.of(np.arange(200) % 2)
    many, few = labelled(targets, 0.1, 5, 1), labelled(targets, 0.1, 2, 1)
    assert few == [one for k in range(10) for one in many[5 * k : 5 * k + 2]]
    assert len({frozenset(one) for one in many + labelled(targets, 0.1, 5, 2)}) == 100


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(3, 30), min_size=2, max_size=4), st.floats(0.01, 0.99))
def test_every_draw_is_stratified(sizes: list[int], fraction: float) -> None:
    y = np.repeat(np.arange(len(sizes)), sizes)
    protocol = Transductive(folds=3, fraction=fraction, draws=4)
    folds = protocol.split(Targets.of(y), 0)
    for planned in protocol.plan(Targets.of(y), 0, selects=False).folds:
        whole = np.bincount(y[folds[planned.number].train])
        expected = [max(1, round(fraction * n)) for n in whole]
        assert np.bincount(y[planned.fold.train]).tolist() == expected
        assert planned.pool == sum(whole)


def test_all_labels_are_drawn_once() -> None:
    usual = evaluate(X, Y, folds=4)
    assert evaluate(X, Y, folds=4, fraction=1.0) == usual
    with pytest.warns(UserWarning, match="draws 7 has no use with this probe and fraction") as told:
        assert evaluate(X, Y, folds=4, draws=7) == usual
    assert len(told) == 1
    assert told[0].filename == __file__
    assert "draws" not in usual.settings
    assert {(fold.draw, fold.pool) for fold in usual.folds} == {(0, None)}


def test_draws_without_use_are_named_and_with_use_are_not() -> None:
    protocol = make_protocol("transductive", draws=3)
    for call in (
        lambda: protocol.check(Targets.of(Y)),
        lambda: make_protocol("inductive", draws=3),
    ):
        with pytest.warns(UserWarning, match=r"--probe\.draws 3 has no use") as told:
            call()
        assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_protocol("transductive", fraction=0.5, draws=3).check(Targets.of(Y))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"fraction": 0.0}, "fraction"),
        ({"fraction": -0.1}, "fraction"),
        ({"fraction": 1.5}, "fraction"),
        ({"fraction": 0.5, "draws": 0}, "1 draw of labels or more, but got 0"),
        ({"repeats": 0}, "1 repetition or more"),
    ],
)
def test_numbers_out_of_range_are_refused(options, word: str) -> None:
    with pytest.raises(UserError, match=word):
        evaluate(X, Y, folds=4, **options)


def test_the_config_refuses_no_draws() -> None:
    with pytest.raises(UserError, match=r"--probe\.draws to be 1 or more"):
        ProbeConfig(draws=0)


def drawn(accuracies: dict[tuple[int, int], list[float]], pool: int = 90) -> Evaluation:
    """Return an evaluation of given draws: the accuracies of each seed and fold."""
    folds = [
        FoldScore(
            s, k, {"accuracy": a}, {"C": float(d)}, a / 2, 2, 0, [2 * k, 2 * k + 1], [0, 1],
            [d % 2, 1], None, d, pool,
        )
        for (s, k), values in accuracies.items()
        for d, a in enumerate(values)
    ]  # fmt: skip
    return Evaluation("transductive", "svm", {"fraction": 0.1, "draws": 2}, folds)


EXAMPLE = drawn({(0, 0): [0.5, 0.7], (0, 1): [0.9, 0.7], (1, 0): [0.2, 0.4], (1, 1): [0.6, 0.6]})


def test_draws_are_averaged_by_seed_and_fold() -> None:
    scores = EXAMPLE["accuracy"]
    assert scores.values == pytest.approx({(0, 0): 0.6, (0, 1): 0.8, (1, 0): 0.3, (1, 1): 0.6})
    assert EXAMPLE.draws == 2
    assert EXAMPLE.mean == pytest.approx(np.mean([0.6, 0.8, 0.3, 0.6]))
    assert scores.test_to_train == pytest.approx(2 / 90)
    assert ResultTable(EXAMPLE.records()).scores("accuracy") == scores.values
    assert len(EXAMPLE.records()) == 8
    with pytest.raises(UserError, match="appear twice"):
        Evaluation.concat([EXAMPLE, EXAMPLE])
    with pytest.raises(UserError, match="but got several"):
        ResultTable([*EXAMPLE.records(), EXAMPLE.records()[0]]).scores("accuracy")


def test_a_data_frame_has_a_row_for_each_draw() -> None:
    frame = EXAMPLE.to_frame()
    assert frame[["seed", "fold", "draw"]].value_counts().tolist() == [1] * 8
    assert frame.groupby(["seed", "fold"])["accuracy"].mean().tolist() == pytest.approx(
        [0.6, 0.8, 0.3, 0.6]
    )
    assert set(frame["pool"]) == {90}
    assert frame["params.C"].tolist() == [0.0, 1.0] * 4


def test_a_benchmark_keeps_the_mean_of_the_draws() -> None:
    rows = _records(EXAMPLE, epoch=3)
    assert [(row["seed"], row["fold"]) for row in rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [row["scores"]["accuracy"] for row in rows] == [0.6, 0.8, 0.3, 0.6]
    assert [row["validation_score"] for row in rows] == [0.3, 0.4, 0.15, 0.3]
    for row in rows:
        assert (row["params"], row["draws"], row["pool"], row["test"]) == ({}, 2, 90, 2)
    assert ResultTable(rows).scores("accuracy") == {
        key: round(value, 6) for key, value in EXAMPLE["accuracy"].values.items()
    }
    (whole, _) = _records(evaluate(X, Y, folds=2), epoch=0)
    assert not {"draws", "pool"} & set(whole)
    assert set(whole["params"]) == {"C"}


def comparison() -> Comparison:
    about = Provenance("MUTAG", "ucl", "a" * 64, ["a" * 64], 0.665, 1.5, 2.0)
    return Comparison(EXAMPLE, EXAMPLE, about)


def test_results_keep_every_draw(tmp_path) -> None:
    file = tmp_path / "results.json"
    write_results(file, Results().add(comparison()))
    assert read_results(file).comparisons() == {"svm": comparison()}
    again = read_results(file).add(comparison())  # replaces, draw by draw
    assert len(again.records) == 16
    json.dumps(again.records)


def test_what_is_told_says_that_draws_were_averaged() -> None:
    words = "each the mean of 2 draws of labels"
    assert words in table(comparison())
    assert words in captions.folds("svm", [comparison()])
    assert "2 draws of labels for each" in captions.confusion("svm", EXAMPLE)
    whole = evaluate(X, Y, folds=4)
    about = Comparison(whole, whole, comparison().about)
    assert "draws" not in table(about) + captions.folds("svm", [about])
    ax = plot_folds({"a": comparison()})
    assert [len(points.get_offsets()) for points in ax.collections[:1]] == [4]  # folds, not draws


def test_other_numbers_of_draws_are_of_the_same_folds() -> None:
    less = drawn({key: values[:1] for key, values in {(0, 0): [0.5], (0, 1): [0.8]}.items()})
    more = drawn({(0, 0): [0.5, 0.6], (0, 1): [0.8, 0.6]})
    about = comparison().about
    assert same_folds(Comparison(less, less, about), Comparison(more, more, about))
    assert compare(more, less).difference == pytest.approx(-0.025)


def test_an_experiment_measures_all_draws() -> None:
    probe = ProbeConfig(name="class-mean", folds=3, fraction=0.1, draws=4)
    experiment = make_experiment(Config(dataset="MUTAG", epochs=1, hidden=4, layers=1, probe=probe))
    embeddings = experiment.untrained(0)
    found = experiment.measure(embeddings, 0)
    expected = evaluate(
        embeddings[0], experiment.targets, probe="class-mean", folds=3, fraction=0.1, draws=4
    )
    assert found == expected
    assert (found.draws, len(found.folds)) == (4, 12)


def test_commands_average_the_draws(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    few = ["--probe.fraction", "0.1", "--probe.draws", "3", "--probe.folds", "3"]
    small = ["--epochs", "1", "--hidden", "4", "--layers", "1", "--probe", "class-mean"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (
            main(
                ["train", "--dataset", "MUTAG", *small, *few, "--objective", "ucl", "--out", "run"]
            )
            == 0
        )
        assert main(["evaluate", "run", "--probe", "knn"]) == 0
        assert capsys.readouterr().out.count("each the mean of 3 draws of labels") == 2
        assert main(["report", "run", "--out", "page.html"]) == 0
    results = read_results(tmp_path / "run" / "results.json")
    assert len(results.records) == 2 * 2 * 3 * 3  # probes, encoders, folds, draws
    for one in results.comparisons().values():
        assert one.trained.settings == {"folds": 3, "inner": None, "fraction": 0.1, "draws": 3}
        assert len(one.trained["accuracy"].values) == 3
    assert "3 draws of labels" in (tmp_path / "page.html").read_text(encoding="utf-8")
