"""Linear probes: squared-hinge SVM and logistic regression, warm-started along the grid of C."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from graph_hcl.probes.labels import Labels
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

NEWTON_LIMIT = 1000
"""Most logistic coefficients for which a Hessian is factorised; it takes their square in memory."""


@PROBES.register("linear-svm")
def linear_svm(task: Task) -> Answer:
    """Return the predictions of a linear SVM on standardised embeddings.

    The machine is scikit-learn's `LinearSVC`: squared hinge, one class against the rest, penalised
    intercept.

    >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> rows = np.arange(4)
    >>> linear_svm(Task(x, np.array([0, 0, 1, 1]), [(rows, rows)], rows, np.array([[3.0]])))
    Answer(predictions=array([1]), C=0.001, validation=1.0)
    """
    return search(task, solve_svm)


@PROBES.register("logistic")
def logistic(task: Task) -> Answer:
    """Return the predictions of a (multinomial) logistic regression on standardised embeddings.

    >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> rows = np.arange(4)
    >>> logistic(Task(x, np.array([0, 0, 1, 1]), [(rows, rows)], rows, np.array([[3.0]])))
    Answer(predictions=array([1]), C=0.001, validation=1.0)
    """
    return search(task, solve_logistic)


def solve_svm(x: Floats, y: Labels, queries: Floats) -> Predictor:
    """Return the linear SVM's predictor of `queries` for any C.

    >>> solve_svm(np.array([[-1.0], [1.0]]), np.array([3, 7]), np.array([[0.5]]))(1.0)
    array([7])
    """
    x, queries = (np.pad(a, ((0, 0), (0, 1)), constant_values=1.0) for a in scale(x, queries))
    classes = classes_to_fit(y)
    targets = classes[1:] if len(classes) == 2 else classes
    signs = np.where(y == targets[:, None], 1.0, -1.0)
    solved: dict[float, Floats] = {0.0: np.zeros((len(targets), x.shape[1]))}

    def predict(C: float) -> Labels:
        if C not in solved:
            starts = solved[max(known for known in solved if known < C)]
            solved[C] = np.stack(
                [squared_hinge(x, s, C, w) for s, w in zip(signs, starts, strict=True)]
            )
        decision = queries @ solved[C].T
        if len(targets) == 1:
            return classes[(decision[:, 0] > 0).astype(int)]
        return classes[decision.argmax(1)]

    return predict


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


def solve_logistic(x: Floats, y: Labels, queries: Floats) -> Predictor:
    """Return the logistic regression's predictor of `queries` for any C.

    >>> solve_logistic(np.array([[-1.0], [1.0]]), np.array([3, 7]), np.array([[0.5]]))(1.0)
    array([7])
    """
    x, queries = scale(x, queries)
    classes = len(classes_to_fit(y))
    small = (1 if classes == 2 else classes) * x.shape[1] <= NEWTON_LIMIT
    model = LogisticRegression(
        solver="newton-cholesky" if small else "lbfgs",
        tol=1e-10 if small else 1e-6,
        max_iter=1000,
        warm_start=True,
    )
    return lambda C: model.set_params(C=C).fit(x, y).predict(queries)
