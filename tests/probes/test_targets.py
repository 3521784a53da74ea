"""Targets: their kind, their strata, and what no protocol serves yet."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph_hcl.errors import UserError
from graph_hcl.probes import Inductive, Targets, Transductive, stratified_folds


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


MISSING = np.array([True, False, True, True])


@pytest.mark.parametrize(
    ("targets", "sentence"),
    [
        (Targets("regression", np.array([0.5, 1.5, 2.5, 0.1])), "regression targets: they are not"),
        (Targets("multilabel", np.zeros((4, 2))), "multilabel targets: they are not"),
        (Targets("binary", np.array([0, 1, 0, 1]), MISSING), "with missing values"),
        (Targets.unlabelled(4), "they have none"),
    ],
)
def test_what_no_protocol_serves_yet_is_refused_in_one_sentence(targets, sentence: str) -> None:
    for door in (
        targets.strata,
        lambda: stratified_folds(targets),
        lambda: Transductive(folds=2).check(targets),
        lambda: Inductive(folds=2).parts(targets, seed=0),
        lambda: Inductive(splits=stratified_folds([0, 1, 0, 1], folds=2)).parts(targets, seed=0),
        lambda: Transductive(folds=2).evaluate([np.zeros((4, 1))], targets),
    ):
        with pytest.raises(UserError, match=sentence) as caught:
            door()
        assert "\n" not in str(caught.value)


def test_unlabelled_graphs_are_trained_on_by_the_transductive_protocol() -> None:
    (part,) = Transductive().parts(Targets.unlabelled(5), seed=2)
    assert (part.name, part.seed, part.fold) == ("seed2", 2, None)
    assert part.train.tolist() == [0, 1, 2, 3, 4]
