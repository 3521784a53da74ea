"""Baselines by name are evaluated under the protocols like any embeddings."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from graph_hcl.baselines import BASELINES, bag, refine, wl_optimal_assignment, wl_subtree
from graph_hcl.baselines.baseline import ROUNDS
from graph_hcl.data import load
from graph_hcl.probes import (
    C_GRID,
    evaluate,
    inductive,
    majority_accuracy,
    stratified_folds,
)
from tests.one_sentence import ends_in_one_sentence


@pytest.fixture(scope="module")
def store():
    return load("MUTAG")


def test_names() -> None:
    assert BASELINES.names() == ["majority", "bag", "wl-subtree", "wl-oa"]


def test_bag_counts_labels_and_knows_no_order(store) -> None:
    found = bag(store)
    for number in (0, 17, 187):
        graph = store[number]
        np.testing.assert_array_equal(found[number], graph.x.sum(0))


@pytest.mark.parametrize("name", ["bag", "wl-subtree", "wl-oa"])
def test_informative_baselines_beat_the_majority_under_both_protocols(store, name: str) -> None:
    baseline, y = BASELINES.get(name)(store), store.y.numpy()
    probe = baseline.probe or "svm"
    folds = stratified_folds(y, folds=3, validation=0.1)
    scores = [
        evaluate(baseline.embeddings, y, folds=3, probe=probe),
        inductive(lambda number, fold: baseline.embeddings, y, folds=folds, probe=probe),
    ]
    for score in scores:
        assert score.mean > majority_accuracy(y) + 0.08
        assert score.probe == ("svm" if name == "bag" else "kernel-svm")


def test_rounds_and_C_are_chosen_as_a_grid_search_chooses_them(store) -> None:
    baseline, y = BASELINES.get("wl-subtree")(store), store.y.numpy()
    found = evaluate(baseline.embeddings, y, folds=3, inner=3, probe=baseline.probe)
    grams = [gram.astype(float) for gram in wl_subtree(store, 5)]
    for fold, score in zip(stratified_folds(y, folds=3), found.folds, strict=True):
        searches = []
        for rounds in ROUNDS:
            gram = grams[rounds]
            cv = StratifiedKFold(3, shuffle=True, random_state=0)
            search = GridSearchCV(SVC(kernel="precomputed"), {"C": list(C_GRID)}, cv=cv)
            searches.append(search.fit(gram[np.ix_(fold.train, fold.train)], y[fold.train]))
        best = int(np.argmax([search.best_score_ for search in searches]))
        kernel = grams[ROUNDS[best]][np.ix_(fold.test, fold.train)]
        assert score.predictions == searches[best].predict(kernel).tolist()
        assert searches[best].best_params_["C"] == score.params["C"]


@pytest.mark.parametrize("function", [wl_subtree, wl_optimal_assignment, refine])
def test_rounds_and_graphs_are_checked(function, store) -> None:
    for wrong, sentence in (
        (-1, "iterations to be 0 or more, but got -1"),
        (True, "iterations to be a whole number, but got True"),
        (1.5, "iterations to be a whole number, but got 1.5"),
        ("2", "iterations to be a whole number, but got '2'"),
        (None, "iterations to be a whole number, but got None"),
    ):
        ends_in_one_sentence(lambda wrong=wrong: function(store, wrong), sentence)
    ends_in_one_sentence(lambda: function("MUTAG", 1), "graphs as a GraphStore, but got str")
    ends_in_one_sentence(
        lambda: function(store[[]], 1), "one graph or more, but got a store of none"
    )
    ends_in_one_sentence(lambda: bag(["MUTAG"]), "graphs as a GraphStore, but got list")
