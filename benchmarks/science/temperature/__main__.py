"""Whether hard negatives are anything but a lower temperature of the negatives.

A trial trains one encoder with one loss, and measures its embeddings with three probes; its control
is the plain loss at the equivalent temperature. Trials are run in the order of what they tell, so
that those finished at any time are useful. One that was interrupted is run again, and several
processes or machines may share the folder.

    python -m benchmarks.science.temperature              runs the trials without results
    python -m benchmarks.science.temperature --only digits,_power_ --jobs 2    whose name has all
    python -m benchmarks.science.temperature --list       trials, done and missing, and hours
    python -m benchmarks.science.temperature --page       results, figures, docs/temperature.md
    python -m benchmarks.science.temperature --check      exit 1 when a page is out of date
    python -m benchmarks.science.temperature --quick      a few points on digits, nothing is kept

Needs $GRAPH_HCL_TU_MIRROR, or the network, for all but --quick. Records of measurements and seconds
depend on the number of threads: OMP_NUM_THREADS=1 and one process per core is fastest.
"""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.science.command import Benchmark, run_benchmark
from benchmarks.science.temperature.cost import seconds
from benchmarks.science.temperature.figures import draw_all
from benchmarks.science.temperature.grid import Point, grid, quick_grid
from benchmarks.science.temperature.page import page
from benchmarks.science.temperature.pairs import Runs
from benchmarks.science.temperature.results import gather, read
from benchmarks.science.temperature.runs import listing
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.console import lenient_stdout
from graph_hcl.files import write_text

PAGE, LISTING = "temperature.md", "temperature-runs.md"


def finished(results: Path) -> set[str]:
    """Return the names of the trials that have results."""
    return {trial["name"] for trial in read(results)}


def write(folder: TrialFolder, results: Path, docs: Path, points: Sequence[Point]) -> None:
    """Add the finished trials to the results, then write the figures, the page and the listing."""
    gather(folder, points, results)
    draw_all(Runs(read(results)), docs / "figures")
    for name, text in texts(results, docs, points).items():
        write_text(docs / name, text)


def texts(results: Path, docs: Path, points: Sequence[Point]) -> dict[str, str]:
    """Return the pages of the results by file, for the figures that there are."""
    trials = read(results)
    drawn = [path.stem for path in sorted((docs / "figures").glob("temperature*.svg"))]
    missing = len({point.name for point in points} - {trial["name"] for trial in trials})
    return {
        PAGE: page(trials, len(trials) + missing, drawn),
        LISTING: listing(trials, missing),
    }


def stale(results: Path, docs: Path, points: Sequence[Point]) -> bool:
    """Tell whether a page is not that of the results."""
    return any(
        not (docs / name).is_file() or (docs / name).read_text(encoding="utf-8") != text
        for name, text in texts(results, docs, points).items()
    )


def summary(folder: TrialFolder, points: Sequence[Point], left: Sequence[Point]) -> str:
    """Return how many trials are missing and how long they take, by those that are finished."""
    records = [(point, folder.read(point.trial())) for point in set(points) - set(left)]
    ratios = [
        sum(record["seconds"].values()) / seconds(point) for point, record in records if record
    ]
    hours = statistics.median(ratios or [1.0]) * sum(map(seconds, left)) / 3600
    return (
        f"{len(left)} of {len(points)} trials are missing: about {hours:.1f} hours in one process."
    )


def quick() -> None:
    """Run a few points in a scratch folder and print their listing."""
    with TemporaryDirectory() as scratch:
        folder, points = TrialFolder(Path(scratch) / "trials"), quick_grid()
        run_trials([point.trial() for point in points], folder, jobs=2)
        write(folder, Path(scratch) / "results", Path(scratch) / "docs", points)
        print((Path(scratch) / "docs" / LISTING).read_text(encoding="utf-8"))


BENCHMARK = Benchmark("temperature", __doc__, grid, finished, write, stale, quick, summary)


def main(argv: Sequence[str] | None = None) -> int:
    return run_benchmark(BENCHMARK, argv)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
