"""results.json: what stays, what is replaced, and what is refused when it is read."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.errors import UserError
from graph_hcl.probes import Evaluation, FoldScore
from graph_hcl.results import Comparison, Provenance, Results, table
from graph_hcl.results_file import read_results, write_results


def evaluation(probe="svm", accuracy=0.5, seeds=(0,), **options) -> Evaluation:
    folds = [
        FoldScore(
            seed, fold, {"accuracy": accuracy, "macro_f1": 0.25}, {"C": 1.0}, None, 8, 0,
            [2 * fold, 2 * fold + 1], [0, 1], [0, 0], [0.5, -0.5],
        )
        for seed in seeds
        for fold in range(2)
    ]  # fmt: skip
    return Evaluation("transductive", probe, {"folds": 2} | options, folds)


def comparison(probe="svm", accuracy=0.5, command="", **options) -> Comparison:
    about = Provenance("MUTAG", "ucl", "a" * 64, ["a" * 64], 0.665, 1.5, 2.0, [command])
    untrained = evaluation(probe, 0.25, **options)
    return Comparison(evaluation(probe, accuracy, **options), untrained, about)


def test_the_file_gives_back_what_was_written(tmp_path) -> None:
    file = tmp_path / "results.json"
    assert read_results(file) == Results()
    one = comparison(seeds=(0, 1))
    write_results(file, Results().add(one))
    assert read_results(file).comparisons() == {"svm": one}
    assert json.loads(file.read_text(encoding="utf-8"))["schema"] == 4
    assert len(file.read_text(encoding="utf-8").splitlines()) < 20  # one record a line


def test_another_probe_or_setting_stands_beside_and_the_same_replaces() -> None:
    results = Results()
    for one in (
        comparison("svm", 0.5, "first"),
        comparison("knn", 0.6, "second"),
        comparison("svm", 0.7, "third", fraction=0.1),
        comparison("svm", 0.8, "fourth"),
    ):
        results = results.add(one)
    found = results.comparisons()
    assert {name: one.trained.mean for name, one in found.items()} == {
        "knn": 0.6,
        "svm (fraction 0.1)": 0.7,
        "svm": 0.8,
    }
    assert [about.command for about in results.evaluations] == [["second"], ["third"], ["fourth"]]
    assert {one.about.command[0] for one in found.values()} == {"second", "third", "fourth"}
    assert len(results.table) == 3 * 2 * 2
    assert results.table.select(probe="knn", encoder="trained").scores("accuracy") == {
        (0, 0): 0.6,
        (0, 1): 0.6,
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([1.0, 0.5, 0.1]))))
def test_the_last_of_each_key_is_what_stands(added) -> None:
    results, expected = Results(), {}
    for number, (probe, fraction) in enumerate(added):
        results = results.add(comparison(probe, number / 100, str(number), fraction=fraction))
        expected[probe, fraction] = number
    found = {
        (one.probe, one.trained.settings["fraction"]): one for one in results.comparisons().values()
    }
    assert {key: int(one.about.command[0]) for key, one in found.items()} == expected
    assert all(one.trained.mean == expected[key] / 100 for key, one in found.items())
    assert len(results.evaluations) == len(expected)


def test_a_file_of_an_earlier_version_costs_one_sentence(tmp_path) -> None:
    file = tmp_path / "results.json"
    for text, reason in (
        ('{"svm": {"trained": {}}}', "written by another version"),
        ('{"schema": 2}', "written by another version"),
        ("{", "it is damaged"),
        ("null", "it is not a mapping"),
        ('{"schema": 4}', "it is damaged"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=reason) as caught:
            read_results(file)
        assert f"run python -m graph_hcl.evaluate {tmp_path}." in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_table() -> None:
    assert table(comparison()).splitlines() == [
        "| data set | encoder        | protocol     | probe | accuracy %   | macro-F1 %   |",
        "| -------- | -------------- | ------------ | ----- | ------------ | ------------ |",
        "| MUTAG    | ucl            | transductive | svm   | 50.00 ± 0.00 | 25.00 ± 0.00 |",
        "| MUTAG    | untrained      | transductive | svm   | 25.00 ± 0.00 | 25.00 ± 0.00 |",
        "| MUTAG    | majority class |              |       | 66.50        |              |",
        "",
        "mean ± standard deviation over folds; training 1.5 s, evaluation of both encoders 2.0 s",
    ]
