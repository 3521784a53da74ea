"""Losses, forward and backward: time, memory, and share of what the device can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.device import peers
from benchmarks.device.machine import KINDS, Machine, limits, tf32
from benchmarks.device.waits import count_waits
from graph_hcl.losses import HSCL, HUCL, SCL, UCL, NTXent, SupCon
from graph_hcl.losses.settings import Mode

WIDTH = 128
CLASSES = 10
ROWS = (256, 1024, 4096, 16384, 65536, 262144)
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
    for name, make in LOSSES.items():
        for mode in MODES:
            found[f"{name}, {mode}"] = lambda make=make, mode=mode: ours(
                make(mode=mode, normalize=False), graph, label
            )
    return found


def table(on: Machine) -> dict[str, Any]:
    """Return time, memory, TFLOP/s and share of the measured rate by kind, rows and loss."""
    rates = limits(on)["matrix products TFLOP/s"]
    sizes = (ROWS[:-1] if on.quick else ROWS) if on.is_cuda else ON_CPU
    kinds = [kind for kind in KINDS if kind != "float16" and (on.is_cuda or kind != "tf32")]
    found: dict[str, Any] = {kind: {} for kind in kinds}
    left_out: dict[tuple[str, str], str] = {}
    for size in sizes:
        for kind in kinds:
            dtype, allowed = KINDS[kind]
            z, graph, label = rows(size, dtype, on.device)
            for name, make in roads(graph, label).items():
                cell = found[kind].setdefault(name, {})
                if reason := left_out.get((kind, name)):
                    cell[size] = {"missing": reason}
                    continue
                with tf32(allowed):
                    cell[size] = _measured(on, make, z, rates[kind])
                if "missing" in cell[size]:
                    left_out[kind, name] = cell[size]["missing"]
                elif cell[size]["ms"] > SLOW:
                    left_out[kind, name] = f"{size} rows took more than {SLOW / 1e3:g} s"
    return {"width": WIDTH, "counted": COUNTED, "by kind": found}


def _measured(on: Machine, make: Any, z: Tensor, rate: float) -> dict[str, Any]:
    try:
        call = step(make(), z)
    except (ValueError, ImportError) as refused:
        return {"missing": str(refused)}
    cell = on.measure(call, 0.15 if on.quick else 0.25)
    if "ms" in cell:
        cell["TFLOP/s"] = 4 * len(z) ** 2 * WIDTH / cell["ms"] / 1e9
        cell["share"] = cell["TFLOP/s"] / rate
    return cell


def others(on: Machine) -> dict[str, Any]:
    """Return time and memory of further losses at one size in float32."""
    size = ONE_SIZE if on.is_cuda else ON_CPU[0]
    z, graph, label = rows(size, torch.float32, on.device)
    cells = {
        name: on.measure(step(ours(make(normalize=False), graph, label), z), 0.2)
        for name, make in AT_ONE_SIZE.items()
    }
    return {"rows": size, "losses": cells}


def gradients(on: Machine, size: int = 512) -> dict[str, Any]:
    """Return relative errors of value and gradient of each road against float64 on the CPU."""
    host = torch.device("cpu")
    found = {}
    for kind, (dtype, allowed) in KINDS.items():
        z, graph, label = rows(size, dtype, host)
        for name, make in roads(graph.to(on.device), label.to(on.device)).items():
            plain = name if name in peers.LOSSES else f"{name.split(',')[0]}, dense"
            exact = roads(graph, label)[plain]
            try:
                with tf32(allowed):
                    value, slope = _gradient(make(), z.to(on.device))
                true, direction = _gradient(exact(), z.double())
            except Exception as error:
                found[f"{kind}, {name}"] = f"{type(error).__name__}: {error}"
                continue
            error = (slope - direction).norm() / direction.norm()
            found[f"{kind}, {name}"] = [float((value - true).abs() / true.abs()), float(error)]
    return found


def _gradient(loss: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    leaf = z.clone().requires_grad_()
    value = loss(leaf)
    value.backward()
    assert leaf.grad is not None
    return value.detach().double().cpu(), leaf.grad.double().cpu()


def waiting(on: Machine) -> dict[str, Any]:
    """Return how often one value and gradient of each loss wait for the device, and where."""
    found = {}
    for name, make in (LOSSES | AT_ONE_SIZE).items():

        def prepared(device: torch.device, make: Any = make) -> Callable[[], None]:
            z, graph, label = rows(1024 if on.is_cuda else 256, torch.float32, device)
            call = step(ours(make(normalize=False), graph, label), z)
            call()
            return call

        waits = count_waits(on.device, prepared)
        found[name] = {"waits": waits.total(), "where": dict(waits.most_common(15))}
    return found
