"""Write the timings and figure of docs/scale/{performance,large-batches}.md from their results.

    python -m benchmarks.pages.performance            rewrites blocks between marks, and the figure
    python -m benchmarks.pages.performance --check    exit 1 when one of them is out of date

The results are `benchmarks/results/{losses,pipeline,evaluation,loading,augmentation}.json`, and
those of GPUs `benchmarks/results/gpu/*.json`.
"""

import argparse
import json
import sys

from benchmarks.pages import gpu
from benchmarks.pages.blocks import with_blocks
from benchmarks.pages.loss_figure import draw, is_current
from benchmarks.pages.numbers import SPACE, number, time, times
from benchmarks.pages.records import ROOT
from benchmarks.science.table import table
from graph_hcl.console import lenient_stdout

SCALE = ROOT / "docs" / "scale"
FIGURES = ROOT / "docs" / "figures"
COMMAND = "benchmarks/pages/performance.py"
OURS = ("ucl", "h-ucl", "scl", "h-scl", "infonce")
PEERS = {
    "h-ucl": {"dense h-ucl": "the whole matrix", "hcl": "Robinson et al., restated"},
    "h-scl": {"dense h-scl": "the whole matrix"},
    "scl": {"pml supcon": "pytorch-metric-learning"},
    "ucl": {"pml nt-xent": "pytorch-metric-learning"},
    "infonce": {
        "infonce dense": "the whole matrix",
        "torch linear_cross_entropy": "`linear_cross_entropy` of PyTorch",
    },
}
"""Our losses and their peers: names in the results, and on the page."""
MANY, MOST = "16384", "65536"
"""Numbers of rows that the summary speaks of."""


def read(name):
    """Return the results of a benchmark."""
    return json.loads(
        (ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8")
    )


def spread(ratios):
    """Return the least and the largest ratio as text.

    >>> spread([2.0, 1.3, 7.34])
    '1.3 to 7.3'
    """
    least, largest = (f"{end:.2g}" for end in (min(ratios), max(ratios)))
    return least if least == largest else f"{least} to {largest}"


def epochs():
    """Yield data set, our seconds, theirs, their ratio, and shares of our epoch."""
    for name, row in read("pipeline")["sets"].items():
        yield name, row["seconds"], row["pyg"], row["ratio"], row["network"], row["views"]


def probes():
    """Yield probe, folds, processes of scikit-learn, our seconds, and the ratio."""
    for name, row in read("evaluation")["rows"].items():
        for jobs in (1, 2):
            if f"ratio_{jobs}" in row:
                yield name, row["folds"], jobs, row["seconds"], row[f"ratio_{jobs}"]


def reading():
    """Yield data set, seconds of our first and second reading and of PyG's, and the ratio."""
    for name, row in read("loading")["sets"].items():
        kinds = ("first", "pyg first", "second", "pyg second")
        yield name, *(row[kind]["seconds"] for kind in kinds), row["ratio"]


def views():
    """Yield view, our seconds, those of a loop and of PyG's functions (or None), and ratios."""
    for row in read("augmentation")["rows"]:
        name = "a random choice of four" if "|" in row["view"] else f"`{row['view']}`"
        pyg = 1 / row["pyg"] if "pyg" in row else None
        ours = 1 / row["views_per_second"]
        yield name, ours, 1 / row["loop"], pyg, row["times_loop"], row.get("times_pyg")


def against():
    """Yield loss, peer's name on the page, rows, and the measurements of both."""
    found = read("losses")["rows"]
    for loss, peers in PEERS.items():
        for peer, name in peers.items():
            for rows, row in found.items():
                if "seconds" in row.get(loss, {}) and "seconds" in row.get(peer, {}):
                    yield loss, name, rows, row[loss], row[peer]


def summary():
    """Return what a user gains, in three points."""
    found = read("losses")["rows"]
    ours, dense, most = found[MANY]["h-ucl"], found[MANY]["dense h-ucl"], found[MOST]["h-ucl"]
    svm = [ratio for name, _, _, _, ratio in probes() if "svm" in name]
    return "\n".join(
        [
            f"- **Losses.** {number(MANY)} rows under H-UCL take {time(ours['seconds'])} and "
            f"{ours['mib']:.0f}{SPACE}MiB, forward and backward. The same formula from the whole",
            f"  matrix takes {dense['seconds'] / ours['seconds']:.0f} times as long and "
            f"{dense['mib'] / ours['mib']:.0f} times the memory. {number(MOST)} rows take "
            f"{most['mib']:.0f}{SPACE}MiB.",
            f"- **Training.** An epoch is {spread([row[3] for row in epochs()])} times as fast as "
            "with the usual PyG pipeline, same model and loss.",
            f"- **Around it.** The support vector machine is {spread(svm)} times as fast as "
            "scikit-learn's with the same answers,",
            f"  reading a TU data set {spread([row[-1] for row in reading()])} times as fast as "
            "PyG's.",
        ]
    )


def slower():
    """Return the peers that were faster, in one sentence."""
    names = [
        f"PyG's own function for {v[0]} ({1 / v[5]:.1f} times)"
        for v in views()
        if v[5] and v[5] < 1
    ]
    names += [f"PyG's pipeline on {row[0]}" for row in epochs() if row[3] < 1]
    names += [f"scikit-learn for {row[0]}" for row in probes() if row[4] < 1]
    found = {}
    for loss, name, rows, a, b in against():
        if b["seconds"] < a["seconds"]:
            found.setdefault((loss, name), []).append((rows, a["seconds"] / b["seconds"]))
    for (loss, name), points in found.items():
        *first, last = (number(rows) for rows, _ in points)
        where = f"{', '.join(first)} and {last}" if first else last
        factor = max(ratio for _, ratio in points)
        names.append(f"{name} for `{loss}` at {where} rows (up to {factor:.1f} times)")
    return f"Faster than ours: {'; '.join(names)}." if names else "No peer was faster."


def epoch_table():
    head = ["data set", "ours", "PyG pipeline", "times faster", "encoder", "slicing and views"]
    rows = [
        [name, time(a), time(b), times(ratio), f"{100 * network:.0f} %", f"{100 * view:.0f} %"]
        for name, a, b, ratio, network, view in epochs()
    ]
    return table(head, rows)


def probe_table():
    head = ["embeddings and probe", "folds", "ours", "scikit-learn", "its `n_jobs`", "times faster"]
    rows = [
        [name, str(folds), time(a), time(a * ratio), str(jobs), times(ratio)]
        for name, folds, jobs, a, ratio in probes()
    ]
    return table(head, rows)


def reading_table():
    head = ["data set", "ours, first", "PyG, first", "times faster", "ours, again", "PyG, again"]
    rows = [
        [name, time(a), time(b), times(ratio), time(c), time(d)]
        for name, a, b, c, d, ratio in reading()
    ]
    return table(head, rows)


def view_table():
    head = ["view of 128 graphs", "ours", "loop", "times faster", "PyG's functions", "times faster"]
    rows = [
        [name, time(a), time(loop), times(r), time(pyg) if pyg else "–", times(s) if s else "–"]
        for name, a, loop, pyg, r, s in views()
    ]
    return table(head, rows)


def _cell(point):
    return f"{time(point['seconds'])}, {point['mib']:.0f}{SPACE}MiB" if "seconds" in point else "–"


def own_table():
    """Return time and memory of our losses by the number of rows."""
    rows = [
        [number(rows), *(_cell(row.get(loss, {})) for loss in OURS)]
        for rows, row in read("losses")["rows"].items()
    ]
    return table(["rows", *(f"`{loss}`" for loss in OURS)], rows)


def peer_table():
    """Return our losses against their peers."""
    head = ["loss", "against", "rows", "ours", "theirs", "times faster", "times smaller"]
    rows = [
        [
            *(f"`{loss}`", name, number(rows), _cell(a), _cell(b)),
            *(times(b[key] / a[key]) for key in ("seconds", "mib")),
        ]
        for loss, name, rows, a, b in against()
    ]
    return table(head, rows)


def memory_table():
    """Return what H-UCL needs beside the whole matrix, by the number of graphs in two views."""
    lines = []
    for rows, row in read("losses")["rows"].items():
        matrix = 4 * int(rows) ** 2 / 2**20
        cells = [
            number(int(rows) // 2),
            number(rows),
            f"{number(matrix) if matrix >= 1 else matrix}{SPACE}MiB",
        ]
        lines.append([*cells, _cell(row["h-ucl"]), _cell(row.get("dense h-ucl", {}))])
    head = ["graphs in two views", "rows", "one matrix of logits", "`HUCL`", "from whole matrices"]
    return table(head, lines)


def pages():
    """Return the blocks of each page."""
    return {
        SCALE / "performance.md": {
            "summary": summary(),
            "slower": slower(),
            "losses": own_table(),
            "peers": peer_table(),
            "epochs": epoch_table(),
            "probes": probe_table(),
            "reading": reading_table(),
            "views": view_table(),
            "gpu": gpu.section(gpu.read()),
        },
        SCALE / "large-batches.md": {"memory": memory_table()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is out of date")
    options = parser.parse_args()
    texts = {file: file.read_text(encoding="utf-8") for file in pages()}
    made = {file: with_blocks(texts[file], COMMAND, blocks) for file, blocks in pages().items()}
    rows = read("losses")["rows"]
    if options.check:
        stale = [str(file) for file in made if made[file] != texts[file]]
        stale += [] if is_current(rows, FIGURES) else ["the figure"]
        print("all is up to date" if not stale else f"out of date: {', '.join(stale)}")
        return int(bool(stale))
    for file, text in made.items():
        file.write_text(text, encoding="utf-8")
    draw(rows, FIGURES)
    return 0


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
