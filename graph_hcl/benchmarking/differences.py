"""Paired tests between the methods of a benchmark."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graph_hcl.benchmarking.selection import Scores, same_tests
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.units import of_lower
from graph_hcl.probes import MetricScores, PairedDifference, holm, paired_difference
from graph_hcl.probes.metrics import title
from graph_hcl.probes.statistics import p_text
from graph_hcl.probes.telling import is_share

Grid = Mapping[tuple[str, str], Scores]
"""Scores by method and data set."""


@dataclass(frozen=True)
class PairedTest:
    """Two methods on a data set: their difference in a metric, or why it is not tested."""

    dataset: str
    first: str
    second: str
    found: PairedDifference | None
    reason: str = ""
    metric: str = ""


def paired_tests(grid: Grid, compare: Sequence[Sequence[str]] | None = None) -> list[PairedTest]:
    """Return the tests of the first metric for the pairs of `compare`, or for all where it is None.

    Scores are paired by seed and fold over the repetitions that both have. Not tested are methods
    with different numbers of candidates or unfinished ones, settings that were chosen on the data
    set, first metrics or folds that differ, and scores that are not finite.
    """
    methods = list(dict.fromkeys(method for method, _ in grid))
    pairs = list(itertools.combinations(methods, 2) if compare is None else map(tuple, compare))
    tests = []
    for name in dict.fromkeys(dataset for _, dataset in grid):
        for a, b in pairs:
            if (a, name) in grid and (b, name) in grid:
                first, second = grid[a, name], grid[b, name]
                tests.append(PairedTest(name, a, b, *_tested(first, second)))
    return tests


def _tested(first: Scores, second: Scores) -> tuple[PairedDifference | None, str, str]:
    """Return the difference of two methods, why it is not tested, and the metric."""
    metric = next(iter(first.metrics))
    if reason := _why_not(first, second):
        return None, reason, ""
    common = {seed for seed, _ in first[metric].values} & {s for s, _ in second[metric].values}
    a, b = (_only(scores[metric], common) for scores in (first, second))
    same = set(a.values) == set(b.values) and same_tests(first.tested, second.tested)
    if not same or len(a.resamplings()) < 2:
        return None, "other folds", ""
    if not np.isfinite([*a.values.values(), *b.values.values()]).all():
        return None, "scores that are not finite", ""
    lower = metric in first.lower
    found = dataclasses.replace(
        paired_difference(a, b), percent=is_share(metric), lower_is_better=lower
    )
    return found, "", metric


def _why_not(first: Scores, second: Scores) -> str:
    if first.leaked or second.leaked:
        return "settings chosen on this data set"
    counts = first.candidates, second.candidates
    if None not in counts and counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]} candidates"
    if not (first.complete and second.complete):
        return "not all candidates are finished"
    names = [next(iter(scores.metrics)) for scores in (first, second)]
    return "" if names[0] == names[1] else f"first metrics {' and '.join(map(title, names))}"


def _only(scores: MetricScores, seeds: set[int]) -> MetricScores:
    values = {key: value for key, value in scores.values.items() if key[0] in seeds}
    return dataclasses.replace(scores, values=values)


def p_values(tests: Iterable[PairedTest]) -> list[float]:
    """Return the p-values of the pairs that were tested."""
    return [test.found.p_value for test in tests if test.found is not None]


def difference_table(
    tests: Sequence[PairedTest], protocol: str, others: Sequence[float] = ()
) -> Table:
    """Return pairs of methods: difference, 95 % interval, p, and p corrected for their number.

    `others` are the p-values of further tests of the same report, which the correction counts too.
    Shares are in percentage points; where there are other metrics, a column names them.
    """
    shares = all(test.found.percent for test in tests if test.found is not None)
    corrected = iter(holm([*p_values(tests), *others]))
    rows = []
    for test in tests:
        row = [test.dataset, test.first, test.second]
        if not shares:
            row.append(title(test.metric))
        if (found := test.found) is None:
            rows.append([*row, "", f"not tested: {test.reason}", "", ""])
            continue
        p = [p_text(found.p_value), p_text(next(corrected))]
        rows.append([*row, *found.told(), *p])
    unit = "in percentage points" if shares else "(shares in percentage points)"
    caption = (
        f"Paired differences {unit}, {protocol} protocol: first − second over the same folds, "
        "corrected resampled t-test (Nadeau and Bengio 2003). p (Holm) is corrected for all "
        f"{len(p_values(tests)) + len(others)} tests."
    )
    lower = [test.metric for test in tests if test.found and test.found.lower_is_better]
    metric = [] if shares else ["metric"]
    head = ["data set", "first", "second", *metric, "difference", "95 %", "p", "p (Holm)"]
    return Table(caption + of_lower(lower), head, rows)
