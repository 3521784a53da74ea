"""Losses, forward and backward: time, memory, and share of what the device can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.device import peers
from benchmarks.device.machine import ENDED, KINDS, Machine, limits, tf32
from benchmarks.device.waits import count_waits
from graph_hcl.losses import HSCL, HUCL, SCL, UCL, NTXent, SupCon
from graph_hcl.losses.settings import Mode

WIDTH = 128
CLASSES = 10
ROWS = (256, 4096, 65536, 16384, 1024, 262144)
"""In this order: the smallest compiles, the next tells how long 65 536 take, the goal."""
ON_CPU = (256, 512)
MODES = get_args(Mode)
LOSSES: dict[str, Callable[..., Any]] = {"h-ucl": HUCL, "h-scl": HSCL, "ucl": UCL, "scl": SCL}
AT_ONE_SIZE: dict[str, Callable[..., Any]] = {
    "h-ucl debiased": lambda **o: HUCL(tau_plus=0.1, **o),
    "nt-xent": NTXent,
    "supcon": SupCon,
    "h-ucl threshold": lambda **o: HUCL(hardening="threshold", **o),
    "h-ucl effective sample size": lambda **o: HUCL(hardening="effective-sample-size", **o),
    "h-ucl 16 negatives": lambda **o: HUCL(num_negatives=16, **o),
    "h-ucl triplet": lambda **o: HUCL(psi="triplet", **o),
}
ONE_SIZE = 4096
CASE = 45.0
"""Seconds that one case may take, compiling included."""
CALLS = 4
"""Calls that a case makes at least."""
SLOW = 1500.0
"""Milliseconds beyond which a road is not taken at larger sizes."""
COUNTED = (
    "4·M²·d floating-point operations for M rows of width d: half of the matrix of logits forward, "
    "the same again backward, and one whole product for the gradient. It is what a kernel does "
    "that visits symmetric pairs once and keeps no logits; a dense form does 6·M²·d."
)


def rows(count: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return two views' rows [count, WIDTH] on the sphere, and the graph and label of each."""
    made = torch.Generator().manual_seed(count)
    z = F.normalize(torch.randn(count, WIDTH, generator=made), dim=1)
    label = torch.randint(CLASSES, (count // 2,), generator=made).repeat(2)
    graph = torch.arange(count // 2).repeat(2)
    return z.to(device, dtype), graph.to(device), label.to(device)


def step(loss: Callable[[Tensor], Tensor], z: Tensor) -> Callable[[], None]:
    """Return a call that computes a loss of z and its gradient."""
    leaf = z.clone().requires_grad_()

    def call() -> None:
        leaf.grad = None
        loss(leaf).backward()

    return call


def ours(loss: Any, graph: Tensor, label: Tensor) -> Callable[[Tensor], Tensor]:
    """Return one of our losses as a function of the rows."""
    given = label if loss.uses_labels else None
    return lambda z: loss(z, graph=graph, label=given)


def roads(graph: Tensor, label: Tensor) -> dict[str, Callable[[], Callable[[Tensor], Tensor]]]:
    """Return what makes each loss as a function of the rows, by name; a mode may refuse."""
    found: dict[str, Any] = {name: lambda f=f: f for name, f in peers.LOSSES.items()}
    for mode in MODES:  # what is taken by itself is the first
        for name, make in LOSSES.items():
            found[f"{name}, {mode}"] = lambda make=make, mode=mode: ours(
                make(mode=mode, normalize=False), graph, label
            )
    return found


def table(on: Machine) -> dict[str, Any]:
    """Return time, memory, TFLOP/s and share of the measured rate by kind, rows and loss."""
    rates = limits(on)["matrix products TFLOP/s"]
    sizes = (ROWS[:-1] if on.quick else ROWS) if on.is_cuda else ON_CPU
    kinds = [kind for kind in KINDS if kind != "float16" and (on.is_cuda or kind != "tf32")]
    on.found |= {"width": WIDTH, "counted": COUNTED}
    found = on.found.setdefault("by kind", {kind: {} for kind in kinds})
    for size in sizes:
        for kind in kinds:
            dtype, allowed = KINDS[kind]
            z, graph, label = rows(size, dtype, on.device)
            for name, make in roads(graph, label).items():
                cell = found[kind].setdefault(name, {})
                if reason := _hopeless(cell, size, on.left()):
                    cell.setdefault(size, {"missing": reason})
                with tf32(allowed):
                    on.each(cell, size, _measured, on, make, z, rates[kind], most=CASE)
    return on.found


def _hopeless(cells: dict[int, dict[str, Any]], size: int, left: float) -> str | None:
    """Return why a size is not tried, given what is known of others and the seconds left.

    >>> _hopeless({4096: {"ms": 1.0}}, 65536, 100.0)
    >>> _hopeless({4096: {"ms": 4.0}}, 65536, 1.0)
    'would have taken more than the time that was left'
    >>> _hopeless({65536: {"missing": "does not fit"}}, 16384, 1.0)
    >>> _hopeless({65536: {"missing": "does not fit"}}, 262144, 1.0)
    'does not fit'
    """
    if ended := [n for n, cell in cells.items() if cell.get("missing") == ENDED]:
        return f"{ended[0]} rows {ENDED}"
    smaller = {n: cells[n] for n in sorted(cells) if n < size}
    for count, cell in smaller.items():
        if "missing" in cell:
            return cell["missing"]
        if cell["ms"] > SLOW:
            return f"{count} rows took more than {SLOW / 1e3:g} s"
    if smaller:
        count, cell = smaller.popitem()
        if CALLS * cell["ms"] / 1e3 * (size / count) ** 2 > left:
            return "would have taken more than the time that was left"
    return None


def _measured(on: Machine, make: Any, z: Tensor, rate: float) -> dict[str, Any]:
    try:
        call = step(make(), z)
    except (ValueError, ImportError) as refused:
        return {"missing": str(refused)}
    cell = on.measure(call, 0.1 if on.quick or len(z) < ONE_SIZE else 0.25)
    if "ms" in cell:
        cell["TFLOP/s"] = 4 * len(z) ** 2 * WIDTH / cell["ms"] / 1e9
        cell["share"] = cell["TFLOP/s"] / rate
    return cell


def others(on: Machine) -> dict[str, Any]:
    """Return time and memory of further losses at one size in float32."""
    size = ONE_SIZE if on.is_cuda else ON_CPU[0]
    z, graph, label = rows(size, torch.float32, on.device)
    on.found["rows"] = size
    cells = on.found.setdefault("losses", {})
    for name, make in AT_ONE_SIZE.items():
        call = step(ours(make(normalize=False), graph, label), z)
        on.each(cells, name, on.measure, call, 0.2, most=CASE)
    return on.found


def gradients(on: Machine, size: int = 512) -> dict[str, Any]:
    """Return relative errors of value and gradient of each road against float64 on the CPU."""
    host = torch.device("cpu")
    for kind, (dtype, allowed) in KINDS.items():
        z, graph, label = rows(size, dtype, host)
        exact = roads(graph, label)
        for name, make in roads(graph.to(on.device), label.to(on.device)).items():
            plain = name if name in peers.LOSSES else f"{name.split(',')[0]}, dense"
            with tf32(allowed):
                on.each(on.found, f"{kind}, {name}", _errors, on, make, exact[plain], z, most=CASE)
    return on.found


def _errors(on: Machine, make: Any, exact: Any, z: Tensor) -> list[float]:
    """Return the relative errors of value and gradient."""
    value, slope = on.first(lambda: _gradient(make(), z.to(on.device)))
    true, direction = _gradient(exact(), z.double())
    error = (slope - direction).norm() / direction.norm()
    return [float((value - true).abs() / true.abs()), float(error)]


def _gradient(loss: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    leaf = z.clone().requires_grad_()
    value = loss(leaf)
    value.backward()
    assert leaf.grad is not None
    return value.detach().double().cpu(), leaf.grad.double().cpu()


def waiting(on: Machine) -> dict[str, Any]:
    """Return how often one value and gradient of each loss wait for the device, and where."""
    for name, make in (LOSSES | AT_ONE_SIZE).items():
        on.each(on.found, name, _waits, on, make, most=CASE)
    return on.found


def _waits(on: Machine, make: Callable[..., Any]) -> dict[str, Any]:
    def prepared(device: torch.device) -> Callable[[], None]:
        z, graph, label = rows(1024 if on.is_cuda else 256, torch.float32, device)
        call = step(ours(make(normalize=False), graph, label), z)
        on.first(call)
        return call

    waits = count_waits(on.device, prepared)
    return {"waits": waits.total(), "where": dict(waits.most_common(15))}
