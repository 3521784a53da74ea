"""Cheap probes without parameters to select: nearest class mean, nearest neighbours, majority."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from graph_hcl.probes.probe import (
    Floats,
    ProbeInput,
    ProbeResult,
    scale,
    serves,
    without_selection,
)
from graph_hcl.probes.targets import CLASSES


@serves(*CLASSES, "multilabel")
@without_selection
def class_mean(given: ProbeInput) -> ProbeResult:
    """Predict the class with the nearest mean of standardised embeddings.

    Decision values are negative distances to the means; of two classes their difference.

    >>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> class_mean(ProbeInput(x, y, np.array([[-0.1], [3.0]]))).predictions
    array([0, 1])
    """
    given = given.final()
    x, x_test = scale(given.x_train, given.x_test)
    classes = np.unique(given.y_train)
    means = np.stack([x[given.y_train == label].mean(0) for label in classes])
    distances = cdist(x_test, means)
    return ProbeResult(classes[distances.argmin(1)], _decision(-distances))


@serves(*CLASSES, "multilabel")
@without_selection
def knn(given: ProbeInput) -> ProbeResult:
    """Predict the most frequent class among the 5 nearest standardised embeddings.

    With fewer than 5 training graphs, all of them vote. Decision values are the shares of the
    votes; of two classes their difference.

    >>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1, 1])
    >>> knn(ProbeInput(x, y, np.array([[-0.1]]))).predictions
    array([1])
    """
    given = given.final()
    x, x_test = scale(given.x_train, given.x_test)
    model = KNeighborsClassifier(min(5, len(x))).fit(x, given.y_train)
    return ProbeResult(model.predict(x_test), _decision(model.predict_proba(x_test)))


@serves(*CLASSES, "multilabel")
@without_selection
def majority(given: ProbeInput) -> ProbeResult:
    """Predict the most frequent class of the training graphs: what a score must beat.

    Decision values are all 0: it ranks no graph above another.

    >>> given = ProbeInput(np.zeros((3, 1)), np.array([0, 1, 1]), np.zeros((2, 1)))
    >>> majority(given).predictions, majority(given).decision
    (array([1, 1]), array([0., 0.]))
    """
    classes, counts = np.unique(given.final().y_train, return_counts=True)
    alike = np.zeros((len(given.x_test), len(classes)))
    return ProbeResult(np.full(len(alike), classes[counts.argmax()]), _decision(alike))


def _decision(values: Floats) -> Floats:
    return values[:, 1] - values[:, 0] if values.shape[1] == 2 else values
