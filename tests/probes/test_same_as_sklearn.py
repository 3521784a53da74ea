"""Probes choose the C and predict the labels that scikit-learn's grid search does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from graph_hcl.probes import (
    C_GRID,
    PROBES,
    Metric,
    Prediction,
    ProbeInput,
    evaluate,
    inductive,
    linear,
    stratified_folds,
)
from graph_hcl.probes.probe import scale
from graph_hcl.probes.search import over_c, search

PEERS = {
    "svm": SVC(),
    "linear-svm": LinearSVC(dual=False, tol=1e-8, max_iter=100_000),
    "logistic": LogisticRegression(tol=1e-9, max_iter=100_000, solver="newton-cg"),
}


def synthetic(graphs: int, classes: int, dim: int = 12, seed: int = 0, flip: float = 0.2):
    x, y = make_classification(
        graphs,
        dim,
        n_informative=6,
        n_redundant=3,
        n_classes=classes,
        flip_y=flip,
        random_state=seed,
    )
    x[:, -1] = 1.5  # a dead unit of the encoder
    return x * np.random.default_rng(seed).uniform(0.01, 100, dim), y


def grid_search(probe: str, cv) -> GridSearchCV:
    pipeline = Pipeline([("scale", StandardScaler()), ("probe", clone(PEERS[probe]))])
    return GridSearchCV(pipeline, {"probe__C": list(C_GRID)}, cv=cv)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("probe", ["svm", "linear-svm", "logistic"])
def test_transductive_equals_grid_search(probe: str, classes: int) -> None:
    x, y = synthetic(160, classes)
    found = evaluate(x, y, probe=probe, folds=3, inner=3, seed=7)
    for fold, score in zip(stratified_folds(y, folds=3, seed=7), found.folds, strict=True):
        search = grid_search(probe, StratifiedKFold(3, shuffle=True, random_state=7))
        search.fit(x[fold.train], y[fold.train])
        assert search.best_params_["probe__C"] == score.params["C"]
        assert search.predict(x[fold.test]).tolist() == score.predictions
        assert search.score(x[fold.test], y[fold.test]) == score.scores["accuracy"]
        np.testing.assert_allclose(search.best_score_, score.validation_score)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 999), st.integers(2, 4), st.sampled_from([0.0, 0.1, 0.5]), st.integers(30, 90)
)
def test_svm_equals_grid_search_on_any_data(
    seed: int, classes: int, flip: float, graphs: int
) -> None:
    x, y = synthetic(graphs, classes, seed=seed, flip=flip)
    x = np.round(x, 1)  # ties
    y[: 6 * classes] = np.arange(6 * classes) % classes
    found = evaluate(x, y, folds=2, inner=3, seed=seed, jobs=1)
    for fold, score in zip(stratified_folds(y, folds=2, seed=seed), found.folds, strict=True):
        search = grid_search("svm", StratifiedKFold(3, shuffle=True, random_state=seed))
        search.fit(x[fold.train], y[fold.train])
        assert search.best_params_["probe__C"] == score.params["C"]
        assert search.predict(x[fold.test]).tolist() == score.predictions


@pytest.mark.parametrize("probe", ["svm", "linear-svm", "logistic"])
def test_inductive_selects_on_validation_and_fits_on_training_only(probe: str) -> None:
    x, y = synthetic(150, 2, seed=3)
    folds = stratified_folds(y, folds=3, validation=0.2)
    found = inductive(lambda number, fold: x + number, y, folds=folds, probe=probe)
    for number, (fold, score) in enumerate(zip(folds, found.folds, strict=True)):
        machines = [
            Pipeline([("scale", StandardScaler()), ("probe", clone(PEERS[probe]))])
            .set_params(probe__C=C)
            .fit(x[fold.train] + number, y[fold.train])
            for C in C_GRID
        ]
        chosen = x[fold.validation] + number, y[fold.validation]
        best = np.argmax([machine.score(*chosen) for machine in machines])
        assert C_GRID[best] == score.params["C"]
        assert machines[best].predict(x[fold.test] + number).tolist() == score.predictions
        assert (score.train, score.validation, len(score.test)) == tuple(
            len(part) for part in vars(fold).values()
        )


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")
@pytest.mark.parametrize(
    ("probe", "peer"), [("class-mean", NearestCentroid()), ("knn", KNeighborsClassifier(5))]
)
def test_probes_without_a_choice(probe: str, peer) -> None:
    x, y = synthetic(90, 3, seed=1)
    found = evaluate(x, y, probe=probe, folds=3)
    for fold, score in zip(stratified_folds(y, folds=3), found.folds, strict=True):
        pipeline = Pipeline([("scale", StandardScaler()), ("probe", peer)])
        pipeline.fit(x[fold.train], y[fold.train])
        assert pipeline.predict(x[fold.test]).tolist() == score.predictions
        assert score.params == {}


def test_registry_names() -> None:
    classes = {"svm", "nystroem-svm", "linear-svm", "logistic", "class-mean", "knn", "majority"}
    assert set(PROBES.names()) == {*classes, "ridge", "svr"}


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("start", [0.0, 5.0])
def test_squared_hinge_equals_linear_svc(C: float, start: float) -> None:
    x, y = synthetic(120, 2, seed=5)
    x = StandardScaler().fit_transform(x)
    peer = LinearSVC(C=C, dual=False, tol=1e-10, max_iter=10**6).fit(x, y)
    padded = np.pad(x, ((0, 0), (0, 1)), constant_values=1.0)
    signs = np.where(y == 1, 1.0, -1.0)
    w = linear.squared_hinge(padded, signs, C, np.full(x.shape[1] + 1, start))
    np.testing.assert_allclose(padded @ w, peer.decision_function(x), atol=1e-4)
    # The gradient of a strongly convex function vanishes at its minimiser only.
    residual = np.maximum(0, 1 - signs * (padded @ w))
    gradient = w - 2 * C * padded.T @ (signs * residual)
    assert np.abs(gradient).max() < 1e-8 * (1 + C) * len(x)


def grid_of(given: ProbeInput, solver, **options):
    return search(given, solver, grid=over_c(), default={"C": 1.0}, **options)


def test_search_takes_the_first_of_tied_values() -> None:
    x, y, rows = np.zeros((6, 1)), np.array([0, 1, 0, 1, 0, 1]), np.arange(6)
    given = ProbeInput(x, y, x, splits=[(rows, rows), (rows, rows)])
    result = grid_of(given, lambda _: lambda C: Prediction(y if C in (0.1, 10.0) else 1 - y))
    assert result.params == {"C": 0.1}


ROWS = np.arange(4)


def four_rows(splits: int) -> ProbeInput:
    x = np.zeros((4, 1))
    return ProbeInput(x, np.ones(4, dtype=int), x, splits=[(ROWS, ROWS)] * splits)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=6))
def test_search_with_early_exit_equals_the_whole_grid(hits: list[list[int]]) -> None:
    """hits[split][index of C] of the 4 rows of each split are right."""
    splits = iter([*hits, [0] * 7])
    asked = []

    def solver(_):
        right = next(splits)

        def predict(C: float) -> Prediction:
            asked.append(C)
            return Prediction((right[C_GRID.index(C)] > ROWS).astype(int))

        return predict

    result = grid_of(four_rows(len(hits)), solver)
    assert result.params == {"C": C_GRID[int((np.array(hits) / 4).mean(0).argmax())]}
    assert len(asked) <= 7 * len(hits) + 1


# Function, whether greater is better, best and worst value.
METRICS = {
    "squared error": (lambda y, p: float(np.mean((y - p) ** 2)), False, None, None),
    "error with a best": (lambda y, p: float(np.mean((y - p) ** 2)), False, 0.0, None),
    "negative gain": (lambda y, p: -float(np.mean((y - p) ** 2)), True, 0.0, None),
    "bounded error": (lambda y, p: float(np.mean(np.abs(y - p) > 1)), False, 0.0, 1.0),
    "grade of 3 to 4": (lambda y, p: 3 + float(np.mean(np.abs(y - p) < 2)), True, 4.0, 3.0),
    "correlation-like": (lambda y, p: 2 * float(np.mean(np.abs(y - p) < 2)) - 1, True, 1.0, -1.0),
}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=7, max_size=7), min_size=1, max_size=6),
    st.sampled_from(sorted(METRICS)),
)
def test_search_by_any_metric_equals_the_whole_grid(errors: list[list[int]], name: str) -> None:
    """All rows of a split are predicted with errors[split][index of C]."""
    function, greater, best, worst = METRICS[name]
    metric = Metric(name, function, greater_is_better=greater, best=best, worst=worst)
    splits = iter([*errors, [0] * 7])

    def solver(_):
        of = next(splits)
        return lambda C: Prediction(np.full(4, 1 + of[C_GRID.index(C)]))

    result = grid_of(four_rows(len(errors)), solver, metric=metric)
    y = np.ones(4)
    table = np.array([[function(y, y + error) for error in row] for row in errors]).mean(0)
    expected = int((table if greater else -table).argmax())
    assert result.params == {"C": C_GRID[expected]}
    assert result.validation_score == table[expected]


def test_search_leaves_out_what_cannot_win() -> None:
    asked = []

    def solver(_):
        def predict(C: float) -> Prediction:
            asked.append(C)
            return Prediction(np.full(4, C == 1.0))

        return predict

    assert grid_of(four_rows(5), solver).params == {"C": 1.0}
    # After three of five splits the others could but tie, after four not even that.
    assert len(asked) == 7 + 7 + 7 + 1 + 1 + len(["refit"])


def test_decision_values_are_those_of_scikit_learn() -> None:
    for classes in (2, 3):
        x, y = synthetic(90, classes, seed=2)
        x, x_test, y = x[:70], x[70:], y[:70]
        for probe, peer in PEERS.items():
            model = Pipeline([("scale", StandardScaler()), ("probe", clone(peer))]).fit(x, y)
            decision = PROBES.get(probe)(ProbeInput(x, y, x_test)).decision
            assert decision.shape == ((20,) if classes == 2 else (20, 3))
            np.testing.assert_allclose(decision, model.decision_function(x_test), atol=1e-3)
        for probe in ("class-mean", "knn"):
            result = PROBES.get(probe)(ProbeInput(x, y, x_test))
            by_decision = result.decision > 0 if classes == 2 else result.decision.argmax(1)
            np.testing.assert_array_equal(by_decision, result.predictions)
        assert not PROBES.get("majority")(ProbeInput(x, y, x_test)).decision.any()


@pytest.mark.parametrize("size", [1e-150, 1e-200, 1e-300])
@pytest.mark.parametrize("probe", ["svm", "logistic", "knn", "class-mean"])
def test_embeddings_of_any_size_are_as_good(probe: str, size: float) -> None:
    x, y = synthetic(60, 2, seed=3)
    given, small = (evaluate(each, y, probe=probe, folds=3, jobs=1) for each in (x, x * size))
    assert given.mean > 0.6
    assert [fold.predictions for fold in small.folds] == [fold.predictions for fold in given.folds]


def test_a_column_that_is_constant_but_for_rounding_is_not_divided() -> None:
    for size in (1.0, 1e-200, 1e150):
        train, test = np.full((7, 1), 0.1) * size, np.ones((1, 1))
        found, moved = scale(train, test)
        assert abs(found).max() <= 1e-15 * size
        assert moved[0, 0] == (test - train.mean(0))[0, 0]
