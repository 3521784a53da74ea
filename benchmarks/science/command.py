"""The command of a science benchmark: run the trials that have no results, list them, write."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.benchmarking.workers import run_trials

ROOT = Path(__file__).parents[2]


class Point(Protocol):
    """A training by name."""

    @property
    def name(self) -> str:
        """The name, which its results are committed under."""

    def trial(self) -> Trial:
        """Return the trial, whose method has that name."""


@dataclass(frozen=True)
class Benchmark:
    """What the command needs to know of a benchmark.

    `name` is that of its folders of trials and results; `grid` returns its points, the most
    informative first. `finished` returns the names of the points with results, `write` adds the
    finished trials to the results and writes what follows from them, and `stale` tells whether
    that is out of date. `quick` runs a tiny grid. `summary` says in a line how long the missing
    trials take.
    """

    name: str
    about: str
    grid: Callable[[], Sequence[Any]]
    finished: Callable[[Path], set[str]]
    write: Callable[[TrialFolder, Path, Path, Sequence[Any]], object]
    stale: Callable[[Path, Path, Sequence[Any]], bool]
    quick: Callable[[], object]
    summary: Callable[[TrialFolder, Sequence[Any], Sequence[Any]], str] | None = None

    @property
    def trials(self) -> Path:
        """Where the trials are by default."""
        return ROOT / "runs" / self.name

    @property
    def results(self) -> Path:
        """Where the committed results are."""
        return ROOT / "benchmarks" / "results" / self.name


def run_benchmark(benchmark: Benchmark, argv: Sequence[str] | None = None) -> int:
    """Run the command of a benchmark; return its exit status."""
    options = _parser(benchmark).parse_args(argv)
    folder = TrialFolder(options.trials)
    if options.check:
        return int(benchmark.stale(options.results, options.docs, benchmark.grid()))
    if options.page:
        benchmark.write(folder, options.results, options.docs, benchmark.grid())
        return 0
    if options.quick:
        benchmark.quick()
        return 0
    parts = options.only.split(",")
    points = [point for point in benchmark.grid() if all(part in point.name for part in parts)]
    finished = benchmark.finished(options.results)
    missing = [point for point in points if point.name not in finished]
    trials = [point.trial() for point in missing]
    if options.list:
        listed = zip(missing, trials, strict=True)
        left = [point for point, trial in listed if not folder.is_finished(trial)]
        names = {point.name for point in left}
        for point in points:
            print("missing" if point.name in names else "done   ", point.name)
        if benchmark.summary is not None:
            print(benchmark.summary(folder, points, left))
        return 0
    run_trials(trials, folder, options.jobs)
    return 0


def _parser(benchmark: Benchmark) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=benchmark.about.splitlines()[0])
    parser.add_argument("--only", default="", help="comma-separated parts of a trial's name")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--list", action="store_true", help="list the trials, done and missing")
    parser.add_argument("--page", action="store_true", help="write results, figures and page")
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is out of date")
    parser.add_argument("--quick", action="store_true", help="a tiny grid and its page, not kept")
    for name, default in (
        ("trials", benchmark.trials),
        ("results", benchmark.results),
        ("docs", ROOT / "docs"),
    ):
        parser.add_argument(f"--{name}", type=Path, default=default, help=f"folder of the {name}")
    return parser
