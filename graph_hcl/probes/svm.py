"""The support vector machine with an RBF kernel: the field's usual probe, with shared kernels."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.smo import decide, solve_dual
from graph_hcl.probes.splits import Indices
from graph_hcl.probes.task import (
    PROBES,
    Answer,
    Floats,
    Predictor,
    Task,
    classes_to_fit,
    scale,
    search,
)


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

    One machine for each pair of classes, whose votes decide; of equals, the first class. Solutions
    that no larger C would change are kept for it.

    >>> x, queries = np.array([[-1.0], [1.0]]), np.array([[0.5]])
    >>> solve_kernel(x @ x.T, np.array([3, 7]), queries @ x.T)(1.0)
    array([7])
    """
    classes = classes_to_fit(y)
    rows = [np.flatnonzero(y == label) for label in classes]
    pairs = list(itertools.combinations(range(len(classes)), 2))
    single, diagonal = kernel.astype(np.float32), kernel.diagonal()
    machines = [_machine(single, diagonal, rows[a], rows[b], to_queries) for a, b in pairs]

    def predict(C: float) -> Labels:
        votes = np.zeros((len(to_queries), len(classes)), dtype=np.int64)
        for (a, b), machine in zip(pairs, machines, strict=True):
            first = machine(C) > 0
            votes[:, a] += first
            votes[:, b] += ~first
        winners: Labels = classes[votes.argmax(1)]
        return winners

    return predict


def _machine(
    kernel: NDArray[np.float32], diagonal: Floats, a: Indices, b: Indices, to_queries: Floats
) -> Callable[[float], Floats]:
    """Return the decision function [Q] of the rows of class a against those of b, for any C."""
    rows = np.concatenate([a, b])
    signs = np.repeat([1.0, -1.0], [len(a), len(b)])
    # Copies: once all machines are made, nothing holds the kernels in double precision any more.
    kernel, diagonal = kernel[np.ix_(rows, rows)], diagonal[rows]
    to_queries = to_queries.take(rows, axis=1)
    unbounded: list[tuple[float, Floats]] = []

    def decision(C: float) -> Floats:
        for peak, known in unbounded:
            if peak < C:
                return known
        alpha, offset, peak = solve_dual(kernel, diagonal, signs, C)
        found = decide(to_queries, alpha * signs, offset)
        if peak < C:
            unbounded.append((peak, found))
        return found

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
