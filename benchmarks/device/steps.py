"""The steps of `benchmarks.gpu`: what each measures, how long it may take, and what is kept."""

from __future__ import annotations

import importlib
import json
import math
import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device.apart import LEAST, TRIES, Apart
from benchmarks.device.machine import NO_TIME, Machine, versions

FILE = "gpu.json"


@dataclass(frozen=True)
class Step:
    """One step: its name, its function, and the seconds that it may take, all and quick.

    The function is named by module, here where that begins with a dot, and attribute, so that a
    package which is missing fails this step alone. It takes the machine, and the folder of data
    sets where `reads` is True. What it puts into the machine's `found` is kept even if it fails.
    """

    name: str
    function: str
    seconds: float
    quick: float
    reads: bool = False

    def run(self, on: Machine, mirror: str | None) -> Any:
        module, _, name = self.function.rpartition(".")
        function = getattr(importlib.import_module(module, __package__), name)
        return function(on, mirror) if self.reads else function(on)


STEPS = (
    Step("limits", ".machine.limits", 8, 4),
    Step("gradients", ".loss_speed.gradients", 35, 16),
    Step("losses", ".loss_speed.table", 85, 26),
    Step("epochs", ".training_speed.epochs", 60, 16, reads=True),
    Step("waits of training", ".training_speed.waiting", 8, 5, reads=True),
    Step("CUDA graphs", ".training_speed.recorded", 15, 5, reads=True),
    Step("large step", ".training_speed.large_step", 15, 6),
    Step("tests", ".steps.tests", 90, 30),
    Step("further losses", ".loss_speed.others", 10, 4),
    Step("waits of losses", ".loss_speed.waiting", 8, 3),
    Step("profile", ".training_speed.profile", 10, 5, reads=True),
    Step("views", ".around.views", 10, 4, reads=True),
    Step("embedding", ".around.embedding", 10, 4, reads=True),
    Step("probes", ".around.probes", 18, 6, reads=True),
    Step("commands", ".around.commands", 38, 16, reads=True),
    Step("threads", ".training_speed.threads", 10, 0, reads=True),
)
"""In the order of their worth, so that a run that is cut has the most of it. A step may also take
what those before it have left of their time."""
WHOLE, WHOLE_QUICK = 450.0, 155.0
"""Seconds after which nothing is begun or measured, unless a step is given its own."""
EVERY = 1.0
"""Seconds between two writings of what a step has found so far."""
CHECK = 30.0
"""Seconds that one check may take."""


def tests(on: Machine) -> dict[str, Any]:
    """Run the checks that the tests marked cuda stand on; count outcomes, and name the bad ones.

    Those of losses come last, since there is a step of its own for them.
    """
    from benchmarks.device.checks import CHECKS, ON_HARDWARE, outcome

    known = on.found.setdefault("checks", {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, check in (ON_HARDWARE | dict(reversed(CHECKS.items()))).items():
            on.each(known, name, outcome, check, on.device, most=CHECK)
    said = {n: each if isinstance(each, str) else each["missing"] for n, each in known.items()}
    counted = Counter(each.partition(":")[0] for each in said.values())
    return {
        "summary": ", ".join(f"{count} {text}" for text, count in counted.most_common()),
        "others": {name: each for name, each in said.items() if each != "right"},
    }


def run_all(
    on: Machine,
    out: Path,
    mirror: str | None = None,
    *,
    only: Collection[str] = (),
    budget: float | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run the steps one after another, and write all that is known after each, and during it.

    A step that fails is kept with its traceback and what it has found, and the next goes on; so it
    does, in another process, where a step ends the one that it runs in.

    Args:
        on: the machine; nothing runs on it in this process.
        out: folder of the file `gpu.json`.
        mirror: folder of data sets.
        only: names of the steps to run; all unless given.
        budget: seconds that each step may take; its own unless given.
        tell: called with a line after each step.
    """
    out.mkdir(parents=True, exist_ok=True)
    begun = planned = time.perf_counter()
    end = float("inf") if budget else begun + (WHOLE_QUICK if on.quick else WHOLE)
    about = {"name": str(on.device)} | versions()
    known: dict[str, Any] = {"device": about, "quick": on.quick, "steps": {}}
    with Apart(on.device, on.quick, mirror) as apart:
        for step in STEPS:
            seconds = budget or (step.quick if on.quick else step.seconds)
            if not seconds or (only and step.name not in only):
                continue
            planned += seconds
            missing = apart.begin(end)  # before the time of the step begins
            known["device"] |= apart.about
            start = written = time.perf_counter()

            def note(found: dict[str, Any], name: str = step.name) -> None:
                nonlocal written
                if time.perf_counter() - written > EVERY:
                    known["steps"][name] = {"failed": "was not over", "found": found}
                    write(out / FILE, known)
                    written = time.perf_counter()

            until = start + seconds if budget else min(end, max(start + seconds, planned))
            kept = {"failed": missing} if missing else _kept(apart, step, until, note)
            kept["seconds"] = round(time.perf_counter() - start, 2)
            known["steps"][step.name] = kept
            write(out / FILE, known)
            tell(f"{step.name}: {_line(kept)} ({kept['seconds']:.0f} s)")
    return known


def _kept(
    apart: Apart, step: Step, until: float, note: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Return what is kept of a step, which goes on in a new process where it has lost one."""
    found: dict[str, Any] = {}
    kept: dict[str, Any] = {"failed": NO_TIME}
    lost: list[str] = []
    while until - time.perf_counter() >= LEAST:
        kept = apart.run(step, until, found, note)
        if "lost" not in kept:
            break
        lost.append(kept.pop("lost"))
        if kept["found"] == found or len(lost) == TRIES:  # it would end in the same place
            break
        found = kept["found"]
    if "failed" in kept and not kept.get("found"):
        kept.pop("found", None)
    return kept | ({"lost": lost} if lost else {})


def _line(kept: dict[str, Any]) -> str:
    """Return how a step ended, in few words.

    >>> _line({"found": {"summary": "2 right"}, "lost": ["SIGSEGV"]})
    'done, 2 right, lost 1 process'
    """
    parts = [kept.get("failed", "done")]
    if isinstance(found := kept.get("found"), dict) and "summary" in found:
        parts.append(found["summary"])
    if count := len(kept.get("lost", ())):
        parts.append(f"lost {count} process{'es' * (count > 1)}")
    return ", ".join(parts)


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
