"""Repetitions on equal test parts are no new data, whatever the parts are numbered."""

import dataclasses
import json

import numpy as np
import pytest

from graph_hcl.probes import Evaluation, FoldScore, MetricScores, compare, evaluate
from graph_hcl.probes import paired_difference as paired

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 60)
GROUPS = np.repeat([0, 1, 2, 3], 15)
X = RNG.normal(size=(60, 3)) + Y[:, None] * 0.8 + RNG.normal(size=4)[GROUPS][:, None]
OTHER = RNG.normal(size=(60, 3)) + Y[:, None] * 0.5


def of(tests, scores) -> Evaluation:
    """Return an evaluation by (seed, fold) of test graphs and scores."""
    folds = [
        FoldScore(s, k, {"accuracy": scores[s, k]}, {}, None, 9, 0, test, [], [])
        for (s, k), test in tests.items()
    ]
    return Evaluation("transductive", "svm", {}, folds)


@pytest.mark.parametrize("repeats", [2, 7])
def test_leaving_each_group_out_again_is_no_new_data(repeats: int) -> None:
    def measured(x: np.ndarray, repeats: int) -> Evaluation:
        more = {"groups": GROUPS, "folds": 4, "probe": "class-mean", "jobs": 1}
        return evaluate(x, Y, repeats=repeats, **more)

    once, again = (measured(X, count) for count in (1, repeats))
    orders = {tuple(tuple(f.test) for f in again.folds if f.seed == s) for s in range(repeats)}
    assert len(orders) > 1 or repeats < 7  # the same four test parts in another order
    assert len(again["accuracy"].resamplings()) == 4
    assert again.fixed_folds
    assert again.mean == pytest.approx(once.mean)
    assert again.interval == pytest.approx(once.interval)
    other = measured(OTHER, repeats)
    found, expected = compare(again, other), compare(once, measured(OTHER, 1))
    assert dataclasses.astuple(found)[2:4] == pytest.approx(dataclasses.astuple(expected)[2:4])
    read = Evaluation.from_records(json.loads(json.dumps(again.records()))[::-1])
    assert read.interval == pytest.approx(once.interval)
    assert compare(read, other).p_value == pytest.approx(expected.p_value)


def test_leaving_each_graph_out_again_is_no_new_data() -> None:
    y = RNG.normal(size=12)
    x = RNG.normal(size=(12, 2)) + y[:, None]
    more = {"folds": 12, "probe": "sklearn.linear_model:LinearRegression", "metrics": ["mae"]}
    once, again = (evaluate(x, y, repeats=r, jobs=1, **more) for r in (1, 3))
    assert again.interval == pytest.approx(once.interval)


def test_each_test_part_counts_once_where_seeds_share_some() -> None:
    tests = {(0, 0): [0, 1], (0, 1): [2], (0, 2): [3], (1, 0): [3], (1, 1): [1, 0], (1, 2): [4]}
    scores = dict(zip(tests, (0.5, 0.6, 0.7, 0.9, 0.7, 0.4), strict=True))
    one = of(tests, scores)
    assert not one.fixed_folds
    assert one["accuracy"].resamplings() == pytest.approx(
        {(0, 0): 0.6, (0, 1): 0.6, (0, 2): 0.8, (1, 2): 0.4}
    )
    shifted = of(tests, {key: value - 0.1 * key[1] for key, value in scores.items()})
    assert compare(one, shifted).difference == pytest.approx(np.mean([0.05, 0.1, 0.1, 0.2]))
    assert compare(one, shifted).degrees == 3


def test_folds_of_one_seed_are_told_apart() -> None:
    tests = {(seed, fold): [5, 6] for seed in range(2) for fold in range(3)}
    one = of(tests, {key: key[0] + key[1] / 10 for key in tests})
    assert one.fixed_folds
    assert list(one["accuracy"].resamplings().values()) == pytest.approx([0.5, 0.6, 0.7])


def test_scores_that_only_one_side_knows_as_repeated_are_new_data() -> None:
    values = {(s, k): 0.5 + s / 7 + k / 10 for s in range(2) for k in range(3)}
    drawn, known = (
        MetricScores(values),
        MetricScores(values, repeated={(1, k): (0, k) for k in range(3)}),
    )
    others = MetricScores({key: value**2 for key, value in values.items()})
    assert paired(known, others).degrees == paired(others, known).degrees == 5
    assert paired(known, known).degrees == 2
    assert paired(drawn, others).degrees == 5
