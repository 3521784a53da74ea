"""The support vector machine with an RBF kernel: the field's usual probe, with shared kernels."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import _ovr_decision_function

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.probe import (
    PROBES,
    Floats,
    ProbeInput,
    ProbeResult,
    classes_to_fit,
    scale,
)
from graph_hcl.probes.search import Prediction, Predictor, over_c, search
from graph_hcl.probes.smo import decide, solve_dual
from graph_hcl.probes.splits import Indices


@PROBES.register("svm")
def svm(given: ProbeInput) -> ProbeResult:
    """Predict with an RBF SVM, `gamma="scale"`, on standardised embeddings, C by accuracy.

    Predictions and the selected C are those of scikit-learn's `GridSearchCV` over a pipeline of
    `StandardScaler` and `SVC`; the kernel of each split is computed once for all C.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> y, x_test = np.array([0, 0, 1, 1]), np.array([[-3.0], [3.0]])
    >>> svm(ProbeInput(x, y, x_test, splits=[(rows, rows)])).predictions
    array([0, 1])
    """
    return search(given, solve, grid=over_c(), default={"C": 1.0}, metric="accuracy")


def solve(given: ProbeInput) -> Predictor:
    """Return the predictor of the test graphs for any C, on one kernel matrix [N, N].

    K(a, b) = exp(−γ ‖a − b‖²) with γ = 1 / (D · variance of all entries of the scaled x).

    >>> x, y = np.array([[-1.0], [1.0]]), np.array([3, 7])
    >>> solve(ProbeInput(x, y, np.array([[0.5]])))(C=1.0).labels
    array([7])
    """
    x, x_test = scale(given.x_train, given.x_test)
    variance = x.var()
    gamma = 1.0 / (x.shape[1] * variance) if variance > 0 else 1.0
    return solve_kernel(rbf(x, x, gamma), given.y_train, rbf(x_test, x, gamma))


def solve_kernel(kernel: Floats, y: Labels, to_test: Floats) -> Predictor:
    """Return the predictor of Q test graphs for any C, from kernels [N, N] and [Q, N].

    One classifier for each pair of classes, whose votes decide; of equals, the first class.
    Solutions that no larger C would change are kept for it.

    >>> x, x_test = np.array([[-1.0], [1.0]]), np.array([[0.5]])
    >>> solve_kernel(x @ x.T, np.array([3, 7]), x_test @ x.T)(C=1.0)
    Prediction(labels=array([7]), decision=array([0.5]))
    """
    classes = classes_to_fit(y)
    rows = [np.flatnonzero(y == label) for label in classes]
    pairs = list(itertools.combinations(range(len(classes)), 2))
    single, diagonal = kernel.astype(np.float32), kernel.diagonal()
    machines = [_machine(single, diagonal, rows[a], rows[b], to_test) for a, b in pairs]

    def predict(C: float) -> Prediction:
        values = np.stack([machine(C) for machine in machines], axis=1)
        votes = np.zeros((len(to_test), len(classes)), dtype=np.int64)
        for (a, b), first in zip(pairs, (values > 0).T, strict=True):
            votes[:, a] += first
            votes[:, b] += ~first
        if len(classes) == 2:
            return Prediction(classes[votes.argmax(1)], -values[:, 0])
        decision = _ovr_decision_function(values < 0, -values, len(classes))
        return Prediction(classes[votes.argmax(1)], decision)

    return predict


def _machine(
    kernel: NDArray[np.float32], diagonal: Floats, a: Indices, b: Indices, to_test: Floats
) -> Callable[[float], Floats]:
    """Return the decision function [Q] of the rows of class a against those of b, for any C."""
    rows = np.concatenate([a, b])
    signs = np.repeat([1.0, -1.0], [len(a), len(b)])
    # Copies: once all machines are made, nothing holds the kernels in double precision any more.
    kernel, diagonal = kernel[np.ix_(rows, rows)], diagonal[rows]
    to_test = to_test.take(rows, axis=1)
    unbounded: list[tuple[float, Floats]] = []

    def decision(C: float) -> Floats:
        for peak, known in unbounded:
            if peak < C:
                return known
        alpha, offset, peak = solve_dual(kernel, diagonal, signs, C)
        values = decide(to_test, alpha * signs, offset)
        if peak < C:
            unbounded.append((peak, values))
        return values

    return decision


def rbf(a: Floats, b: Floats, gamma: float) -> Floats:
    """Return exp(−γ ‖aᵢ − bⱼ‖²) [len(a), len(b)], by one matrix product and in place.

    >>> rbf(np.array([[0.0], [1.0]]), np.array([[0.0]]), 1.0).round(4)
    array([[1.    ],
           [0.3679]])
    """
    kernel = a @ b.T
    kernel *= 2 * gamma
    kernel -= gamma * np.einsum("ij,ij->i", a, a)[:, None]
    kernel -= gamma * np.einsum("ij,ij->i", b, b)
    np.minimum(kernel, 0, out=kernel)
    return np.exp(kernel, out=kernel)
