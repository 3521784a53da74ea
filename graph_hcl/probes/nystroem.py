"""The RBF SVM for many graphs: a linear SVM on Nyström features of the same kernel."""

from __future__ import annotations

import dataclasses

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.checks import check_whole
from graph_hcl.probes.linear import solve_svm
from graph_hcl.probes.metrics import find_metric
from graph_hcl.probes.probe import Floats, ProbeInput, ProbeResult, scale, serves
from graph_hcl.probes.search import Predictor, over_c, search, selecting_splits
from graph_hcl.probes.svm import rbf, scale_gamma
from graph_hcl.probes.targets import CLASSES

FEATURES = 500
"""Number of landmarks, and so of features."""


@serves(*CLASSES, "multilabel")
def nystroem_svm(given: ProbeInput, features: int = FEATURES) -> ProbeResult:
    """Predict with a linear SVM on Nyström features of the RBF kernel of `svm`; C is selected.

    Features φ(x) = k(x, L) K_LL^{−1/2} of landmarks L drawn from the graphs that are fitted, as in
    scikit-learn's `Nystroem`: time and memory grow linearly with the number of graphs, where an
    exact kernel matrix grows with its square. The first inner split that the metric is defined for
    selects C alone, as it has thousands of graphs to score.

    Raises `UserError` for `features` that are no whole number above 0.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> y, x_test = np.array([0, 0, 1, 1]), np.array([[-3.0], [3.0]])
    >>> nystroem_svm(ProbeInput(x, y, x_test, splits=[(rows, rows)])).predictions
    array([0, 1])
    """
    check_whole(features=features)
    if features < 1:
        raise UserError(f"Expected 1 feature or more, but got {features}.")

    def solve(one: ProbeInput) -> Predictor:
        x, x_test = nystroem(one, features)
        return solve_svm(dataclasses.replace(one, x_train=x, x_test=x_test), scaled=True)

    splits = selecting_splits(given, find_metric(given.metric))
    first = dataclasses.replace(given, splits=splits[:1])
    return search(first, solve, grid=over_c(), default={"C": 1.0})


def nystroem(given: ProbeInput, features: int) -> tuple[Floats, Floats]:
    """Return the features [N, m] and [Q, m] of training and test graphs, m ≤ `features`.

    Their inner products approximate the kernel, and equal it for pairs of landmarks.

    >>> given = ProbeInput(np.array([[0.0], [1.0]]), np.array([0, 1]), np.array([[0.0]]))
    >>> x, x_test = nystroem(given, 2)
    >>> (x @ x.T).round(4)
    array([[1.    , 0.0183],
           [0.0183, 1.    ]])
    """
    x, x_test = scale(given.x_train, given.x_test)
    gamma = scale_gamma(x)
    chosen = np.random.default_rng(0).permutation(len(x))[:features]
    landmarks = x[chosen]
    values, vectors = np.linalg.eigh(rbf(landmarks, landmarks, gamma))
    root = vectors / np.sqrt(np.maximum(values, 1e-12))
    return rbf(x, landmarks, gamma) @ root, rbf(x_test, landmarks, gamma) @ root
