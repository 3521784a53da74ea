"""Folds: every graph tested once, strata kept, files checked."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    Inductive,
    Targets,
    Transductive,
    evaluate,
    read_splits,
    stratified_folds,
)


@st.composite
def labelled(draw):
    folds = draw(st.integers(2, 6))
    sizes = draw(st.lists(st.integers(folds + 6, 24), min_size=2, max_size=4))
    order = np.random.default_rng(draw(st.integers(0, 9))).permutation(sum(sizes))
    return np.repeat(np.arange(len(sizes)) * 3 - 1, sizes)[order], folds


@settings(max_examples=40, deadline=None)
@given(labelled(), st.sampled_from([0.0, 0.25, 0.5]), st.integers(0, 5))
def test_folds_partition_and_keep_the_strata(data, validation: float, seed: int) -> None:
    labels, count = data
    folds = stratified_folds(labels, folds=count, seed=seed, validation=validation)
    assert len(folds) == count
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(labels)))
    for fold in folds:
        whole = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(whole) == list(range(len(labels)))
        assert all(part.dtype == np.int64 for part in vars(fold).values())
        for cls, size in zip(*np.unique(labels, return_counts=True), strict=True):
            assert abs((labels[fold.test] == cls).sum() - size / count) < 1
            rest = size - (labels[fold.test] == cls).sum()
            assert abs((labels[fold.validation] == cls).sum() - validation * rest) <= 1.5


def test_test_parts_are_those_of_scikit_learn_with_and_without_validation() -> None:
    labels = np.arange(60) % 3
    expected = StratifiedKFold(5, shuffle=True, random_state=4).split(labels, labels)
    plain = stratified_folds(labels, folds=5, seed=4)
    aside = stratified_folds(labels, folds=5, seed=4, validation=0.2)
    for (_, test), a, b in zip(expected, plain, aside, strict=True):
        np.testing.assert_array_equal(a.test, test)
        np.testing.assert_array_equal(b.test, test)


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        ([0, 0, 1], {"folds": 3}, "the largest class (0) has 2: take 2 folds or fewer"),
        ([3, 4, 5], {"folds": 2}, "are these classes?"),
        ([1] * 20, {}, "one class"),
        ([0.5, 1.5], {}, "Expected 10 labelled graphs or more for 10 folds"),
        ([[0, 1], [1, 0]], {}, "labelled graphs or more"),
        ([0, 1] * 10, {"folds": 1}, "2 folds or more"),
        ([0, 1] * 10, {"validation": 1.0}, "[0, 1)"),
    ],
)
def test_mistakes(labels, options, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        stratified_folds(labels, **options)


def entry(test, train, validation):
    return {"test": test, "model_selection": [{"train": train, "validation": validation}]}


GOOD = [entry([0, 1], [2], [3]), entry([2, 3], [0], [1])]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "JSON"),
        ({"test": []}, "something else"),
        ([entry([0, 1], [2], [3]), {"test": [2, 3]}], "something else"),
        ([entry([0, 1], [2], [3.5]), GOOD[1]], "something else"),
        ([entry([0, 1], [2], [True]), GOOD[1]], "something else"),
        ([{"test": [0], "model_selection": []}] * 2, "two folds"),
        (GOOD[:1], "two folds"),
        ([entry([0, 1], [2], [4]), GOOD[1]], "below 4"),
        ([entry([0, 1], [2], [-1]), GOOD[1]], "below 4"),
        ([entry([0, 1], [2], [1]), GOOD[1]], "appears twice"),
        ([entry([0, 1], [2], [2]), GOOD[1]], "appears twice"),
        ([entry([0, 1], [], [2]), GOOD[1]], "train part"),
        ([entry([0], [2], [3]), GOOD[1]], "graph 1 is tested 0 times"),
        ([GOOD[0], entry([1, 2, 3], [0], [])], "graph 1 is tested 2 times"),
    ],
)
def test_damaged_split_files(tmp_path: Path, content, sentence: str) -> None:
    file = tmp_path / "splits.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=sentence) as caught:
        read_splits(file, 4)
    assert "\n" not in str(caught.value)


def test_absent_split_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        read_splits(tmp_path / "nowhere.json", 4)


@pytest.mark.skipif(
    "GRAPH_HCL_SPLITS" not in os.environ, reason="needs GRAPH_HCL_SPLITS with NAME_splits.json"
)
def test_published_splits() -> None:
    folds = read_splits(Path(os.environ["GRAPH_HCL_SPLITS"], "ENZYMES_splits.json"), 600)
    assert [len(fold.test) for fold in folds] == [60] * 10
    assert (len(folds[0].train), len(folds[0].validation)) == (486, 54)


SIZES = [1, 2, 3, 4, 5] * 2 + [6, 9]
GROUPS = np.random.default_rng(1).permutation(np.repeat(np.arange(12), SIZES))


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_groups_are_kept_together(kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(GROUPS), 3))
    y = np.arange(len(GROUPS)) % 2 if kind == "classes" else x[:, 0] + 0.1
    names = np.array([f"g{number}" for number in GROUPS])
    targets = Targets.of(y).grouped(names)
    splitter = StratifiedGroupKFold if kind == "classes" else GroupKFold
    expected = splitter(4, shuffle=True, random_state=3).split(x, y, targets.groups)
    plan = Transductive(folds=4, inner=3).plan(targets, 3, selects=True)
    for planned, (train, test) in zip(plan.folds, expected, strict=True):
        assert planned.fold.train.tolist() == train.tolist()
        assert planned.fold.test.tolist() == test.tolist()
        for fit, score in planned.splits:
            assert not set(GROUPS[train[fit]]) & set(GROUPS[train[score]])
    for fold in Inductive(folds=4, validation=0.3).split(targets, 3):
        parts = [set(GROUPS[part]) for part in (fold.train, fold.validation, fold.test)]
        assert all(parts)
        assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    found = evaluate(x, y, groups=names, folds=4, inner=3, seed=3, jobs=1)
    assert [fold.test for fold in found.folds] == [p.fold.test.tolist() for p in plan.folds]
    assert found.settings["groups"] == 12


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([0, 1], "group of each of the 40 graphs"),
        ([0] * 40, "two groups or more"),
        ([None] * 20 + [1.0] * 20, "some are missing"),
        ([0] * 20 + [1] * 20, "3 groups or more for 3 folds, but got 2"),
    ],
)
def test_groups_that_cannot_be(groups, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        evaluate(np.zeros((40, 1)), [0, 1] * 20, groups=groups, folds=3, jobs=1)
