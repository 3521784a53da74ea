"""What the benchmarks of speed share: flags, paired timing, the machine's record, goals."""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def parser(doc: str, quick: str) -> argparse.ArgumentParser:
    """Return a parser with `--quick`, which writes nothing, and `--check`."""
    found = argparse.ArgumentParser(description=doc.splitlines()[0])
    found.add_argument("--quick", action="store_true", help=f"{quick}; writes no JSON")
    found.add_argument("--check", action="store_true", help="exit 1 when a stated goal is missed")
    return found


def paired_seconds(
    works: Sequence[Callable[[], object]], rounds: int, repeats: Sequence[int] | None = None
) -> list[list[float]]:
    """Return the seconds per call of each work in each round, after one round to warm up.

    The works take turns, so that a slow moment of the machine hits all alike: ratios are to be
    taken within a round. Each is called `repeats` times in a row; once unless given.

    >>> [len(seconds) for seconds in paired_seconds([lambda: None, lambda: None], rounds=3)]
    [3, 3]
    """
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for seconds, work, count in zip(taken, works, repeats or [1] * len(works), strict=True):
            start = time.perf_counter()
            for _ in range(count):
                work()
            if number:
                seconds.append((time.perf_counter() - start) / count)
    return taken


def paired_ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Return the median over rounds of theirs / ours.

    >>> paired_ratio([2.0, 6.0, 1.0], [1.0, 2.0, 1.0])
    2.0
    """
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))


def machine(*packages: str) -> dict[str, Any]:
    """Return what timings depend on: processor, cores, threads, and versions of packages."""
    names = ("torch", *packages)
    return {
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
    } | {name: importlib.metadata.version(name) for name in names}


def in_own_process(module: str, *words: object) -> dict[str, Any]:
    """Return the JSON that `python -m MODULE --point WORDS` prints last.

    A process of its own has a peak memory of its own. Raises `CalledProcessError` when it fails.
    """
    command = [sys.executable, "-m", module, "--point", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, encoding="utf-8", cwd=ROOT
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_result(name: str, content: dict[str, Any]) -> None:
    """Write the results of a benchmark as `benchmarks/results/NAME.json`."""
    text = json.dumps(content, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def conclude(missed: Sequence[str], check: bool) -> int:
    """Print the goals that were missed; return the exit code."""
    print("\n".join(missed) or "every stated goal is reached")
    return int(check and bool(missed))
