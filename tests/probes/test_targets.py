"""Targets: their kind, their strata and folds, and graphs without a label."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold
from sklearn.utils.multiclass import type_of_target

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    Fold,
    Inductive,
    Targets,
    Transductive,
    evaluate,
    stratified_folds,
)
from graph_hcl.probes.choice import targets_for


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=40).filter(lambda y: len(set(y)) > 1))
def test_strata_are_the_classes_in_order(labels: list[int]) -> None:
    targets = Targets.of(labels)
    assert targets.kind == ("binary" if len(set(labels)) == 2 else "multiclass")
    assert targets.classes[targets.strata()].tolist() == labels
    assert set(targets.strata()) == set(range(len(set(labels))))
    assert Targets.of(targets) is targets


def test_labels_of_any_container() -> None:
    targets = Targets.of(torch.tensor([1.0, 0.0, 1.0])[:, None], names=("no", "yes"))
    assert (len(targets), targets.kind, targets.names) == (3, "binary", ("no", "yes"))
    assert targets.labelled


def test_another_number_of_names_than_of_classes() -> None:
    with pytest.raises(UserError, match="Expected 2 names of classes, but got 1"):
        Targets.of([0, 1], names=("no",))


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 1],
        [0, 1, 2],
        [0.0, 1.0, 2.0],
        [0.5, 1.0, 2.0],
        ["a", "b", "c"],
        [True, False, True],
        [[0, 1], [1, 1], [0, 0]],
        [[0.5, 1.0], [1.0, 2.0], [3.0, 3.0]],
    ],
)
def test_the_kind_is_scikit_learns(labels) -> None:
    names = {
        "binary": "binary",
        "multiclass": "multiclass",
        "multilabel-indicator": "multilabel",
        "continuous": "regression",
        "continuous-multioutput": "regression",
    }
    for given_ in (labels, np.array(labels), torch.tensor(labels) if labels[0] != "a" else labels):
        assert Targets.of(given_).kind == names[type_of_target(np.array(labels))]


def test_the_kind_may_be_given() -> None:
    counts = [3, 1, 2, 2]
    assert Targets.of(counts).kind == "multiclass"
    assert Targets.of(counts, kind="regression").values.tolist() == counts
    assert Targets.of([[0, 3], [1, 2]], kind="regression").tasks == 2
    column = Targets.of([[0], [None], [1]], kind="multilabel")
    assert (column.kind, column.tasks, column.rows.tolist()) == ("multilabel", 1, [0, 2])
    assert evaluate_kind("ridge", None, counts) == "regression"
    assert evaluate_kind(None, ["mae"], counts) == "regression"
    assert evaluate_kind(None, None, counts) == "multiclass"


def evaluate_kind(probe, metrics, labels) -> str:
    return targets_for(labels, probe, metrics).kind


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        ([[0, 2], [1, 1]], {}, 'kind="regression"'),
        ([[np.nan, None], [None, np.nan]], {}, "all entries are missing"),
        ([[0, np.inf], [1, 1]], {}, "graph 0 has inf"),
        ([0.5, np.nan, 1.5], {}, "graph 1 has nan: leave out"),
        ([0.5, 0.5, 0.5], {}, "nothing to predict"),
        (["a", "b"], {"kind": "regression"}, "labels that are none"),
        ([0, 1, 2], {"kind": "binary"}, "Expected two classes, but got 3"),
        ([0, 1], {"kind": "real"}, "Expected a kind of binary"),
        ([[0, 1], [1, 1]], {"names": ("a",)}, "Expected 2 names of tasks, but got 1"),
    ],
)
def test_mistakes(labels, options, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)) as caught:
        Targets.of(labels, **options)
    assert "\n" not in str(caught.value)


REAL = Targets.of(np.linspace(0.1, 5, 30))
TASKS = Targets.of(np.tile([[0, 1, np.nan], [1, np.nan, 0], [1, 0, 1]], (10, 1)))


@pytest.mark.parametrize("targets", [REAL, TASKS])
@pytest.mark.parametrize("seed", [0, 3])
def test_folds_without_strata_are_kfolds(targets: Targets, seed: int) -> None:
    plan = Transductive(folds=5, inner=3).plan(targets, seed, selects=True)
    rows = np.arange(30)
    expected = KFold(5, shuffle=True, random_state=seed).split(rows)
    for planned, (train, test) in zip(plan.folds, expected, strict=True):
        assert planned.fold.train.tolist() == train.tolist()
        assert planned.fold.test.tolist() == test.tolist()
        inner = KFold(3, shuffle=True, random_state=seed).split(train)
        for (fit, score), (a, b) in zip(planned.splits, inner, strict=True):
            assert (fit.tolist(), score.tolist()) == (a.tolist(), b.tolist())
    few = Transductive(folds=5, fraction=0.5, draws=2).plan(targets, seed, selects=True)
    assert [len(planned.fold.train) for planned in few.folds] == [12] * 10
    apart = Inductive(folds=5, validation=0.25).split(targets, seed)
    assert [len(fold.validation) for fold in apart] == [6] * 5


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_graphs_without_a_label_are_in_no_fold(kind: str) -> None:
    values = np.array([0.0, 1.0] * 12) if kind == "classes" else np.linspace(0, 1, 24) + 0.01
    values[::5] = np.nan
    targets = Targets.of_column(values, classes=kind == "classes")
    known = np.flatnonzero(~np.isnan(values))
    for protocol in (Transductive(folds=3), Inductive(folds=3, validation=0.2)):
        folds = protocol.split(targets, 0)
        assert sorted(np.concatenate([fold.test for fold in folds])) == known.tolist()
        for fold in folds:
            assert set(fold.train) | set(fold.validation) | set(fold.test) == set(known)
    fixed = Fold(np.arange(12), np.arange(12, 16), np.arange(16, 24))
    (kept,) = Inductive(splits=[fixed]).split(targets, 0)
    assert kept.test.tolist() == [16, 17, 18, 19, 21, 22, 23]
    assert kept.validation.tolist() == [12, 13, 14]
    # They take part in the scores of nobody: their embeddings may be anything.
    x = np.random.default_rng(0).normal(size=(24, 2)) + np.nan_to_num(values)[:, None]
    other = x.copy()
    other[::5] = 1e6
    found = [Transductive(folds=3).evaluate([one], targets, jobs=1) for one in (x, other)]
    assert found[0] == found[1]
    # They equal the evaluation without these graphs, but for their numbers.
    alone = evaluate(x[known], targets.values[known], folds=3, jobs=1)
    assert [fold.scores for fold in alone.folds] == [fold.scores for fold in found[0].folds]


def test_no_labels_at_all() -> None:
    for door in (Targets.unlabelled(4).strata, lambda: stratified_folds(Targets.unlabelled(4))):
        with pytest.raises(UserError, match="they have none"):
            door()


def test_unlabelled_graphs_are_trained_on_by_the_transductive_protocol() -> None:
    (part,) = Transductive().parts(Targets.unlabelled(5), seed=2)
    assert (part.name, part.seed, part.fold) == ("seed2", 2, None)
    assert part.train.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("labels", [[-1, 1, 1, -1], [0, 1, 2, 0], ["c", "d"], [0.0, 5.0]])
def test_classes_without_a_name_of_their_code_have_none(labels) -> None:
    assert Targets.of(labels).with_class_names(["a", "b"]).names == ()
    assert Targets.of([0.0, 1.0]).with_class_names(["a", "b"]).names == ("a", "b")
