"""The section on GPUs of docs/scale/performance.md, from what `benchmarks.gpu` measured."""

import json

from benchmarks.pages.numbers import SPACE, number, time, times
from benchmarks.pages.records import ROOT
from benchmarks.science.table import table

FOLDER = ROOT / "benchmarks" / "results" / "gpu"
NOTHING = "Not measured on a GPU yet."
SHOWN = ("h-ucl", "h-scl")
PEERS = {
    "HCL restated, dense": "Robinson et al., restated",
    "InfoNCE, dense cross entropy": "a dense InfoNCE",
}
"""Peers by their names in the results, and on the page."""
KINDS = {"tf32": "TF32"}


def read(folder=FOLDER):
    """Return the results of all devices, in the order of their files' names."""
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def section(results):
    """Return the section in Markdown, a part for each device.

    >>> section([])
    'Not measured on a GPU yet.'
    """
    return "\n\n".join(map(device, results)) or NOTHING


def device(result):
    """Return the part of one device: what it is, losses, epochs, and the large step."""
    steps = {name: step.get("found") for name, step in result["steps"].items()}
    parts = [introduction(result["device"], steps)]
    if steps.get("losses"):
        parts.append(loss_table(steps["losses"]))
    if steps.get("epochs"):
        parts.append(epoch_table(steps["epochs"]))
    if recorded := recorded_steps(steps.get("CUDA graphs") or {}):
        parts.append(recorded)
    if steps.get("large step"):
        parts.append(large_step(steps["large step"]))
    failed = [name for name, step in result["steps"].items() if "failed" in step]
    if failed:
        parts.append(f"Not measured there, since it failed: {', '.join(failed)}.")
    return "\n\n".join(parts)


def introduction(about, steps):
    """Return the device, its versions and rates, and how the tests ended, as sentences."""
    versions = [f"PyTorch {about['torch']}"]
    versions += [
        f"{k} {about[n]}" for k, n in (("CUDA", "cuda"), ("driver", "driver")) if about.get(n)
    ]
    text = f"**{about['name']}** ({', '.join(versions)})."
    if limits := steps.get("limits"):
        rates = limits["matrix products TFLOP/s"]
        parts = [f"{rate:.3g} in {KINDS.get(kind, kind)}" for kind, rate in rates.items() if rate]
        text += f" Its own products of matrices, in TFLOP/s: {', '.join(parts)}."
    tests = steps.get("tests") or {}
    if summary := tests.get("summary"):
        text += f" Tests: {summary.strip('= ').partition(' in ')[0]}."
    waits = steps.get("waits of training")
    if waits:
        text += f" Waits for the device in an epoch: {waits['epoch']:g}."
    return text


def loss_table(found):
    """Return time, memory and share of the rate of our losses and their peers by rows."""
    head = ["rows", "numbers", *(f"`{loss}`" for loss in SHOWN), *PEERS.values(), "share"]
    lines = []
    for kind, cells in found["by kind"].items():
        sizes = sorted({int(size) for cell in cells.values() for size in cell})
        for size in sizes:
            row = {name: cell.get(str(size), {}) for name, cell in cells.items()}
            ours = [row.get(f"{loss}, auto", {}) for loss in SHOWN]
            theirs = [row.get(name, {}) for name in PEERS]
            if not any("ms" in cell for cell in ours):
                continue
            share = ours[0].get("share")
            last = "–" if share is None else f"{100 * share:.0f}{SPACE}%"
            lines.append([number(size), KINDS.get(kind, kind), *map(_cell, [*ours, *theirs]), last])
    caption = (
        f"Losses, forward and backward, width {found['width']}. The last column is the share of "
        f"the device's own rate that `{SHOWN[0]}` reaches, counting {found['counted']}"
    )
    return f"{caption}\n\n{table(head, lines)}"


def epoch_table(found):
    """Return our seconds per epoch, the usual pipeline's, and the shares of our stages."""
    names = ("views", "encoder", "loss", "backward", "optimizer")
    lines = []
    for name, row in found.items():
        if "seconds" not in row:
            continue
        whole = sum(row["stages"].values())
        shares = [f"{100 * row['stages'][stage] / whole:.0f}{SPACE}%" for stage in names]
        theirs = min(row["pyg seconds by workers"].values())
        origin = "" if row["graphs"]["source"] == "read" else " (generated)"
        ours = [time(row["seconds"]), time(theirs), times(row["times faster"])]
        lines.append([name + origin, *ours, *shares])
    head = ["graphs", "ours", "PyG pipeline", "times faster", *names]
    caption = (
        "Seconds per epoch of a GIN 3×32 with H-UCL and batches of 128, and the shares of its "
        "stages, each awaited. Generated graphs have the shapes of the data set."
    )
    return f"{caption}\n\n{table(head, lines)}"


def recorded_steps(found):
    """Return the seconds of an epoch with and without CUDA graphs as a sentence, "" without any.

    >>> recorded_steps({"A": {"seconds": 0.01, "without": 0.03, "times faster": 3.0}, "B": {}})
    'Seconds per epoch with `--cuda-graphs`, without, and their ratio: A 10\xa0ms, 30\xa0ms (3.00).'
    """
    parts = [
        f"{name} {time(row['seconds'])}, {time(row['without'])} ({times(row['times faster'])})"
        for name, row in found.items()
        if "seconds" in row
    ]
    text = f"Seconds per epoch with `--cuda-graphs`, without, and their ratio: {'; '.join(parts)}."
    return text if parts else ""


def large_step(found):
    """Return one whole step of training at many graphs, ours and dense ones, as a sentence."""
    parts = [
        f"{PEERS.get(name, name)} {_cell(cell) if 'ms' in cell else cell['missing']}"
        for name, cell in found["steps"].items()
    ]
    return f"A whole step of {number(found['graphs'])} graphs in two views: {'; '.join(parts)}."


def _cell(cell):
    if "ms" not in cell:
        return "–"
    memory = "" if cell["MiB"] is None else f", {cell['MiB']:.0f}{SPACE}MiB"
    return time(cell["ms"] / 1e3) + memory
