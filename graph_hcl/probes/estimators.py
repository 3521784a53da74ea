"""Classifiers and regressors of scikit-learn as probes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

from graph_hcl.probes.probe import (
    Floats,
    Probe,
    ProbeInput,
    ProbeResult,
    classes_to_fit,
    no_columns,
    serves,
    without_decision,
    without_selection,
)
from graph_hcl.probes.targets import CLASSES

DECIDING = ("decision_function", "predict_proba")


def is_estimator(part: Any) -> bool:
    """Tell whether something is an estimator of scikit-learn, or its class.

    >>> from sklearn.svm import SVC
    >>> is_estimator(SVC()), is_estimator(SVC), is_estimator(len)
    (True, True, False)
    """
    return hasattr(part, "fit") and hasattr(part, "predict")


def estimator_probe(estimator: Any) -> Probe:
    """Return the probe that fits a clone of an estimator to the training graphs of each fold.

    One fold is fitted at a time: give the estimator its `n_jobs` to use several cores. It is given
    the embeddings as they are: put a scaler before it in a pipeline. A `GridSearchCV`
    searches inside the training part; of other estimators nothing is selected. Decision values are
    those of `decision_function`, or else of `predict_proba`, where of two classes they are the
    probability of the second minus that of the first.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> given = ProbeInput(np.array([[0.0], [1.0]]), np.array([3, 7]), np.array([[0.9]]))
    >>> estimator_probe(DecisionTreeClassifier())(given)
    ProbeResult(predictions=array([7]), decision=array([1.]), params={}, validation_score=None)
    """
    regresses = is_regressor(estimator)

    def fit(given: ProbeInput) -> ProbeResult:
        final = given.final()
        if not regresses:
            classes_to_fit(final.y_train)
        try:
            model = clone(estimator).fit(final.x_train, final.y_train)
        except ValueError as error:
            raise (error if final.x_train.shape[1] else no_columns()) from error
        decision = None if regresses else _decision(model, final)
        return ProbeResult(np.asarray(model.predict(final.x_test)), decision)

    fit.__name__ = type(estimator).__name__
    probe: Probe = without_selection(fit)
    # Estimators such as forests replace the warning filters of the whole process while they fit.
    probe.threads = False  # type: ignore[attr-defined]
    if not any(hasattr(estimator, name) for name in DECIDING):
        probe = without_decision(probe)
    if regresses:
        probe = serves("regression")(probe)
    elif is_classifier(estimator):
        probe = serves(*CLASSES, "multilabel")(probe)
    return probe


def _decision(model: Any, given: ProbeInput) -> Floats | None:
    """Return decision values with a column for each class, or None where there are none."""
    classes = len(np.unique(given.y_train))
    for name in DECIDING:
        if not hasattr(model, name):
            continue
        values = np.asarray(getattr(model, name)(given.x_test), dtype=np.float64)
        if values.ndim == 1 and classes == 2:
            return values
        if values.ndim == 2 and values.shape[1] == classes:
            return values[:, 1] - values[:, 0] if classes == 2 else values
    return None
