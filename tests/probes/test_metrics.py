"""Metrics are scikit-learn's; the first of those named selects the probe's parameters."""

import dataclasses

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    C_GRID,
    METRICS,
    Evaluation,
    Metric,
    compare,
    evaluate,
    inductive,
    kernel_svm,
    stratified_folds,
)
from graph_hcl.probes.probe import ProbeResult, scale, without_decision

rng = np.random.default_rng(0)
Y = rng.permutation([0] * 70 + [1] * 30)
X = rng.normal(size=(100, 4)) + 0.7 * Y[:, None]
UNDECIDED = without_decision(lambda given: ProbeResult(np.zeros(len(given.x_test))))
ALL = [name for name, metric in METRICS.items() if "binary" in metric.kinds]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1), st.booleans())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_metrics_of_predictions_are_scikit_learns(pairs, strings: bool) -> None:
    labels, predictions = (np.array(one) for one in zip(*pairs, strict=True))
    if strings:
        labels, predictions = labels.astype(str), predictions.astype(str)
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(labels, predictions),
        "macro_f1": sklearn.metrics.f1_score(labels, predictions, average="macro", zero_division=0),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(labels, predictions),
    }
    for name, value in expected.items():
        assert METRICS[name](labels, predictions) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("probe", ["svm", "linear-svm", "logistic", "class-mean", "knn"])
@pytest.mark.parametrize("names", [(0, 1), (False, True), ("b", "a")])
def test_metrics_of_decision_values(probe: str, names) -> None:
    y = np.array([names[label] for label in Y])
    found = evaluate(X, y, probe=probe, folds=3, metrics=ALL, jobs=1)
    assert found.metrics == ALL
    for fold in found.folds:
        positive = np.array(fold.labels) == max(names)
        for name, function in (
            ("roc_auc", sklearn.metrics.roc_auc_score),
            ("average_precision", sklearn.metrics.average_precision_score),
        ):
            assert fold.scores[name] == function(positive, fold.decision)
    assert found["roc_auc"].mean > 0.7


def test_other_metrics_follow_from_what_was_predicted() -> None:
    whole = evaluate(X, Y, probe="class-mean", folds=3, metrics=ALL, jobs=1)
    one = evaluate(X, Y, probe="class-mean", folds=3, metrics=["macro_f1"], jobs=1)
    for name in ALL:
        assert one[name] == whole[name]
    assert (one.metrics, one.mean) == (["macro_f1"], whole["macro_f1"].mean)
    assert Evaluation.from_records(one.records())["roc_auc"] == whole["roc_auc"]
    with pytest.raises(UserError, match="Did you mean roc_auc"):
        one["rocauc"]
    with pytest.raises(UserError, match="a probe with decision values"):
        evaluate(X, Y, probe=UNDECIDED, folds=3, jobs=1)["roc_auc"]
    with pytest.raises(UserError, match="multiclass targets, but roc_auc"):
        evaluate(X, np.arange(100) % 3, probe="class-mean", folds=3, jobs=1)["roc_auc"]


@pytest.mark.parametrize("metric", ["balanced_accuracy", "roc_auc", "average_precision"])
def test_the_first_metric_selects(metric: str) -> None:
    found = evaluate(X, Y, folds=3, inner=4, metrics=[metric, "accuracy"], jobs=1)
    chosen = []
    for fold, score in zip(stratified_folds(Y, folds=3), found.folds, strict=True):
        pipeline = Pipeline([("scale", StandardScaler()), ("probe", SVC())])
        search = GridSearchCV(
            pipeline,
            {"probe__C": list(C_GRID)},
            cv=StratifiedKFold(4, shuffle=True, random_state=0),
            scoring=metric,
        ).fit(X[fold.train], Y[fold.train])
        assert search.best_params_["probe__C"] == score.params["C"]
        assert search.best_score_ == pytest.approx(score.validation_score)
        chosen.append(score.params)
    assert found.mean == found[metric].mean
    # The order decides, and accuracy selects by default.
    usual = evaluate(X, Y, folds=3, inner=4, jobs=1)
    assert usual.metrics == ["accuracy", "macro_f1"]
    turned = evaluate(X, Y, folds=3, inner=4, metrics=["accuracy", metric], jobs=1)
    assert [fold.params for fold in turned.folds] == [fold.params for fold in usual.folds]
    assert [fold.params for fold in usual.folds] != chosen
    folds = stratified_folds(Y, folds=3, validation=0.3)
    apart = inductive(lambda k, fold: X, Y, folds=folds, metrics=[metric], jobs=1)
    assert apart.metrics == [metric]
    kernel = evaluate(
        np.zeros((100, 0)), Y, probe=kernel_svm(X @ X.T, X @ X.T), folds=3, metrics=[metric], jobs=1
    )
    assert {fold.params["kernel"] for fold in kernel.folds} == {0}


def test_an_inner_part_of_one_class_selects_nothing_by_decision_values() -> None:
    y = np.array([0] * 12 + [1] * 4)  # training parts have two of class 1, inner parts one or none
    x = rng.normal(size=(16, 2)) + y[:, None]
    with pytest.warns(UserWarning, match="lack a class"):
        found = evaluate(x, y, folds=2, inner=3, metrics=["roc_auc"], jobs=1)
    assert all(fold.validation_score is not None for fold in found.folds)


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        (Y, {"metrics": ["rocauc"]}, "Did you mean roc_auc"),
        (Y, {"metrics": []}, "list of different metrics"),
        (Y, {"metrics": ["accuracy", "accuracy"]}, "list of different metrics"),
        (Y, {"metrics": "accuracy"}, "list of different metrics, but got 'accuracy'"),
        (np.arange(100) % 3, {"metrics": ["roc_auc"]}, "multiclass targets, but roc_auc serves"),
        (Y, {"metrics": ["roc_auc"], "probe": UNDECIDED}, "a probe with decision values"),
        ([0] * 97 + [1] * 3, {"metrics": ["roc_auc"], "folds": 4}, "take fewer folds"),
    ],
)
@pytest.mark.filterwarnings("ignore:Some parts of the 4 folds")
def test_mistakes(labels, options, sentence: str) -> None:
    with pytest.raises(UserError) as told:
        evaluate(X, labels, jobs=1, **options)
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)


def test_repetitions_are_those_of_their_seeds() -> None:
    told: list[object] = []
    found = evaluate(X, Y, folds=3, repeats=3, seed=5, probe="knn", jobs=1, progress=told.append)
    alone = [evaluate(X, Y, folds=3, seed=seed, probe="knn", jobs=1) for seed in (5, 6, 7)]
    assert found == Evaluation.concat(alone)
    assert found.seeds == [5, 6, 7]
    assert told == found.folds
    frame = found.to_frame()
    assert len(frame) == 9
    assert {"seed", "fold", "draw", "accuracy", "macro_f1", "train", "test"} <= set(frame)
    assert not {"labels", "predictions", "decision"} & set(frame)
    assert dataclasses.replace(found, folds=found.folds[:3]) == alone[0]


def test_repetitions_warn_once() -> None:
    y = np.array([0] * 60 + [1] * 37 + [2] * 3)
    with pytest.warns(UserWarning, match="lack a class") as told:
        evaluate(X, y, folds=5, repeats=4, probe="knn", jobs=1)
    assert len(told) == 1
    assert told[0].filename == __file__


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 10**6))
def test_scaling_is_scikit_learns(n: int, d: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n + 3, d)) * 10.0 ** draw.integers(-6, 6, d) + draw.integers(-3, 3, d)
    x[:, draw.random(d) < 0.3] = draw.normal() * 1e5  # constant columns
    scaler = StandardScaler().fit(x[:n])
    found = scale(x[:n], x[n:])
    for one, rows in zip(found, (x[:n], x[n:]), strict=True):
        np.testing.assert_allclose(one, scaler.transform(rows), rtol=1e-12, atol=1e-12)


def misses(labels: np.ndarray, predictions: np.ndarray) -> float:
    return float((labels != predictions).sum())


MISSES = Metric("misses", misses, greater_is_better=False, best=0.0, usual=False)


@pytest.mark.parametrize("metric", [MISSES, f"{__name__}:MISSES"])
def test_a_metric_of_ones_own(metric) -> None:
    found = evaluate(X, Y, probe="svm", folds=3, inner=4, metrics=[metric, "accuracy"], jobs=1)
    assert found.metrics == ["misses", "accuracy"]
    assert found.settings["metric"] == "misses"
    for fold in found.folds:
        assert fold.scores["misses"] == round(len(fold.test) * (1 - fold.scores["accuracy"]))
    usual = evaluate(X, Y, probe="svm", folds=3, inner=4, jobs=1)
    assert usual["misses"].mean >= 0
    noise = evaluate(rng.normal(size=X.shape), Y, folds=3, metrics=[metric], jobs=1)
    told = str(compare(found, noise, "misses"))
    assert "lower is better" in told
    assert "percentage points" not in told


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        (dataclasses.replace(MISSES, name="accuracy"), "it is taken"),
        (f"{__name__}:misses", "Expected a graph_hcl.probes.Metric, or its name"),
        (misses, "Expected a graph_hcl.probes.Metric, or its name"),
    ],
)
def test_what_is_no_metric(metric, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        evaluate(X, Y, metrics=[metric], jobs=1)
