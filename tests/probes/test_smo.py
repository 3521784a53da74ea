"""The compiled solver gives scikit-learn's support vector machine to the last bit."""

import sys
import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

import graph_hcl.probes.svm as svm_module
from graph_hcl.probes import Evaluation, evaluate
from graph_hcl.probes.svm import rbf, solve_libsvm

pytest.importorskip("numba", reason="needs the extra fast")

from graph_hcl.probes.compiled_svm import solve_compiled
from graph_hcl.probes.smo import TOLERANCE, compiled, decide, solve_dual

LIMIT = 500_000


def problem(seed: int, n: int, kind: str):
    """Return a kernel [n, n] and signs [n], those of +1 first."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 1 + seed % 5))
    if kind in ("ties", "equal"):
        x = x.round() if kind == "ties" else np.zeros_like(x)
    positive = generator.integers(1, n)
    signs = np.repeat([1.0, -1.0], [positive, n - positive])
    if kind == "indefinite":
        kernel = generator.normal(size=(n, n))
        return kernel + kernel.T, signs
    if kind == "linear":
        return x @ x.T, signs
    if kind == "separable":
        x[:, 0] += 9 * signs
    return rbf(x, x, 1.0 / x.shape[1]), signs


def ours(kernel: np.ndarray, signs: np.ndarray, C: float):
    return solve_dual(kernel.astype(np.float32), np.diag(kernel).copy(), signs, C)


class Expected(NamedTuple):
    alpha: np.ndarray
    offset: float
    machine: SVC


def theirs(kernel: np.ndarray, signs: np.ndarray, C: float) -> Expected:
    # Classes −1 and 1 of the turned signs are in the order of the rows.
    machine = SVC(C=C, kernel="precomputed", max_iter=LIMIT).fit(kernel, -signs)
    alpha = np.zeros(len(signs))
    alpha[machine.support_] = np.abs(machine.dual_coef_[0])
    return Expected(alpha, machine.intercept_[0], machine)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 150),
    st.sampled_from(["rbf", "ties", "equal", "separable", "linear", "indefinite"]),
    st.sampled_from([1e-3, 0.1, 1.0, 10.0, 100.0]),
)
def test_equals_svc_to_the_last_bit(seed: int, n: int, kind: str, C: float) -> None:
    kernel, signs = problem(seed, n, kind)
    expected = theirs(kernel, signs, C)
    assume(expected.machine.n_iter_[0] < LIMIT)  # an ill-conditioned kernel would take minutes
    alpha, offset, _ = ours(kernel, signs, C)
    np.testing.assert_array_equal(alpha, expected.alpha)
    assert offset == expected.offset
    decision = expected.machine.decision_function(kernel)
    found = decide(kernel, np.arange(n), alpha * signs, offset)
    np.testing.assert_allclose(found, -decision, atol=1e-9)


@pytest.mark.parametrize("C", [1.0, 100.0, 1000.0])
def test_equals_svc_where_rows_are_left_out_and_brought_back(C: float) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1500, 8))
    signs = np.repeat([1.0, -1.0], 750)
    x[:, 0] += 0.7 * signs
    kernel = rbf(x, x, 1 / 8)
    alpha, offset, peak = ours(kernel, signs, C)
    expected = theirs(kernel, signs, C)
    np.testing.assert_array_equal(alpha, expected.alpha)
    assert (offset, peak) == (expected.offset, C)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(2, 60), st.sampled_from(["rbf", "ties"]), st.floats(0.01, 50)
)
def test_meets_the_optimality_conditions(seed: int, n: int, kind: str, C: float) -> None:
    kernel, signs = problem(seed, n, kind)
    alpha, offset, peak = ours(kernel, signs, C)
    assert alpha.min() >= 0
    assert alpha.max() <= peak <= C
    assert abs(alpha @ signs) < 1e-9 * C * n
    for row in range(n):
        margin = signs[row] * (sum(alpha[i] * signs[i] * kernel[i, row] for i in range(n)) - offset)
        # The sums of the solver are over a kernel in single precision.
        slack = TOLERANCE + 1e-6 * n * C
        assert alpha[row] >= C or margin >= 1 - slack
        assert alpha[row] <= 0 or margin <= 1 + slack


@pytest.mark.parametrize(("C", "expected"), [(10.0, 2 / 9), (0.1, 0.1)])
def test_of_two_points_the_closed_form(C: float, expected: float) -> None:
    x = np.array([2.0, -1.0])  # α = min(C, 2 / ‖x₁ − x₂‖²)
    alpha, offset, peak = ours(np.outer(x, x), np.array([1.0, -1.0]), C)
    np.testing.assert_allclose([*alpha, peak], expected)
    np.testing.assert_allclose(offset, expected * (x[0] - x[1]) * 0.5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.floats(1.0, 100.0))
def test_no_larger_c_changes_a_solution_below_its_bound(seed: int, n: int, C: float) -> None:
    kernel, signs = problem(seed, n, "separable")
    alpha, offset, peak = ours(kernel, signs, C)
    larger = ours(kernel, signs, 7 * C)
    if peak < C:
        np.testing.assert_array_equal(alpha, larger[0])
        assert (offset, peak) == larger[1:]
    else:
        assert larger[2] >= C


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.sampled_from([1e-3, 1.0, 100.0]))
def test_both_solvers_give_the_same_predictions(seed: int, classes: int, C: float) -> None:
    generator = np.random.default_rng(seed)
    x, x_test = generator.normal(size=(60, 3)).round(1), generator.normal(size=(40, 3)).round(1)
    y = np.concatenate([np.arange(classes), generator.integers(classes, size=60 - classes)])
    kernel, to_test = rbf(x, x, 0.5), rbf(x_test, x, 0.5)
    predict = solve_compiled(kernel, y, to_test)
    expected = solve_libsvm(kernel, y, to_test)(C=C)
    for found in (predict(C=C), predict(C=C)):  # the second from memory
        assert found.labels.tolist() == expected.labels.tolist()
        np.testing.assert_allclose(found.decision, expected.decision, atol=1e-9)


def test_memory_is_a_few_kernels_however_many_classes() -> None:
    x = np.random.default_rng(0).normal(size=(900, 2))
    kernel, to_test = rbf(x[:600], x[:600], 0.5), rbf(x[600:], x[:600], 0.5)
    for classes in (2, 60):  # the first compiles
        tracemalloc.start()
        solve_compiled(kernel, np.arange(600) % classes, to_test)(C=1.0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 6 * (kernel.nbytes + to_test.nbytes)


def evaluation() -> Evaluation:
    y = np.arange(90) % 3
    x = np.random.default_rng(2).normal(size=(90, 4)) + 0.7 * y[:, None]
    return evaluate(x, y, folds=3, inner=3, jobs=1)


def test_without_numba_an_evaluation_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_fold, used = evaluation().folds, []

    def recorder(*given):
        used.append(1)
        return solve_libsvm(*given)

    monkeypatch.setitem(sys.modules, "numba", None)  # importing it raises ImportError
    for name in ("smo", "compiled_svm"):
        monkeypatch.delitem(sys.modules, f"graph_hcl.probes.{name}")
    monkeypatch.setattr(svm_module, "solve_libsvm", recorder)
    svm_module._fastest.cache_clear()
    try:
        for one, other in zip(compiled_fold, evaluation().folds, strict=True):
            assert (one.params, one.validation_score) == (other.params, other.validation_score)
            assert (one.predictions, one.scores) == (other.predictions, other.scores)
            np.testing.assert_allclose(one.decision, other.decision, atol=1e-9)
    finally:
        svm_module._fastest.cache_clear()
    assert used


def test_compiles_where_no_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dispatcher: object) -> None:
        raise RuntimeError("no locator available")

    monkeypatch.setattr("numba.core.dispatcher.Dispatcher.enable_caching", refuse)

    def twice(a: float) -> float:
        return 2 * a

    assert compiled(twice)(1.5) == 3.0
