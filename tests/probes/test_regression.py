"""Ridge and support vector regression are scikit-learn's; errors are lower where better."""

import json

import numpy as np
import pytest
import sklearn.metrics
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from graph_hcl.errors import UserError
from graph_hcl.probes import C_GRID, METRICS, Evaluation, compare, evaluate

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 5))
Y = 30 * np.sin(X[:, 0]) + 20 * X[:, 1] + 100 + 6 * rng.normal(size=90)
MODELS = {
    "ridge": (make_pipeline(StandardScaler(), Ridge()), "ridge__alpha"),
    "svr": (
        make_pipeline(
            StandardScaler(), TransformedTargetRegressor(SVR(), transformer=StandardScaler())
        ),
        "transformedtargetregressor__regressor__C",
    ),
}


@pytest.mark.parametrize("probe", MODELS)
@pytest.mark.parametrize(
    ("metric", "scoring"),
    [
        ("rmse", "neg_root_mean_squared_error"),
        ("mae", "neg_mean_absolute_error"),
        ("r2", "r2"),
    ],
)
def test_the_probe_is_scikit_learns(probe: str, metric: str, scoring: str) -> None:
    found = evaluate(X, Y, probe=probe, folds=3, inner=4, metrics=[metric], jobs=1)
    model, name = MODELS[probe]
    for (train, test), fold in zip(
        KFold(3, shuffle=True, random_state=0).split(X), found.folds, strict=True
    ):
        cv = KFold(4, shuffle=True, random_state=0)
        search = GridSearchCV(model, {name: list(C_GRID)}, scoring=scoring, cv=cv)
        search.fit(X[train], Y[train])
        assert [*fold.params.values()] == [search.best_params_[name]]
        assert abs(search.best_score_) == pytest.approx(abs(fold.validation_score), rel=1e-6)
        np.testing.assert_allclose(fold.predictions, search.predict(X[test]), rtol=1e-6)
        assert fold.decision is None


def test_metrics_are_scikit_learns() -> None:
    found = evaluate(X, Y, folds=3, jobs=1)
    assert (found.probe, found.kind, found.metrics) == (
        "ridge",
        "regression",
        ["rmse", "mae", "r2"],
    )
    for fold in found.folds:
        for name, function in (
            ("rmse", sklearn.metrics.root_mean_squared_error),
            ("mae", sklearn.metrics.mean_absolute_error),
            ("r2", sklearn.metrics.r2_score),
        ):
            assert fold.scores[name] == function(fold.labels, fold.predictions)
    again = Evaluation.from_records(json.loads(json.dumps(found.records())))
    assert again == found
    assert evaluate(X, Y, folds=3, metrics=["r2"], jobs=1)["mae"].mean == pytest.approx(
        found["mae"].mean, rel=0.1
    )
    with pytest.raises(UserError, match="regression targets, but accuracy serves"):
        found["accuracy"]


def test_lower_errors_are_better() -> None:
    good, bad = (evaluate(x, Y, folds=3, jobs=1) for x in (X, rng.normal(size=X.shape)))
    told = compare(good, bad)
    assert told.difference < 0
    assert "lower is better" in str(told)
    assert "%" not in str(told).replace("95 %", "")
    assert not METRICS["rmse"].greater_is_better
    assert METRICS["r2"].greater_is_better


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"metrics": ["accuracy"]}, "regression targets, but accuracy serves"),
        ({"probe": "svm"}, "regression targets, but svm serves"),
        ({"folds": 91}, "Expected 91 labelled graphs or more"),
        ({"folds": 90}, "Expected test graphs with different targets in every fold for r2"),
    ],
)
def test_mistakes(options, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        evaluate(X, Y, jobs=1, **options)
    assert "\n" not in str(told.value)
