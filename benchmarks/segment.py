"""Segment reductions: ours over native torch against torch-scatter, forward and backward.

    python benchmarks/segment.py            writes benchmarks/results/segment.json
    python benchmarks/segment.py --quick    the two smallest shapes; writes nothing
    python benchmarks/segment.py --check    exit 1 when torch-scatter is faster anywhere by a fifth

Ratios are torch-scatter / ours, medians of one run. Needs the extra `scatter`.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import torch
import torch_scatter

from graph_hcl.console import any_sign
from graph_hcl.losses import segment as ours

RESULT = Path(__file__).parent / "results" / "segment.json"
SHAPES = [(512, 512, 6), (4096, 128, 100), (10**5, 1, 1000), (2000, 2000, 15), (10**5, 32, 3000)]
PAIRS = {
    "sum": (ours.segment_sum, lambda v, g, c: torch_scatter.scatter_sum(v, g, 0, dim_size=c)),
    "mean": (ours.segment_mean, lambda v, g, c: torch_scatter.scatter_mean(v, g, 0, dim_size=c)),
    "max": (ours.segment_max, lambda v, g, c: torch_scatter.scatter_max(v, g, 0, dim_size=c)[0]),
    "logsumexp": (
        ours.segment_logsumexp,
        lambda v, g, c: torch_scatter.scatter_logsumexp(v, g, 0, dim_size=c),
    ),
    "softmax": (
        ours.segment_softmax,
        lambda v, g, c: torch_scatter.scatter_softmax(v, g, 0, dim_size=c),
    ),
}


def once(reduce, values, segment, count):
    """Return seconds of one forward and backward pass."""
    leaf = values.clone().requires_grad_()
    start = time.perf_counter()
    reduce(leaf, segment, count).sum().backward()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small shapes; write no JSON")
    parser.add_argument("--check", action="store_true", help="exit 1 when a peer is faster")
    options = parser.parse_args()
    table, worst = {}, float("inf")
    for rows, width, count in SHAPES[:2] if options.quick else SHAPES:
        torch.manual_seed(0)
        values, segment = torch.randn(rows, width), torch.randint(count, (rows,))
        for name, (mine, peer) in PAIRS.items():
            seconds = [], []
            for _ in range(15):
                for found, reduce in zip(seconds, (mine, peer), strict=True):
                    found.append(once(reduce, values, segment, count))
            a, b = map(statistics.median, seconds)
            worst = min(worst, b / a)
            table[f"{name} {rows}x{width} into {count}"] = {
                "milliseconds": round(1e3 * a, 3),
                "ratio": round(b / a, 2),
            }
            print(f"{name:10s} {rows:7d} × {width:4d} {1e3 * a:8.2f} ms {b / a:6.2f} ×", flush=True)
    if not options.quick:
        setting = {"threads": torch.get_num_threads(), "cpus": os.cpu_count()}
        setting |= {"torch": torch.__version__, "torch_scatter": torch_scatter.__version__}
        RESULT.write_text(
            json.dumps(setting | {"segments": table}, indent=1) + "\n", encoding="utf-8"
        )
    print(f"least ratio {worst:.2f}")
    return int(options.check and worst < 0.8)


if __name__ == "__main__":
    with any_sign():
        sys.exit(main())
