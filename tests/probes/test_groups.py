"""Groups of very unequal size: parts that they leave empty, and validation parts of few groups."""

import math

import numpy as np
import pytest

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    Inductive,
    Metric,
    Prediction,
    ProbeInput,
    Targets,
    evaluate,
    search,
    stratified_folds,
)
from graph_hcl.probes.search import over_c
from graph_hcl.probes.splits import inner_splits, set_aside

G = [4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2, 4, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
Y = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0]
X = np.random.default_rng(0).normal(size=(36, 2))


@pytest.mark.parametrize("probe", ["class-mean", "knn", "svm"])
def test_a_test_part_without_graphs_is_refused(probe: str) -> None:
    with pytest.raises(UserError, match=r"over 3 folds, but these leave a test part .* take fewer"):
        evaluate(X[:24], Y, groups=G, folds=3, probe=probe, jobs=1)
    assert all(len(fold.test) for fold in stratified_folds(Targets.of(Y).grouped(G), folds=2))


@pytest.mark.filterwarnings("ignore::graph_hcl.probes.RareClassWarning")
def test_an_inner_part_without_graphs_selects_nothing() -> None:
    y, groups = np.array(Y + [0, 1] * 6), np.array(G + [7] * 12)
    found = evaluate(X, y, groups=groups, folds=4, inner=3, jobs=1)
    assert all(math.isfinite(fold.validation_score) for fold in found.folds)
    for fold in stratified_folds(Targets.of(y).grouped(groups), folds=4):
        rows = np.arange(len(fold.train))
        for fit, score in inner_splits(y[fold.train], rows, 3, 0, groups[fold.train]):
            assert len(score) > 0
            assert not {*groups[fold.train][fit]} & {*groups[fold.train][score]}


NOTHING = np.empty(0, dtype=np.int64)


@pytest.mark.parametrize(
    ("worse", "params", "score"),
    [
        (lambda C: 0.5 if C == 10 else math.nan, {"C": 10.0}, 0.5),
        (lambda C: math.nan if C == 0.001 else C / 1e4, {"C": 1000.0}, 0.1),
        (lambda C: math.nan, {"C": 1.0}, None),
    ],
)
@pytest.mark.parametrize("bounds", [{}, {"best": 1.0, "worst": 0.0}])
def test_nan_selects_nothing(worse, params, score, bounds) -> None:
    """A metric that returns what was predicted: NaN of some parameters, or of all."""
    metric = Metric("told", lambda labels, guess: float(guess[0]), **bounds)
    rows = np.arange(4)
    given = ProbeInput(
        X[:4],
        np.array([0, 1, 0, 1]),
        X[:2],
        splits=[(rows, NOTHING), (rows, rows), (rows, rows[:2])],
        metric=metric,
    )

    def solver(given: ProbeInput):
        return lambda C: Prediction(np.full(len(given.x_test), worse(C)))

    found = search(given, solver, grid=over_c(), default={"C": 1.0})
    assert (found.params, found.validation_score) == (params, pytest.approx(score))


@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_one_group_is_kept_for_training(share: float) -> None:
    groups = np.repeat([0, 1, 2], 4)
    for fold in stratified_folds(Targets.of([0, 1] * 6).grouped(groups), folds=3, validation=share):
        parts = [{*groups[rows]} for rows in (fold.train, fold.validation, fold.test)]
        assert [len(part) for part in parts] == [1, 1, 1]
        assert len(set.union(*parts)) == 3


def test_the_share_of_groups_is_rounded_up_as_in_scikit_learn() -> None:
    from sklearn.model_selection import GroupShuffleSplit

    groups, train = np.repeat(np.arange(10), 3), np.arange(30)
    for share in (0.05, 0.1, 0.3, 0.55, 0.7):
        rest, aside = set_aside(np.zeros(30), train, share, 3, groups)
        splitter = GroupShuffleSplit(1, test_size=share, random_state=3)
        expected = next(splitter.split(train, groups=groups))
        np.testing.assert_array_equal(rest, expected[0])
        np.testing.assert_array_equal(aside, expected[1])


def test_a_single_group_has_no_validation_part() -> None:
    targets = Targets.of([0, 1] * 10).grouped([0] * 10 + [1] * 10)
    for wrong in (
        lambda: stratified_folds(targets, folds=2, validation=0.1),
        lambda: Inductive(folds=2, validation=0.1).split(targets, 0),
    ):
        with pytest.raises(UserError, match="Expected two groups or more in each training part"):
            wrong()
