"""The support vector machine with an RBF kernel: the field's usual probe, with shared kernels."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.svm import SVC

from graph_hcl.probes.task import PROBES, Answer, Floats, Labels, Predictor, Task, scale, search


@PROBES.register("svm")
def svm(task: Task) -> Answer:
    """Return the predictions of an RBF SVM with `gamma="scale"` on standardised embeddings.

    They and the chosen C are those of scikit-learn's `GridSearchCV` over a pipeline of
    `StandardScaler` and `SVC`; the kernel of each part is computed once for all C.

    >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> rows = np.arange(4)
    >>> svm(Task(x, np.array([0, 0, 1, 1]), [(rows, rows)], rows, np.array([[-3.0], [3.0]])))
    Answer(predictions=array([0, 1]), C=0.001, validation=1.0)
    """
    return search(task, solve)


def solve(x: Floats, y: Labels, queries: Floats) -> Predictor:
    """Return the predictor of `queries` for any C, on one kernel matrix [n, n].

    K(a, b) = exp(−γ ‖a − b‖²) with γ = 1 / (D · variance of all entries of the scaled x).

    >>> predict = solve(np.array([[-1.0], [1.0]]), np.array([3, 7]), np.array([[0.5]]))
    >>> predict(1.0)
    array([7])
    """
    x, queries = scale(x, queries)
    variance = x.var()
    gamma = 1.0 / (x.shape[1] * variance) if variance > 0 else 1.0
    return solve_kernel(rbf(x, x, gamma), y, rbf(queries, x, gamma))


def solve_kernel(kernel: Floats, y: Labels, to_queries: Floats) -> Predictor:
    """Return the predictor of queries for any C, from kernels [n, n] and [Q, n].

    A dual solution whose coefficients all stay below m is the solution for every C > m, so it is
    reused.

    >>> x, queries = np.array([[-1.0], [1.0]]), np.array([[0.5]])
    >>> solve_kernel(x @ x.T, np.array([3, 7]), queries @ x.T)(1.0)
    array([7])
    """
    unbounded: list[tuple[float, Labels]] = []

    def predict(C: float) -> Labels:
        for largest, known in unbounded:
            if largest < C:
                return known
        # The protocols have checked the embeddings: do not search every kernel for NaN again.
        with config_context(assume_finite=True):
            machine = SVC(C=C, kernel="precomputed").fit(kernel, y)
            predictions: Labels = machine.predict(to_queries)
        largest = np.abs(machine.dual_coef_).max()
        if largest < C:
            unbounded.append((largest, predictions))
        return predictions

    return predict


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
