"""Write the README's table of scores and its count of tests from `benchmarks/results/`.

    python -m benchmarks.pages.readme            rewrites the blocks between the marks
    python -m benchmarks.pages.readme --check    exit 1 when a block is out of date

Needs $GRAPH_HCL_SPLITS, as `benchmarks.pages.results` does.
"""

import argparse
import sys
from itertools import groupby

from benchmarks.pages.blocks import with_blocks
from benchmarks.pages.records import ROOT, SIGNIFICANT, benchmarks, corrected_tests
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.tables import footnotes, mark, score_grids
from graph_hcl.console import lenient_stdout
from graph_hcl.data import get_card
from graph_hcl.probes.statistics import p_text

README = ROOT / "README.md"
COMMAND = "benchmarks/pages/readme.py"
PROTOCOL = "transductive"
SHOWN = ("transductive", "transductive-large")
"""Benchmarks whose data sets the table shows: the library's defaults, which saw none of them."""
COLUMNS = {
    "kernel": "WL optimal assignment",
    "untrained": "untrained GIN 3×32",
    "UCL": "UCL",
    "H-UCL": "H-UCL",
}
PAIR = ("H-UCL", "UCL")
ROWS = 8
PLAIN = ("ucl", "scl", "nt-xent", "supcon", "infograph")
"""Objectives without hard negatives."""
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def word(count):
    """Return a number as text, small ones as words.

    >>> word(6), word(26)
    ('six', '26')
    """
    return WORDS[count] if count < len(WORDS) else str(count)


def listed(parts):
    """Join parts as a sentence does.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def difference(position, name):
    """Return a data set's difference in points, its interval, and its p by Holm's method."""
    for where, test, corrected in corrected_tests():
        if (where, test.dataset, test.first, test.second) == (position, name, *PAIR):
            low, high = (100 * end for end in test.found.interval)
            value = 100 * test.found.difference
            return f"{value:+.1f} ({low:+.1f} … {high:+.1f}), p {p_text(corrected)}"
    return "not tested"


def results():
    """Return the accuracies on the largest data sets in Markdown, beside the kernel."""
    found = {}
    for position, (_, spec, trials) in enumerate(benchmarks()):
        if spec.name in SHOWN:
            grid = score_grids(trials)[PROTOCOL]
            for name in spec.datasets:
                scores = [grid.get((method, name)) for method in COLUMNS.values()]
                found[name] = (scores, difference(position, name))
    names = sorted(found, key=lambda name: get_card(name).graphs)[-ROWS:]
    shown = [one for name in names for one in found[name][0] if one is not None]
    rows, few = [], False
    for name in names:
        scores, text = found[name]
        once = scores[-1].seeds == 1
        few |= once
        cells = [
            "" if one is None else f"{100 * one['accuracy'].mean:.1f}{mark(one)}" for one in scores
        ]
        rows.append([name + (" ¹" if once else ""), *cells, text])
    seeds = max(one.seeds for one in shown)
    caption = (
        f"Accuracy in % of an SVM on frozen embeddings: mean over 10 folds and {word(seeds)} "
        f"repetitions{' (¹ one)' if few else ''}. The encoders are GINs of three layers of 32, "
        "trained without labels, with settings that were fixed before; the kernel, "
        "Weisfeiler–Lehman optimal assignment, learns nothing. Brackets hold 95 % intervals; p is "
        f"corrected by Holm's method for all {len(corrected_tests())} tests of "
        f"[docs/results.md](docs/results.md), whose {word(len(rows))} largest data sets these are."
    )
    head = ["data set", *COLUMNS, f"{PAIR[0]} − {PAIR[1]}, points"]
    return Table(caption + footnotes(shown), head, rows).markdown()


def kind(position, test):
    """Return "gain" over an untrained encoder, "hard" against plain negatives, or "other"."""
    trials = {trial.method: trial for trial, _ in benchmarks()[position][2]}
    first, second = trials[test.first], trials[test.second]
    if first.baseline or second.baseline:
        return "other"
    if second.epochs == (0,) and any(first.epochs) and test.found.difference > 0:
        return "gain"
    trained = any(first.epochs) and any(second.epochs)
    hard = first.config.objective.startswith("h-") and second.config.objective in PLAIN
    return "hard" if hard and trained else "other"


def by_data_set(tests):
    """Return the differences on each data set, as the least and the largest one."""
    parts = []
    for name, group in groupby(sorted(tests, key=lambda test: test.dataset), lambda t: t.dataset):
        points = sorted(100 * test.found.difference for test in group)
        ends = dict.fromkeys(f"{points[k]:+.1f}" for k in (0, -1))
        parts.append(f"{name} ({' to '.join(ends)} points)")
    return listed(parts)


def counts():
    """Return how many tests there are, and which survive the correction, in Markdown."""
    judged = [(kind(where, test), test, p) for where, test, p in corrected_tests()]
    lasting = [(name, test) for name, test, p in judged if p < SIGNIFICANT]
    gains = [test for name, test in lasting if name == "gain"]
    others = [test for name, test in lasting if name == "other"]
    hard = sum(name == "hard" for name, _ in lasting)
    below = sum(test.found.p_value < SIGNIFICANT for _, test, _ in judged)
    text = (
        f"Of the {len(judged)} paired tests of [docs/results.md](docs/results.md), {word(below)} "
        f"have p < .05, and {word(len(lasting))} survive Holm's correction."
    )
    if gains:
        text += (
            f" Gains over the same encoder untrained: {word(len(gains))}, on {by_data_set(gains)}."
        )
    if others:
        texts = [
            f"{test.first} beside {test.second} on {test.dataset} "
            f"({100 * test.found.difference:+.1f})"
            for test in others
        ]
        text += f" Others: {'; '.join(texts)}."
    compared = sum(name == "hard" for name, _, _ in judged)
    return text + (
        f" Of the {compared} tests of hard against plain negatives, {word(hard)} "
        f"{'survives' if hard == 1 else 'survive'}."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when the README is out of date"
    )
    options = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    new = with_blocks(text, COMMAND, {"results": results(), "tests": counts()})
    if options.check:
        print("the README is up to date" if new == text else f"{README} is out of date")
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
