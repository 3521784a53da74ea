"""The probe of many graphs: features are scikit-learn's, and the default changes with a warning."""

import dataclasses
import warnings

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.metrics.pairwise import rbf_kernel

from graph_hcl.probes import ProbeInput, Targets, choice, evaluate
from graph_hcl.probes.choice import choose_probe
from graph_hcl.probes.nystroem import nystroem, nystroem_svm
from graph_hcl.probes.probe import scale
from graph_hcl.probes.svm import scale_gamma

X, Y = make_moons(400, noise=0.15, random_state=0)


@pytest.mark.parametrize("features", [5, 60])
def test_features_are_those_of_the_kernel(features: int) -> None:
    found, to_test = nystroem(ProbeInput(X[:60], Y[:60], X[60:80]), features)
    x, x_test = scale(X[:60], X[60:80])
    chosen = np.random.default_rng(0).permutation(60)[:features]
    gamma = scale_gamma(x)
    inside = np.linalg.pinv(rbf_kernel(x[chosen], gamma=gamma), hermitian=True, rcond=1e-13)
    to_landmarks = rbf_kernel(x, x[chosen], gamma=gamma)
    np.testing.assert_allclose(found @ found.T, to_landmarks @ inside @ to_landmarks.T, atol=1e-4)
    test_to = rbf_kernel(x_test, x[chosen], gamma=gamma)
    np.testing.assert_allclose(to_test @ found.T, test_to @ inside @ to_landmarks.T, atol=1e-4)


def test_it_is_near_the_exact_svm() -> None:
    exact = evaluate(X, Y, probe="svm", folds=4, jobs=1)
    near = evaluate(X, Y, probe="nystroem-svm", folds=4, jobs=1)
    linear = evaluate(X, Y, probe="linear-svm", folds=4, jobs=1)
    assert abs(near.mean - exact.mean) < 0.02
    assert linear.mean < near.mean - 0.05
    assert evaluate(X, Y, probe="nystroem-svm", folds=4, jobs=2) == near


def test_the_default_changes_beyond_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(choice, "EXACT_LIMIT", 300)
    with pytest.warns(
        UserWarning, match="With 400 graphs, more than 300, the probe is nystroem"
    ) as told:
        found = evaluate(X, Y, folds=3, jobs=1)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert found.probe == "nystroem-svm"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evaluate(X, Y, probe="svm", folds=3, jobs=1).probe == "svm"
        assert evaluate(X[:300], Y[:300], folds=3, jobs=1).probe == "svm"
        # What counts are the labels that the probe sees.
        few = evaluate(X, Y, folds=3, fraction=0.5, draws=1, jobs=1)
        assert few.probe == "svm"
        assert choose_probe(None, Targets.of(X[:, 0])) == "ridge"


def test_the_first_inner_fold_with_both_classes_selects() -> None:
    generator = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = generator.normal(size=(40, 3)) + y[:, None]
    rows, zeros = np.arange(40), np.flatnonzero(y == 0)[:9]
    given = ProbeInput(x, y, x, splits=[(rows, zeros), (rows[9:], rows[:9])], metric="roc_auc")
    alone = dataclasses.replace(given, splits=given.splits[1:])
    found = nystroem_svm(given)
    assert found.validation_score is not None
    assert (found.params, found.validation_score) == (
        nystroem_svm(alone).params,
        nystroem_svm(alone).validation_score,
    )
