"""The support vector machine on kernels that are computed already, such as graph kernels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.labels import as_array
from graph_hcl.probes.metrics import find_metric
from graph_hcl.probes.probe import Probe, ProbeInput, ProbeResult, serves
from graph_hcl.probes.search import Predictor, Solver, over_c, search
from graph_hcl.probes.splits import Indices
from graph_hcl.probes.svm import solve_kernel
from graph_hcl.probes.targets import CLASSES

BLOCK = 1024
"""Rows of a matrix that are compared with its columns at once."""


@names_arguments()
def kernel_svm(*grams: NDArray[np.floating[Any]]) -> Probe:
    """Return the probe of an SVM on kernel matrices [G, G] of all graphs of a data set.

    It reads the numbers of the graphs in its input, and no embeddings. It selects the matrix and C
    together, as scikit-learn's `GridSearchCV` would on precomputed kernels: of equals the first
    matrix, then the smallest C; `params` hold C, and the number of the matrix as `kernel` where
    there are several. Nothing of a test graph enters the fit but its own kernel values.

    A matrix may be an array, a tensor or a list of rows. Raises `UserError` for none, for one that
    is not square, not symmetric or holds NaN, and where it is measured on another number of graphs;
    from the probe, for an input without numbers of its graphs, or with numbers beyond the matrix.

    >>> x, y, rows = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1]), np.arange(3)
    >>> given = ProbeInput(np.zeros((3, 0)), y[:3], np.zeros((1, 0)), splits=[(rows, rows)],
    ...                    indices=rows, test_indices=np.array([3]))
    >>> kernel_svm(np.outer(x, x))(given).predictions
    array([1])
    """
    kernels = [_as_kernel(gram) for gram in grams]
    if not kernels or any(one.shape != (len(kernels[0]),) * 2 for one in kernels):
        got = ", ".join(str(list(one.shape)) for one in kernels) or "none"
        raise UserError(
            f"Expected square kernel matrices [G, G] of the same graphs, but got {got}."
        )
    for one in kernels:
        _check_kernel(one)

    def probe(given: ProbeInput) -> ProbeResult:
        results = [
            search(given, _solver(gram), grid=over_c(), default={"C": 1.0}) for gram in kernels
        ]
        if len(results) == 1:
            return results[0]
        sign = find_metric(given.metric).sign
        scores = [result.validation_score for result in results]
        gains = [-np.inf if score is None else sign * score for score in scores]
        best = int(np.argmax(gains))
        return dataclasses.replace(results[best], params={"kernel": best, **results[best].params})

    probe.__name__ = "kernel-svm"
    probe.graphs = len(kernels[0])  # type: ignore[attr-defined]
    return serves(*CLASSES, "multilabel")(probe)


def _as_kernel(gram: Any) -> NDArray[np.floating[Any]]:
    """Return a kernel matrix of any container as an array of its own numbers."""
    values = as_array(gram, "row of kernel values")
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise UserError(
            f"Expected square kernel matrices [G, G] of numbers, but got {values.dtype} "
            f"{list(values.shape)}."
        )
    return values


def _check_kernel(gram: NDArray[np.floating[Any]]) -> None:
    """Raise `UserError` for a square matrix that is not finite, or not symmetric but for rounding.

    >>> _check_kernel(np.array([[1.0, 0.5], [0.25, 1.0]]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected symmetric kernel matrices, but the value of graphs 0 and \
1 is 0.5, and that of 1 and 0 is 0.25: divide it by both sqrt(k[i, i]) and sqrt(k[j, j]).
    """
    if not np.isfinite(gram).all():
        raise UserError("Expected finite kernel values, but some are NaN or infinite.")
    size = float(np.abs(gram).max(initial=0))
    for start in range(0, len(gram), BLOCK):
        rows, columns = gram[start : start + BLOCK], gram[:, start : start + BLOCK].T
        differ = ~np.isclose(rows, columns, rtol=1e-5, atol=1e-6 * size)
        for i, j in np.argwhere(differ)[:1]:
            i += start
            raise UserError(
                f"Expected symmetric kernel matrices, but the value of graphs {i} and {j} is "
                f"{gram[i, j]:.4g}, and that of {j} and {i} is {gram[j, i]:.4g}: divide it by "
                "both sqrt(k[i, i]) and sqrt(k[j, j])."
            )


def _solver(gram: NDArray[np.floating[Any]]) -> Solver:
    def solve(given: ProbeInput) -> Predictor:
        rows = _check_indices(given.indices, len(gram))
        others = _check_indices(given.test_indices, len(gram))
        kernel, to_test = (gram[np.ix_(of, rows)].astype(np.float64) for of in (rows, others))
        return solve_kernel(kernel, given.y_train, to_test)

    return solve


def _check_indices(indices: Indices | None, graphs: int) -> Indices:
    if indices is None:
        raise UserError("Expected the numbers of the graphs for a kernel matrix, but got none.")
    if len(indices) and indices.max() >= graphs:
        raise UserError(
            f"Expected kernel matrices of all graphs, but they have {graphs} rows and a graph is "
            f"number {indices.max()}."
        )
    return indices
