"""Probes of real targets: ridge regression and support vector regression."""

from __future__ import annotations

from sklearn.linear_model import Ridge
from sklearn.svm import SVR

from graph_hcl.probes.probe import ProbeInput, ProbeResult, scale, serves
from graph_hcl.probes.search import C_GRID, Prediction, Predictor, over_c, search


@serves("regression")
def ridge(given: ProbeInput) -> ProbeResult:
    """Predict real targets by ridge regression on standardised embeddings; its alpha is selected.

    The model is scikit-learn's `Ridge`, whose intercept is not penalised; alpha is one of 1e-3 …
    1e3.

    >>> import numpy as np
    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> given = ProbeInput(x, 2 * x[:, 0], np.array([[3.0]]), splits=[(rows, rows)], metric="rmse")
    >>> ridge(given).params, ridge(given).predictions.round(2)
    ({'alpha': 0.001}, array([6.]))
    """
    grid = [{"alpha": value} for value in C_GRID]
    return search(given, solve_ridge, grid=grid, default={"alpha": 1.0})


def solve_ridge(given: ProbeInput) -> Predictor:
    """Return the predictor of ridge regression for any alpha."""
    x, x_test = scale(given.x_train, given.x_test)

    def predict(alpha: float) -> Prediction:
        return Prediction(Ridge(alpha=alpha).fit(x, given.y_train).predict(x_test))

    return predict


@serves("regression")
def svr(given: ProbeInput) -> ProbeResult:
    """Predict real targets by support vector regression with an RBF kernel; its C is selected.

    The model is scikit-learn's `SVR` with `gamma="scale"` on standardised embeddings, and targets
    in units of their standard deviation in the graphs that it is fitted on: its epsilon of 0.1 is a
    tenth of that.

    >>> import numpy as np
    >>> x, rows = np.linspace(-1, 1, 20)[:, None], np.arange(20)
    >>> given = ProbeInput(x, x[:, 0], np.array([[0.5]]), splits=[(rows, rows)], metric="rmse")
    >>> bool(abs(svr(given).predictions[0] - 0.5) < 0.1)
    True
    """
    return search(given, solve_svr, grid=over_c(), default={"C": 1.0})


def solve_svr(given: ProbeInput) -> Predictor:
    """Return the predictor of support vector regression for any C."""
    x, x_test = scale(given.x_train, given.x_test)
    mean, unit = given.y_train.mean(), given.y_train.std() or 1.0
    y = (given.y_train - mean) / unit

    def predict(C: float) -> Prediction:
        return Prediction(mean + unit * SVR(C=C).fit(x, y).predict(x_test))

    return predict
