"""Every loss, in every mode and precision, against float64 on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import torch
from torch import Tensor

from benchmarks.device.checks.common import CPU, Check, Skipped, assert_close, features
from benchmarks.device.machine import tf32
from graph_hcl import losses
from graph_hcl.losses.settings import Mode
from graph_hcl.with_triton import tf32_allowed

MODES = get_args(Mode)
LOSSES: dict[str, Callable[..., Any]] = {
    "ucl": losses.UCL,
    "scl": losses.SCL,
    "h-ucl": losses.HUCL,
    "h-scl": losses.HSCL,
    "debiased": partial(losses.HUCL, tau_plus=0.1),
    "nt-xent": losses.NTXent,
    "supcon": losses.SupCon,
    "power": partial(losses.HUCL, hardening="power"),
    "threshold": partial(losses.HUCL, hardening="threshold"),
    "bell": partial(losses.HUCL, hardening="bell"),
    "effective sample size": partial(losses.HUCL, hardening="effective-sample-size"),
    "class mass": partial(losses.HSCL, hardening="class-mass"),
    "detached": partial(losses.HUCL, detach_weights=True),
    "auto temperature": partial(losses.HUCL, temperature="auto"),
    "pairs": partial(losses.HSCL, average="pair"),
}
ONLY_DENSE: dict[str, Callable[..., Any]] = {
    "triplet": partial(losses.HUCL, psi="triplet"),
    "one value per anchor": partial(losses.HUCL, reduction="none"),
}
LIMITS = {  # the adaptive forms choose β by steps, whence the limit of gradients in float32
    torch.float64: (1e-9, 1e-9),
    torch.float32: (1e-5, 5e-4),
    torch.bfloat16: (1e-4, 1e-2),
    torch.float16: (1e-4, 1e-2),
}
"""Largest relative errors of a value and a gradient. Features are rounded before, and sums are in
float32 at least, so that of half precision only the rounding of the gradient is left."""
TF32_LIMITS = (1e-3, 1e-2)
WIDE = (192, 384)
"""Widths of features that a kernel takes in parts."""
MEMORY_LIMIT = 300.0
"""MiB over the features that H-UCL of 16 384 rows may take."""


def value_and_gradient(loss: Any, z: Tensor, graph: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return a loss, summed, and its gradient, both in float64 on the CPU."""
    leaf = z.clone().requires_grad_()
    value = loss(leaf, graph=graph, label=label if loss.uses_labels else None)
    value.sum().backward()
    assert leaf.grad is not None
    return value.detach().double().cpu(), leaf.grad.double().cpu()


def loss_agrees(
    device: torch.device,
    name: str,
    mode: str,
    dtype: torch.dtype,
    width: int = 32,
    limits: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Compare a loss in one mode and precision with float64; return the relative errors.

    Raises `Skipped` where the loss refuses the mode.
    """
    z, graph, label = features(150, dtype, width)
    make = (LOSSES | ONLY_DENSE)[name]
    if dtype in (torch.bfloat16, torch.float16):  # normalised, they would become float32 first
        make = partial(make, normalize=False)
    exact, slope = value_and_gradient(make(mode="dense"), z.double(), graph, label)
    rows = [each.to(device) for each in (z, graph, label)]
    try:
        found, gradient = value_and_gradient(make(mode=mode), *rows)
    except (ValueError, ImportError) as error:
        if mode == "dense":
            raise
        raise Skipped(str(error)) from error
    errors = (
        float((found - exact).norm() / exact.norm()),
        float((gradient - slope).norm() / slope.norm()),
    )
    limits = limits or LIMITS[dtype]
    assert errors[0] < limits[0], f"value: relative error {errors[0]:.2g}, limit {limits[0]:g}"
    assert errors[1] < limits[1], f"gradient: relative error {errors[1]:.2g}, limit {limits[1]:g}"
    return errors


def loss_agrees_in_tf32(device: torch.device, name: str) -> None:
    """Compare a loss of products in TF32, which are allowed for this check alone."""
    before = tf32_allowed()
    with tf32(True):
        loss_agrees(device, name, "auto", torch.float32, 128, TF32_LIMITS)
    assert tf32_allowed() == before


def memory_bank_agrees(device: torch.device) -> None:
    """Compare three steps of a loss with remembered negatives."""
    z, graph, label = features(40)
    for make in (losses.HUCL, losses.HSCL):
        values = []
        for place in (CPU, device):
            loss = make(memory_size=64).to(place)
            rows = [each.to(place) for each in (z, graph, label)]
            for _ in range(3):
                found = value_and_gradient(loss, *rows)
            values.append(found)
        assert_close(values[1], values[0], 1e-8)


def drawn_negatives_are_on_the_device(device: torch.device) -> None:
    """Draw negatives, whose number is given: the value is near that of all negatives."""
    z, graph, label = (each.to(device) for each in features(100))
    torch.manual_seed(0)
    drawn, gradient = value_and_gradient(losses.HUCL(num_negatives=64), z, graph, label)
    whole, _ = value_and_gradient(losses.HUCL(), z, graph, label)
    assert gradient.isfinite().all()
    assert abs(float(drawn) - float(whole)) < 0.2 * float(whole)


def memory_is_bounded(device: torch.device) -> float:
    """Measure the peak of H-UCL at 16 384 rows; return it in MiB over the features."""
    if device.type != "cuda":
        raise Skipped("only CUDA tells the peak of its memory")
    z, graph, _ = (each.to(device) for each in features(8192, torch.float32, 128))
    leaf, loss = z.requires_grad_(), losses.HUCL()
    for _ in range(2):  # once to make what is kept
        leaf.grad = None
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        loss(leaf, graph=graph).backward()
        torch.cuda.synchronize(device)
    peak = (torch.cuda.max_memory_allocated(device) - before) / 2**20
    assert peak < MEMORY_LIMIT, f"{peak:.0f} MiB"
    return peak


def loss_checks() -> dict[str, Callable[[torch.device], Any]]:
    """Return the checks of every loss in every mode and precision by name."""
    found: dict[str, Callable[[torch.device], Any]] = {}
    for names, modes in ((LOSSES, MODES), (ONLY_DENSE, ("dense",))):
        for name in names:
            for mode in modes:
                for dtype in LIMITS:
                    check = partial(loss_agrees, name=name, mode=mode, dtype=dtype)
                    found[f"loss {name}, {mode}, {str(dtype)[6:]}"] = check
    for name in ("h-ucl", "h-scl"):
        for width in WIDE:
            for dtype in LIMITS:
                check = partial(loss_agrees, name=name, mode="auto", dtype=dtype, width=width)
                found[f"loss {name}, width {width}, {str(dtype)[6:]}"] = check
    return found


CHECKS: dict[str, Check] = {
    **loss_checks(),
    **{f"TF32 {name}": partial(loss_agrees_in_tf32, name=name) for name in ("h-ucl", "h-scl")},
    "memory bank": memory_bank_agrees,
    "drawn negatives": drawn_negatives_are_on_the_device,
}
ON_HARDWARE: dict[str, Check] = {"memory": memory_is_bounded}
