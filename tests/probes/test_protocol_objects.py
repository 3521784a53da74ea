"""Protocols as objects: their parts, their folds, and the settings that they take."""

import dataclasses
import re
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    PROTOCOLS,
    Evaluation,
    EvaluationProtocol,
    Fold,
    Inductive,
    Targets,
    Transductive,
    evaluate,
    inductive,
    make_protocol,
    stratified_folds,
)
from graph_hcl.probes.resolve import resolve_protocol

Y = np.arange(60) % 3
TARGETS = Targets.of(Y)
X = np.random.default_rng(0).normal(size=(60, 5)) + Y[:, None]


def same_folds(one: list[Fold], other: list[Fold]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one, other, strict=True)
        for name in ("train", "validation", "test")
    )


def test_parts_of_the_transductive_protocol() -> None:
    protocol = Transductive(folds=4)
    (part,) = protocol.parts(TARGETS, seed=3)
    assert (part.name, part.seed, part.fold) == ("seed3", 3, None)
    assert part.train.tolist() == list(range(60))
    assert len(protocol.held_out(TARGETS, part)) == 0
    assert same_folds(protocol.split(TARGETS, 3), stratified_folds(Y, folds=4, seed=3))


def test_parts_of_the_inductive_protocol() -> None:
    protocol = Inductive(folds=4, validation=0.2)
    folds = stratified_folds(Y, folds=4, seed=3, validation=0.2)
    assert same_folds(protocol.split(TARGETS, 3), folds)
    parts = protocol.parts(TARGETS, 3)
    assert [part.name for part in parts] == [f"seed3-fold{number}" for number in range(4)]
    for number, (part, fold) in enumerate(zip(parts, folds, strict=True)):
        assert (part.seed, part.fold) == (3, number)
        np.testing.assert_array_equal(part.train, fold.train)
        np.testing.assert_array_equal(protocol.held_out(TARGETS, part), fold.test)


def test_few_labels_are_in_the_folds_of_the_protocol() -> None:
    protocol = Transductive(folds=4, fraction=0.2, draws=3)
    plan, whole = protocol.plan(TARGETS, 0, selects=False), protocol.split(TARGETS, 0)
    assert [(p.number, p.draw) for p in plan.folds] == [(k, d) for k in range(4) for d in range(3)]
    assert protocol.fits_per_fold == 3
    for planned in plan.folds:
        assert np.bincount(Y[planned.fold.train]).tolist() == [3, 3, 3]
        assert set(planned.fold.train) <= set(whole[planned.number].train)
        np.testing.assert_array_equal(planned.fold.test, whole[planned.number].test)
        assert planned.pool == 45


def test_evaluations_are_those_of_the_functions() -> None:
    assert Transductive(folds=3, inner=4).evaluate([X], TARGETS, seed=1) == evaluate(
        X, Y, folds=3, inner=4, seed=1
    )
    folds = stratified_folds(Y, folds=3, validation=0.2)
    drawn = Inductive(folds=3, validation=0.2).evaluate([X, X + 1, X + 2], TARGETS)
    given = inductive(lambda number, fold: X + number, Y, folds=folds)
    assert drawn.folds == given.folds
    assert drawn.settings == {"folds": 3, "validation": 0.2}
    assert given.settings == {"folds": 3}


@pytest.mark.parametrize("protocol", [Transductive(folds=3), Inductive(folds=3)])
@pytest.mark.parametrize("count", [0, 2, 4])
def test_as_many_matrices_as_parts(protocol: EvaluationProtocol, count: int) -> None:
    with pytest.raises(UserError, match=r"each of the \d models .* got \d"):
        protocol.evaluate([X] * count, TARGETS)


@pytest.mark.parametrize(
    ("fold", "sentence"),
    [
        (Fold(np.arange(40), np.arange(40, 50), np.arange(45, 60)), "appears twice"),
        (Fold(np.arange(40), np.arange(40, 50), np.arange(50, 61)), "below 60"),
        (Fold(np.arange(40), np.arange(40, 60), np.arange(0)), "test part"),
    ],
)
def test_given_folds_that_leak_or_lead_nowhere(fold: Fold, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        inductive(lambda number, fold: pytest.fail("trained"), Y, folds=[fold])


def test_no_fold_at_all() -> None:
    with pytest.raises(UserError, match="one fold or more"):
        inductive(lambda number, fold: X, Y, folds=[])


@pytest.mark.parametrize("name", ["transductive", "inductive"])
def test_flat_settings_at_their_defaults_make_any_protocol(name: str) -> None:
    flat = {"folds": 4, "inner": 5, "fraction": 1.0, "validation": 0.1, "splits": None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make_protocol(name, **flat) == PROTOCOLS.get(name)(folds=4)


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("inductive", {"fraction": 0.5}, "Expected --protocol transductive with --probe.fraction."),
        ("transductive", {"splits": "a"}, "Expected --protocol inductive with --probe.splits."),
        ("inductive", {"fold": 3}, "Did you mean folds?"),
        ("inductiv", {}, "Did you mean inductive"),
    ],
)
def test_refused_settings(name: str, settings, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        make_protocol(name, **settings)


def test_fixed_folds_make_other_settings_idle(tmp_path) -> None:
    folds = stratified_folds(Y, folds=3, validation=0.2)
    for settings, idle in (
        ({"folds": 3}, []),
        ({"folds": 7}, ["folds 7"]),
        ({"validation": 0.3}, ["validation 0.3"]),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            make_protocol("inductive", splits=folds, **settings).check(TARGETS)
        assert [str(w.message).split(" has no use")[0] for w in caught] == [
            f"--probe.{setting}" for setting in idle
        ]


def test_a_protocol_from_outside() -> None:
    """A subclass with its own split: one file, no edit elsewhere."""

    @dataclass(frozen=True)
    class HoldOut(Inductive):
        """The first fold alone."""

        name: ClassVar[str] = "hold-out"
        share: float = 0.5

        def split(self, targets: Targets, seed: int) -> list[Fold]:
            return super().split(targets, seed)[:1]

    with PROTOCOLS.temporarily("hold-out", HoldOut):
        protocol = make_protocol("hold-out", folds=3, share=0.5)
        assert resolve_protocol("hold-out", uses_labels=True) == "hold-out"
        (part,) = protocol.parts(TARGETS, 0)
        found = protocol.evaluate([X], TARGETS)
        assert isinstance(found, Evaluation)
        assert [fold.fold for fold in found.folds] == [part.fold] == [0]
        assert dataclasses.replace(protocol, folds=4).folds == 4
        with pytest.warns(UserWarning, match=r"--probe.share 0.9 has no use with the transductive"):
            make_protocol("transductive", share=0.9)


def test_what_an_iterator_yields_is_kept() -> None:
    folds = stratified_folds(Y, folds=3, validation=0.2)
    wanted = Inductive(splits=folds).evaluate([X] * 3, TARGETS)
    for protocol in (Inductive(splits=iter(folds)), make_protocol("inductive", splits=iter(folds))):
        for _ in range(2):
            assert protocol.evaluate(iter([X] * 3), TARGETS) == wanted
    pairs = list(StratifiedKFold(3).split(X, Y))
    given = Inductive(splits=StratifiedKFold(3).split(X, Y))
    assert same_folds(given.split(TARGETS, 0), Inductive(splits=pairs).split(TARGETS, 0))
    assert Targets.of_tasks(np.eye(2)[Y % 2], iter("ab")).names == ("a", "b")


def test_metrics_are_read_more_than_once() -> None:
    for measure in (
        lambda metrics: evaluate(X, Y, folds=3, metrics=metrics),
        lambda metrics: Transductive(folds=3).evaluate([X], TARGETS, metrics=metrics),
        lambda metrics: Transductive(folds=3).check(TARGETS, metrics=metrics),
    ):
        with pytest.raises(UserError, match="a list of different metrics, but got <list_iterator"):
            measure(iter(["accuracy", "macro_f1"]))
