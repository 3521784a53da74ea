"""Compiled sequential minimal optimisation of the dual of a support vector machine.

All in one file, because numba's cache only tracks changes to the file that defines a function.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import NullCache
from numpy.typing import NDArray

from graph_hcl.probes.probe import Floats
from graph_hcl.warn import warn_user

Whole = NDArray[np.int64]
Kernel = NDArray[np.float32]
Problem = tuple[Kernel, Floats, Floats, float]
"""Kernel [n, n], its diagonal [n], signs [n] and C."""
Solution = tuple[Floats, float, float]
Window = tuple[Whole, Whole, Kernel, Floats, Floats, Floats, Floats, Whole, Floats]

TOLERANCE = 1e-3
"""Violation of the optimality conditions at which the solver stops, as in scikit-learn."""
SMALLEST = 1e-12
"""Curvature used where it is not positive, as for two equal points."""
INTERVAL = 1000
"""Steps between attempts at shrinking."""
COMPACT = 0.85
"""Share of active rows in the window below which the window is rebuilt."""

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return the function compiled to machine code that releases the GIL.

    Sums keep their order (no fast-math). The code is cached on disk, next to this file or in the
    user's cache, if either is writable; warns of a damaged cache, which is written anew.

    >>> compiled(lambda a: a + 1)(1)
    2
    """
    try:
        machine: Any = njit(nogil=True, error_model="numpy", cache=True)(function)
        _survive_damage(machine)
    except RuntimeError:  # neither is writable
        machine = njit(nogil=True, error_model="numpy")(function)
    return cast(Function, machine)


def _survive_damage(machine: Any) -> None:
    """Let a function be compiled where its cache cannot be read, which numba raises."""
    cache, read = machine._cache, machine._cache.load_overload

    def load(*arguments: Any) -> Any:
        try:
            return read(*arguments)
        except Exception:  # of any kind, by a damaged pickle
            machine._cache = NullCache()
            with suppress(Exception):  # as it may not be writable
                cache.flush()
            _tell_damage(cache.cache_path)
            return None

    cache.load_overload = load


@lru_cache  # numba lets Python forget which warnings were given
def _tell_damage(place: str) -> None:
    warn_user(f"The compiled solver in {place} is damaged: it is compiled anew.")


@compiled
def solve_dual(kernel: Kernel, diagonal: Floats, signs: Floats, C: float) -> Solution:
    """Return α [n] and ρ of the decision function f(x) = Σᵢ αᵢ yᵢ K(xᵢ, x) − ρ, and the peak of α.

    α minimises ½ Σᵢⱼ αᵢ αⱼ yᵢ yⱼ K(xᵢ, xⱼ) − Σᵢ αᵢ over 0 ≤ αᵢ ≤ C with Σᵢ αᵢ yᵢ = 0. Each step
    updates the pair of rows chosen by second-order information (Fan, Chen and Lin, "Working Set
    Selection Using Second Order Information for Training Support Vector Machines", JMLR 6, 2005,
    WSS 2); rows that stay at a bound are shrunk (Chang and Lin, "LIBSVM: A Library for Support
    Vector Machines", 2011, section 5.1). Order, ties and precision follow LIBSVM, so that the
    result equals that of scikit-learn's `SVC(kernel="precomputed")` to the last bit. The peak is
    the largest value that any αᵢ took during the optimisation: if it is below C, every C above the
    peak gives the same result.

    kernel: K [n, n], the rows of y = 1 first. diagonal: K(xᵢ, xᵢ) [n] in full precision. signs:
    y = ±1 [n].

    >>> x, signs = np.array([1.0, -1.0]), np.array([1.0, -1.0])
    >>> solve_dual(np.outer(x, x).astype(np.float32), x**2, signs, 10.0)
    (array([0.5, 0.5]), 0.0, 0.5)
    """
    n = len(signs)
    problem = kernel, diagonal, signs, C
    alpha = np.zeros(n)
    slope = signs.copy()  # −yᵢ ∂objective/∂αᵢ; outdated for inactive rows
    fixed = np.zeros(n)  # contribution of the rows at C to the slope
    order = np.arange(n)  # rows by position: the first `active` are active; ties go to the last
    active, countdown, restored, peak = n, min(n, INTERVAL) + 1, False, 0.0
    rows, slot, K, diag, H, up, down, place, score = _window(problem, alpha, slope, order, active)
    while True:
        countdown -= 1
        if countdown == 0:
            countdown = min(n, INTERVAL)
            highest, lowest = _highest(H, up, down)
            _put(slope, rows, H)
            before = active
            if not restored and highest + lowest <= 10 * TOLERANCE:
                restored = True
                _reconstruct(problem, alpha, fixed, order, active, slope)
                active = n
            left = _shrink(problem, alpha, slope, order, active, highest, lowest)
            if active > before or left < COMPACT * len(rows):
                window = _window(problem, alpha, slope, order, left)
                rows, slot, K, diag, H, up, down, place, score = window
            else:
                for position in range(left, active):
                    up[slot[order[position]]] = down[slot[order[position]]] = -np.inf
                for position in range(left):
                    place[slot[order[position]]] = position
                score[:] = H + up
            active = left
        first = order[_last_of_largest(score, place)]
        i = slot[first]
        if not _gains(H, down, score[i], K[i], diag[i], diag, score):
            if active == n:
                break
            _put(slope, rows, H)
            _reconstruct(problem, alpha, fixed, order, active, slope)
            active, countdown = n, 2
            window = _window(problem, alpha, slope, order, active)
            rows, slot, K, diag, H, up, down, place, score = window
            continue
        second = order[_last_of_largest(score, place)]
        j = slot[second]
        curvature = diag[i] + diag[j] - 2 * K[i, j]
        step = (H[i] - H[j]) / (curvature if curvature > 0 else SMALLEST)
        old = alpha[first], alpha[second]
        new = _step(old[0], old[1], signs[first], signs[second], step, C)
        peak = max(peak, new[0], new[1])
        for row, a, b in ((first, old[0], new[0]), (second, old[1], new[1])):
            alpha[row] = b
            up[slot[row]], down[slot[row]] = _room(b, signs[row], C)
            if (a >= C) != (b >= C):
                weight = (C if b >= C else -C) * signs[row]
                for other in range(n):
                    fixed[other] -= weight * kernel[row, other]
        moves = signs[first] * (new[0] - old[0]), signs[second] * (new[1] - old[1])
        _update(H, up, K[i], moves[0], K[j], moves[1], score)
    return alpha, _offset(problem, alpha, H, order), peak


@compiled
def decide(to_test: Floats, rows: Whole, coefficients: Floats, offset: float) -> Floats:
    """Return f(x) = Σᵢ coefficientsᵢ K(x_rowsᵢ, x) − offset [Q], summed in order.

    to_test: K [Q, N]. rows, coefficients: [n], of some of its N columns.

    >>> decide(np.array([[1.0, 7.0, 2.0]]), np.array([0, 2]), np.array([3.0, 4.0]), 5.0)
    array([6.])
    """
    values = np.empty(len(to_test))
    support = np.flatnonzero(coefficients)
    for test_row in range(len(to_test)):
        total = 0.0
        for row in support:
            total += coefficients[row] * to_test[test_row, rows[row]]
        values[test_row] = total - offset
    return values


@compiled
def _room(a: float, sign: float, C: float) -> tuple[float, float]:
    """Return 0 if y·α can increase, else −∞; and the same for decreasing."""
    increase, decrease = 0.0 if a < C else -np.inf, 0.0 if a > 0 else -np.inf
    return (increase, decrease) if sign > 0 else (decrease, increase)


@compiled
def _window(problem: Problem, alpha: Floats, slope: Floats, order: Whole, active: int) -> Window:
    """Return the active rows in one contiguous block, with everything that a step reads."""
    kernel, diagonal, signs, C = problem
    n = len(order)
    rows, slot, place = np.empty(active, np.int64), np.full(n, -1), np.empty(active, np.int64)
    H, diag, up, down = np.empty(active), np.empty(active), np.empty(active), np.empty(active)
    for position in range(active):
        slot[order[position]] = position
    t = 0
    for row in range(n):
        if slot[row] >= 0:
            rows[t], place[t], slot[row] = row, slot[row], t
            H[t], diag[t] = slope[row], diagonal[row]
            up[t], down[t] = _room(alpha[row], signs[row], C)
            t += 1
    K = kernel
    if active < n:
        K = np.empty((active, active), np.float32)
        for t in range(active):
            for other in range(active):
                K[t, other] = kernel[rows[t], rows[other]]
    return rows, slot, K, diag, H, up, down, place, H + up


@compiled
def _put(into: Floats, rows: Whole, values: Floats) -> None:
    for t in range(len(rows)):
        into[rows[t]] = values[t]


@compiled
def _highest(H: Floats, up: Floats, down: Floats) -> tuple[float, float]:
    """Return the largest slope where y·α can increase, and −slope where it can decrease."""
    highest, lowest = -np.inf, -np.inf
    for t in range(len(H)):
        highest, lowest = max(highest, H[t] + up[t]), max(lowest, down[t] - H[t])
    return highest, lowest


@compiled
def _last_of_largest(score: Floats, place: Whole) -> np.int64:
    """Return the last position among the largest scores, which must not contain −0.

    Doubles compare as integers once the bits of negative numbers are flipped, and compilers
    vectorise integer comparisons.
    """
    bits = score.view(np.int64)
    largest = np.int64(-0x7FFFFFFFFFFFFFFF)
    for t in range(len(bits)):
        key = bits[t] ^ ((bits[t] >> 63) & 0x7FFFFFFFFFFFFFFF)
        largest = max(largest, key)
    wanted = largest ^ ((largest >> 63) & 0x7FFFFFFFFFFFFFFF)
    none = last = np.int64(-1)
    for t in range(len(bits)):
        last = max(last, place[t] if bits[t] == wanted else none)
    return last


@compiled
def _gains(
    H: Floats, down: Floats, highest: float, row: Kernel, own: float, diag: Floats, score: Floats
) -> int:
    """Score each row by twice the gain of a pair with it; return how many violate the tolerance."""
    count = 0
    for t in range(len(H)):
        gap = highest + (down[t] - H[t])
        curvature = own + diag[t] - 2 * np.float64(row[t])
        curvature = curvature if curvature > 0 else SMALLEST
        score[t] = gap * gap / curvature if gap > 0 else -np.inf
        count += 1 if gap >= TOLERANCE else 0
    return count


@compiled
def _update(
    H: Floats, up: Floats, a: Kernel, by_a: float, b: Kernel, by_b: float, score: Floats
) -> None:
    for t in range(len(H)):
        h = H[t] - (a[t] * by_a + b[t] * by_b)
        H[t] = h
        score[t] = h + up[t]


@compiled
def _step(a: float, b: float, y_a: float, y_b: float, step: float, C: float) -> tuple[float, float]:
    """Move α along y by +step and −step, then project back to the box along the same line."""
    if y_a != y_b:
        kept = a - b
        a, b = a + y_a * step, b + y_a * step
        if kept > 0:
            if b < 0:
                a, b = kept, 0.0
            if a > C:
                a, b = C, C - kept
        else:
            if a < 0:
                a, b = 0.0, -kept
            if b > C:
                a, b = C + kept, C
    else:
        kept = a + b
        a, b = a + y_a * step, b - y_a * step
        if kept > C:
            if a > C:
                a, b = C, kept - C
            if b > C:
                a, b = kept - C, C
        else:
            if b < 0:
                a, b = kept, 0.0
            if a < 0:
                a, b = 0.0, kept
    return a, b


@compiled
def _shrink(
    problem: Problem,
    alpha: Floats,
    slope: Floats,
    order: Whole,
    active: int,
    highest: float,
    lowest: float,
) -> int:
    """Move rows that stay at a bound behind the active ones; return the number of active rows."""
    _, _, signs, C = problem

    def settled(row: int) -> bool:
        up, down = _room(alpha[row], signs[row], C)
        return (up < 0 and slope[row] > highest) or (down < 0 and -slope[row] > lowest)

    position = 0
    while position < active:
        if settled(order[position]):
            active -= 1
            while active > position:
                if not settled(order[active]):
                    order[position], order[active] = order[active], order[position]
                    break
                active -= 1
        position += 1
    return active


@compiled
def _reconstruct(
    problem: Problem, alpha: Floats, fixed: Floats, order: Whole, active: int, slope: Floats
) -> None:
    """Recompute the slopes of the inactive rows, reading the kernel by its shorter side."""
    kernel, _, signs, C = problem
    active_rows, inactive_rows = order[:active], order[active:]
    free = 0
    for row in active_rows:
        free += 1 if 0 < alpha[row] < C else 0
    for row in inactive_rows:
        slope[row] = fixed[row] + signs[row]
    if free * len(order) > 2 * active * len(inactive_rows):
        for row in inactive_rows:
            for other in active_rows:
                if 0 < alpha[other] < C:
                    slope[row] -= alpha[other] * signs[other] * kernel[row, other]
    else:
        for other in active_rows:
            if 0 < alpha[other] < C:
                for row in inactive_rows:
                    slope[row] -= alpha[other] * signs[other] * kernel[other, row]


@compiled
def _offset(problem: Problem, alpha: Floats, slope: Floats, order: Whole) -> float:
    """Return ρ: the mean of −slope over the free rows, or the midpoint of its bounds."""
    _, _, signs, C = problem
    free, total, upper, lower = 0, 0.0, np.inf, -np.inf
    for row in order:
        up, down = _room(alpha[row], signs[row], C)
        if up == 0 and down == 0:
            free += 1
            total -= slope[row]
        elif up == 0:
            upper = min(upper, -slope[row])
        else:
            lower = max(lower, -slope[row])
    return total / free if free else (upper + lower) / 2
