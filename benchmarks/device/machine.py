"""The device that is measured: time, memory, and what it can do at most."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any

import torch

from graph_hcl.with_triton import tf32_allowed

WARM_UP = 2
KINDS = {
    "float32": (torch.float32, False),
    "tf32": (torch.float32, True),
    "bfloat16": (torch.bfloat16, False),
    "float16": (torch.float16, False),
}
"""Precisions of products of matrices: the type of the numbers, and whether TF32 is allowed."""
PACKAGES = ("torch", "torch-geometric", "numpy", "scipy", "scikit-learn", "triton", "numba")


NO_TIME = "no time was left"
ENDED = "ended its process"


class Machine:
    """A device, how long each step may take on it, and what the step has found so far.

    Args:
        device: where to measure.
        quick: measures fewer and smaller cases.
    """

    def __init__(self, device: torch.device, quick: bool = False) -> None:
        self.device, self.quick, self.is_cuda = device, quick, device.type == "cuda"
        self.found: dict[str, Any] = {}
        self.first_calls = 0.0
        """Seconds of the first calls of what the step measures, which compile."""
        self.note: Callable[[dict[str, Any]], None] = lambda found: None
        """Called with `found` after each case."""
        self.watch: Callable[[float], None] = lambda seconds: None
        """Called with the seconds that what follows may take at most."""
        self._end = float("inf")

    def start(self, seconds: float, found: dict[str, Any] | None = None) -> None:
        """Begin a step that may take so many seconds, and go on from what was found before."""
        self._end = time.perf_counter() + seconds
        self.found, self.first_calls = found or {}, 0.0
        self.watch(seconds)

    def left(self) -> float:
        """Return the seconds that are left to the step."""
        return self._end - time.perf_counter()

    def each(
        self,
        into: dict[Any, Any],
        name: Any,
        call: Callable[..., Any],
        *given: Any,
        most: float = float("inf"),
    ) -> None:
        """Put what a call returns into a part of `found`, or a dict of why it is `missing`.

        A name that is there is left, since it ended the process in which it was tried. An error is
        noted, unless the device is lost by it: that is raised.

        Args:
            into: a part of `found`, or all of it.
            name: the name of this case.
            call: is given `given`.
            given: what the call takes.
            most: seconds after which the call ends the process.
        """
        if name in into:
            return
        if self.left() <= 0:
            into[name] = {"missing": NO_TIME}
            return
        into[name] = {"missing": ENDED}
        self.note(self.found)
        self.watch(min(self.left(), most))
        try:
            into[name] = call(*given)
            self.wait()
        except Exception as error:
            into[name] = {"missing": said(error)}
            self.wait()
        self.watch(max(0.0, self.left()))
        self.note(self.found)

    def first(self, call: Callable[[], Any]) -> Any:
        """Return what a call gives, and count it among the first calls."""
        start = time.perf_counter()
        given = call()
        self.wait()
        self.first_calls += time.perf_counter() - start
        return given

    def wait(self) -> None:
        """Wait until the device has done all it was given."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)

    def seconds(self, call: Callable[[], Any]) -> float:
        """Return the seconds of one call, until the device is done."""
        self.wait()
        start = time.perf_counter()
        call()
        self.wait()
        return time.perf_counter() - start

    def milliseconds(self, call: Callable[[], Any], budget: float = 0.4) -> float:
        """Return the median milliseconds of a call, after calls to warm up, in about `budget` s.

        Events on the device measure it on CUDA. A call that takes longer than the budget alone is
        measured twice only, and once where no time is left for more.
        """
        first = self.seconds(call)
        if first > budget:
            return 1e3 * (self.seconds(call) if first < self.left() else first)
        for _ in range(WARM_UP - 1):
            call()
        self.wait()
        count = max(5, min(50, int(budget / max(first, 1e-5) / 2)))
        if not self.is_cuda:
            return 1e3 * statistics.median(self.seconds(call) for _ in range(count))
        marks = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(count)]
        for before, after in marks:
            before.record()
            call()
            after.record()
        self.wait()
        return statistics.median(before.elapsed_time(after) for before, after in marks)

    def peak(self, call: Callable[[], Any]) -> float | None:
        """Return the MiB that a call takes over what is there before; None on the CPU.

        What is allocated once and kept is there, if it was called before.
        """
        if not self.is_cuda:
            return None
        self.wait()
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        call()
        self.wait()
        return (torch.cuda.max_memory_allocated(self.device) - before) / 2**20

    def measure(self, call: Callable[[], Any], budget: float = 0.4) -> dict[str, Any]:
        """Return `ms` and `MiB` of a call, or `missing` with the reason why there are none.

        `first s` are the seconds of its first call, which compiles what is not compiled yet.
        """
        if self.left() <= 0:
            return {"missing": NO_TIME}
        before = self.first_calls
        try:
            self.first(call)
            first = self.first_calls - before
            if self.left() <= 0:
                return {"missing": NO_TIME, "first s": first}
            memory = self.peak(call)
            return {"ms": self.milliseconds(call, budget), "MiB": memory, "first s": first}
        except torch.OutOfMemoryError:
            missing = "does not fit into the memory"
        except Exception as error:
            missing = said(error)
        if self.is_cuda:  # only now: the error has kept its tensors until here
            self.wait()  # raises, if the device is lost
            torch.cuda.empty_cache()
        return {"missing": missing}


def said(error: Exception) -> str:
    """Return the kind of an error and the first line of its message.

    >>> said(ValueError("no\\nor yes"))
    'ValueError: no'
    """
    return f"{type(error).__name__}: {error}".splitlines()[0]


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in products of float32 inside the block."""
    before = tf32_allowed()
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def about(device: torch.device) -> dict[str, Any]:
    """Return what measurements depend on: device, driver, processor and versions."""
    found: dict[str, Any] = {"name": _name(device)}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found["memory GiB"] = round(properties.total_memory / 2**30, 1)
        found["capability"] = f"{properties.major}.{properties.minor}"
        found["multiprocessors"] = properties.multi_processor_count
        found["cuda"] = torch.version.cuda
        with suppress(OSError, subprocess.SubprocessError):
            command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
            done = subprocess.run(
                command, capture_output=True, encoding="utf-8", timeout=10, check=True
            )
            found["driver"] = done.stdout.split()[0]
    return found | versions()


def versions() -> dict[str, Any]:
    """Return what measurements depend on apart from the device."""
    found: dict[str, Any] = {"processor cores": os.cpu_count()}
    found |= {"python": platform.python_version(), "threads": torch.get_num_threads()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def limits(on: Machine) -> dict[str, Any]:
    """Return the rate of products of square matrices in TFLOP/s, by kind, and of copies in GB/s."""
    size = 8192 if on.is_cuda else 512
    rates: dict[str, float] = {}
    for kind, (dtype, allowed) in KINDS.items():
        with tf32(allowed):
            a = torch.randn(size, size, device=on.device).to(dtype)
            b = torch.randn(size, size, device=on.device).to(dtype)
            rates[kind] = 2 * size**3 / on.milliseconds(lambda a=a, b=b: a @ b) / 1e9
    big = torch.empty(2**28 if on.is_cuda else 2**22, device=on.device)
    to = torch.empty_like(big)
    copied = 2 * big.numel() * 4 / on.milliseconds(lambda: to.copy_(big)) / 1e6
    small = torch.zeros(1, device=on.device)
    launch = 1e3 * on.milliseconds(lambda: [small.add_(1) for _ in range(100)]) / 100
    return {"matrix products TFLOP/s": rates, "copies GB/s": copied, "launch µs": launch}
