"""Several tasks with missing entries: one model for each, scores as means over the tasks."""

import json
import warnings

import numpy as np
import pytest
import sklearn.metrics
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    C_GRID,
    Evaluation,
    RareClassWarning,
    Targets,
    Transductive,
    compare,
    evaluate,
    stratified_folds,
)
from graph_hcl.probes.probe import ProbeResult, without_decision
from graph_hcl.probes.tasks import task_warning

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4))
Y = (X[:, :3] + 0.5 * rng.normal(size=(120, 3)) > 0).astype(float)
Y[rng.random(Y.shape) < 0.25] = np.nan
Y[np.isnan(Y).all(1), 0] = 1.0  # graphs without any label are in no fold


def test_each_task_is_scikit_learns_on_the_graphs_with_its_label() -> None:
    found = evaluate(X, Y, probe="logistic", folds=3, inner=4, jobs=1)
    assert found.metrics == ["roc_auc", "average_precision"]
    outer = KFold(3, shuffle=True, random_state=0).split(X)
    for (train, test), fold in zip(outer, found.folds, strict=True):
        inner = list(KFold(4, shuffle=True, random_state=0).split(train))
        aucs, precisions = [], []
        for task in range(3):
            y, known = Y[train, task], ~np.isnan(Y[train, task])
            place = np.cumsum(known) - 1
            cv = [(place[a[known[a]]], place[b[known[b]]]) for a, b in inner]
            search = GridSearchCV(
                make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=5000)),
                {"logisticregression__C": list(C_GRID)},
                scoring="roc_auc",
                cv=cv,
            ).fit(X[train][known], y[known])
            assert fold.params["C"][task] == search.best_params_["logisticregression__C"]
            seen = ~np.isnan(Y[test, task])
            decision = search.decision_function(X[test])
            np.testing.assert_allclose(np.array(fold.decision)[:, task], decision, rtol=1e-3)
            aucs.append(sklearn.metrics.roc_auc_score(Y[test, task][seen], decision[seen]))
            precisions.append(
                sklearn.metrics.average_precision_score(Y[test, task][seen], decision[seen])
            )
            missing = [row[task] is None for row in fold.labels]
            assert missing == np.isnan(Y[test, task]).tolist()
        assert fold.scores["roc_auc"] == pytest.approx(np.mean(aucs), abs=1e-12)
        assert fold.scores["average_precision"] == pytest.approx(np.mean(precisions), abs=1e-12)


@pytest.mark.parametrize(
    "probe",
    ["svm", "linear-svm", "nystroem-svm", "knn", RandomForestClassifier(20, random_state=0)],
)
def test_any_classifier_serves_tasks(probe) -> None:
    found = evaluate(X, Y, probe=probe, folds=3, metrics=["roc_auc"], jobs=1)
    assert found.mean > 0.8
    again = Evaluation.from_records(json.loads(json.dumps(found.records())))
    assert again == found
    assert again.kind == "multilabel"
    assert again["average_precision"].mean > 0.8


def test_a_task_without_both_classes_is_named_and_left_out() -> None:
    y = np.nan_to_num(Y)
    y[:, 1] = 0
    y[3, 1] = 1  # one positive: most test parts have none, one training part has none
    targets = Targets.of(y, names=("a", "rare", "c"))
    with pytest.warns(UserWarning, match=r"test part .*: rare \(in 2 of 3 folds\)") as told:
        found = evaluate(X, targets, probe="logistic", folds=3, jobs=1)
    assert len(told) == 1
    assert "training part of a fold, where they get one constant score: rare (in 1 of 3 folds)" in (
        str(told[0].message)
    )
    for fold in found.folds:
        truth, decision = np.array(fold.labels, dtype=float), np.array(fold.decision)
        tasks = [t for t in range(3) if len(np.unique(truth[:, t])) == 2]
        assert tasks == ([0, 1, 2] if 3 in fold.test else [0, 2])
        aucs = [sklearn.metrics.roc_auc_score(truth[:, t], decision[:, t]) for t in tasks]
        assert fold.scores["roc_auc"] == pytest.approx(np.mean(aucs))
        if 3 in fold.test:
            assert aucs[1] == 0.5


@pytest.mark.filterwarnings("ignore:Of 2 tasks")
def test_a_fold_without_any_task_is_refused() -> None:
    y = np.zeros((40, 2))
    y[0] = 1
    with pytest.raises(UserError, match="both classes of some task in every fold for roc_auc"):
        evaluate(X[:40], y, folds=4, jobs=1)


def test_what_does_not_serve_tasks() -> None:
    with pytest.raises(UserError, match="multilabel targets, but accuracy serves"):
        evaluate(X, Y, metrics=["accuracy"], jobs=1)
    with pytest.raises(UserError, match="multilabel targets, but ridge serves regression"):
        evaluate(X, Targets.of(Y), probe="ridge", jobs=1)
    undecided = without_decision(lambda given: ProbeResult(np.zeros(len(given.x_test))))
    with pytest.raises(UserError, match="a probe with decision values"):
        evaluate(X, Y, probe=undecided, folds=3, jobs=1)


def test_the_majority_class_of_several_tasks() -> None:
    found = evaluate(X, Y, probe="majority", folds=3, jobs=1)
    assert found["roc_auc"].mean == 0.5


def test_several_real_targets_and_comparisons() -> None:
    real = X[:, :2] * (1, 10) + rng.normal(size=(120, 2))
    real[::6, 0] = np.nan
    found = evaluate(X, real, folds=3, jobs=1)
    assert (found.probe, found.metrics) == ("ridge", ["rmse", "mae", "r2"])
    for fold in found.folds:
        truth, guess = np.array(fold.labels, dtype=float), np.array(fold.predictions)
        expected = []
        for task in range(2):
            known = ~np.isnan(truth[:, task])
            expected.append(
                sklearn.metrics.root_mean_squared_error(truth[known, task], guess[known, task])
            )
        assert fold.scores["rmse"] == pytest.approx(np.mean(expected))
    worse = evaluate(rng.normal(size=X.shape), real, folds=3, jobs=1)
    assert "lower is better" in str(compare(found, worse))
    assert compare(found, worse).difference < 0


def test_the_first_seed_with_a_warning_gives_it() -> None:
    y = np.zeros((40, 3))
    y[::2] = 1
    y[:, 1] = np.arange(40) < 5  # in each of the test parts of some seeds alone
    targets = Targets.of(y)
    warned = [
        task_warning(targets, stratified_folds(targets, folds=4, seed=seed)) for seed in range(9)
    ]
    start = next(s for s in range(8) if warned[s] is None and warned[s + 1] is not None)
    x = rng.normal(size=(40, 2))
    for call in (
        lambda: evaluate(x, y, folds=4, repeats=2, seed=start, probe="class-mean", jobs=1),
        lambda: Transductive(folds=4).check(targets, "class-mean", seeds=(start, start + 1)),
    ):
        with pytest.warns(RareClassWarning) as caught:
            call()
        assert [str(one.message) for one in caught] == [warned[start + 1]]


def test_real_tasks_without_targets_in_a_part_are_told() -> None:
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    tests = [test for _, test in KFold(5, shuffle=True, random_state=0).split(x)]
    y[:, 1] = np.nan
    y[tests[0][:3], 1] = 500 + np.arange(3)
    with pytest.warns(RareClassWarning) as caught:
        evaluate(x, Targets.of(y, names=("a", "b")), folds=5, metrics=["rmse"], jobs=1)
    assert [str(one.message) for one in caught] == [
        "Of 2 tasks, some lack targets in the test part of a fold, whose score is the mean over "
        "the others: b (in 4 of 5 folds); some lack different targets in the training part of a "
        "fold, where they get one constant prediction: b (in 1 of 5 folds)."
    ]


def test_real_tasks_with_targets_in_all_parts_are_not_warned_of() -> None:
    y = rng.normal(size=(40, 2))
    y[::3, 1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(rng.normal(size=(40, 3)), y, folds=4, jobs=1)
