"""Test graphs never reach training, scaling or selection; a planted leak is noticed."""

import dataclasses
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.probes import (
    Fold,
    Inductive,
    ProbeInput,
    ProbeResult,
    Targets,
    evaluate,
    inductive,
    protocol,
    protocols,
    stratified_folds,
)

GRAPHS, WATCHED = 60, 0


def data(seed: int):
    rng = np.random.default_rng(seed)
    y = np.arange(GRAPHS) % 2
    x = rng.normal(size=(GRAPHS, 4)) + y[:, None] * rng.uniform(0, 1.5, 4)
    return x * [0.1, 1, 10, 100], y, stratified_folds(y, folds=3, seed=seed, validation=0.25)


def run_inductive(x, y, folds: list[Fold], probe):
    return inductive(lambda number, fold: x, y, folds=folds, probe=probe, jobs=1)


def run_transductive(x, y, folds: list[Fold], probe):
    """The protocol on fixed folds: a poisoned label would otherwise draw other folds."""
    whole = [
        Fold(np.sort(np.concatenate([f.train, f.validation])), f.validation[:0], f.test)
        for f in folds
    ]
    with patch.object(protocols, "stratified_folds", lambda *args, **options: whole):
        return evaluate(x, y, folds=3, probe=probe, jobs=1)


def assert_test_graphs_unseen(run, seed: int, probe: str) -> None:
    """Poison half of the watched fold's test graphs: nothing about the other half may change.

    Their predictions show the fitted probe and its scaling, parameters show the selection.
    """
    x, y, folds = data(seed)
    kept, poisoned = np.array_split(folds[WATCHED].test, 2)
    rng = np.random.default_rng(seed)
    clean = run(x, y, folds, probe).folds[WATCHED]
    x, y = x.copy(), y.copy()
    x[poisoned] = rng.normal(size=(len(poisoned), 4)) * 1e4 + 1e3
    y[poisoned] = 1 - y[poisoned]
    other = run(x, y, folds, probe).folds[WATCHED]
    assert other.params == clean.params
    assert other.predictions[: len(kept)] == clean.predictions[: len(kept)]


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 999),
    st.sampled_from(["svm", "linear-svm", "logistic", "nystroem-svm", "class-mean", "knn"]),
)
def test_no_probe_sees_test_graphs(seed: int, probe: str) -> None:
    assert_test_graphs_unseen(run_inductive, seed, probe)
    assert_test_graphs_unseen(run_transductive, seed, probe)


class LeakyInput:
    """Makes probe inputs in which the test graphs, with their labels, are among those seen."""

    def __init__(self, where: str, x, y, folds: list[Fold]) -> None:
        self.where, self.x, self.y, self.folds = where, x, y, iter(folds)

    def __call__(self, **fields) -> ProbeInput:
        fold, inputs = next(self.folds), ProbeInput(**fields)
        x, y, x_test, train = inputs.x_train, inputs.y_train, inputs.x_test, inputs.refit
        if self.where == "scaling":
            mean, std = self.x.mean(0), self.x.std(0)
            scaled = {
                "x_train": np.tanh((x - mean) / std),
                "x_test": np.tanh((x_test - mean) / std),
            }
            return dataclasses.replace(inputs, **scaled)
        tested = len(x) + np.arange(len(fold.test))
        seen = {
            "x_train": np.concatenate([x, x_test]),
            "y_train": np.concatenate([y, self.y[fold.test]]),
            "indices": np.concatenate([inputs.indices, inputs.test_indices]),
        }
        if self.where == "selection":
            return dataclasses.replace(inputs, **seen, splits=[(train, tested)])
        return dataclasses.replace(inputs, **seen, refit=np.concatenate([train, tested]))


@pytest.mark.parametrize("where", ["scaling", "selection", "training"])
@pytest.mark.parametrize("run", [run_inductive, run_transductive])
def test_a_planted_leak_is_noticed(where: str, run) -> None:
    def leaky(x, y, folds: list[Fold], probe: str):
        with patch.object(protocol, "ProbeInput", LeakyInput(where, x, y, folds)):
            return run(x, y, folds, probe)

    noticed = 0
    for seed in range(10):
        try:
            assert_test_graphs_unseen(leaky, seed, "svm")
        except AssertionError:
            noticed += 1
    assert noticed >= 2  # a leak into the choice of C seldom changes it


def test_probes_are_given_no_more_than_the_fold_allows() -> None:
    x, y, folds = data(0)
    x[:, 0] = np.arange(GRAPHS)  # the graph's number, to recognise it by
    seen: list[ProbeInput] = []

    def recorder(inputs: ProbeInput) -> ProbeResult:
        seen.append(inputs)
        return ProbeResult(np.zeros(len(inputs.x_test), dtype=int))

    run_inductive(x, y, folds, recorder)
    run_transductive(x, y, folds, recorder)
    assert len(seen) == 6
    for inputs, fold, number in zip(seen, folds * 2, range(6), strict=True):
        rows = inputs.x_train[:, 0].astype(int)
        may_see = {*fold.train, *fold.validation}
        assert set(rows) == may_see
        np.testing.assert_array_equal(inputs.indices, rows)
        np.testing.assert_array_equal(inputs.y_train, y[rows])
        assert inputs.x_test[:, 0].astype(int).tolist() == fold.test.tolist()
        np.testing.assert_array_equal(inputs.test_indices, fold.test)
        if number < 3:
            assert rows[inputs.refit].tolist() == fold.train.tolist()
            ((fit, score),) = inputs.splits
            assert rows[fit].tolist() == fold.train.tolist()
            assert rows[score].tolist() == fold.validation.tolist()
        else:
            assert set(rows[inputs.refit]) == may_see
            scored = np.concatenate([score for _, score in inputs.splits])
            assert sorted(scored) == list(range(len(rows)))
            assert all(not set(fit) & set(score) for fit, score in inputs.splits)


def test_inner_and_final_inputs_hold_their_own_rows_alone() -> None:
    x, y, folds = data(3)
    x[:, 0] = np.arange(GRAPHS)
    of_folds = Inductive(splits=folds).probe_inputs([x] * 3, Targets.of(y), seed=0)
    for inputs, fold in zip(of_folds, folds, strict=True):
        ((fit, score),) = inputs.splits
        for part, train, test in (
            (inputs.inner(fit, score), fold.train, fold.validation),
            (inputs.final(), fold.train, fold.test),
        ):
            assert part.x_train[:, 0].tolist() == part.indices.tolist() == train.tolist()
            assert part.x_test[:, 0].tolist() == part.test_indices.tolist() == test.tolist()
            assert part.y_train.tolist() == y[train].tolist()
            assert not part.splits
            assert part.refit is None


def test_each_encoder_is_asked_for_with_its_own_fold() -> None:
    x, y, folds = data(1)
    asked = []
    inductive(lambda number, fold: asked.append((number, fold)) or x, y, folds=folds)
    assert [number for number, _ in asked] == [0, 1, 2]
    assert all(fold is folds[number] for number, fold in asked)
