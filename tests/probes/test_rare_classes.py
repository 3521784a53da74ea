"""Classes with fewer graphs than folds: spread, named in one warning, never a reason to refuse."""

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    C_GRID,
    PROBES,
    Fold,
    ProbeInput,
    RareClassWarning,
    Targets,
    evaluate,
    inductive,
    kernel_svm,
    make_protocol,
    stratified_folds,
)
from graph_hcl.probes.probe import kinds_of
from graph_hcl.probes.splits import inner_splits, set_aside, spread, with_few_labels

PEERS = {
    "svm": SVC(),
    "linear-svm": LinearSVC(dual=False, tol=1e-8, max_iter=100_000),
    "logistic": LogisticRegression(tol=1e-9, max_iter=100_000, solver="newton-cg"),
}


CLASSIFIERS = [name for name in PROBES.names() if "multiclass" in kinds_of(PROBES.get(name))]


@st.composite
def rare(draw, least: int = 1):
    """Return labels in which the first class has enough graphs, and the number of folds."""
    folds = draw(st.integers(2, 6))
    first = draw(st.integers(folds, 20))
    sizes = [first, *draw(st.lists(st.integers(least, 12), min_size=1, max_size=5))]
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(sum(sizes))
    return np.repeat(np.arange(len(sizes)) * 3 - 1, sizes)[order], folds


def embeddings(y: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    _, codes = np.unique(y, return_inverse=True)
    return rng.normal(size=(len(y), 4)) + rng.normal(size=(codes.max() + 1, 4))[codes]


def example(*sizes: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    return embeddings(y), y


def quiet(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RareClassWarning)
        return function(*args, **options)


@settings(max_examples=150, deadline=None)
@given(rare(), st.integers(0, 99))
def test_each_graph_is_tested_once_and_each_class_is_spread_evenly(data, seed: int) -> None:
    y, count = data
    pairs = spread(y, count, seed)
    assert sorted(np.concatenate([part for _, part in pairs])) == list(range(len(y)))
    for rest, part in pairs:
        assert sorted([*rest, *part]) == list(range(len(y)))
    for label in np.unique(y):
        numbers = [int((y[part] == label).sum()) for _, part in pairs]
        assert max(numbers) - min(numbers) <= 1
    sizes = [len(part) for _, part in pairs]
    assert max(sizes) - min(sizes) <= 1
    again = spread(y, count, seed)
    assert all(
        (a == b).all()
        for one, two in zip(pairs, again, strict=True)
        for a, b in zip(one, two, strict=True)
    )


@settings(max_examples=100, deadline=None)
@given(rare(), st.integers(0, 99))
def test_parts_are_those_of_scikit_learn_rare_classes_or_not(data, seed: int) -> None:
    y, count = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = list(StratifiedKFold(count, shuffle=True, random_state=seed).split(y, y))
    folds = stratified_folds(y, folds=count, seed=seed)
    for fold, (train, test) in zip(folds, expected, strict=True):
        np.testing.assert_array_equal(fold.train, train)
        np.testing.assert_array_equal(fold.test, test)


@settings(max_examples=150, deadline=None)
@given(rare(), st.floats(0.02, 0.9), st.integers(0, 99))
def test_the_share_set_aside_leaves_every_class_a_graph(data, share: float, seed: int) -> None:
    y, _ = data
    train = np.flatnonzero(np.random.default_rng(seed).random(len(y)) < 0.9)
    if len(np.unique(y[train])) < 2:
        return  # one class alone is no stratum
    rest, aside = set_aside(y, train, share, seed)
    assert sorted([*rest, *aside]) == train.tolist()
    assert rest.dtype == aside.dtype == np.int64
    try:
        expected = train_test_split(train, test_size=share, stratify=y[train], random_state=seed)
    except ValueError:
        wanted = math.ceil(share * len(train))
        classes, sizes = np.unique(y[train], return_counts=True)
        assert len(aside) == min(wanted, (sizes - 1).sum())
        assert set(y[rest]) == set(classes)
        for label, size in zip(classes, sizes, strict=True):
            ideal, found = wanted * size / len(train), (y[aside] == label).sum()
            # What a class cannot give, the others do, so its share may only be exceeded then.
            assert found >= min(math.floor(ideal), size - 1)
            if (sizes - 1 >= np.ceil(wanted * sizes / len(train))).all():
                assert found <= math.ceil(ideal)
    else:
        np.testing.assert_array_equal(rest, np.sort(expected[0]))
        np.testing.assert_array_equal(aside, np.sort(expected[1]))
    again = set_aside(y, train, share, seed)
    np.testing.assert_array_equal(aside, again[1])


@settings(max_examples=150, deadline=None)
@given(rare(), st.integers(2, 6), st.floats(0.05, 1.0), st.integers(0, 99))
def test_inner_splits_cover_the_rows_with_labels(data, inner: int, share: float, seed: int) -> None:
    y, _ = data
    fold = Fold(np.arange(len(y)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    rows = with_few_labels(fold, y, share, seed).train
    seen = y[rows]
    parts = inner_splits(y, rows, inner, seed)
    assert len(parts) <= inner
    sizes = {label: int((seen == label).sum()) for label in np.unique(y)}
    common = [sizes[label] for label in sizes if (y == label).sum() >= inner]
    count = min(inner, min(common) if common else max(sizes.values()))
    if count < 2:
        assert parts == []
    for fit, score in parts:
        assert sorted([*fit, *score]) == list(range(len(rows)))
        assert len(set(seen[fit])) >= 2
    if count >= 2 and sum(size >= 2 for size in sizes.values()) >= 2:
        assert len(parts) == count  # no part can hold all of two classes with two graphs or more


def test_few_labels_of_common_classes_take_fewer_inner_folds_as_ever() -> None:
    y = np.repeat([0, 1], [40, 60])
    for rows, expected in ((np.array([*range(3), *range(40, 47)]), 3), (np.array([0, 40, 41]), 0)):
        parts = inner_splits(y, rows, 5, seed=1)
        assert len(parts) == expected
        if expected:
            splitter = StratifiedKFold(expected, shuffle=True, random_state=1)
            for one, two in zip(parts, splitter.split(rows, y[rows]), strict=True):
                np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("probe", CLASSIFIERS)
@pytest.mark.parametrize("labels", [{}, {"fraction": 0.5, "draws": 1}], ids=["all", "half"])
def test_every_probe_measures_a_set_with_a_rare_class(
    probe: str, size: int, labels: dict[str, float]
) -> None:
    x, y = example(12, 9, size)
    with pytest.warns(RareClassWarning) as caught:
        found = evaluate(x, y, probe=probe, folds=5, jobs=1, **labels)
    # A solver may warn as well, of its few rows.
    (warned,) = (one for one in caught if issubclass(one.category, RareClassWarning))
    assert f"lack a class: 2 ({size} graph{'s' if size > 1 else ''});" in str(warned.message)
    assert warned.filename == __file__
    assert len(found.folds) == 5
    assert sorted(label for score in found.folds for label in score.labels) == sorted(y)
    if size == 1:  # unknown where it is tested
        (score,) = (score for score in found.folds if 2 in score.labels)
        assert 2 not in score.predictions
        right = np.sum(np.array(score.labels) == score.predictions)
        assert score.scores["accuracy"] == right / len(score.test) < 1
    assert all(
        (score.params == {}) == (probe in ("class-mean", "knn", "majority"))
        for score in found.folds
    )


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("probe", CLASSIFIERS)
def test_every_probe_measures_encoders_of_a_set_with_a_rare_class(probe: str, size: int) -> None:
    x, y = example(12, 9, size)
    folds = stratified_folds(y, folds=5, validation=0.2)
    with pytest.warns(RareClassWarning, match=rf"2 \({size} graph") as caught:
        found = inductive(lambda number, fold: x, y, folds=folds, probe=probe, jobs=1)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(y)))
    assert all(np.unique(y[fold.train]).size >= 2 for fold in folds)
    assert len(found.folds) == 5


def test_a_kernel_machine_measures_a_set_with_a_rare_class() -> None:
    x, y = example(12, 9, 1)
    nothing = np.empty((len(y), 0))
    found = quiet(evaluate, nothing, y, probe=kernel_svm(x @ x.T), folds=5, jobs=1)
    assert len(found.folds) == 5


@pytest.mark.parametrize("probe", CLASSIFIERS)
def test_many_rare_classes_without_a_stray_warning(probe: str) -> None:
    x, y = example(6, 5, *[2] * 9, *[1] * 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RareClassWarning)
        evaluate(x, y, probe=probe, folds=4, jobs=1)
        folds = stratified_folds(y, folds=4, validation=0.2)
        inductive(lambda number, fold: x, y, folds=folds, probe=probe, jobs=1)
    with pytest.warns(RareClassWarning, match=r"11 \(1 graph\).* and \d+ more;") as caught:
        evaluate(x, y, probe=probe, folds=4, jobs=1)
    assert str(caught[0].message).count("graph") < 25


def test_no_warning_where_no_class_is_rare() -> None:
    x, y = example(12, 9, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(x, y, folds=3, jobs=1)
        folds = stratified_folds(y, folds=3, validation=0.2)
        inductive(lambda number, fold: x, y, folds=folds, jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("probe", ["svm", "linear-svm", "logistic"])
@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 999))
def test_choice_and_predictions_are_scikit_learns(probe: str, sizes: list[int], seed: int) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(range(2 + len(sizes)), [14, 9, *sizes]))
    x = embeddings(y, seed).round(1)
    found = quiet(evaluate, x, y, probe=probe, folds=3, inner=4, seed=seed, jobs=1)
    for fold, score in zip(stratified_folds(y, folds=3, seed=seed), found.folds, strict=True):
        pipeline = Pipeline([("scale", StandardScaler()), ("probe", clone(PEERS[probe]))])
        cv = StratifiedKFold(4, shuffle=True, random_state=seed)
        search = GridSearchCV(pipeline, {"probe__C": list(C_GRID)}, cv=cv)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            search.fit(x[fold.train], y[fold.train])
        np.testing.assert_allclose(search.best_score_, score.validation_score)
        assert search.best_params_["probe__C"] == score.params["C"]
        assert search.predict(x[fold.test]).tolist() == score.predictions


def test_inner_folds_that_leave_one_class_select_nothing() -> None:
    y = np.array([0] * 8 + [1] * 2)  # two of class 1: each training part has one
    x = embeddings(y)
    found = quiet(evaluate, x, y, probe="svm", folds=2, inner=4, jobs=1)
    for fold, score in zip(stratified_folds(y, folds=2), found.folds, strict=True):
        cv = [
            (fit, held)
            for fit, held in spread(y[fold.train], 4, 0)
            if len(set(y[fold.train][fit])) == 2
        ]
        assert len(cv) == 3
        pipeline = Pipeline([("scale", StandardScaler()), ("probe", SVC())])
        search = GridSearchCV(pipeline, {"probe__C": list(C_GRID)}, cv=cv)
        search.fit(x[fold.train], y[fold.train])
        assert (search.best_params_["probe__C"], search.best_score_) == (
            score.params["C"],
            pytest.approx(score.validation_score),
        )


def test_where_selection_is_impossible_c_is_one() -> None:
    x, y = example(2, 2, 2)  # two folds leave one graph of each class to train on
    with pytest.warns(
        RareClassWarning, match="keeps its default where no inner folds can be drawn"
    ):
        found = evaluate(x, y, folds=2, jobs=1)
    assert [(s.params, s.validation_score) for s in found.folds] == [({"C": 1.0}, None)] * 2


@pytest.mark.parametrize("probe", ["class-mean", "knn", "majority"])
def test_probes_that_choose_nothing_need_nothing_to_choose_on(probe: str) -> None:
    x, y = example(12, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "inner 50 has no use")  # more than there are: no matter
        few = evaluate(x, y, folds=3, inner=50, probe=probe, jobs=1)
        apart = inductive(
            lambda number, fold: x, y, folds=stratified_folds(y, folds=3), probe=probe, jobs=1
        )
    assert few.settings == {"folds": 3, "inner": None, "fraction": 1.0}
    assert [s.predictions for s in few.folds] == [s.predictions for s in apart.folds]


@pytest.mark.parametrize("probe", CLASSIFIERS)
def test_a_training_part_of_one_class_is_told_before_embeddings_are_asked_for(probe: str) -> None:
    x, y = example(9, 1)
    sentence = re.escape("of class 0: leave out the classes with a single graph")
    with pytest.raises(UserError, match=sentence):
        evaluate(x, y, folds=3, probe=probe)
    with pytest.raises(UserError, match=sentence):
        inductive(
            lambda number, fold: pytest.fail("trained"),
            y,
            folds=stratified_folds(y, folds=3, validation=0.2),
            probe=probe,
        )


@pytest.mark.parametrize("probe", ["svm", "linear-svm", "logistic"])
def test_machines_refuse_one_class_in_one_sentence(probe: str) -> None:
    one_class = ProbeInput(np.zeros((3, 2)), np.array([4, 4, 4]), np.zeros((1, 2)))
    with pytest.raises(UserError, match="all 3 graphs are of class 4"):
        PROBES.get(probe)(one_class)


def test_fixed_folds_may_lack_a_class_in_the_training_part() -> None:
    x, y = example(8, 8, 3)
    lone = np.flatnonzero(y == 2)
    first, second = np.array_split(np.flatnonzero(y < 2), 2)
    folds = [
        Fold(first[:5], first[5:], np.concatenate([second, lone])),
        Fold(np.concatenate([second[:5], lone]), second[5:], first),
    ]
    with pytest.warns(RareClassWarning, match=r"2 folds lack a class: 2 \(3 graphs\)"):
        found = inductive(lambda number, fold: x, y, folds=folds, jobs=1)
    assert 2 not in found.folds[0].predictions


@pytest.mark.parametrize("protocol", ["transductive", "inductive"])
def test_checks_say_what_the_evaluation_would(protocol: str) -> None:
    _, y = example(12, 9, 1)
    with pytest.warns(RareClassWarning, match=r"2 \(1 graph\)") as caught:
        make_protocol(protocol, folds=5).check(Targets.of(y), "svm", range(4))
    assert len(caught) == 1
    assert caught[0].filename == __file__


GOOD = [0, 1, 2] * 20


def check(labels, protocol="transductive", probe="svm", jobs=None, **settings) -> None:
    make_protocol(protocol, **settings).check(Targets.of(labels), probe, jobs=jobs)


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        ([1] * 20, {}, "one class"),
        ([0.5, 1.5] * 10, {}, "regression targets, but svm serves"),
        ([0] * 9 + [1], {"folds": 3}, "of class 0"),
        (GOOD, {"folds": 21}, "take 20 folds or fewer"),
        (GOOD, {"folds": 1}, "2 folds or more"),
        (GOOD, {"inner": 1}, "2 inner folds or more"),
        (GOOD, {"fraction": 0.0}, "(0, 1]"),
        (GOOD, {"probe": "svn"}, "Did you mean"),
        (GOOD, {"jobs": 0}, "1 job or more"),
        (GOOD, {"splits": "nowhere.json"}, "--protocol inductive with --probe.splits"),
        (GOOD, {"protocol": "inductive", "fraction": 0.5}, "--protocol transductive"),
        (GOOD, {"protocol": "inductive", "splits": "nowhere.json"}, "nowhere.json"),
        (GOOD, {"protocol": "inductive", "validation": 0.0}, "validation part in fold 0"),
        (GOOD, {"protocol": "inductive", "validation": 1.5}, "[0, 1)"),
    ],
)
def test_checks_raise_what_the_evaluation_would(labels, options, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)) as caught:
        check(labels, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"protocol": "transductive", "validation": 0.2}, "--probe.validation 0.2"),
        ({"protocol": "transductive", "probe": "knn", "inner": 3}, "--probe.inner 3"),
        ({"protocol": "inductive", "inner": 3}, "--probe.inner 3"),
    ],
)
def test_settings_without_use_are_named(options, flag: str) -> None:
    with pytest.warns(UserWarning, match=flag) as caught:
        check(GOOD, **options)
    assert len(caught) == 1


def test_settings_with_use_are_not_named() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(GOOD, protocol="transductive", inner=3, folds=4, fraction=0.5)
        check(GOOD, protocol="inductive", validation=0.2, folds=4)
