"""Plausible mistakes in what probes are given end in one sentence."""

import numpy as np
import pandas as pd
import pytest

from graph_hcl.probes import (
    METRICS,
    Evaluation,
    Fold,
    PairedDifference,
    Targets,
    Transductive,
    compare,
    corrected_interval,
    corrected_t_test,
    evaluate,
    majority_accuracy,
    paired_difference,
    stratified_folds,
)
from graph_hcl.probes.choice import find_probe
from graph_hcl.probes.probe import ProbeInput
from tests.one_sentence import ends_in_one_sentence

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = np.arange(30) % 2
REAL = RNG.normal(size=30)
THREE = Fold(np.arange(20), np.arange(20, 24), np.array([24, 25, 27, 28]))
"""A test part with two of three classes."""
ROWS = np.arange(30)
MIXED = np.array([1, "a"] * 15, dtype=object)


def measured(x=X, y=Y, **more):
    return evaluate(x, y, **({"folds": 2, "jobs": 1} | more))


def nystroem(features):
    given = ProbeInput(X, Y, X, splits=[(ROWS, ROWS)])
    return find_probe("nystroem-svm", {"features": features})(given)


MISTAKES = {
    "tasks for classes": (
        lambda: majority_accuracy([[0, 1], [1, 0], [0, 0]]),
        "class labels to find the most frequent one of, but got multilabel targets",
    ),
    "numbers for classes": (
        lambda: majority_accuracy([0.5, 1.5, 2.5]),
        "class labels to find the most frequent one of, but got regression targets",
    ),
    "labels of another unit": (
        lambda: compare(measured(y=REAL), measured(y=100 * REAL)),
        "evaluations with the same labels, but graph 2 has .* in one and .* in the other",
    ),
    "labels of other values": (
        lambda: compare(measured(), measured(y=np.array(["a", "b"])[Y])),
        "same labels, but graph . has . in one and '.' in the other",
    ),
    "a metric of two classes for three": (
        lambda: measured(y=ROWS % 3, folds=[THREE])["roc_auc"],
        "metrics of multiclass targets, but roc_auc serves binary",
    ),
    "a missing group of pandas": (
        lambda: Targets.of(Y).grouped([pd.NA, *"a" * 29]),
        "a group for each graph, but some are missing",
    ),
    "a missing integer of pandas": (
        lambda: Targets.of(Y).grouped(pd.array([*range(29), None], dtype="Int64")),
        "a group for each graph, but some are missing",
    ),
    "a missing date": (
        lambda: Targets.of(Y).grouped(pd.to_datetime(["2020"] * 29 + [None])),
        "a group for each graph, but some are missing",
    ),
    "groups of two kinds": (
        lambda: measured(groups=MIXED),
        "groups of one kind, such as all numbers or all text, but got int, str",
    ),
    "a list of groups of two kinds": (
        lambda: measured(groups=MIXED.tolist()),
        "groups of one kind, such as all numbers or all text, but got int, str",
    ),
    "groups of unequal length": (
        lambda: measured(groups=[[1], [1, 2]] * 15),
        "one group per graph .*, but the groups make no array",
    ),
    "a fraction of a fold": (
        lambda: stratified_folds(Y, folds=2.5),
        "folds to be a whole number, but got 2.5",
    ),
    "folds of a protocol as text": (
        lambda: Transductive(folds="3"),
        "folds to be a whole number, but got '3'",
    ),
    "inner folds of a protocol as text": (
        lambda: Transductive(inner="3"),
        "inner to be a whole number, but got '3'",
    ),
    "a seed as text": (
        lambda: stratified_folds(Y, folds=2, seed="1"),
        "seed to be a whole number, but got '1'",
    ),
    "a validation share as text": (
        lambda: stratified_folds(Y, folds=2, validation="0.1"),
        "validation to be a number, but got '0.1'",
    ),
    "a fraction as text": (
        lambda: measured(fraction="0.5"),
        "fraction to be a number, but got '0.5'",
    ),
    "a fraction of a feature": (lambda: nystroem(2.5), "features to be a whole number.* got 2.5"),
    "features as text": (lambda: nystroem("a"), "features to be a whole number, but got 'a'"),
    "no features": (lambda: nystroem(0), "1 feature or more, but got 0"),
    "fewer than no features": (lambda: nystroem(-1), "1 feature or more, but got -1"),
    "huge targets": (
        lambda: measured(y=1e200 * REAL, probe="svr"),
        r"targets of 1.2e\+153 or less in size, but got .*, whose square overflows",
    ),
    "huge targets of tasks": (
        lambda: measured(y=np.stack([REAL, -1e200 * abs(REAL)], axis=1)),
        "targets of .* or less in size, but got -.*, whose square overflows",
    ),
}
SCORES = [0.5, 0.75, 0.75]
TESTED = PairedDifference(0.0, (-0.1, 0.1), 0.0, 1.0, error=0.1, degrees=4)
RATIO = "a finite test_to_train above 0 and confidence in "
MISTAKES |= {
    "a ratio of NaN": (
        lambda: corrected_t_test(SCORES, SCORES[::-1], test_to_train=np.nan),
        RATIO + r"\(0, 1\), but got nan and 0.95",
    ),
    "an infinite ratio": (
        lambda: corrected_interval(SCORES, test_to_train=np.inf),
        RATIO + r"\(0, 1\), but got inf",
    ),
    "a ratio as text": (
        lambda: corrected_interval(SCORES, test_to_train="1/9"),
        "test_to_train to be a number, but got '1/9'",
    ),
    "a step as text": (lambda: corrected_t_test(SCORES, SCORES, step="a"), "step to be a number"),
    "a margin as text": (lambda: TESTED.equivalence_p("0.01"), "margin to be a number, but got"),
    "text for scores": (lambda: corrected_interval("abc"), r"one score \[J\] as .* but got str"),
    "words for scores": (lambda: corrected_t_test(["a"], ["b"]), "one score .* but got list"),
    "a mapping of scores": (
        lambda: corrected_t_test({0: 1.0}, {0: 1.0}),
        "one score .* but got dict without such numbers: compare and",
    ),
    "the scores of a metric": (
        lambda: corrected_t_test(measured()["accuracy"], SCORES),
        "one score .* but got MetricScores without such numbers: compare and",
    ),
    "evaluations for scores": (
        lambda: paired_difference(measured(), measured()),
        "scores of one metric, as .* but got Evaluation: compare takes evaluations",
    ),
    "a number for a metric": (lambda: measured()[3], "a graph_hcl.probes.Metric, or its name"),
    "the file of records": (
        lambda: Evaluation.from_records("x.json"),
        "a list of records, as Evaluation.records returns them, but got str",
    ),
    "one record": (lambda: Evaluation.from_records(measured().records()[0]), "but got dict"),
    "names of records": (lambda: Evaluation.from_records(["x.json"]), "records as .* got 'x.json'"),
    "records without a draw": (
        lambda: Evaluation.from_records([{"seed": 0, "fold": 0}]),
        "records as Evaluation.records returns them, but got one without 'scores'",
    ),
}
for _probe in ("svm", "logistic", "knn", "class-mean", "ridge"):
    _labels = REAL if _probe == "ridge" else Y
    MISTAKES |= {
        f"huge embeddings, {_probe}": (
            lambda p=_probe, y=_labels: measured(1e160 * X, y, probe=p),
            r"embeddings of 1.2e\+153 or less in size, but that of graph \d+ reaches .*e\+160",
        ),
        f"embeddings without a column, {_probe}": (
            lambda p=_probe, y=_labels: measured(X[:, :0], y, probe=p),
            "embeddings of one column or more, but got a width of 0",
        ),
    }
MISTAKES["embeddings without a column, forest"] = (
    lambda: measured(X[:, :0], probe="sklearn.ensemble:RandomForestClassifier"),
    "embeddings of one column or more, but got a width of 0",
)


@pytest.mark.filterwarnings("ignore::graph_hcl.probes.RareClassWarning")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(mistake: str) -> None:
    ends_in_one_sentence(*MISTAKES[mistake])


def test_what_is_near_a_mistake_is_measured() -> None:
    assert measured(1e150 * X).mean == measured(X).mean
    assert measured(X[:, :0], probe="majority").mean == measured(probe="majority").mean
    assert majority_accuracy(Targets.of([[0], [1], [1]], kind="multilabel")) == pytest.approx(2 / 3)
    assert nystroem(np.int64(5)).params.keys() == {"C"}
    days = pd.to_datetime([f"2020-01-0{1 + k % 4}" for k in range(30)])
    assert Targets.of(Y).grouped(days).groups.tolist() == [k % 4 for k in range(30)]


def test_a_metric_is_as_good_as_its_name() -> None:
    first, second = measured(probe="knn"), measured(probe="class-mean")
    assert compare(first, second, METRICS["accuracy"]) == compare(first, second, "accuracy")
    assert first[METRICS["roc_auc"]].values == first["roc_auc"].values
    assert first[METRICS["accuracy"]] == first["accuracy"]


@pytest.mark.parametrize("classes", [2, 3])
def test_constant_embeddings_give_no_warning(recwarn, classes: int) -> None:
    measured(np.full((30, 3), 0.1), ROWS % classes, probe="logistic", inner=2)
    assert [str(one.message) for one in recwarn] == []
