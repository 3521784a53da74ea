"""Test graphs never reach training, scaling or selection; a planted leak is noticed."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.probes import (
    PROBES,
    Answer,
    Fold,
    Task,
    inductive,
    plan,
    protocols,
    stratified_folds,
    transductive,
)

GRAPHS, WATCHED = 60, 0


def data(seed: int):
    rng = np.random.default_rng(seed)
    y = np.arange(GRAPHS) % 2
    x = rng.normal(size=(GRAPHS, 4)) + y[:, None] * rng.uniform(0, 1.5, 4)
    return x * [0.1, 1, 10, 100], y, stratified_folds(y, folds=3, seed=seed, validation=0.25)


def run_inductive(x, y, folds: list[Fold], probe: str):
    return inductive(lambda number, fold: x, y, folds=folds, probe=probe, jobs=1)


def run_transductive(x, y, folds: list[Fold], probe: str):
    """The protocol on fixed folds: a poisoned label would otherwise draw other folds."""
    whole = [
        Fold(np.sort(np.concatenate([f.train, f.validation])), f.validation[:0], f.test)
        for f in folds
    ]
    with patch.object(plan, "stratified_folds", lambda *args, **options: whole):
        return transductive(x, y, folds=3, inner=3, probe=probe, jobs=1)


def assert_test_graphs_unseen(run, seed: int, probe: str) -> None:
    """Poison half of the watched fold's test graphs: nothing about the other half may change.

    Their predictions show the fitted probe and its scaling, C shows the selection.
    """
    x, y, folds = data(seed)
    kept, poisoned = np.array_split(folds[WATCHED].test, 2)
    rng = np.random.default_rng(seed)
    clean = run(x, y, folds, probe).scores[WATCHED]
    x, y = x.copy(), y.copy()
    x[poisoned] = rng.normal(size=(len(poisoned), 4)) * 1e4 + 1e3
    y[poisoned] = 1 - y[poisoned]
    other = run(x, y, folds, probe).scores[WATCHED]
    assert other.C == clean.C
    assert other.predictions[: len(kept)] == clean.predictions[: len(kept)]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 999), st.sampled_from(sorted(PROBES.names())))
def test_no_probe_sees_test_graphs(seed: int, probe: str) -> None:
    assert_test_graphs_unseen(run_inductive, seed, probe)
    assert_test_graphs_unseen(run_transductive, seed, probe)


class LeakyTask:
    """Builds tasks in which the test graphs, with their labels, are among those seen."""

    def __init__(self, where: str, x, y, folds: list[Fold]) -> None:
        self.where, self.x, self.y, self.folds = where, x, y, iter(folds)

    def __call__(self, x, y, parts, train, queries) -> Task:
        fold = next(self.folds)
        if self.where == "scaling":
            mean, std = self.x.mean(0), self.x.std(0)
            return Task(np.tanh((x - mean) / std), y, parts, train, np.tanh((queries - mean) / std))
        tested = len(x) + np.arange(len(fold.test))
        x, y = np.concatenate([x, queries]), np.concatenate([y, self.y[fold.test]])
        if self.where == "selection":
            return Task(x, y, [(train, tested)], train, queries)
        return Task(x, y, parts, np.concatenate([train, tested]), queries)


@pytest.mark.parametrize("where", ["scaling", "selection", "training"])
@pytest.mark.parametrize("protocol", [run_inductive, run_transductive])
def test_a_planted_leak_is_noticed(where: str, protocol) -> None:
    def leaky(x, y, folds: list[Fold], probe: str):
        with patch.object(protocols, "Task", LeakyTask(where, x, y, folds)):
            return protocol(x, y, folds, probe)

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
    seen: list[Task] = []

    def recorder(task: Task) -> Answer:
        seen.append(task)
        return Answer(np.zeros(len(task.queries), dtype=int))

    with patch.dict(PROBES._parts, {"recorder": recorder}):
        run_inductive(x, y, folds, "recorder")
        run_transductive(x, y, folds, "recorder")
    assert len(seen) == 6
    for task, fold, number in zip(seen, folds * 2, range(6), strict=True):
        rows = task.x[:, 0].astype(int)
        may_see = {*fold.train, *fold.validation}
        assert set(rows) == may_see
        np.testing.assert_array_equal(task.y, y[rows])
        assert task.queries[:, 0].astype(int).tolist() == fold.test.tolist()
        if number < 3:
            assert rows[task.train].tolist() == fold.train.tolist()
            ((fit, score),) = task.parts
            assert rows[fit].tolist() == fold.train.tolist()
            assert rows[score].tolist() == fold.validation.tolist()
        else:
            assert set(rows[task.train]) == may_see
            scored = np.concatenate([score for _, score in task.parts])
            assert sorted(scored) == list(range(len(rows)))
            assert all(not set(fit) & set(score) for fit, score in task.parts)


def test_each_encoder_is_asked_for_with_its_own_fold() -> None:
    x, y, folds = data(1)
    asked = []
    inductive(lambda number, fold: asked.append((number, fold)) or x, y, folds=folds)
    assert [number for number, _ in asked] == [0, 1, 2]
    assert all(fold is folds[number] for number, fold in asked)
