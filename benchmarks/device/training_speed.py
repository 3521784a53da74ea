"""Training: seconds per epoch against the usual pipeline, stages, waits and one large step."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.device import peers
from benchmarks.device.graphs import SHAPES, describe, generate, graphs_of
from benchmarks.device.machine import NO_TIME, Machine
from benchmarks.device.waits import count_waits
from graph_hcl.augment import ViewSampler, parse
from graph_hcl.data import GraphStore
from graph_hcl.losses import HUCL
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import History, TrainingSettings, fit, set_seed

VIEW = "edge_drop(0.2) + feature_mask(0.2)"
BATCH = 128
LARGE = 16384
NAMES = ("PROTEINS", "NCI1", "REDDIT-BINARY", "COLLAB", "MUTAG")
TOP = 15
"""Operations that the profile lists."""


def sampler() -> ViewSampler:
    return ViewSampler([parse(VIEW), parse(VIEW)])


def model(store: GraphStore, device: torch.device) -> ContrastiveModel:
    """Return the network of `peers.Network` by this package."""
    set_seed(0)
    encoder = GraphEncoder(make_backbone("gin", store.num_features, 32, 3), 96)
    return ContrastiveModel(encoder).to(device)


def train(
    store: GraphStore, device: torch.device, epochs: int, *, recorded: bool = False
) -> list[float]:
    """Return the seconds of each epoch, its steps recorded or not; the store is on the device."""
    history = History()
    fit(
        model(store, device),
        HUCL(normalize=False),
        sampler(),
        store,
        torch.arange(len(store)),
        TrainingSettings(epochs, BATCH, cuda_graphs=recorded),
        device=device,
        callbacks=[history],
    )
    return [row["seconds"] for row in history.rows]


def epochs(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return the seconds of an epoch, of the usual pipeline's, their ratio, and our stages."""
    names = NAMES[:2] if on.quick else NAMES
    for number, name in enumerate(names):
        if on.left() <= 0:
            on.found.setdefault(name, {"missing": NO_TIME})
            continue
        share = Machine(on.device, on.quick)
        share.start(on.left() / (len(names) - number))
        host, source = graphs_of(name, mirror, quick=not on.is_cuda and on.quick)
        row = on.found.setdefault(name, {"graphs": describe(host) | {"source": source}})
        store, graphs = host.to(on.device), list(host)
        on.each(row, "each epoch", _epochs, on, store, 3)
        theirs = row.setdefault("each of pyg by workers", {})
        for workers in peers.WORKERS:
            if not (workers and (on.quick or share.left() <= 0)):
                on.each(theirs, workers, peers.epochs, graphs, share, 2, workers)
        on.each(row, "stages", stages, on, store)
        row.update(_compared(row))
        on.note(on.found)
    return on.found


def _epochs(on: Machine, store: GraphStore, epochs: int, recorded: bool = False) -> list[float]:
    """Return the seconds of each epoch, the first of which compiles."""
    found = train(store, on.device, epochs, recorded=recorded)
    on.first_calls += found[0]
    return found


def _compared(row: dict[str, Any]) -> dict[str, Any]:
    """Return the median seconds of epochs and their ratio, nothing unless all was measured.

    >>> row = {"each epoch": [9.0, 1.0, 1.0], "each of pyg by workers": {0: [3.0], 4: {}}}
    >>> _compared(row | {"stages": {}})["times faster"]
    3.0
    >>> _compared(row | {"stages": {"missing": "no"}})
    {}
    """
    ours = row["each epoch"]
    theirs = {
        workers: statistics.median(seconds)
        for workers, seconds in row["each of pyg by workers"].items()
        if isinstance(seconds, list)
    }
    if not isinstance(ours, list) or not theirs or "missing" in row["stages"]:
        return {}
    mine = statistics.median(ours[1:])
    ratio = min(theirs.values()) / mine
    return {"seconds": mine, "pyg seconds by workers": theirs, "times faster": ratio}


def stages(on: Machine, store: GraphStore) -> dict[str, float]:
    """Return the seconds of an epoch's stages, each awaited, which the epoch itself does not."""
    net, loss = model(store, on.device), HUCL(normalize=False)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    for _ in range(2):  # once to warm up
        taken = dict.fromkeys(("views", "encoder", "loss", "backward", "optimizer"), 0.0)
        parts = torch.randperm(len(store), generator=torch.Generator().manual_seed(0)).split(BATCH)
        parts = [part for part in parts if len(part) > 1]
        drawn = iter(sampler()(store, parts, torch.Generator(on.device).manual_seed(0)))
        for part in parts:
            graph = part.to(on.device).repeat(2)
            kept: dict[str, Any] = {}

            def views(kept: Any = kept, drawn: Any = drawn) -> None:
                kept["views"] = next(drawn)

            def encode(kept: Any = kept) -> None:
                kept["z"] = torch.cat([view.features(net) for view in kept["views"]])

            def contrast(kept: Any = kept, graph: Tensor = graph) -> None:
                kept["loss"] = loss(kept["z"], graph=graph)

            taken["views"] += on.seconds(views)
            taken["encoder"] += on.seconds(encode)
            taken["loss"] += on.seconds(contrast)
            taken["backward"] += on.seconds(lambda kept=kept: kept["loss"].backward())
            taken["optimizer"] += on.seconds(optimizer.step)
            optimizer.zero_grad()
    return taken


def recorded(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return the seconds of an epoch with `--cuda-graphs`, without, their ratio, and the first's.

    The first epoch records the steps, and so do later ones that meet a new shape.
    """
    for name in ("MUTAG",) if on.quick else ("PROTEINS", "NCI1", "MUTAG"):
        if on.is_cuda:
            on.each(on.found, name, _recorded, on, name, mirror)
        else:
            on.found[name] = {"missing": "CUDA graphs need a CUDA device"}
    return on.found


def _recorded(on: Machine, name: str, mirror: str | None) -> dict[str, Any]:
    host, source = graphs_of(name, mirror)
    store = host.to(on.device)
    plain = statistics.median(_epochs(on, store, 4)[1:])
    first, *later = _epochs(on, store, 6, recorded=True)
    return {
        "graphs": describe(host) | {"source": source},
        "seconds": statistics.median(later),
        "without": plain,
        "times faster": plain / statistics.median(later),
        "first epoch": first,
    }


def waiting(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return how often an epoch, and a step in it, waits for the device, and where."""
    host, _ = graphs_of("MUTAG", mirror)

    def prepared(device: torch.device, epochs: int) -> Callable[[], Any]:
        store = host.to(device)
        return lambda: train(store, device, epochs)

    on.first(lambda: count_waits(on.device, partial(prepared, epochs=1)))
    one, three = (count_waits(on.device, partial(prepared, epochs=n)) for n in (1, 3))
    places = {name: (three[name] - one[name]) / 2 for name in three}
    places = dict(sorted(((p, n) for p, n in places.items() if n), key=lambda pair: -pair[1]))
    total, steps = sum(places.values()), -(-len(host) // BATCH)
    return {"epoch": total, "steps": steps, "step": total / steps, "where": places}


def large_step(on: Machine) -> dict[str, Any]:
    """Return time and memory of one whole step at 16 384 graphs in two views, and of dense ones."""
    count = LARGE if on.is_cuda else 256
    store = generate(SHAPES["PROTEINS"], graphs=count).to(on.device)
    net, loss = model(store, on.device), HUCL(normalize=False)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    every, draw = torch.arange(count), torch.Generator(on.device).manual_seed(0)
    graph = every.to(on.device).repeat(2)

    def step(contrast: Callable[[Tensor], Tensor]) -> None:
        (views,) = sampler()(store, [every], draw)
        optimizer.zero_grad()
        contrast(torch.cat([view.features(net) for view in views])).backward()
        optimizer.step()

    whole = {"ours": lambda z: loss(z, graph=graph)} | peers.LOSSES
    whole["H-UCL in log space, dense"] = peers.log_space
    on.found |= {"graphs": count, "nodes": len(store.x)}
    cells = on.found.setdefault("steps", {})
    for name, contrast in whole.items():
        on.each(cells, name, on.measure, partial(step, contrast), 1.0)
    return on.found


def profile(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return the operations that an epoch spends most time on, as a table of text."""
    host, source = graphs_of("MUTAG" if on.quick else "PROTEINS", mirror)
    store = host.to(on.device)
    _epochs(on, store, 2)
    kinds = [torch.profiler.ProfilerActivity.CPU]
    if on.is_cuda:
        kinds.append(torch.profiler.ProfilerActivity.CUDA)
    start = time.perf_counter()
    with torch.profiler.profile(activities=kinds) as seen:
        train(store, on.device, 1)
        on.wait()
    wall = time.perf_counter() - start
    events = seen.key_averages()
    by = "self_device_time_total" if on.is_cuda else "self_cpu_time_total"
    busy = sum(getattr(event, "self_device_time_total", 0) for event in events) / 1e6
    return {
        "source": source,
        "seconds": wall,
        "device busy": busy / wall,
        "launched": sum(event.count for event in events if "LaunchKernel" in event.key),
        "table": events.table(sort_by=by, row_limit=TOP, max_name_column_width=60),
    }


def threads(on: Machine, mirror: str | None = None) -> dict[str, Any]:
    """Return the seconds of an epoch on the CPU by the number of threads."""
    before = torch.get_num_threads()
    counts = [n for n in (1, 2, 4, 8, 16) if n <= (os.cpu_count() or 1)]
    try:
        for name in ("MUTAG",) if on.quick else ("MUTAG", "PROTEINS", "NCI1"):
            store, _ = graphs_of(name, mirror)
            row = on.found.setdefault(name, {})
            for count in counts:
                torch.set_num_threads(count)
                on.each(row, count, _median, store)
    finally:
        torch.set_num_threads(before)
    return on.found


def _median(store: GraphStore) -> float:
    return statistics.median(train(store, torch.device("cpu"), 3)[1:])
