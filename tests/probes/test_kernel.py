"""The SVM on given kernels: equal to scikit-learn's, blind to test graphs, clear about mistakes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    C_GRID,
    Metric,
    ProbeInput,
    evaluate,
    inductive,
    kernel_svm,
    stratified_folds,
)

NOTHING = np.empty((90, 0))
ROWS = np.arange(2)


def kernel(seed: int, classes: int = 2):
    x, y = make_classification(
        90, 8, n_informative=5, n_classes=classes, flip_y=0.2, random_state=seed
    )
    x /= np.linalg.norm(x, axis=1, keepdims=True)  # or a large C takes long
    return x @ x.T, y


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.integers(2, 3))
def test_equals_grid_search_on_a_precomputed_kernel(seed: int, classes: int) -> None:
    gram, y = kernel(seed, classes)
    found = evaluate(NOTHING, y, folds=2, inner=3, seed=seed, probe=kernel_svm(gram), jobs=1)
    for fold, score in zip(stratified_folds(y, folds=2, seed=seed), found.folds, strict=True):
        cv = StratifiedKFold(3, shuffle=True, random_state=seed)
        search = GridSearchCV(SVC(kernel="precomputed"), {"C": list(C_GRID)}, cv=cv)
        search.fit(gram[np.ix_(fold.train, fold.train)], y[fold.train])
        assert search.best_params_["C"] == score.params["C"]
        assert score.predictions == search.predict(gram[np.ix_(fold.test, fold.train)]).tolist()


def test_of_several_kernels_validation_takes_the_one_that_tells_the_classes() -> None:
    gram, y = kernel(0)
    noise = np.random.default_rng(0).normal(size=(90, 8))
    folds = stratified_folds(y, folds=3, validation=0.3)
    alone, both = (
        inductive(lambda number, fold: NOTHING, y, folds=folds, probe=kernel_svm(*grams), jobs=1)
        for grams in ([gram], [noise @ noise.T, gram])
    )
    assert [score.predictions for score in both.folds] == [s.predictions for s in alone.folds]


def test_sees_no_test_graph_but_its_own_values() -> None:
    gram, y = kernel(1)
    fold = stratified_folds(y, folds=3)[0]
    kept, poisoned = np.array_split(fold.test, 2)
    other = gram.copy()
    other[poisoned] = other[:, poisoned] = 9.0
    first, second = (
        evaluate(NOTHING, y, folds=3, probe=kernel_svm(one), jobs=1).folds[0]
        for one in (gram, other)
    )
    assert first.params == second.params
    assert first.predictions[: len(kept)] == second.predictions[: len(kept)]


@pytest.mark.parametrize(
    ("grams", "sentence"),
    [
        ([np.zeros((3, 4))], "square kernel matrices"),
        ([np.zeros((3, 3)), np.zeros((4, 4))], "of the same graphs"),
        ([np.full((3, 3), np.nan)], "finite kernel values"),
        ([], "same graphs, but got none"),
        (
            [[[1, 0.5], [0.25, 1]]],
            "symmetric .* graphs 0 and 1 is 0.5, and that of 1 and 0 is 0.25",
        ),
        ([np.triu(np.ones((3, 3)))], "symmetric kernel matrices"),
        ([np.eye(3) + 1e-4 * np.triu(np.ones((3, 3)))], "symmetric kernel matrices"),
        ([[[1], [1, 0]]], "make no array"),
        ([[["a", "b"], ["b", "a"]]], r"matrices \[G, G\] of numbers"),
        (["gram.npy"], r"matrices \[G, G\] of numbers"),
    ],
)
def test_matrices_that_are_no_kernels(grams, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        kernel_svm(*grams)


def test_numbers_of_graphs_that_the_matrix_has_not() -> None:
    gram, y = kernel(2)
    for wrong in (gram[:89, :89], np.eye(95)):
        with pytest.raises(UserError, match=f"all 90 graphs, but they have {len(wrong)} rows"):
            evaluate(NOTHING, y, folds=2, probe=kernel_svm(wrong), jobs=1)
    small = ProbeInput(NOTHING[:2], y[:2], NOTHING[2:3], indices=ROWS, test_indices=ROWS + 9)
    with pytest.raises(UserError, match="have 4 rows and a graph is number 10"):
        kernel_svm(gram[:4, :4])(small)
    given = ProbeInput(NOTHING[:2], y[:2], NOTHING[2:3])
    with pytest.raises(UserError, match="numbers of the graphs"):
        kernel_svm(gram)(given)


def test_the_selected_matrix_is_named() -> None:
    gram, y = kernel(0)
    noise = np.random.default_rng(0).normal(size=(90, 8))
    found = evaluate(NOTHING, y, folds=3, probe=kernel_svm(noise @ noise.T, gram), jobs=1)
    assert {fold.params["kernel"] for fold in found.folds} == {1}


def test_a_matrix_without_a_score_is_not_selected() -> None:
    """A cost that is NaN where all graphs are predicted alike, as on a kernel of zeros."""
    y = np.arange(40) % 2
    x = np.random.default_rng(0).normal(size=(40, 1)) + 2 * y[:, None]
    cost = Metric(
        "cost",
        lambda labels, guess: np.mean(labels != guess) if np.ptp(guess) else np.nan,
        greater_is_better=False,
    )
    probe = kernel_svm(np.zeros((40, 40)), np.outer(x, x) + 1)
    found = evaluate(np.zeros((40, 0)), y, folds=2, probe=probe, metrics=[cost], jobs=1)
    assert [fold.params["kernel"] for fold in found.folds] == [1, 1]


def test_a_kernel_may_be_a_list_or_a_tensor_and_rounded() -> None:
    gram, y = kernel(0)
    expected = evaluate(NOTHING, y, folds=3, probe=kernel_svm(gram), jobs=1)
    for same in (gram.tolist(), torch.as_tensor(gram), gram + 1e-9 * np.triu(gram)):
        found = evaluate(NOTHING, y, folds=3, probe=kernel_svm(same), jobs=1)
        assert found["accuracy"].values == expected["accuracy"].values
