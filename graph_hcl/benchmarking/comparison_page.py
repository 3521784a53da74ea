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
from graph_hcl.probes.statistics import p_text

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
    tested = [one.test.paired for one in found.candidates if one.test and one.verdict == AGREES]
    if not tested:
        return []
    half = statistics.median((one.interval[1] - one.interval[0]) / 2 for one in tested)
    return [
        f"Agreement within noise is no proof: the median interval is ± {100 * half:.1f} points, and"
        " smaller changes may go unseen; more repetitions narrow it."
    ]


def comparison_table(found: FolderComparison) -> Table:
    """Return one row for each candidate, those that differ first."""
    order = (DIFFERS, AGREES, EQUAL)
    candidates = sorted(found.candidates, key=lambda one: order.index(one.verdict))
    first, second = found.names
    caption = (
        f"First: {first}; second: {second}. Means in %, and first − second in percentage points "
        "with its 95 % interval, over the same seeds and folds by the corrected resampled t-test "
        "(Nadeau and Bengio 2003), of the metric with the smallest p; p is corrected for all "
        f"candidates and metrics (Holm). A candidate differs where p < {ALPHA}, and is equal where "
        "the scores of all folds are identical."
    )
    return Table(caption, HEAD, [_row(one) for one in candidates])


def _row(one: Candidate) -> list[str]:
    seeds = ", ".join(map(str, sorted(one.seeds)))
    row = [one.dataset, one.method, one.protocol, seeds, one.point]
    if one.test is None:
        return [*row, *[""] * 5, one.verdict]
    test = one.test
    low, high = (100 * end for end in test.paired.interval)
    difference = f"{100 * test.paired.difference:+.2f} ({low:+.2f} … {high:+.2f})"
    means = [f"{100 * mean:.2f}" for mean in test.means]
    return [*row, test.metric, *means, difference, p_text(test.p_value), one.verdict]
