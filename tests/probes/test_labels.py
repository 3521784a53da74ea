"""Labels of every kind are classes, or are refused in one sentence."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    check_labels,
    evaluate,
    inductive,
    majority_accuracy,
    stratified_folds,
)

CODES = [0, 1, 2, 1] * 6
X = np.random.default_rng(0).normal(size=(24, 3)) + np.array(CODES)[:, None]
NAMES = ["acid", "base", "salt"]
names = [NAMES[code] for code in CODES]

KINDS = {
    "list": (CODES, CODES),
    "list of columns": ([[code] for code in CODES], CODES),
    "floats": ([float(code) for code in CODES], [float(code) for code in CODES]),
    "objects": (np.array(CODES, dtype=object), CODES),
    "whole floats as objects": (np.array([1.0 * c for c in CODES], dtype=object), CODES),
    **{
        dtype: (np.array(CODES, dtype=dtype), CODES)
        for dtype in ("int8", "uint8", "int32", "uint64", "float16", "float32")
    },
    "bool": (np.array(CODES) == 1, [code == 1 for code in CODES]),
    "list of bool": ([code == 1 for code in CODES], [code == 1 for code in CODES]),
    "strings": (names, names),
    "array of strings": (np.array(names), names),
    "series": (pd.Series(CODES, index=range(100, 124)), CODES),
    "series of strings": (pd.Series(names), names),
    "categories": (pd.Series(names, dtype="category"), names),
    "nullable integers": (pd.Series(CODES, dtype="Int64"), CODES),
    "frame of one column": (pd.DataFrame({"y": CODES}), CODES),
    "tensor": (torch.tensor(CODES), CODES),
    "tensor [G, 1]": (torch.tensor(CODES)[:, None], CODES),
    "float tensor": (torch.tensor(CODES).float()[:, None], CODES),
    "bfloat16": (torch.tensor(CODES).bfloat16(), CODES),
    "with gradient": (torch.tensor(CODES).float().requires_grad_(), CODES),
    "bool tensor": (torch.tensor(CODES) == 1, [code == 1 for code in CODES]),
    "list of tensors": ([torch.tensor([code]) for code in CODES], CODES),
}


def same(found: list, expected: list) -> bool:
    """Equal values of the same kind, 1 and 1.0 and True told apart."""
    return found == expected and json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_classes(kind: str) -> None:
    labels, values = KINDS[kind]
    y = check_labels(labels)
    assert y.tolist() == values
    assert y.shape == (24,)


@pytest.mark.filterwarnings("ignore:inner 3 has no use")
@pytest.mark.parametrize("probe", ["svm", "linear-svm", "logistic", "class-mean", "knn"])
@pytest.mark.parametrize("kind", ["uint8", "bool", "floats", "strings", "float tensor"])
def test_kinds_change_no_score_and_results_keep_them(probe: str, kind: str) -> None:
    labels, values = KINDS[kind]
    _, codes = np.unique(values, return_inverse=True)
    given = {"folds": 3, "inner": 3, "seed": 2, "probe": probe, "jobs": 1}
    found = evaluate(X, labels, **given)
    expected = evaluate(X, codes, **given)
    assert found["accuracy"] == expected["accuracy"]
    assert found["macro_f1"] == expected["macro_f1"]
    kinds = check_labels(labels)
    for fold, score in zip(stratified_folds(labels, folds=3, seed=2), found.folds, strict=True):
        assert same(score.labels, kinds[fold.test].tolist())
        assert {type(value) for value in score.predictions} == {type(kinds[0].item())}
    assert json.loads(json.dumps(found.records())) == found.records()
    folds = stratified_folds(labels, folds=3, validation=0.3)
    apart = inductive(lambda number, fold: X, labels, folds=folds, probe=probe, jobs=1)
    again = inductive(lambda number, fold: X, codes, folds=folds, probe=probe, jobs=1)
    assert apart["accuracy"] == again["accuracy"]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0.0, np.inf], "graph 1 has inf"),
        ([0.0, np.nan, 1.0], "graph 1 has nan: leave out"),
        ([0, None, 1], "graph 1 has None"),
        (["a", np.nan], "graph 1 has nan"),
        (pd.Series([0, 1, None], dtype="Int64"), "graph 2 has"),
        (pd.Series(["a", None, "b"], dtype="string"), "graph 1 has"),
        ([1, "a"], "of one kind"),
        ([1, "1"], "got int, str"),
        ([b"a", b"b"], "number the classes"),
        ([1j, 2j], "number the classes"),
        (np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"), "number the classes"),
        (np.zeros((4, 0)), "shape [4, 0]"),
        (3, "shape []"),
        ([[0, 1], [1]], "make no array"),
        ([], "two classes or more, but all 0 graphs"),
        (["a", "a"], "one class"),
        ([True, True], "one class"),
    ],
)
def test_what_is_no_class_is_told_in_one_sentence(labels, sentence: str) -> None:
    doors = (
        check_labels,
        majority_accuracy,
        stratified_folds,
        lambda y: evaluate(np.zeros((3, 2)), y),
        lambda y: inductive(lambda number, fold: X, y, folds=[]),
    )
    for door in doors:
        with pytest.raises(UserError, match=re.escape(sentence)) as caught:
            door(labels)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0.37, 1.0, 2.0], "graph 0 has 0.37: real numbers are no classes"),
        (torch.tensor([0.0, 1.0, 0.37]), "graph 2 has 0.37"),
        ([[0, 1], [1, 0]], "shape [2, 2]: give one task at a time"),
        (np.array([[0, 1, 1]]), "shape [1, 3]"),
    ],
)
def test_other_targets_are_no_classes(labels, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        check_labels(labels)
