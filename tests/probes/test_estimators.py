"""Any classifier or regressor of scikit-learn is a probe, by object or import path."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    Inductive,
    ProbeInput,
    ProbeResult,
    Targets,
    Transductive,
    evaluate,
    find_probe,
)

rng = np.random.default_rng(0)
Y = rng.permutation([0] * 50 + [1] * 40)
X = rng.normal(size=(90, 4)) + Y[:, None]
CLASSIFIERS = [
    RandomForestClassifier(10, random_state=0),
    make_pipeline(StandardScaler(), SVC()),
    GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}, cv=3),
]


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_is_fitted_to_each_training_part_alone(estimator, classes: int) -> None:
    y = Y if classes == 2 else np.array(["a", "b", "c"])[np.arange(90) % 3]
    found = evaluate(X, y, probe=estimator, folds=4, jobs=1)
    assert found.probe == type(estimator).__name__
    assert found.settings["inner"] is None
    split = StratifiedKFold(4, shuffle=True, random_state=0).split(X, y)
    for (train, test), fold in zip(split, found.folds, strict=True):
        model = clone(estimator).fit(X[train], y[train])
        assert fold.predictions == model.predict(X[test]).tolist()
        assert fold.params == {}
        if hasattr(model, "decision_function"):
            expected = model.decision_function(X[test])
        else:
            shares = model.predict_proba(X[test])
            expected = shares[:, 1] - shares[:, 0] if classes == 2 else shares
        np.testing.assert_array_equal(fold.decision, expected)
    if classes == 2:
        assert found["roc_auc"].mean > 0.7


def test_a_regressor() -> None:
    y = X[:, 0] * 3 + 0.1
    forest = RandomForestRegressor(10, random_state=0)
    found = evaluate(X, np.round(y), probe=forest, folds=3, jobs=1)  # whole numbers, yet no classes
    assert found.kind == "regression"
    for (train, test), fold in zip(
        KFold(3, shuffle=True, random_state=0).split(X), found.folds, strict=True
    ):
        model = clone(forest).fit(X[train], np.round(y)[train])
        assert fold.predictions == model.predict(X[test]).tolist()


def test_by_import_path_with_options() -> None:
    path, options = "sklearn.ensemble:RandomForestClassifier", {"n_estimators": 10}
    targets = Targets.of(Y)
    found = Transductive(folds=3).evaluate([X], targets, probe=path, options=options, jobs=1)
    same = Transductive(folds=3).evaluate([X], targets, probe=CLASSIFIERS[0], jobs=1)
    assert [f.predictions for f in found.folds] == [f.predictions for f in same.folds]
    assert (found.probe, found.settings["options"]) == (path, options)
    assert evaluate(X, Y, probe=path, folds=3, jobs=1).mean > 0.6
    apart = Inductive(folds=3).evaluate([X] * 3, targets, probe=path, options=options, jobs=1)
    # The validation part, which selects parameters of other probes, is not trained on.
    for planned, fold in zip(Inductive(folds=3).split(targets, 0), apart.folds, strict=True):
        model = clone(CLASSIFIERS[0]).fit(X[planned.train], Y[planned.train])
        assert fold.predictions == model.predict(X[planned.test]).tolist()


def own(given: ProbeInput, shift: float = 0.0) -> ProbeResult:
    return ProbeResult(
        np.full(len(given.x_test), given.y_train[0]), np.full(len(given.x_test), shift)
    )


def test_options_of_a_function() -> None:
    found = Transductive(folds=3).evaluate([X], Targets.of(Y), probe=own, options={"shift": 2.0})
    assert found.folds[0].decision[0] == 2.0


@pytest.mark.parametrize(
    ("probe", "options", "sentence"),
    [
        ("sklearn.ensemble:RandomForestClassifier", {"trees": 5}, "but got trees"),
        ("svm", {"C": 1.0}, "Expected options of the probe svm (none), but got C"),
        (CLASSIFIERS[0], {"n_estimators": 5}, "set them on the object"),
        ("numpy:pi", None, "to be a class or a function"),
        (3, None, "Expected a probe by name, a function of one ProbeInput or an estimator"),
    ],
)
def test_mistakes(probe, options, sentence: str) -> None:
    with pytest.raises(UserError) as told:
        find_probe(probe, options)
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)


def test_a_classifier_of_real_targets_is_refused() -> None:
    with pytest.raises(UserError, match="regression targets, but RandomForestClassifier serves"):
        evaluate(X, X[:, 0], probe=CLASSIFIERS[0], jobs=1)
