"""A comparison of two folders of trials as Markdown."""

from __future__ import annotations

import statistics

from graph_hcl.benchmarking.comparison import (
    AGREES,
    ALPHA,
    DIFFERS,
    EQUAL,
    Candidate,
    FolderComparison,
)
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.units import of_lower
from graph_hcl.probes.metrics import title
from graph_hcl.probes.statistics import p_text
from graph_hcl.probes.telling import told_value

HEAD = [
    *("data set", "method", "protocol", "seeds", "candidate", "metric", "first", "second"),
    *("difference", "p", "verdict"),
]


def page(found: FolderComparison) -> str:
    """Return the summary, what the records mix, and the table.

    >>> print(page(FolderComparison(("a", "b"), ["equal"], [], (2, 0), 1, [])))
    1 trial is in both a and b: 1 equal, 0 agree within noise, 0 differ; 2 are in a alone, 0 in b
    alone, 1 in neither.
    """
    table = [comparison_table(found).markdown()] if found.candidates else []
    return "\n\n".join([_summary(found), *_resolution(found), *found.notes, *table])


def _summary(found: FolderComparison) -> str:
    first, second = found.names
    equal, agree, differ = map(found.verdicts.count, (EQUAL, AGREES, DIFFERS))
    both = len(found.verdicts)
    return (
        f"{both} {'trial is' if both == 1 else 'trials are'} in both {first} and {second}: {equal} "
        f"equal, {agree} agree within noise, {differ} differ; {found.only[0]} are in {first} alone,"
        f" {found.only[1]} in {second} alone, {found.neither} in neither."
    )


def _resolution(found: FolderComparison) -> list[str]:
    """Return the sentence that says how large a change the tests may have missed."""
    halves: dict[str, list[float]] = {}
    for test in (one.test for one in found.candidates if one.verdict == AGREES):
        if test is not None and test.paired.is_tested:
            unit = "points" if test.paired.percent else f"of {title(test.metric)}"
            low, high = test.paired.interval
            halves.setdefault(unit, []).append((high - low) / 2)
    if not halves:
        return []
    medians = {unit: statistics.median(each) for unit, each in halves.items()}
    told = [
        f"± {100 * half:.1f} points" if unit == "points" else f"± {half:.2g} {unit}"
        for unit, half in medians.items()
    ]
    return [
        f"Agreement within noise is no proof: the median interval is {' and '.join(told)}, and"
        " smaller changes may go unseen; more repetitions narrow it."
    ]


def comparison_table(found: FolderComparison) -> Table:
    """Return one row for each candidate, those that differ first."""
    order = (DIFFERS, AGREES, EQUAL)
    candidates = sorted(found.candidates, key=lambda one: order.index(one.verdict))
    first, second = found.names
    tests = [one.test for one in candidates if one.test is not None]
    shares = all(test.paired.percent for test in tests)
    unit = (
        "Means in %, and first − second in percentage points"
        if shares
        else "Means, shares in %, and first − second, shares in percentage points,"
    )
    caption = (
        f"First: {first}; second: {second}. {unit} with its 95 % interval, over the same seeds and "
        "folds by the corrected resampled t-test (Nadeau and Bengio 2003), of the metric with the "
        "smallest p; p is corrected for all candidates and metrics (Holm). A candidate differs "
        f"where p < {ALPHA}, and is equal where the scores of all folds are identical."
        f"{of_lower(test.metric for test in tests if test.paired.lower_is_better)}"
    )
    return Table(caption, HEAD, [_row(one) for one in candidates])


def _row(one: Candidate) -> list[str]:
    seeds = ", ".join(map(str, sorted(one.seeds)))
    row = [one.dataset, one.method, one.protocol, seeds, one.point]
    if one.test is None:
        return [*row, *[""] * 5, one.verdict]
    test = one.test
    difference, interval = test.paired.told()
    means = [told_value(mean, test.metric) for mean in test.means]
    text = f"{difference} ({interval})"
    return [*row, test.metric, *means, text, p_text(test.p_value), one.verdict]
