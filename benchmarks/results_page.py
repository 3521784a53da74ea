"""Write docs/results.md from the committed cells of the benchmarks.

python benchmarks/results_page.py            reads benchmarks/results/*/cells, writes the page
python benchmarks/results_page.py --quick    the same: it takes seconds
python benchmarks/results_page.py --check    exit 1 when the committed page is another one
"""

import argparse
import os
import re
import sys
from collections import Counter
from pathlib import Path

from graph_hcl.sweep.cells import expand
from graph_hcl.sweep.spec import read_spec
from graph_hcl.sweep.tables import all_tables, published_table
from graph_hcl.sweep.work import CellFolder

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
INTRODUCTION = """\
# Results

Every number here is computed from the cells under `benchmarks/results/`, one JSON per data set,
method, candidate and repetition, by `python benchmarks/results_page.py`; the command above each
table makes the cells anew. Where a method has candidates, each fold takes the one that is best on
its own validation part; test scores decide nothing. Differences between rows are noise unless the
paired test below the table says otherwise, and a method that does not beat the untrained encoder
has learned nothing that this probe can see.
"""


def section(file, folder):
    """Return the part of the page on one benchmark, or nothing before its first cell."""
    spec = read_spec(file, os.environ.get("GRAPH_HCL_SPLITS"))
    cells = folder_cells(spec, folder)
    finished = [record for _, record in cells if record is not None]
    if not finished:
        return ""
    name = file.relative_to(ROOT)
    lines = [f"## {spec.name}", ""]
    lines += [comment(file), ""]
    lines += [
        "```",
        f"python -m graph_hcl.benchmark {name} --out {folder.relative_to(ROOT)}",
        "```",
    ]
    seconds = sum(sum(record["seconds"].values()) for record in finished)
    versions = Counter(
        ", ".join(f"{k} {v}" for k, v in record["versions"].items()) for record in finished
    )
    lines += ["", f"{len(finished)} of {len(cells)} cells, {seconds / 3600:.1f} hours of work."]
    lines += [f"Versions: {'; '.join(versions)}.", ""]
    for key, table in all_tables(cells, spec.compare).items():
        if key != "published":
            lines += [table.markdown(), ""]
    missing = Counter((cell.dataset, cell.method) for cell, record in cells if record is None)
    if missing:
        names = ", ".join(f"{method} on {data} ({n})" for (data, method), n in missing.items())
        lines += [f"Not finished: {names}.", ""]
    return "\n".join(lines)


def folder_cells(spec, folder):
    """Return the benchmark's cells with their records."""
    found = CellFolder(folder)
    return [(cell, found.record(cell)) for cell in expand(spec)]


def comment(file):
    """Return the comment that a benchmark file begins with."""
    found = re.match(r"(?:#.*\n)+", file.read_text(encoding="utf-8"))
    return re.sub(r"^# ?", "", found[0], flags=re.M).strip() if found else ""


def page():
    """Return the whole page."""
    parts, datasets = [INTRODUCTION], []
    for file in sorted((ROOT / "configs" / "benchmark").glob("*.yaml")):
        folder = ROOT / "benchmarks" / "results" / file.stem
        if folder.is_dir():
            parts.append(section(file, folder))
            datasets += [name for name in read_spec(file).datasets if name not in datasets]
    parts += ["## Published", "", published_table(datasets).markdown(), ""]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the same: it takes seconds")
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is another one")
    options = parser.parse_args()
    text = page()
    if options.check:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print("the page is up to date" if same else f"{PAGE} is not what the cells say")
        return int(not same)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
