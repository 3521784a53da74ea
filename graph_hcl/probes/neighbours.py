"""Cheap probes without anything to choose: nearest class mean, nearest neighbours, majority."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from graph_hcl.probes.task import PROBES, Answer, Task, scale, without_selection


@PROBES.register("class-mean")
@without_selection
def class_mean(task: Task) -> Answer:
    """Return for each query the class with the nearest mean of standardised embeddings.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> class_mean(Task(x, np.array([0, 0, 1, 1]), [], rows, np.array([[-0.1], [3.0]])))
    Answer(predictions=array([0, 1]), C=None, validation=None)
    """
    x, queries = scale(task.x[task.train], task.queries)
    y = task.y[task.train]
    classes = np.unique(y)
    means = np.stack([x[y == label].mean(0) for label in classes])
    return Answer(classes[cdist(queries, means).argmin(1)])


@PROBES.register("knn")
@without_selection
def knn(task: Task) -> Answer:
    """Return for each query the commonest class of its 5 nearest standardised embeddings.

    With fewer than 5 training graphs, all of them vote.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0], [3.0]]), np.arange(5)
    >>> knn(Task(x, np.array([0, 0, 1, 1, 1]), [], rows, np.array([[-0.1]]))).predictions
    array([1])
    """
    x, queries = scale(task.x[task.train], task.queries)
    voters = KNeighborsClassifier(min(5, len(x)))
    return Answer(voters.fit(x, task.y[task.train]).predict(queries))


@PROBES.register("majority")
@without_selection
def majority(task: Task) -> Answer:
    """Return for each query the commonest class of the training graphs: what a score must beat.

    >>> x, rows = np.zeros((3, 1)), np.arange(3)
    >>> majority(Task(x, np.array([0, 1, 1]), [], rows, np.zeros((2, 1)))).predictions
    array([1, 1])
    """
    classes, counts = np.unique(task.y[task.train], return_counts=True)
    return Answer(np.full(len(task.queries), classes[counts.argmax()]))
