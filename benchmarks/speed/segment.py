"""Segment reductions over native torch against torch-scatter, forward and backward.

    python -m benchmarks.speed.segment            writes benchmarks/results/segment.json
    python -m benchmarks.speed.segment --quick    the two smallest shapes; writes nothing
    python -m benchmarks.speed.segment --check    exit 1 when torch-scatter is faster by a fifth

Ratios are torch-scatter / ours, medians over paired rounds. Needs the extra `scatter`.
"""

import statistics
import sys
from functools import partial

import torch

from benchmarks.speed import _bench
from graph_hcl.console import lenient_stdout
from graph_hcl.losses import segment as ours

SHAPES = [(512, 512, 6), (4096, 128, 100), (10**5, 1, 1000), (2000, 2000, 15), (10**5, 32, 3000)]
REDUCTIONS = ("sum", "mean")
GOAL = 0.8


def pass_through(reduce, values, segment, count):
    """Run one forward and backward pass."""
    leaf = values.clone().requires_grad_()
    reduce(leaf, segment, count).sum().backward()


def compare(name, scatter, values, segment, count):
    """Return milliseconds and the ratio of a reduction to that of torch-scatter."""

    def peer(values, segment, count):
        return getattr(scatter, f"scatter_{name}")(values, segment, 0, dim_size=count)

    works = [
        partial(pass_through, reduce, values, segment, count)
        for reduce in (getattr(ours, f"segment_{name}"), peer)
    ]
    mine, theirs = _bench.paired_seconds(works, rounds=15)
    return {
        "milliseconds": round(1e3 * statistics.median(mine), 3),
        "ratio": round(_bench.paired_ratio(theirs, mine), 2),
    }


def main():
    options = _bench.parser(__doc__, "two small shapes").parse_args()
    try:
        import torch_scatter as scatter
    except ImportError:
        sys.exit("Needs torch-scatter: pip install --no-build-isolation -e '.[scatter]'.")
    table = {}
    for rows, width, count in SHAPES[:2] if options.quick else SHAPES:
        torch.manual_seed(0)
        values, segment = torch.randn(rows, width), torch.randint(count, (rows,))
        for name in REDUCTIONS:
            title = f"{name} {rows}x{width} into {count}"
            table[title] = compare(name, scatter, values, segment, count)
            print(f"{title:28s}", table[title], flush=True)
    if not options.quick:
        setting = {"setting": _bench.machine("torch-scatter")}
        _bench.write_result("segment", setting | {"segments": table})
    missed = [f"{k}: {row['ratio']} × < {GOAL}" for k, row in table.items() if row["ratio"] < GOAL]
    return _bench.conclude(missed, options.check)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
