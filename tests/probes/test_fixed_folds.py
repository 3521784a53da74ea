"""Given folds: a published split is one fold, which has a score but no interval."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from graph_hcl.errors import UserError
from graph_hcl.probes import Evaluation, Fold, MetricScores, compare, evaluate, inductive
from graph_hcl.probes.telling import told
from graph_hcl.results import deviations

RNG = np.random.default_rng(0)
Y = np.arange(60) % 2
X = RNG.normal(size=(60, 3)) + Y[:, None]
ORDER = RNG.permutation(60)
SPLIT = {"train": ORDER[:40], "valid": ORDER[40:50], "test": ORDER[50:]}


def test_a_split_is_fitted_selected_and_tested_once() -> None:
    found = evaluate(X, Y, folds=SPLIT, probe="logistic", jobs=1)
    assert (found.protocol, found.settings) == ("fixed folds", {"folds": 1})
    (fold,) = found.folds
    assert fold.test == SPLIT["test"].tolist()
    assert (fold.train, fold.validation) == (40, 10)
    scaler = StandardScaler().fit(X[SPLIT["train"]])
    x = {part: scaler.transform(X[rows]) for part, rows in SPLIT.items()}
    model = LogisticRegression(C=fold.params["C"], max_iter=5000, tol=1e-8)
    model.fit(x["train"], Y[SPLIT["train"]])
    assert fold.scores["accuracy"] == model.score(x["test"], Y[SPLIT["test"]])
    again = evaluate(X, Y, folds=[Fold.of(SPLIT)], probe="logistic", jobs=1)
    assert again == found


def test_several_folds_have_an_interval_and_one_has_none() -> None:
    halves = [ORDER[:20], ORDER[20:40], ORDER[40:]]
    folds = [
        Fold(np.concatenate([halves[k - 1], halves[k - 2]]), np.array([], dtype=int), halves[k])
        for k in range(3)
    ]
    found = evaluate(X, Y, folds=folds, probe="knn", jobs=1)
    assert found.interval[0] < found.mean < found.interval[1]
    one = evaluate(X, Y, folds=SPLIT, probe="knn", jobs=1)
    for wrong in (lambda: one.interval, lambda: compare(one, one)):
        with pytest.raises(UserError, match="two or more folds"):
            wrong()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"repeats": 3}, "no repeats with given folds"),
        ({"inner": 3}, "no inner with given folds"),
        ({"fraction": 0.5}, "no fraction with given folds"),
        ({"groups": [0, 1, 2] * 20}, "no group in two parts of given splits, but 3 are in the"),
        ({"folds": {"train": [0]}}, "train, valid and test, but got train"),
        ({"folds": {"train": [0], "test": [1], "rest": [2]}}, "but got train, test, rest"),
        ({"folds": []}, "one fold or more"),
        ({"folds": {"train": [0, 1], "test": [99]}}, "indices below 60 in fold 0"),
        ({"folds": {"train": [0, 1], "test": [1, 2]}}, "some graph appears twice"),
        ({"folds": [Fold([[0], [1]], [], [2])]}, r"train part .* whole numbers \[K\]"),
        ({"folds": [Fold([True] * 9, [], [2])]}, r"train part .* or a mask \[60\] of them"),
        ({"folds": [Fold([0.5, 1], [], [2])]}, "train part of a split to be whole numbers"),
        ({"folds": [([0, 1], [2])], "probe": "svm"}, "a validation part in fold 0"),
        ({"folds": ([0, 1], [2, 3])}, "train part of a split to be whole numbers .* got 0"),
        ({"folds": StratifiedKFold(3)}, r"a list of graph_hcl.probes.Fold, .* got Stratif"),
        ({"folds": [3, 4]}, r"a list of graph_hcl.probes.Fold, .* got \[3, 4\]"),
    ],
)
def test_mistakes(given, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        evaluate(X, Y, **({"folds": SPLIT, "probe": "class-mean", "jobs": 1} | given))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "over", "text", "words"),
    [
        ({(0, 0): 0.5}, None, "50.00", "one fold and one seed, which has no deviation"),
        ({(0, 0): 0.5, (1, 0): 1.0}, "seeds", "75.00 ± 25.00", "over the seeds of one fold"),
        ({(0, 0): 0.5, (0, 1): 1.0}, "folds", "75.00 ± 25.00", "deviation over folds"),
        (
            {(s, f): float(s) for s in (0, 1) for f in (0, 1)},
            "folds",
            "50.00 ± 0.00",
            "deviation over folds",
        ),
    ],
)
def test_what_is_told_beside_a_mean(values, over, text, words) -> None:
    scores = MetricScores(values)
    assert scores.over == over
    assert told(scores, "accuracy") == text
    records = [
        {"seed": seed, "fold": fold, "scores": {"accuracy": value}}
        for (seed, fold), value in values.items()
    ]
    empty = {"params": {}, "validation_score": None, "train": 8, "validation": 0, "draw": 0}
    empty |= {"test": [], "labels": [], "predictions": [], "decision": None, "pool": None}
    about = {"protocol": "inductive", "probe": "svm", "settings": {}}
    evaluation = Evaluation.from_records(about | empty | record for record in records)
    assert words in deviations(evaluation)


def masks(kind):
    """Return SPLIT as masks of all graphs."""
    return {part: kind(np.isin(np.arange(60), rows)) for part, rows in SPLIT.items()}


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, list])
def test_masks_are_splits(kind) -> None:
    by_number = {part: np.sort(rows) for part, rows in SPLIT.items()}
    expected = evaluate(X, Y, folds=by_number, probe="knn", jobs=1)
    assert evaluate(X, Y, folds=masks(kind), probe="knn", jobs=1) == expected
    tensors = {part: torch.from_numpy(rows) for part, rows in by_number.items()}
    assert evaluate(X, Y, folds=tensors, probe="knn", jobs=1) == expected


PARTS = "Expected the train part of a split to be whole numbers .K. of graphs, or a mask .60. of"


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(40) + 0.5,
        [0, np.nan],
        [0, np.inf],
        np.ones(40, dtype=bool),
        np.ones(61, dtype=bool),
        np.ones((60, 1), dtype=bool),
        ["1", "2"],
        "train",
        [None],
        None,
        3,
    ],
)
def test_other_parts_of_a_split_are_refused(rows) -> None:
    with pytest.raises(UserError, match=PARTS) as told:
        evaluate(X, Y, folds={"train": rows, "test": ORDER[50:]}, probe="knn", jobs=1)
    assert "\n" not in str(told.value)


def mask(rows):
    return np.isin(np.arange(60), rows)


@pytest.mark.parametrize(
    "as_part",
    [
        np.ndarray.tolist,
        torch.as_tensor,
        lambda rows: rows.astype(float),
        lambda rows: rows.astype(np.uint8),
        lambda rows: mask(rows).tolist(),
        lambda rows: torch.as_tensor(mask(rows)),
    ],
    ids=["list", "tensor", "float", "uint8", "mask", "tensor mask"],
)
def test_parts_of_any_container_are_the_same_folds(as_part) -> None:
    order = {part: np.sort(rows) for part, rows in SPLIT.items()}
    expected = evaluate(X, Y, folds=order, probe="linear-svm", jobs=1)
    fold = Fold(*map(as_part, order.values()))
    for given in (
        [fold],
        (fold,),
        iter([fold]),
        [dict(zip(order, vars(fold).values(), strict=True))],
    ):
        assert evaluate(X, Y, folds=given, probe="linear-svm", jobs=1) == expected
    apart = inductive(lambda number, fold: X[:], Y, folds=[fold], probe="linear-svm", jobs=1)
    assert apart.folds == expected.folds


def test_a_probe_without_selection_takes_ranges_and_pairs() -> None:
    pairs = list(StratifiedKFold(3).split(X, Y))
    expected = evaluate(X, Y, folds=[Fold(a, [], b) for a, b in pairs], probe="knn", jobs=1)
    for given in (pairs, StratifiedKFold(3).split(X, Y), [[*pair] for pair in pairs]):
        assert evaluate(X, Y, folds=given, probe="knn", jobs=1) == expected
    found = evaluate(X, Y, folds=[Fold(range(40), np.array([]), range(40, 60))], probe="knn")
    assert found.folds[0].test == list(range(40, 60))
