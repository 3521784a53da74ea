"""What a probe may return: one prediction for each test graph, in any container."""

import json

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from graph_hcl.probes import (
    Evaluation,
    Metric,
    Prediction,
    ProbeResult,
    Targets,
    evaluate,
    search,
    without_selection,
)
from tests.one_sentence import ends_in_one_sentence

RNG = np.random.default_rng(0)
Y = np.arange(60) % 3
X = np.eye(3)[Y] + 0.4 * RNG.normal(size=(60, 3))
TWO, REAL = Y % 2, X[:, 0]
TASKS = np.stack([TWO, 1 - TWO], axis=1)


def measured(function, y=Y, **more):
    return evaluate(X, y, probe=without_selection(function), folds=3, jobs=1, **more)


def fitted(given):
    return LogisticRegression().fit(given.x_train, given.y_train)


def right(given):
    return fitted(given).predict(given.x_test)


def result(change, y=Y, decide=lambda values: None, **more):
    """Return the evaluation of a probe whose right predictions, or decisions, are changed."""

    def probe(given):
        model = fitted(given)
        decision = decide(model.decision_function(given.x_test))
        return ProbeResult(change(model.predict(given.x_test)), decision)

    return measured(probe, y, **more)


class Columns(ClassifierMixin, BaseEstimator):
    """A classifier that predicts a column, as some boosted trees do of several classes."""

    def fit(self, x, y):
        self.model_ = LogisticRegression().fit(x, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, x):
        return self.model_.predict(x)[:, None]

    def predict_proba(self, x):
        return self.model_.predict_proba(x)


SAME = {
    "a column": lambda values: values[:, None],
    "a list": lambda values: values.tolist(),
    "a list of rows": lambda values: values[:, None].tolist(),
    "a tensor": torch.as_tensor,
    "objects": lambda values: values.astype(object),
}


@pytest.mark.parametrize("container", SAME)
@pytest.mark.parametrize(
    "y", [Y, np.array(["a", "b", "c"])[Y], TASKS], ids=["int", "text", "tasks"]
)
def test_predictions_of_any_container_are_the_same(container: str, y) -> None:
    if container == "a tensor" and y.dtype.kind == "U":
        pytest.skip("tensors hold no text")
    several = y.ndim == 2
    metrics = None if several else ["accuracy", "macro_f1", "balanced_accuracy"]
    decide = (lambda values: values[:, None]) if several else (lambda values: values)
    expected = result(lambda values: values, y, lambda values: values, metrics=metrics)
    found = result(SAME[container], y, decide, metrics=metrics)
    assert found.records() == expected.records()


def test_a_classifier_that_predicts_a_column_is_right() -> None:
    found = evaluate(X, Y, probe=Columns(), folds=3, jobs=1)
    plain = evaluate(X, Y, probe=LogisticRegression(), folds=3, jobs=1)
    assert found["accuracy"].values == plain["accuracy"].values
    assert found.mean > 0.6


def test_decision_values_of_any_container_are_the_same() -> None:
    def values(change):
        return result(lambda values: values, TWO, change, metrics=["roc_auc"])["roc_auc"].values

    plain = values(lambda decision: decision)
    for change in (np.ndarray.tolist, torch.as_tensor, lambda decision: decision[:, None]):
        assert values(change) == plain


@pytest.mark.parametrize("solver_returns", [lambda y: y[:, None], np.ndarray.tolist])
def test_inner_folds_score_the_predictions_of_a_solver_alike(solver_returns) -> None:
    def probe(change):
        def solver(given):
            right = fitted(given).predict(given.x_test)
            return lambda C: Prediction(change(right if C == 0.1 else 0 * right))

        grid = [{"C": 1.0}, {"C": 0.1}]
        return lambda given: search(given, solver, grid=grid, default=grid[0])

    plain, other = (
        evaluate(X, Y, probe=probe(change), folds=3, jobs=1)
        for change in (lambda right: right, solver_returns)
    )
    assert {fold.params["C"] for fold in plain.folds} == {0.1}
    assert other.records() == plain.records() or other.folds == plain.folds


def test_parameters_are_plain_values() -> None:
    params = {"k": np.int64(3), "w": np.array([1.0]), "t": torch.tensor(0.5), "how": (len, None)}
    found = measured(lambda given: ProbeResult(right(given), None, params, np.float32(0.5)))
    assert Evaluation.from_records(json.loads(json.dumps(found.records()))) == found
    assert found.folds[0].params == {"k": 3, "w": [1.0], "t": 0.5, "how": [str(len), None]}


def many(value):
    return lambda right: np.full(len(right), value)


EACH, CLASSES = (
    r"one prediction of the probe for each of 20 test graphs, \[20\], but got ",
    (r"the probe to predict classes of the labels \(0, 1, 2\), but got "),
)
FINITE = "finite predictions of the probe, but some are none"
DECISION = "one decision value of the probe for each of 20 test graphs, "
MISTAKES = {
    "one for all": (lambda: result(lambda right: right[:1]), EACH + r"\[1\]"),
    "a number": (lambda: result(lambda right: right[0]), EACH + r"\[\]"),
    "too few": (lambda: result(lambda right: right[:3]), EACH + r"\[3\]"),
    "a row": (lambda: result(lambda right: right[None]), EACH + r"\[1, 20\]"),
    "rows of one 1": (lambda: result(lambda right: np.eye(3)[right]), EACH + r"\[20, 3\]"),
    "text": (lambda: result(lambda right: right.astype(str)), CLASSES + "'"),
    "another class": (lambda: result(many(7)), CLASSES + "7"),
    "NaN": (lambda: result(many(np.nan)), CLASSES + "nan"),
    "half a class": (lambda: result(many(0.5)), CLASSES + "0.5"),
    "another class of a task": (
        lambda: result(many(2), TASKS),
        r"classes of the labels \(0, 1\), but got 2",
    ),
    "nothing": (lambda: measured(lambda given: None), "return a ProbeResult, but got NoneType"),
    "an array": (lambda: measured(right), "a ProbeResult, but got ndarray: return ProbeResult\\("),
    "two columns for two classes": (
        lambda: result(np.array, TWO, lambda one: np.stack([-one, one], 1)),
        DECISION + r"\[20\], but got \[20, 2\]",
    ),
    "one column for three classes": (
        lambda: result(np.array, Y, lambda values: values[:, 0]),
        DECISION + r"\[20, 3\], but got \[20\]",
    ),
    "too few decisions": (
        lambda: result(np.array, TWO, lambda values: values[:3]),
        DECISION + r"\[20\], but got \[3\]",
    ),
    "decisions of NaN": (
        lambda: result(np.array, TWO, lambda values: values * np.nan),
        "finite decision values of the probe, but some are none",
    ),
    "NaN for a number": (
        lambda: evaluate(X, REAL, probe=lambda given: ProbeResult(given.x_test[:, 0] * np.nan)),
        FINITE,
    ),
    "one number": (
        lambda: evaluate(X, REAL, folds=3, probe=lambda given: ProbeResult(np.zeros(1))),
        EACH + r"\[1\]",
    ),
    "text for numbers": (
        lambda: evaluate(X, REAL, probe=lambda given: ProbeResult(["a"] * len(given.x_test))),
        FINITE,
    ),
    "a score of NaN": (
        lambda: measured(lambda given: ProbeResult(right(given), validation_score=np.nan)),
        "validation score to be a finite number, or None where nothing selects, but got nan",
    ),
    "a metric of none": (
        lambda: result(np.array, metrics=[Metric("none", lambda labels, guess: None)]),
        "the metric none to return a number, but got NoneType",
    ),
    "a metric of each graph": (
        lambda: result(np.array, metrics=[Metric("each", lambda labels, guess: labels == guess)]),
        "the metric each to return a number, but got ndarray",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(mistake: str) -> None:
    ends_in_one_sentence(*MISTAKES[mistake])


def test_a_majority_of_tasks_ranks_no_graph() -> None:
    found = evaluate(X, TASKS, probe="majority", folds=3, jobs=1)
    assert found.mean == 0.5
    assert Targets.of(TASKS).kind == found.kind
    for y, chance in ((TWO, 0.5), (TASKS, 0.5)):
        found = evaluate(X, y, probe="majority", folds=3, metrics=["roc_auc"], jobs=1)
        assert found.mean == chance
