"""Write the README's table of what it takes from `benchmarks/results/*.json`.

python benchmarks/table.py            rewrites the block between the marks
python benchmarks/table.py --check    exit 1 when the block is not that of the results
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- benchmarks/table.py: start -->\n", "<!-- benchmarks/table.py: end -->\n"


def read(name):
    """Return the results of a benchmark."""
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def rows():
    """Yield what was measured, ours, the peer's and their ratio."""
    pipeline = read("pipeline")
    for name, row in pipeline["sets"].items():
        yield f"{name}: an epoch", "PyG pipeline", row["seconds"], row["pyg"], row["ratio"]
    for cell, row in read("evaluation")["cells"].items():
        for jobs in (1, 2):
            if ratio := row.get(f"ratio_{jobs}"):
                peer, seconds = f"scikit-learn, `n_jobs={jobs}`", row["seconds"]
                yield f"{cell}: {row['folds']} folds", peer, seconds, seconds * ratio, ratio
    for name, row in read("loading")["sets"].items():
        ours, theirs = row["first"]["seconds"], row["pyg first"]["seconds"]
        yield f"{name}: read", "PyG `TUDataset`", ours, theirs, row["ratio"]
    for row in read("augmentation")["rows"]:
        name = "random choice of four" if "|" in row["view"] else f"`{row['view']}`"
        ours = 1 / row["views_per_second"]
        yield f"{name}: a view", "loop over graphs", ours, 1 / row["loop"], row["times_loop"]
        if "pyg" in row:
            yield f"{name}: a view", "PyG functions", ours, 1 / row["pyg"], row["times_pyg"]


def table():
    """Return the table in Markdown."""
    lines = ["| what | against | ours, s | theirs, s | times faster |", "|---|---|---|---|---|"]
    lines += [f"| {w} | {p} | {a:.3g} | {b:.3g} | {r:.3g} |" for w, p, a, b, r in rows()]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when the README is behind")
    options = parser.parse_args()
    text = README.read_text()
    before, rest = text.split(START)
    new = before + START + table() + END + rest.split(END)[1]
    if options.check:
        return int(new != text)
    README.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
