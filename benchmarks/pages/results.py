"""Write docs/results.md from the committed records of the benchmarks.

    python -m benchmarks.pages.results            reads benchmarks/results/*.jsonl, writes the page
    python -m benchmarks.pages.results --check    exit 1 when the page is out of date

Needs $GRAPH_HCL_SPLITS, the folder of the fixed folds, which are part of the trials' identity.
"""

import argparse
import re
import sys
from collections import Counter

from benchmarks.pages.records import (
    DEVELOPMENT,
    ROOT,
    SIGNIFICANT,
    benchmarks,
    corrected_tests,
    development_benchmark,
    other_p_values,
)
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.mixtures import mixtures
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.tables import (
    all_tables,
    development_tables,
    footnotes,
    mark,
    published_table,
    score_grids,
)
from graph_hcl.benchmarking.trials import expand
from graph_hcl.console import lenient_stdout
from graph_hcl.data import get_card

PAGE = ROOT / "docs" / "results.md"
INTRODUCTION = """\
# Results

Every number here is computed from the records in `benchmarks/results/*.jsonl`, one line per data
set, method, candidate and repetition, by `python -m benchmarks.pages.results`; the command above
each table runs the trials that have no record.

- **Selection.** All encoders of a table, trained or not, have as many candidates: settings, epochs,
  or draws of the weights. Each fold selects the one that is best on its own validation part; test
  scores select nothing. All other settings were fixed before, as published or by default, unless
  the table names the data sets that they were chosen on. A score on one of these (†) is too high,
  and is not tested. The development sets, on which settings may be chosen, stand in no table of
  test scores on this page:
  {development}.
- **Tests.** Scores are paired by seed and fold, and repetitions on fixed folds are averaged first.
  Intervals and p-values are corrected for training sets that overlap, and p (Holm) for all
  {tests} tests of this page: {significant} are below .05, {survive} after Holm's correction.
  No other difference is shown, and a method that does not beat the untrained encoder
  has learned nothing that this probe can see.
"""
CONTRASTIVE = ("InfoGraph", "MVGRL", "JOAOv2", "AD-GCL", "SimGRACE", "RGCL", "InfoGCL", "DGCL")
CONTRASTIVE += ("GraphCL", "GraphCL + HCL", "GraphCL + debiased", "GraphCL + hardest-kNN batches")
CONTRASTIVE += ("SGCL-T",)
SHORT = {
    "transductive": {
        "bag": "bag of labels or degrees",
        "WL-OA": "WL optimal assignment",
        "untrained": "untrained GIN 3×32",
        "UCL": "UCL",
        "UCL at T′": "UCL at H-UCL's T′",
        "H-UCL": "H-UCL",
        "UCL, T chosen": "UCL, T chosen",
        "H-UCL, β chosen": "H-UCL, β chosen",
        "untrained 5×128, mean": "untrained GIN 5×128, mean",
        "UCL 5×128, mean": "UCL, GIN 5×128, mean",
        "H-UCL 5×128, mean": "H-UCL, GIN 5×128, mean",
    },
    "inductive": {
        "bag": "bag of labels or degrees",
        "WL-OA": "WL optimal assignment",
        "untrained": "untrained GIN 3×32",
        "cross-entropy": "cross-entropy",
        "SCL": "SCL",
        "H-SCL": "H-SCL",
        "untrained 5×128": "untrained GIN 5×128",
        "H-SCL 5×128": "H-SCL, GIN 5×128",
    },
}
"""Columns of the short tables by the methods of the benchmarks."""


def chosen():
    """Return the part of the page on the development sets, empty without records."""
    file, spec = development_benchmark()
    folder = TrialFolder(ROOT / "benchmarks" / "results" / DEVELOPMENT)
    if not folder.gathered_file.is_file():
        return ""
    trials = [(trial, folder.read(trial)) for trial in expand(spec)]
    tables = development_tables(trials).values()
    return "\n".join(["## development", "", comment(file), "", *(t.markdown() for t in tables), ""])


def introduction():
    """Return the introduction with the numbers of tests."""
    found = corrected_tests()
    *first, last = development_benchmark()[1].datasets
    return INTRODUCTION.format(
        development=f"{', '.join(first)} and {last}",
        tests=len(found),
        significant=sum(test.found.p_value < SIGNIFICANT for _, test, _ in found),
        survive=sum(p < SIGNIFICANT for _, _, p in found),
    )


def short(protocol):
    """Return mean accuracies by data set, beside two published ones."""
    grid = {}
    for _, spec, trials in benchmarks():
        attributes = spec.common.get("data", {}).get("node_attributes", False)
        for (method, name), scores in score_grids(trials).get(protocol, {}).items():
            grid[method, name, attributes] = scores
    columns, rows = SHORT[protocol], []
    kinds = {(get_card(name).graphs, name, attributes) for _, name, attributes in grid}
    for _, name, attributes in sorted(kinds):
        found = [grid.get((method, name, attributes)) for method in columns.values()]
        row = [name + (", attributes" if attributes else "")]
        row += [
            "" if own is None else f"{100 * own['accuracy'].mean:.1f}{mark(own)}" for own in found
        ]
        rows.append(row + published(name, protocol))
    rows.append(["candidates", *(candidates(grid, method) for method in columns.values()), "", ""])
    last = ["GraphCL + HCL", "highest contrastive"]
    if protocol == "inductive":
        last = ["GIN", "structure-agnostic"]
    caption = (
        f"Accuracy in %, {protocol} protocol, mean over folds and repetitions; the last two are "
        "published. Each fold selects from as many candidates as the last row says."
    )
    shown = [scores for (method, _, _), scores in grid.items() if method in columns.values()]
    return Table(f"{caption}{footnotes(shown)}", ["data set", *columns, *last], rows)


def candidates(grid, method):
    """Return the numbers of candidates that a method has on different data sets."""
    found = {scores.candidates for (name, _, _), scores in grid.items() if name == method}
    return " or ".join("–" if one is None else str(one) for one in sorted(found, key=str))


def published(name, protocol):
    """Return the two published accuracies to compare with, as text."""
    entries = get_card(name).published
    if protocol == "inductive":
        fixed = {e["method"]: e["accuracy"] for e in entries if "fixed 10 folds" in e["protocol"]}
        wanted = [fixed.get("GIN, supervised"), fixed.get("structure-agnostic")]
        return ["–" if one is None else f"{one:.1f}" for one in wanted]
    there = [e for e in entries if e["protocol"].startswith("transductive")]
    same = [f"{e['accuracy']:.1f}" for e in there if e["method"] == "GraphCL + HCL"]
    best = max((e for e in there if e["method"] in CONTRASTIVE), key=lambda e: e["accuracy"])
    return [*(same or ["–"]), f"{best['accuracy']:.1f} ({best['method']})"]


def section(position):
    """Return the part of the page on one benchmark, empty before its first trial is finished."""
    file, spec, trials = benchmarks()[position]
    finished = [record for _, record in trials if record is not None]
    if not finished:
        return ""
    name = file.relative_to(ROOT)
    lines = [f"## {spec.name}", ""]
    lines += [comment(file), ""]
    lines += [
        "```",
        f"python -m graph_hcl.benchmark {name} --out benchmarks/results/{spec.name}",
        "```",
    ]
    seconds = sum(sum(record["seconds"].values()) for record in finished)
    hours = f"{seconds / 3600:.1f} hours of wall-clock time on a shared machine"
    lines += ["", f"{len(finished)} of {len(trials)} trials, {hours}."]
    versions = dict.fromkeys(
        ", ".join(f"{k} {v}" for k, v in record["versions"].items()) for record in finished
    )
    lines += [f"Versions: {'; '.join(versions)}.", *mixtures(finished), ""]
    for key, table in all_tables(trials, spec.compare, other_p_values(position)).items():
        if key != "published":
            lines += [table.markdown(), ""]
    missing = Counter((trial.dataset, trial.method) for trial, record in trials if record is None)
    if missing:
        names = ", ".join(f"{method} on {data} ({n})" for (data, method), n in missing.items())
        lines += [f"Not finished: {names}.", ""]
    return "\n".join(lines)


def comment(file):
    """Return the comment that a benchmark file begins with."""
    found = re.match(r"(?:#.*\n)+", file.read_text(encoding="utf-8"))
    return re.sub(r"^# ?", "", found[0], flags=re.M).strip() if found else ""


def page():
    """Return the whole page."""
    parts, datasets = [introduction()], []
    parts += ["## In short", "", short("transductive").markdown(), ""]
    parts += [short("inductive").markdown(), ""]
    for position, (_, spec, _) in enumerate(benchmarks()):
        parts.append(section(position))
        datasets += [name for name in spec.datasets if name not in datasets]
    parts.append(chosen())
    parts += ["## Published", "", published_table(datasets).markdown(), ""]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is out of date")
    options = parser.parse_args()
    text = page()
    if options.check:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print("the page is up to date" if same else f"{PAGE} is out of date")
        return int(not same)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
