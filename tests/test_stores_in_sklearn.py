"""scikit-learn selects stores of a store, so that folds keep its meaning and its preset."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils import _safe_indexing, resample, shuffle

from graph_hcl import GraphContrast
from graph_hcl.data import GraphStore, load

SMALL: dict[str, Any] = {"epochs": 1, "hidden": 4, "layers": 1, "random_state": 0}
FOLDS = StratifiedKFold(2, shuffle=True, random_state=0)
BETAS = {"graphcontrast__beta": [0.5, 1.0]}


@pytest.fixture(scope="module")
def store() -> GraphStore:
    return load("digits")[:60]


@pytest.fixture(scope="module")
def y(store: GraphStore) -> np.ndarray:
    assert store.y is not None
    return store.y.numpy() % 2


def pipeline() -> Pipeline:
    return make_pipeline(GraphContrast(**SMALL), LogisticRegression(max_iter=1000))


def test_folds_are_scored_with_the_settings_of_the_refit(store: GraphStore, y: np.ndarray) -> None:
    found = cross_validate(
        pipeline(), store, y, cv=FOLDS, return_estimator=True, error_score="raise"
    )
    assert {fitted[0].config_.readout for fitted in found["estimator"]} == {"mean"}
    by_hand = [
        pipeline().fit(store[train], y[train]).score(store[test], y[test])
        for train, test in FOLDS.split(store, y)
    ]
    assert found["test_score"].tolist() == by_hand
    search = GridSearchCV(pipeline(), BETAS, cv=FOLDS, error_score="raise").fit(store, y)
    assert search.best_estimator_[0].config_.readout == "mean"
    assert len(search.predict(store[:5])) == 5


TAKERS = {
    "halving": lambda x, y: (
        HalvingGridSearchCV(
            pipeline(), BETAS, cv=FOLDS, min_resources=30, random_state=0, error_score="raise"
        )
        .fit(x, y)
        .predict(x)
    ),
    "learning curve": lambda x, y: learning_curve(
        pipeline(), x, y, cv=FOLDS, train_sizes=[0.5, 1.0], error_score="raise"
    )[2],
    "permutations": lambda x, y: permutation_test_score(
        pipeline(), x, y, cv=FOLDS, n_permutations=1, random_state=0
    )[0],
    "stacking": lambda x, y: StackingClassifier([("a", pipeline())], cv=2).fit(x, y).predict(x[:9]),
    "calibration": lambda x, y: (
        CalibratedClassifierCV(pipeline(), cv=2).fit(x, y).predict_proba(x[:9])
    ),
    "a union": lambda x, y: cross_val_score(
        make_pipeline(
            FeatureUnion([(name, GraphContrast(**SMALL)) for name in "ab"]),
            LogisticRegression(max_iter=1000),
        ),
        x,
        y,
        cv=FOLDS,
        error_score="raise",
    ),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_whatever_selects_graphs_takes_a_store(
    taker: str, store: GraphStore, y: np.ndarray
) -> None:
    assert np.isfinite(TAKERS[taker](store, y)).all()


@pytest.mark.parametrize(
    "key",
    [
        [0, 2],
        (0, 2),
        np.array([0, 2]),
        np.array([0, 2], dtype=np.int8),
        np.array([0, 2], dtype=np.uint64),
        slice(0, 3, 2),
        np.arange(60) % 59 == 0,
        [],
    ],
)
def test_a_selection_is_a_store_of_the_same_graphs(store: GraphStore, key: Any) -> None:
    chosen = _safe_indexing(store, key)
    assert isinstance(chosen, GraphStore)
    assert (chosen.name, chosen.classes) == ("digits", store.classes)
    assert chosen.vocabulary == store.vocabulary
    numbers = np.arange(60)[list(map(int, key)) if isinstance(key, list | tuple) else key]
    assert [graph.y.item() for graph in chosen] == store.y[numbers].tolist()


def test_splits_shuffles_and_single_graphs(store: GraphStore, y: np.ndarray) -> None:
    train, test, *_ = train_test_split(store, y, test_size=0.2, stratify=y, random_state=0)
    assert (len(train), len(test), test.name) == (48, 12, "digits")
    for mixed in (shuffle(store, random_state=0), resample(store, random_state=0)):
        assert isinstance(mixed, GraphStore)
    assert torch.equal(_safe_indexing(store, 3).x, store[3].x)
    assert torch.equal(store[3, ...].x, store[3].x)


def test_a_store_is_no_array(store: GraphStore) -> None:
    assert (store.shape, len(store), len([*store])) == ((60,), 60, 60)
    assert not hasattr(store, "__array__")
    assert pickle.loads(pickle.dumps(store)).shape == (60,)
