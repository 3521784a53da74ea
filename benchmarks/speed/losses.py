"""Seconds and memory of the contrastive losses, forward and backward, against peers.

Every point runs in a process of its own, so that its peak over the baseline (its resident memory
just before) is its own. Ratios are peer / ours at the same number of rows, of width 128.

    python -m benchmarks.speed.losses            256 … 65 536 rows, twenty minutes; writes the JSON
    python -m benchmarks.speed.losses --rows 256 512    only these again
    python -m benchmarks.speed.losses --quick    up to 2 048 rows, under a minute; writes nothing
    python -m benchmarks.speed.losses --check    exit 1 when a stated ratio or limit is missed
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from benchmarks.speed import _bench
from graph_hcl.console import lenient_stdout
from graph_hcl.losses import HSCL, HUCL, UCL, Pairs, contrastive_loss

RESULT = _bench.RESULTS / "losses.json"
DIM, TEMPERATURE = 128, 0.5
ROWS = (256, 512, 1024, 2048, 4096, 16384, 65536)
LARGEST = {"dense h-ucl": 16384, "dense h-scl": 16384, "hcl": 16384, "infonce dense": 16384}
LARGEST |= {"pml nt-xent": 1024, "pml supcon": 4096}
"""Rows beyond which a peer is not asked: it needs more memory or time than there is."""
PEERS = {
    "h-ucl": ["dense h-ucl", "hcl"],
    "h-scl": ["dense h-scl"],
    "ucl": ["pml nt-xent"],
    "scl": ["pml supcon"],
    "infonce": ["torch linear_cross_entropy", "infonce dense"],
}


def two_log_sum_exps(z, positive, negative, beta=1.0):
    """The hardened loss from the whole matrix of logits, with autograd."""
    s = z @ z.t() / TEMPERATURE
    other = negative[:, None] != negative
    hard = ((1 + beta) * s).masked_fill(~other, -math.inf).logsumexp(1)
    plain = (beta * s).masked_fill(~other, -math.inf).logsumexp(1)
    log_n = other.sum(1).log() + hard - plain
    same = positive[:, None] == positive
    same.fill_diagonal_(False)
    losses = F.softplus(log_n[:, None] - s).masked_fill(~same, 0.0)
    return (losses.sum(1) / same.sum(1)).mean()


def two_views(z, beta=1.0):
    """The same for two views, whose positives are on two diagonals."""
    half = len(z) // 2
    s = z @ z.t() / TEMPERATURE
    key = torch.arange(half).repeat(2)
    s_n = s.masked_fill(key[:, None] == key, -math.inf)
    hard, plain = ((1 + beta) * s_n).logsumexp(1), (beta * s_n).logsumexp(1)
    positive = torch.cat([s.diagonal(half), s.diagonal(half)])
    return F.softplus(math.log(2 * half - 2) + hard - plain - positive).mean()


def hcl(z, beta=1.0):
    """The computation of Robinson et al. (ICLR 2021), stated anew: exponentials, no logarithms."""
    half = len(z) // 2
    exponential = torch.exp(z @ z.t() / TEMPERATURE)
    key = torch.arange(half).repeat(2)
    others = exponential.masked_select(key[:, None] != key).view(2 * half, -1)
    positive = torch.exp((z[:half] * z[half:]).sum(1) / TEMPERATURE).repeat(2)
    importance = (beta * others.log()).exp()
    n = (importance * others).sum(1) / importance.mean(1)
    return -torch.log(positive / (positive + n)).mean()


def build(name, z, label):
    """Return the loss called `name` as a function of the rows."""
    rows = len(z)
    graph, label = torch.arange(rows // 2).repeat(2), label.repeat(2)
    ours = {
        "h-ucl": lambda z: HUCL(normalize=False)(z, graph=graph),
        "h-scl": lambda z: HSCL(normalize=False)(z, graph=graph, label=label),
        "ucl": lambda z: UCL(normalize=False)(z, graph=graph),
        "scl": lambda z: contrastive_loss(z, Pairs.among(label, None), denominator="negatives"),
        "dense h-ucl": two_views,
        "dense h-scl": lambda z: two_log_sum_exps(z, label, label),
        "hcl": hcl,
    }
    if name in ours:
        return ours[name]
    other = F.normalize(torch.randn(rows, DIM), dim=1)
    key = torch.arange(rows)
    pairs = Pairs((key, key), (key, key))
    if name == "infonce":
        return lambda z: contrastive_loss(z, pairs, other)
    if name == "infonce dense":
        return lambda z: F.cross_entropy(z @ other.t() / TEMPERATURE, key)
    if name == "torch linear_cross_entropy":
        options = torch.nn.LinearCrossEntropyOptions()
        return lambda z: F.linear_cross_entropy(z / TEMPERATURE, other, key, options=options)
    from pytorch_metric_learning.losses import NTXentLoss, SupConLoss

    if name == "pml nt-xent":
        return lambda z: NTXentLoss(TEMPERATURE)(z, graph)
    return lambda z: SupConLoss(TEMPERATURE)(z, label)


def resident():
    """Resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(name, rows):
    """Return loss, median seconds and peak MiB over the baseline, in this process."""
    torch.manual_seed(0)
    z, label = F.normalize(torch.randn(rows, DIM), dim=1), torch.randint(6, (rows // 2,))
    loss = build(name, z, label)
    build(name, z[:64], label[:32])(z[:64]) if "pml" in name else None

    def once():
        leaf = z.clone().requires_grad_()
        start = time.perf_counter()
        value = loss(leaf)
        value.backward()
        return time.perf_counter() - start, value

    # Watching the memory costs a short call time, so such calls are timed once more without.
    short, seconds = rows <= 4096, []
    baseline, peak, done = resident(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(5 if rows <= 1024 else 1):
        spent, value = once()
        seconds += [] if short else [spent]
    done.set()
    watcher.join()
    started = time.perf_counter()
    while short and time.perf_counter() - started < 3.0 and len(seconds) < 200:
        seconds.append(once()[0])
    return {
        "loss": value.item(),
        "seconds": round(statistics.median(seconds), 5),
        "mib": round(peak[0] - baseline, 1),
    }


def point(name, rows):
    """Return the measurement of one point by a process of its own, or why there is none."""
    try:
        return _bench.in_own_process("benchmarks.speed.losses", name, rows)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        return {"failed": lines[-1] if lines else f"exit code {error.returncode}"}


def misses(table):
    """Return the stated goals that the table does not reach."""
    found = []

    def demand(holds, text):
        if not holds:
            found.append(text)

    for rows, row in table.items():
        for name in ("h-ucl", "h-scl"):
            ours, dense = row.get(name), row.get(f"dense {name}")
            if rows == 16384:
                demand(ours["mib"] <= 300, f"{name} at 16384: {ours['mib']} MiB > 300")
                ratio = dense["seconds"] / ours["seconds"]
                demand(ratio >= 2, f"{name} at 16384: {ratio:.1f} × faster than dense < 2")
            if rows == 65536:
                demand(ours["mib"] <= 600, f"{name} at 65536: {ours['mib']} MiB > 600")
        if rows == 16384:
            ratio = row["hcl"]["mib"] / row["h-ucl"]["mib"]
            demand(ratio >= 20, f"h-ucl at 16384: {ratio:.0f} × less memory than HCL < 20")
        for ours, peers in PEERS.items():
            for peer in peers:
                a, b = row.get(ours, {}), row.get(peer, {})
                if "seconds" in a and "seconds" in b:
                    both = b["seconds"] < a["seconds"] and b["mib"] < a["mib"]
                    demand(not both, f"{peer} at {rows} is both faster and smaller than {ours}")
    return found


def main():
    parser = _bench.parser(__doc__, "up to 2 048 rows")
    parser.add_argument("--rows", type=int, nargs="+", help="only these rows, put into the JSON")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        print(json.dumps(measure(options.point[0], int(options.point[1]))))
        return 0
    table = {}
    if options.rows and RESULT.exists():
        table = {
            int(rows): row
            for rows, row in json.loads(RESULT.read_text(encoding="utf-8"))["rows"].items()
        }
    chosen = options.rows or [rows for rows in ROWS if not options.quick or rows in (512, 2048)]
    for rows in chosen:
        table[rows] = {}
        for ours, peers in PEERS.items():
            for name in [ours, *peers]:
                if rows > LARGEST.get(name, ROWS[-1]):
                    continue
                found = table[rows][name] = point(name, rows)
                if "failed" in found:
                    print(f"{rows:6d} {name:28s} {found['failed']}", flush=True)
                    continue
                against = table[rows][ours]
                ratios = f"{found['seconds'] / against['seconds']:7.2f} × the time"
                print(
                    f"{rows:6d} {name:28s} {found['seconds']:9.4f} s {found['mib']:8.1f} MiB "
                    f"{ratios if name != ours else ''}",
                    flush=True,
                )
    missed = misses(table)
    if not options.quick:
        setting = {"dim": DIM, "temperature": TEMPERATURE} | _bench.machine()
        _bench.write_result("losses", setting | {"rows": table, "missed": missed})
    return _bench.conclude(missed, options.check)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
