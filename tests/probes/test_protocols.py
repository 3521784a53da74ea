"""Protocols: what they refuse, record and repeat; and the statistics of their scores."""

import json
import re

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    Fold,
    corrected_t_test,
    evaluate,
    inductive,
    majority_accuracy,
    stratified_folds,
    summarize,
)
from graph_hcl.probes.resolve import resolve_protocol

Y = np.arange(60) % 3
X = np.random.default_rng(0).normal(size=(60, 5)) + Y[:, None]


@pytest.mark.parametrize(
    ("protocol", "uses_labels", "expected"),
    [
        ("auto", False, "transductive"),
        ("auto", True, "inductive"),
        ("inductive", False, "inductive"),
        ("inductive", True, "inductive"),
        ("transductive", False, "transductive"),
    ],
)
def test_resolved_protocols(protocol: str, uses_labels: bool, expected: str) -> None:
    assert resolve_protocol(protocol, uses_labels) == expected


@pytest.mark.parametrize(("protocol", "word"), [("transductive", "leaks"), ("magic", "inductive")])
def test_refused_protocols(protocol: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        resolve_protocol(protocol, uses_labels=True)


def with_nan() -> np.ndarray:
    x = X.copy()
    x[7, 2] = np.nan
    return x


@pytest.mark.parametrize(
    ("x", "y", "options", "sentence"),
    [
        (with_nan(), Y, {}, "graph 7"),
        (X[:50], Y, {}, "60 labels"),
        (X[:, 0], Y, {}, "shape [60]"),
        (X, Y * 0, {}, "one class"),
        (X, Y, {"folds": 21}, "(0) has 20: take 20 folds or fewer"),
        (X, Y, {"inner": 1}, "2 inner folds"),
        (X, Y, {"probe": "svn"}, "Did you mean"),
        (X, Y, {"jobs": 0}, "1 job"),
    ],
)
def test_mistakes(x, y, options, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)) as caught:
        evaluate(x, y, **options)
    assert "\n" not in str(caught.value)


def test_inductive_needs_a_validation_part_and_two_classes() -> None:
    with pytest.raises(UserError, match="validation part in fold 0"):
        inductive(lambda number, fold: X, Y, folds=stratified_folds(Y))
    lonely = Fold(np.flatnonzero(Y == 0), np.flatnonzero(Y == 1), np.flatnonzero(Y == 2))
    with pytest.raises(UserError, match="two classes in the training part of fold 0"):
        inductive(lambda number, fold: X, Y, folds=[lonely])
    with pytest.raises(UserError, match="60 labels"):
        inductive(lambda number, fold: X[:9], Y, folds=stratified_folds(Y, validation=0.2))


def test_records_and_progress() -> None:
    told = []
    found = evaluate(X, Y, probe="knn", folds=4, seed=3, progress=told.append)
    assert told == found.folds
    assert (found.protocol, found.probe, found.seeds) == ("transductive", "knn", [3])
    for fold, score in zip(stratified_folds(Y, folds=4, seed=3), found.folds, strict=True):
        assert score.labels == Y[fold.test].tolist()
        assert score.scores["accuracy"] == accuracy_score(score.labels, score.predictions)
        assert score.scores["macro_f1"] == f1_score(
            score.labels, score.predictions, average="macro"
        )
        assert (score.train, score.validation, score.test) == (45, 0, fold.test.tolist())
    values = [score.scores["accuracy"] for score in found.folds]
    assert found.mean == pytest.approx(np.mean(values))
    assert found.std == pytest.approx(np.std(values))
    assert json.loads(json.dumps(found.records())) == found.records()


def test_same_seed_same_record_with_any_number_of_jobs() -> None:
    one = evaluate(X, Y, folds=3, jobs=1)
    assert one == evaluate(X, Y, folds=3, jobs=3)
    assert one != evaluate(X, Y, folds=3, seed=1)


def test_summary_over_seeds() -> None:
    repeats = [evaluate(X, Y, probe="class-mean", folds=3, seed=seed) for seed in range(3)]
    record = json.loads(json.dumps(summarize(repeats)))
    means = [repeat.mean for repeat in repeats]
    assert record["accuracy"]["mean"] == pytest.approx(np.mean(means))
    assert record["accuracy"]["std_seeds"] == pytest.approx(np.std(means))
    assert record["accuracy"]["std_folds"] == pytest.approx(np.mean([r.std for r in repeats]))


def test_majority_accuracy() -> None:
    assert majority_accuracy([5, 5, -1, 2]) == 0.5
    with pytest.raises(UserError, match="one class"):
        majority_accuracy([1, 1])


def test_corrected_test_without_correction_is_the_paired_t_test() -> None:
    a, b = np.random.default_rng(1).uniform(0.6, 0.9, (2, 10))
    found = corrected_t_test(a, b, test_to_train=1e-15)
    plain = stats.ttest_rel(a, b)
    assert found.t == pytest.approx(plain.statistic)
    assert found.p_value == pytest.approx(plain.pvalue)
    assert found.interval == pytest.approx(tuple(plain.confidence_interval(0.95)))


def test_corrected_test_by_hand() -> None:
    d = np.array([0.02, 0.05, -0.01, 0.03, 0.00])
    found = corrected_t_test(d + 0.7, np.full(5, 0.7), test_to_train=0.25, confidence=0.9)
    mean = sum(d) / 5
    variance = sum((value - mean) ** 2 for value in d) / 4
    error = ((1 / 5 + 0.25) * variance) ** 0.5
    assert found.t == pytest.approx(mean / error)
    # 2.1318 is the 95 % quantile of Student's t with 4 degrees of freedom.
    assert found.interval == pytest.approx((mean - 2.1318 * error, mean + 2.1318 * error), rel=1e-4)
    mirrored = corrected_t_test(np.full(5, 0.7), d + 0.7, test_to_train=0.25)
    assert mirrored.t == pytest.approx(-found.t)
    assert mirrored.p_value == pytest.approx(found.p_value)


def test_corrected_test_of_equal_and_of_constant_differences() -> None:
    same = corrected_t_test([0.5, 0.75], [0.5, 0.75])
    assert (same.t, same.p_value, same.interval) == (0.0, 1.0, (-np.inf, np.inf))
    always = corrected_t_test([0.75, 0.75], [0.5, 0.5])
    assert (always.t, always.p_value, always.interval) == (0.0, 1.0, (-np.inf, np.inf))


@pytest.mark.parametrize(
    ("a", "b", "options"),
    [
        ([0.5], [0.5], {}),
        ([0.5, 0.6], [0.5, 0.6, 0.7], {}),
        ([0.5, np.nan], [0.5, 0.6], {}),
        ([0.5, 0.6], [0.5, 0.6], {"test_to_train": 0}),
        ([0.5, 0.6], [0.5, 0.6], {"confidence": 95}),
    ],
)
def test_corrected_test_mistakes(a, b, options) -> None:
    with pytest.raises(UserError, match="Expected"):
        corrected_t_test(a, b, **options)


def test_majority_is_that_of_the_training_part() -> None:
    y = np.array([0] * 31 + [1] * 29)
    found = evaluate(np.zeros((60, 1)), y, probe="majority", folds=5)
    assert all(set(score.predictions) == {0} for score in found.folds)
    assert abs(found.mean - majority_accuracy(y)) < 0.02


def test_embeddings_of_torch_are_values_whatever_their_history() -> None:
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
    z = torch.tensor(x, requires_grad=True)
    expected = evaluate(x, y, folds=2)
    assert evaluate(z, y, folds=2).mean == expected.mean
    assert evaluate(z * 1, y, folds=2).mean == expected.mean
    half = z.detach().bfloat16()
    assert evaluate(half, y, folds=2).mean == evaluate(half.float().numpy(), y, folds=2).mean
