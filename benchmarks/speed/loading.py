"""Reading TU files: seconds and peak memory against PyG's TUDataset, and the second load.

Every measurement is a process of its own. Both sides start from unpacked text files in a fresh
folder; seconds count from the loading call to the tensors in memory, after all imports.

    python -m benchmarks.speed.loading            COLLAB, NCI1, REDDIT-BINARY; minutes; writes JSON
    python -m benchmarks.speed.loading --quick    MUTAG and PROTEINS, under a minute
    python -m benchmarks.speed.loading --check    exit 1 when a goal for COLLAB is missed

Needs $GRAPH_HCL_TU_MIRROR, a folder of NAME.zip files.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.speed import _bench
from graph_hcl.console import lenient_stdout


def measure(side, name, folder):
    """Load in this process; return seconds and the growth of peak memory in MiB."""
    if side == "pyg":
        from torch_geometric.datasets import TUDataset

        before, start = peak(), time.perf_counter()
        edges = TUDataset(folder, name)._data.edge_index
    else:
        from graph_hcl.data import load

        before, start = peak(), time.perf_counter()
        edges = load(name, data_dir=folder, mirror=os.environ["GRAPH_HCL_TU_MIRROR"]).edge_index
    seconds = time.perf_counter() - start
    return {
        "seconds": round(seconds, 3),
        "mib": round(peak() - before),
        "edges": edges.shape[1],
    }


def peak():
    """Peak resident memory of this process so far, MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(name, mirror):
    """Return the first and second load of both sides, each in a process of its own."""

    def run(side, folder):
        return _bench.in_own_process("benchmarks.speed.loading", side, name, folder)

    with tempfile.TemporaryDirectory() as folder:
        ours, pyg = Path(folder) / "ours", Path(folder) / "pyg"
        raw = pyg / name / "raw"
        raw.mkdir(parents=True)
        shutil.unpack_archive(mirror / f"{name}.zip", raw.parent / "zip")
        for file in (raw.parent / "zip").rglob("*.txt"):
            file.rename(raw / file.name)
        row = {
            "first": run("graph_hcl", ours),
            "second": run("graph_hcl", ours),
            "pyg first": run("pyg", pyg),
            "pyg second": run("pyg", pyg),
        }
    ratio = row["pyg first"]["seconds"] / row["first"]["seconds"]
    return row | {"ratio": round(ratio, 1)}


def misses(row):
    """Return the goals that COLLAB misses."""
    goals = (
        (row["ratio"] >= 5, f"COLLAB first load {row['ratio']} × faster < 5"),
        (row["first"]["mib"] <= 2048, f"COLLAB takes {row['first']['mib']} MiB > 2048"),
        (row["second"]["seconds"] < 2, f"COLLAB again takes {row['second']['seconds']} s > 2"),
    )
    return [text for reached, text in goals if not reached]


def main():
    parser = _bench.parser(__doc__, "two small sets")
    parser.add_argument("--point", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        print(json.dumps(measure(*options.point)))
        return 0
    mirror, table = Path(os.environ["GRAPH_HCL_TU_MIRROR"]), {}
    for name in ["MUTAG", "PROTEINS"] if options.quick else ["NCI1", "REDDIT-BINARY", "COLLAB"]:
        table[name] = compare(name, mirror)
        print(name, table[name], flush=True)
    if not options.quick:
        _bench.write_result("loading", {"setting": _bench.machine(), "sets": table})
    return _bench.conclude([] if options.quick else misses(table["COLLAB"]), options.check)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
