"""Linear probes: squared-hinge SVM and logistic regression, warm-started along the grid of C."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from graph_hcl.probes.labels import Labels
from graph_hcl.probes.probe import (
    Floats,
    ProbeInput,
    ProbeResult,
    classes_to_fit,
    scale,
    serves,
)
from graph_hcl.probes.search import Prediction, Predictor, over_c, search
from graph_hcl.probes.targets import CLASSES

NEWTON_LIMIT = 1000
"""Most logistic coefficients for which a Hessian is factorised; it takes their square in memory."""


@serves(*CLASSES, "multilabel")
def linear_svm(given: ProbeInput) -> ProbeResult:
    """Predict with a linear SVM on standardised embeddings; its C is selected.

    The model is scikit-learn's `LinearSVC`: squared hinge, one class against the rest, penalised
    intercept.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> given = ProbeInput(x, np.array([0, 0, 1, 1]), np.array([[3.0]]), splits=[(rows, rows)])
    >>> linear_svm(given).params
    {'C': 0.001}
    """
    return search(given, solve_svm, grid=over_c(), default={"C": 1.0})


@serves(*CLASSES, "multilabel")
def logistic(given: ProbeInput) -> ProbeResult:
    """Predict with (multinomial) logistic regression on standardised embeddings; its C is selected.

    >>> x, rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.arange(4)
    >>> given = ProbeInput(x, np.array([0, 0, 1, 1]), np.array([[3.0]]), splits=[(rows, rows)])
    >>> logistic(given).predictions
    array([1])
    """
    return search(given, solve_logistic, grid=over_c(), default={"C": 1.0})


def solve_svm(given: ProbeInput, *, scaled: bool = False) -> Predictor:
    """Return the linear SVM's predictor for any C, each solved from the solution of a smaller C.

    Embeddings that are `scaled` are not standardised again.

    >>> x, y = np.array([[-1.0], [1.0]]), np.array([3, 7])
    >>> solve_svm(ProbeInput(x, y, np.array([[0.5]])))(C=1.0).labels
    array([7])
    """
    pair = given.x_train, given.x_test
    x, x_test = (
        np.pad(a, ((0, 0), (0, 1)), constant_values=1.0) for a in (pair if scaled else scale(*pair))
    )
    classes = classes_to_fit(given.y_train)
    targets = classes[1:] if len(classes) == 2 else classes
    signs = np.where(given.y_train == targets[:, None], 1.0, -1.0)
    solved: dict[float, Floats] = {0.0: np.zeros((len(targets), x.shape[1]))}

    def predict(C: float) -> Prediction:
        if C not in solved:
            starts = solved[max(known for known in solved if known < C)]
            solved[C] = np.stack(
                [squared_hinge(x, s, C, w) for s, w in zip(signs, starts, strict=True)]
            )
        return _prediction(classes, x_test @ solved[C].T)

    return predict


def _prediction(classes: Labels, decision: Floats) -> Prediction:
    if decision.ndim == 2 and decision.shape[1] == 1:
        decision = decision[:, 0]
    number = (decision > 0).astype(int) if decision.ndim == 1 else decision.argmax(1)
    return Prediction(classes[number], decision)


def squared_hinge(x: Floats, signs: Floats, C: float, start: Floats) -> Floats:
    """Return the w [D] that minimises ½‖w‖² + C Σᵢ max(0, 1 − signsᵢ ⟨w, xᵢ⟩)².

    Newton's method on the piecewise quadratic with an exact line search: Keerthi and DeCoste, "A
    Modified Finite Newton Method for Fast Solution of Large Scale Linear SVMs" (JMLR 6, 2005). It
    ends on the minimiser itself, up to rounding. x [n, D], signs ±1 [n].

    >>> squared_hinge(np.array([[1.0], [-1.0]]), np.array([1.0, -1.0]), 1.0, np.zeros(1))
    array([0.8])
    """
    w = start
    margins = 1.0 - signs * (x @ w)
    for _ in range(1000):
        active = margins > 0
        rows = x[active]
        gradient = w - 2 * C * rows.T @ (signs[active] * margins[active])
        hessian = 2 * C * rows.T @ rows
        hessian.flat[:: len(w) + 1] += 1.0
        step = np.linalg.solve(hessian, -gradient)
        slopes = -signs * (x @ step)
        length = _exact_step(float(w @ step), float(step @ step), C, margins, slopes)
        w = w + length * step
        margins = margins + length * slopes
        if np.abs(length * step).max() <= 1e-10 * max(1.0, np.abs(w).max()):
            break
    return w


def _exact_step(offset: float, square: float, C: float, margins: Floats, slopes: Floats) -> float:
    """Return the t that minimises t·offset + ½t²·square + C Σᵢ max(0, marginsᵢ + t slopesᵢ)².

    Its derivative is increasing and piecewise linear; the sorted breakpoints give every piece.
    """
    turn = np.full_like(margins, np.inf)
    np.divide(-margins, slopes, out=turn, where=slopes != 0)
    order = np.argsort(turn)
    order = order[(turn[order] > 0) & np.isfinite(turn[order])]
    # The derivative is level + t·rise; crossing its breakpoint, a row enters or leaves the sum.
    active = (margins > 0) | ((margins == 0) & (slopes > 0))
    level = offset + 2 * C * (margins[active] @ slopes[active])
    rise = square + 2 * C * (slopes[active] @ slopes[active])
    enters = np.where(slopes[order] > 0, 2 * C, -2 * C)
    levels = np.concatenate([[level], level + np.cumsum(enters * margins[order] * slopes[order])])
    rises = np.concatenate([[rise], rise + np.cumsum(enters * slopes[order] ** 2)])
    ends = np.append(turn[order], np.inf)
    with np.errstate(invalid="ignore"):
        piece = int(np.argmax(levels + rises * ends >= 0))
    return float(-levels[piece] / rises[piece]) if rises[piece] > 0 else 0.0


def solve_logistic(given: ProbeInput) -> Predictor:
    """Return the logistic regression's predictor for any C, warm-started along the grid.

    >>> x, y = np.array([[-1.0], [1.0]]), np.array([3, 7])
    >>> solve_logistic(ProbeInput(x, y, np.array([[0.5]])))(C=1.0).labels
    array([7])
    """
    x, x_test = scale(given.x_train, given.x_test)
    classes = len(classes_to_fit(given.y_train))
    small = (1 if classes == 2 else classes) * x.shape[1] <= NEWTON_LIMIT
    model = LogisticRegression(
        solver="newton-cholesky" if small else "lbfgs",
        tol=1e-10 if small else 1e-6,
        max_iter=1000,
        warm_start=True,
    )

    def predict(C: float) -> Prediction:
        model.set_params(C=C).fit(x, given.y_train)
        return _prediction(model.classes_, model.decision_function(x_test))

    return predict
