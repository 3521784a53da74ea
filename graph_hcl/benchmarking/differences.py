"""Paired tests between the methods of a benchmark."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graph_hcl.benchmarking.selection import Scores
from graph_hcl.benchmarking.table import Table
from graph_hcl.probes import MetricScores, PairedDifference, holm, paired_difference
from graph_hcl.probes.statistics import p_text

Grid = Mapping[tuple[str, str], Scores]
"""Scores by method and data set."""


@dataclass(frozen=True)
class PairedTest:
    """Two methods on a data set: their difference, or why it is not tested."""

    dataset: str
    first: str
    second: str
    found: PairedDifference | None
    reason: str = ""


def paired_tests(grid: Grid, compare: Sequence[Sequence[str]] = ()) -> list[PairedTest]:
    """Return the tests of the first metric for the pairs of `compare`, or for all pairs.

    Scores are paired by seed and fold over the repetitions that both have. Not tested are methods
    with different numbers of candidates or unfinished ones, settings that were chosen on the data
    set, and folds that differ.
    """
    methods = list(dict.fromkeys(method for method, _ in grid))
    pairs = [(a, b) for a, b in compare] or list(itertools.combinations(methods, 2))
    tests = []
    for name in dict.fromkeys(dataset for _, dataset in grid):
        for a, b in pairs:
            if (a, name) in grid and (b, name) in grid:
                first, second = grid[a, name], grid[b, name]
                reason = _why_not(first, second)
                found = None if reason else _difference(first, second)
                if found is None:
                    reason = reason or "other folds"
                tests.append(PairedTest(name, a, b, found, reason))
    return tests


def _why_not(first: Scores, second: Scores) -> str:
    if first.leaked or second.leaked:
        return "settings chosen on this data set"
    counts = first.candidates, second.candidates
    if None not in counts and counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]} candidates"
    return "" if first.complete and second.complete else "not all candidates are finished"


def _difference(first: Scores, second: Scores) -> PairedDifference | None:
    metric = next(iter(first.metrics))
    if metric not in second.metrics:
        return None
    common = {seed for seed, _ in first[metric].values} & {s for s, _ in second[metric].values}
    a, b = (_only(scores[metric], common) for scores in (first, second))
    if set(a.values) != set(b.values) or len(a.resamplings()) < 2:
        return None
    return paired_difference(a, b)


def _only(scores: MetricScores, seeds: set[int]) -> MetricScores:
    values = {key: value for key, value in scores.values.items() if key[0] in seeds}
    return MetricScores(values, scores.test_to_train, scores.fixed_folds)


def p_values(tests: Iterable[PairedTest]) -> list[float]:
    """Return the p-values of the pairs that were tested."""
    return [test.found.p_value for test in tests if test.found is not None]


def difference_table(
    tests: Sequence[PairedTest], protocol: str, others: Sequence[float] = ()
) -> Table:
    """Return pairs of methods: difference, 95 % interval, p, and p corrected for their number.

    `others` are the p-values of further tests of the same report, which the correction counts too.
    """
    count = len(p_values(tests)) + len(others)
    corrected = iter(holm([*p_values(tests), *others]))
    rows = []
    for test in tests:
        row = [test.dataset, test.first, test.second]
        if test.found is None:
            rows.append([*row, "", f"not tested: {test.reason}", "", ""])
            continue
        low, high = (100 * end for end in test.found.interval)
        rows.append(
            [
                *row,
                f"{100 * test.found.difference:+.2f}",
                f"{low:+.2f} … {high:+.2f}",
                p_text(test.found.p_value),
                p_text(next(corrected)),
            ]
        )
    caption = (
        f"Paired differences in percentage points, {protocol} protocol: first − second over the "
        "same folds, corrected resampled t-test (Nadeau and Bengio 2003). p (Holm) is corrected "
        f"for all {count} tests."
    )
    head = ["data set", "first", "second", "difference", "95 %", "p", "p (Holm)"]
    return Table(caption, head, rows)
