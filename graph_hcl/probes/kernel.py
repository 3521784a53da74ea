"""The support vector machine on a kernel that is there already, such as a graph kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.splits import Indices
from graph_hcl.probes.svm import solve_kernel
from graph_hcl.probes.task import Answer, Floats, Predictor, Probe, Solver, Task, search


def kernel_svm(*grams: NDArray[np.floating[Any]]) -> Probe:
    """Return the probe of an SVM on kernel matrices [G, G] of all graphs.

    It is given graph numbers 0 … G − 1 [N, 1] where other probes are given embeddings, and chooses
    the matrix and C together on the parts of its task, as scikit-learn's `GridSearchCV` would on
    precomputed kernels: of equals the first matrix, then the smallest C. Nothing of a test graph
    enters the fit but its own kernel values.

    Raises `UserError` for a matrix that is not square or holds NaN; from the probe, for embeddings
    that are no graph numbers.

    >>> x, y, rows = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1]), np.arange(3)
    >>> numbers = np.arange(4.0)[:, None]
    >>> task = Task(numbers[:3], y[:3], [(rows, rows)], rows, queries=numbers[3:])
    >>> kernel_svm(np.outer(x, x))(task).predictions
    array([1])
    """
    for gram in grams:
        if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or gram.shape != grams[0].shape:
            raise UserError(
                f"Expected square kernel matrices [G, G] of the same graphs, but got "
                f"{[list(other.shape) for other in grams]}."
            )
        if not np.isfinite(gram).all():
            raise UserError("Expected finite kernel values, but some are NaN or infinite.")

    def probe(task: Task) -> Answer:
        answers = [search(task, _solver(gram)) for gram in grams]
        return max(answers, key=lambda answer: answer.validation or 0.0)

    probe.__name__ = "kernel-svm"
    return probe


def _solver(gram: NDArray[np.floating[Any]]) -> Solver:
    def solve(x: Floats, y: Labels, queries: Floats) -> Predictor:
        rows, others = _numbers(x, len(gram)), _numbers(queries, len(gram))
        kernel, to_queries = (gram[np.ix_(of, rows)].astype(np.float64) for of in (rows, others))
        return solve_kernel(kernel, y, to_queries)

    return solve


def _numbers(x: Floats, graphs: int) -> Indices:
    numbers = x[:, 0].astype(np.int64)
    if x.shape[1] != 1 or (numbers != x[:, 0]).any() or not (numbers >= 0).all():
        raise UserError(
            f"Expected graph numbers [N, 1] for a kernel matrix, but got embeddings of shape "
            f"{list(x.shape)}."
        )
    if (numbers >= graphs).any():
        raise UserError(f"Expected graph numbers below {graphs}, but got {numbers.max()}.")
    return numbers
