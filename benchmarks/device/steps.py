"""The steps of `benchmarks.gpu`: what each measures, how long it may take, and what is kept."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device.machine import Machine, about

ROOT = Path(__file__).parents[2]
FILE = "gpu.json"
MARK = "pytest.mark." + "cuda"
WORKSPACE = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""What the deterministic mode needs before the first product of matrices of a process."""


@dataclass(frozen=True)
class Step:
    """One step: its name, its function, and the seconds that it may take, all and quick.

    The function is named by module and attribute, so that a package which is missing fails this
    step alone. It takes the machine, and the folder of data sets where `reads` is True.
    """

    name: str
    function: str
    seconds: float
    quick: float
    reads: bool = False

    def run(self, on: Machine, mirror: str | None) -> Any:
        module, _, name = self.function.rpartition(".")
        function = getattr(importlib.import_module(f"benchmarks.device.{module}"), name)
        return function(on, mirror) if self.reads else function(on)


STEPS = (
    Step("limits", "machine.limits", 10, 5),
    Step("tests", "steps.tests", 90, 50),
    Step("gradients", "loss_speed.gradients", 10, 5),
    Step("losses", "loss_speed.table", 100, 30),
    Step("further losses", "loss_speed.others", 10, 5),
    Step("waits of losses", "loss_speed.waiting", 10, 5),
    Step("waits of training", "training_speed.waiting", 10, 8, reads=True),
    Step("epochs", "training_speed.epochs", 90, 25, reads=True),
    Step("CUDA graphs", "training_speed.recorded", 12, 3, reads=True),
    Step("large step", "training_speed.large_step", 15, 8),
    Step("profile", "training_speed.profile", 15, 8, reads=True),
    Step("views", "around.views", 10, 5, reads=True),
    Step("embedding", "around.embedding", 15, 6, reads=True),
    Step("probes", "around.probes", 20, 6, reads=True),
    Step("commands", "around.commands", 45, 20, reads=True),
    Step("threads", "training_speed.threads", 15, 0, reads=True),
)
"""In the order of their worth, so that a run that is cut has the most of it."""
WHOLE, WHOLE_QUICK = 450.0, 165.0
"""Seconds that all steps may take together, unless a step is given its own."""
LEAST = 2.0
"""Seconds without which a step is not begun."""


def tests(on: Machine) -> dict[str, Any]:
    """Run the tests that are marked cuda, or their checks alone where pytest is not installed."""
    if importlib.util.find_spec("pytest") is None:
        return {"pytest": "is not installed: the checks of the tests ran without it"} | checked(on)
    files = sorted(
        str(file.relative_to(ROOT))
        for file in (ROOT / "tests").rglob("test_*.py")
        if MARK in file.read_text(encoding="utf-8")
    )
    words = ["-q", "-m", "cuda", "-p", "no:cacheprovider", "--no-header", "--tb=short"]
    words += ["--durations=5"]
    variables = os.environ | {"GRAPH_HCL_TEST_DEVICE": str(on.device), "PYTHONPATH": _path()}
    variables |= WORKSPACE
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *files],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd=ROOT,
            env=variables,
            timeout=max(1.0, on.left()),
        )
    except subprocess.TimeoutExpired as error:
        text = error.stdout or b""
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return {"missing": f"took more than {error.timeout:.0f} s", "end": text[-3000:]}
    lines = done.stdout.splitlines()
    return {
        "exit": done.returncode,
        "summary": lines[-1] if lines else "",
        "failed": [line for line in lines if line.startswith(("FAILED", "ERROR"))],
        "end": (done.stdout + done.stderr)[-6000:] if done.returncode else "",
    }


def _path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))


def checked(on: Machine) -> dict[str, Any]:
    """Run the checks in this process; return how many are right, and all that are not."""
    from benchmarks.device.checks import CHECKS, ON_HARDWARE, outcome

    os.environ.update(WORKSPACE)
    found = {}
    for name, check in (CHECKS | ON_HARDWARE).items():
        found[name] = outcome(check, on.device) if on.left() > 0 else "skipped: no time was left"
    right = [name for name, text in found.items() if text == "right"]
    return {"right": len(right), "others": {n: t for n, t in found.items() if t != "right"}}


def run_all(
    on: Machine,
    out: Path,
    mirror: str | None = None,
    *,
    only: Collection[str] = (),
    budget: float | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run the steps one after another, and write all that is known after each.

    A step that fails is kept with its traceback, and the next goes on.

    Args:
        on: the machine.
        out: folder of the file `gpu.json`.
        mirror: folder of data sets.
        only: names of the steps to run; all unless given.
        budget: seconds that each step may take; its own unless given.
        tell: called with a line after each step.
    """
    out.mkdir(parents=True, exist_ok=True)
    whole = WHOLE_QUICK if on.quick else WHOLE
    end = float("inf") if budget else time.perf_counter() + whole
    known: dict[str, Any] = {"device": about(on.device), "quick": on.quick, "steps": {}}
    for step in STEPS:
        if only and step.name not in only:
            continue
        seconds = budget or (step.quick if on.quick else step.seconds)
        if not seconds:
            continue
        start = time.perf_counter()
        on.start(min(seconds, end - start))
        kept = _kept(step, on, mirror)
        kept["seconds"] = round(time.perf_counter() - start, 2)
        known["steps"][step.name] = kept
        write(out / FILE, known)
        tell(f"{step.name}: {kept.get('failed', 'done')} ({kept['seconds']:.0f} s)")
    return known


def _kept(step: Step, on: Machine, mirror: str | None) -> dict[str, Any]:
    """Return what is kept of a step: what it found, or why it found nothing."""
    if on.left() < LEAST:
        return {"failed": "no time was left"}
    try:
        return {"found": step.run(on, mirror)}
    except Exception as error:
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"failed": line, "traceback": traceback.format_exc()}


def write(file: Path, known: dict[str, Any]) -> None:
    """Write JSON in the place of a file, so that it is never half written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "a.json"), {"rows": {256: math.nan, 512: 0.123456789}})
    ...     json.loads(Path(folder, "a.json").read_text(encoding="utf-8"))
    {'rows': {'256': None, '512': 0.123457}}
    """
    text = json.dumps(_plain(known), indent=1, ensure_ascii=False) + "\n"
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, file)


def _plain(value: Any) -> Any:
    """Return numbers with six digits, those that are not finite as None, and keys as text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None
