"""The kernel SVM with the compiled solver: one binary classifier per pair of classes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import _ovr_decision_function

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.probe import Floats, classes_to_fit
from graph_hcl.probes.search import Prediction, Predictor
from graph_hcl.probes.smo import decide, solve_dual
from graph_hcl.probes.splits import Indices


def solve_compiled(kernel: Floats, y: Labels, to_test: Floats) -> Predictor:
    """Return a faster predictor equal to scikit-learn's `SVC(kernel="precomputed")`.

    All pairs of classes vote, and ties go to the first class. A solution that no larger C would
    change is reused for larger C.

    >>> x, x_test = np.array([[-1.0], [1.0]]), np.array([[0.5]])
    >>> solve_compiled(x @ x.T, np.array([3, 7]), x_test @ x.T)(C=1.0).labels
    array([7])
    """
    classes = classes_to_fit(y)
    rows = [np.flatnonzero(y == label) for label in classes]
    pairs = list(itertools.combinations(range(len(classes)), 2))
    single, diagonal = kernel.astype(np.float32), kernel.diagonal()
    classifiers = [_pair_classifier(single, diagonal, rows[a], rows[b], to_test) for a, b in pairs]

    def predict(C: float) -> Prediction:
        values = np.stack([classifier(C) for classifier in classifiers], axis=1)
        votes = np.zeros((len(to_test), len(classes)), dtype=np.int64)
        for (a, b), first in zip(pairs, (values > 0).T, strict=True):
            votes[:, a] += first
            votes[:, b] += ~first
        if len(classes) == 2:
            return Prediction(classes[votes.argmax(1)], -values[:, 0])
        decision = _ovr_decision_function(values < 0, -values, len(classes))
        return Prediction(classes[votes.argmax(1)], decision)

    return predict


def _pair_classifier(
    kernel: NDArray[np.float32], diagonal: Floats, a: Indices, b: Indices, to_test: Floats
) -> Callable[[float], Floats]:
    """Return the decision function [Q] of class a (rows a) against class b (rows b), for any C."""
    rows = np.concatenate([a, b])
    signs = np.repeat([1.0, -1.0], [len(a), len(b)])
    # The training kernel is copied, 8 N² bytes for all pairs, so that the whole one can be freed.
    # The test kernel is shared: copies would take it as often as a row has pairs, once per class.
    kernel, diagonal = kernel[np.ix_(rows, rows)], diagonal[rows]
    unbounded: list[tuple[float, Floats]] = []

    def decision(C: float) -> Floats:
        for peak, values in unbounded:
            if peak < C:
                return values
        alpha, offset, peak = solve_dual(kernel, diagonal, signs, C)
        values = decide(to_test, rows, alpha * signs, offset)
        if peak < C:
            unbounded.append((peak, values))
        return values

    return decision
