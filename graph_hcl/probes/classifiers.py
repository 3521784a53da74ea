"""Probes: simple classifiers on frozen embeddings, each solved for a whole grid at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from graph_hcl.registry import Registry

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]

C_GRID = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)


class Probe(Protocol):
    """Predicts the labels of test embeddings for every value of a grid."""

    @property
    def grid(self) -> tuple[float, ...]:
        """The values to choose from; a single one leaves nothing to select."""
        ...

    def predict(
        self, train: Matrix, labels: Labels, test: Matrix, grid: Sequence[float]
    ) -> NDArray[np.int64]:
        """Return predictions [len(grid), tested graphs]; the scaling is fitted on `train`."""
        ...


PROBES: Registry[Callable[[], Probe]] = Registry("probe")


def scale(train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
    """Return both parts with mean 0 and variance 1 per feature of the training part."""
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


@PROBES.register("svm")
@dataclass(frozen=True)
class RBFSVM:
    """Support vector machine with the kernel exp(−γ‖x − x'‖²), γ = 1/(D · Var x) ("scale").

    Predicts what scikit-learn's `make_pipeline(StandardScaler(), SVC(C=C))` does, but computes the
    kernel once for the whole grid. Where no dual variable reaches C, every larger C has the same
    solution, and is not solved again.

    >>> x = np.array([[0.0], [1.0], [9.0], [10.0]])
    >>> RBFSVM().predict(x, np.array([0, 0, 1, 1]), np.array([[2.0], [8.0]]), [1.0, 10.0])
    array([[0, 1],
           [0, 1]])
    """

    grid: tuple[float, ...] = C_GRID

    def predict(
        self, train: Matrix, labels: Labels, test: Matrix, grid: Sequence[float]
    ) -> NDArray[np.int64]:
        """Return predictions [len(grid), tested graphs]."""
        train, test = scale(train, test)
        variance = train.var()
        gamma = 1.0 / (train.shape[1] * variance) if variance else 1.0
        among = np.exp(-gamma * cdist(train, train, "sqeuclidean"))
        across = np.exp(-gamma * cdist(test, train, "sqeuclidean"))
        found = np.empty((len(grid), len(test)), dtype=np.int64)
        free: tuple[float, NDArray[np.int64]] | None = None
        for index in np.argsort(grid, kind="stable"):
            if free is None:
                model = SVC(C=grid[index], kernel="precomputed").fit(among, labels)
                found[index] = model.predict(across)
                if np.abs(model.dual_coef_).max() < grid[index] * (1 - 1e-9):
                    free = (grid[index], found[index])
            else:
                found[index] = free[1]
        return found


@dataclass(frozen=True)
class _PerValue:
    """A probe that is fitted anew for every value of its grid."""

    make: Callable[[float], Any]
    grid: tuple[float, ...] = C_GRID

    def predict(
        self, train: Matrix, labels: Labels, test: Matrix, grid: Sequence[float]
    ) -> NDArray[np.int64]:
        """Return predictions [len(grid), tested graphs]."""
        train, test = scale(train, test)
        return np.stack([self.make(v).fit(train, labels).predict(test) for v in grid])


@PROBES.register("linear-svm")
def linear_svm() -> Probe:
    """Return the linear support vector machine with squared hinge loss (liblinear, primal)."""
    return _PerValue(lambda c: LinearSVC(C=c, dual=False))


@PROBES.register("logistic")
def logistic() -> Probe:
    """Return multinomial logistic regression with an L2 penalty 1/C."""
    return _PerValue(lambda c: LogisticRegression(C=c, max_iter=1000))


@PROBES.register("class-mean")
def class_mean() -> Probe:
    """Return the nearest class mean, which has nothing to select."""
    return _PerValue(lambda _: NearestCentroid(), grid=(0.0,))


@PROBES.register("knn")
def nearest_neighbours() -> Probe:
    """Return the vote of the five nearest neighbours, which has nothing to select."""
    return _PerValue(lambda _: KNeighborsClassifier(5), grid=(0.0,))
