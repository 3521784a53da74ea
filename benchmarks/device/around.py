"""What surrounds the training: views, embeddings, probes, and the commands."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.device import peers
from benchmarks.device.graphs import describe, graphs_of
from benchmarks.device.machine import Machine
from benchmarks.device.training_speed import BATCH, model
from graph_hcl.augment import ViewSampler, parse, sample_view
from graph_hcl.config import RANDOM_VIEW
from graph_hcl.data.fetch import find_card
from graph_hcl.training import embed

ROOT = Path(__file__).parents[2]
VIEWS = {
    "edge_drop(0.2)": "dropout_edge",
    "node_drop(0.2)": "dropout_node",
    "feature_mask(0.2)": "mask_feature",
    "subgraph(0.8)": None,
    RANDOM_VIEW: None,
}
"""Our views, and PyG's function for the same, which draws no exact shares."""
AT_ONCE = (2**16, 2**18, 2**20, 2**22)
"""Most nodes and edges that are drawn at once; the package takes the second, fit for a CPU."""
LIMIT = 60
"""Seconds that one command may take."""


def views(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return milliseconds of a view of 128 graphs beside PyG's function, and of an epoch's views.

    Two default views of each graph are drawn for an epoch, by how much is drawn at once.
    """
    from torch_geometric.utils import dropout_edge, dropout_node, mask_feature

    host, source = graphs_of("PROTEINS", mirror)
    batch = host.to(on.device).batch(slice(0, BATCH))
    theirs = {
        "dropout_edge": lambda: dropout_edge(batch.edge_index, 0.2, force_undirected=True),
        "dropout_node": lambda: dropout_node(batch.edge_index, 0.2, num_nodes=batch.num_nodes),
        "mask_feature": lambda: mask_feature(batch.x, 0.2, mode="row"),
    }
    made = torch.Generator(on.device).manual_seed(0)
    on.found |= {"source": source, "graphs": BATCH}
    cells = on.found.setdefault("views", {})
    for text, peer in VIEWS.items():
        view, row = parse(text), cells.setdefault(text, {})
        on.each(row, "ours", on.measure, partial(sample_view, batch, view, made), 0.2)
        if peer is not None:
            on.each(row, f"PyG {peer}", on.measure, theirs[peer], 0.2)
    store, view = host.to(on.device), parse(RANDOM_VIEW)
    parts = torch.arange(len(store)).split(BATCH)

    def epoch(at_once: int) -> None:
        for _ in ViewSampler([view, view], max_elements=at_once)(store, parts, made):
            pass

    cells = on.found.setdefault("epoch by elements at once", {})
    for count in AT_ONCE:
        on.each(cells, count, on.measure, partial(epoch, count), 0.3)
    return on.found


def embedding(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return how many graphs are embedded per second, beside PyG with a loader."""
    for name in ("PROTEINS",) if on.quick else ("PROTEINS", "NCI1", "REDDIT-BINARY"):
        on.each(on.found, name, _embedded, on, name, mirror)
    return on.found


def _embedded(on: Machine, name: str, mirror: str | None) -> dict[str, Any]:
    host, source = graphs_of(name, mirror, quick=on.quick)
    store = host.to(on.device)
    net = model(store, on.device)
    on.first(lambda: embed(net, store, on.device))
    seconds = statistics.median(on.seconds(lambda: embed(net, store, on.device)) for _ in range(3))
    return {
        "graphs": describe(host) | {"source": source},
        "ours per second": len(store) / seconds,
        "pyg per second": peers.graphs_per_second(list(host), on),
    }


def probes(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return the seconds of the probes, which run on the CPU, beside scikit-learn's search."""
    host, source = graphs_of("PROTEINS", mirror, quick=on.quick)
    x = embed(model(host.to(on.device), on.device), host.to(on.device), on.device)
    assert host.y is not None
    on.found |= {"source": source, "graphs": len(host.y)}
    cells = on.found.setdefault("probes", {})
    for probe in ("svm", "logistic"):
        on.each(cells, probe, _probed, on, probe, x, host.y.numpy())
    return on.found


def _probed(on: Machine, probe: str, x: Any, y: Any) -> dict[str, Any]:
    from graph_hcl.probes import evaluate, stratified_folds

    few = slice(None, None, max(1, len(y) // 60))
    on.first(lambda: evaluate(x[few], y[few], probe=probe, folds=3))  # compiles what is compiled
    start = time.perf_counter()
    evaluation = evaluate(x, y, probe=probe)
    found = {"seconds": time.perf_counter() - start}
    if not on.quick and on.left() > 5:
        own, folds = evaluation.folds[0], stratified_folds(y, folds=10, seed=0)
        found |= _by_sklearn(x, y, probe, folds, (own.predictions, own.params["C"]))
    return found


def _by_sklearn(x: Any, y: Any, probe: str, folds: Any, ours: Any) -> dict[str, Any]:
    """Return the seconds of scikit-learn's search, from one of ten folds, and whether it agrees."""
    try:
        from benchmarks.speed.evaluation import theirs
    except ImportError as error:
        return {"scikit-learn": {"missing": str(error)}}
    seconds, answers = theirs(x, y, probe, 1, [0], folds)
    return {"scikit-learn": {"seconds": 10 * seconds, "same answers": answers == [ours]}}


def commands(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return exit codes, seconds and last lines of the commands, on the device and on the CPU."""
    data = "MUTAG" if mirror or importlib.util.find_spec("grakel") else "digits"
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder, "run"))
        shared = ["--dataset", data, "--epochs", "3", "--probe.name", "class-mean"]
        shared += ["--mirror", mirror] if mirror and find_card(data) else []
        calls = {"train": ["train", *shared, "--device", str(on.device), "--out", run]}
        calls["resume"] = ["train", "--resume", run]
        if not on.quick:
            for objective in ("h-scl", "infograph"):
                own = ["--objective", objective, "--device", str(on.device)]
                own += ["--out", str(Path(folder, objective))]
                calls[f"train {objective}"] = ["train", *shared, *own]
            calls["evaluate"] = ["evaluate", run]
            calls["embed"] = ["embed", run, "--out", str(Path(folder, "z.npz"))]
            on_cpu = ["--device", "cpu", "--out", str(Path(folder, "cpu"))]
            calls["train on the CPU"] = ["train", *shared, *on_cpu]
        for name, words in calls.items():
            on.each(on.found, name, lambda words=words: command(words, min(LIMIT, on.left())))
    return on.found


def command(words: list[str], limit: float) -> dict[str, Any]:
    """Run one command of the package; return its exit code, seconds and last lines."""
    start = time.perf_counter()
    call = [sys.executable, "-m", f"graph_hcl.{words[0]}", *words[1:]]
    try:
        done = subprocess.run(
            call, capture_output=True, encoding="utf-8", errors="replace", timeout=limit, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"took more than {limit:.0f} s"}
    end = (done.stdout + done.stderr)[-1200:]
    return {"exit": done.returncode, "seconds": time.perf_counter() - start, "end": end}
