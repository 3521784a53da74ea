"""Write the README's tables of scores, times and memory from `benchmarks/results/`.

python -m benchmarks.pages.readme            rewrites the blocks between the marks
python -m benchmarks.pages.readme --check    exit 1 when a block is out of date
"""

import argparse
import json
import sys

from benchmarks.pages.results import ROOT, short
from graph_hcl.console import lenient_stdout

README = ROOT / "README.md"
SIDES = ("start", "end")
PEERS = {
    "h-ucl": ["dense h-ucl", "hcl"],
    "h-scl": ["dense h-scl"],
    "scl": ["pml supcon"],
    "ucl": ["pml nt-xent"],
    "infonce": ["infonce dense", "torch linear_cross_entropy"],
}
"""Our losses and their peers, by their names in the results."""


def read(name):
    """Return the results of a benchmark."""
    return json.loads(
        (ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8")
    )


def rows():
    """Yield what was measured, the peer, seconds of both, and their ratio."""
    pipeline = read("pipeline")
    for name, row in pipeline["sets"].items():
        yield f"{name}: an epoch", "PyG pipeline", row["seconds"], row["pyg"], row["ratio"]
    for name, row in read("evaluation")["rows"].items():
        for jobs in (1, 2):
            if ratio := row.get(f"ratio_{jobs}"):
                peer, seconds = f"scikit-learn, `n_jobs={jobs}`", row["seconds"]
                yield f"{name}: {row['folds']} folds", peer, seconds, seconds * ratio, ratio
    for name, row in read("loading")["sets"].items():
        ours, theirs = row["first"]["seconds"], row["pyg first"]["seconds"]
        yield f"{name}: read", "PyG `TUDataset`", ours, theirs, row["ratio"]
    for row in read("augmentation")["rows"]:
        name = "random choice of four" if "|" in row["view"] else f"`{row['view']}`"
        ours = 1 / row["views_per_second"]
        yield f"{name}: a view", "loop over graphs", ours, 1 / row["loop"], row["times_loop"]
        if "pyg" in row:
            yield f"{name}: a view", "PyG functions", ours, 1 / row["pyg"], row["times_pyg"]


def loss_rows():
    """Yield rows, loss, peer, and the measurements of both; None without a peer."""
    for rows, row in read("losses")["rows"].items():
        for loss, peers in PEERS.items():
            there = [peer for peer in peers if "seconds" in row.get(peer, {})]
            for peer in there or [None]:
                if "seconds" in row.get(loss, {}):
                    yield int(rows), loss, peer, row[loss], row.get(peer)


def time_and_memory(point):
    """Return the time and memory of a measurement as text."""
    seconds = point["seconds"]
    time = f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
    return f"{time}, {point['mib']:.0f} MiB"


def losses():
    """Return the table of the losses in Markdown."""
    lines = [
        "| rows | loss | against | ours | theirs | times faster | times smaller |",
        "|---|---|---|---|---|---|---|",
    ]
    for rows, loss, peer, a, b in loss_rows():
        cells = [f"{rows:_}".replace("_", " "), loss, peer or "–", time_and_memory(a)]
        cells += ["–"] * 3
        if b is not None:
            ratios = (b[key] / a[key] for key in ("seconds", "mib"))
            cells[4:] = [
                time_and_memory(b),
                *(f"{r:.2f}" if r < 10 else f"{r:.0f}" for r in ratios),
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def table():
    """Return the table in Markdown."""
    lines = ["| what | against | ours, s | theirs, s | times faster |", "|---|---|---|---|---|"]
    lines += [f"| {w} | {p} | {a:.3g} | {b:.3g} | {r:.3g} |" for w, p, a, b, r in rows()]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when the README is out of date"
    )
    options = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    new = text
    blocks = {"table": table(), "losses": losses(), "results": short("transductive").markdown()}
    for name, made in blocks.items():
        start, end = (f"<!-- benchmarks/pages/readme.py, {name}: {side} -->\n" for side in SIDES)
        before, rest = new.split(start)
        new = before + start + made.rstrip() + "\n" + end + rest.split(end)[1]
    if options.check:
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
