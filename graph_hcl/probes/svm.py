"""The support vector machine with an RBF kernel: the field's usual probe, with shared kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from sklearn.svm import SVC

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.probe import (
    Floats,
    ProbeInput,
    ProbeResult,
    classes_to_fit,
    scale,
    serves,
)
from graph_hcl.probes.search import Prediction, Predictor, over_c, search
from graph_hcl.probes.targets import CLASSES

KernelSolver = Callable[[Floats, Labels, Floats], Predictor]
"""(kernel [N, N], labels [N], kernel [Q, N] of test graphs) -> predictor for any C."""


@serves(*CLASSES, "multilabel")
def svm(given: ProbeInput) -> ProbeResult:
    """Predict with an RBF SVM, `gamma="scale"`, on standardised embeddings; C is selected.

    Predictions and the selected C are those of scikit-learn's `GridSearchCV` over a pipeline of
    `StandardScaler` and `SVC`; the kernel of each split is computed once for all C.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> y, x_test = np.array([0, 0, 1, 1]), np.array([[-3.0], [3.0]])
    >>> svm(ProbeInput(x, y, x_test, splits=[(rows, rows)])).predictions
    array([0, 1])
    """
    return search(given, solve, grid=over_c(), default={"C": 1.0})


def solve(given: ProbeInput) -> Predictor:
    """Return the predictor of the test graphs for any C, on one kernel matrix [N, N].

    K(a, b) = exp(−γ ‖a − b‖²) with γ = 1 / (D · variance of all entries of the scaled x).

    >>> x, y = np.array([[-1.0], [1.0]]), np.array([3, 7])
    >>> solve(ProbeInput(x, y, np.array([[0.5]])))(C=1.0).labels
    array([7])
    """
    x, x_test = scale(given.x_train, given.x_test)
    gamma = scale_gamma(x)
    return solve_kernel(rbf(x, x, gamma), given.y_train, rbf(x_test, x, gamma))


def solve_kernel(kernel: Floats, y: Labels, to_test: Floats) -> Predictor:
    """Return the predictor of Q test graphs for any C, from kernels [N, N] and [Q, N].

    It is the compiled solver's where numba is installed (the extra `fast`), else scikit-learn's.
    Both give the same predictions.

    >>> x, x_test = np.array([[-1.0], [1.0]]), np.array([[0.5]])
    >>> solve_kernel(x @ x.T, np.array([3, 7]), x_test @ x.T)(C=1.0)
    Prediction(labels=array([7]), decision=array([0.5]))
    """
    return _fastest()(kernel, y, to_test)


def solve_libsvm(kernel: Floats, y: Labels, to_test: Floats) -> Predictor:
    """Return the predictor of scikit-learn's `SVC` on precomputed kernels.

    >>> x, x_test = np.array([[-1.0], [1.0]]), np.array([[0.5]])
    >>> solve_libsvm(x @ x.T, np.array([3, 7]), x_test @ x.T)(C=1.0).labels
    array([7])
    """
    classes_to_fit(y)

    def predict(C: float) -> Prediction:
        model = SVC(C=C, kernel="precomputed").fit(kernel, y)
        return Prediction(model.predict(to_test), model.decision_function(to_test))

    return predict


@functools.cache
def _fastest() -> KernelSolver:
    try:
        from graph_hcl.probes.compiled_svm import solve_compiled
    except ImportError:  # numba is not installed, or not for this Python
        return solve_libsvm
    return solve_compiled


def scale_gamma(x: Floats) -> float:
    """Return γ = 1 / (D · variance of all entries) of x [N, D], as `gamma="scale"` in scikit-learn.

    >>> scale_gamma(np.array([[-2.0], [2.0]]))
    0.25
    """
    variance = x.var()
    return float(1.0 / (x.shape[1] * variance)) if variance > 0 else 1.0


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
