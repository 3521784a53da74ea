"""Neural and dimensional collapse (arXiv 2311.05139) and loss orderings (arXiv 2209.00078).

The settings of a data set are configs/reproduce/collapse/NAME.yaml; a trial is such a file with a
few settings on top. Every trial trains on 80 % of the graphs (stratified) and measures these and
the held-out 20 % every few epochs. Trials are run as those of any benchmark: one that was
interrupted is run again, and several processes or machines may share the folder.

    python -m benchmarks.science.collapse              runs the trials without results
    python -m benchmarks.science.collapse --only COIL-DEL,_ball_ --jobs 2    whose name has all
    python -m benchmarks.science.collapse --page       results, figures and docs/collapse.md
    python -m benchmarks.science.collapse --check      exit 1 when the page is out of date
    python -m benchmarks.science.collapse --quick      a tiny grid on MUTAG, nothing is kept

Needs $GRAPH_HCL_TU_MIRROR, or the network, for all but --quick.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.science.collapse.figures import draw_all
from benchmarks.science.collapse.grid import GridPoint, grid, quick_grid
from benchmarks.science.collapse.page import page
from benchmarks.science.collapse.results import gather, read
from benchmarks.science.collapse.words import CAPTIONS
from benchmarks.science.command import Benchmark, run_benchmark
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.console import lenient_stdout
from graph_hcl.files import write_text


def names_with_results(results: Path) -> set[str]:
    """Return the names of the trials that have results."""
    return {trial["name"] for part in read(results) for trial in part}


def write(folder: TrialFolder, results: Path, docs: Path, points: Sequence[GridPoint]) -> None:
    """Add the finished trials to the results, then write figures and page."""
    gather(folder, [point.trial() for point in points], results)
    drawn = draw_all(*read(results), docs / "figures")
    write_text(docs / "collapse.md", text_of(results, drawn, points))


def text_of(results: Path, drawn: Sequence[str], points: Sequence[GridPoint]) -> str:
    """Return the page of the results, with the points that have none."""
    finished = names_with_results(results)
    missing = [point.name for point in points if point.name not in finished]
    return page(*read(results), drawn, missing)


def stale(results: Path, docs: Path, points: Sequence[GridPoint]) -> bool:
    """Tell whether the page is not that of the results."""
    drawn = [name for name in CAPTIONS if (docs / "figures" / f"{name}-dark.svg").exists()]
    text = (docs / "collapse.md").read_text(encoding="utf-8")
    return text != text_of(results, drawn, points)


def quick() -> None:
    """Run a tiny grid in a scratch folder and print its page."""
    with TemporaryDirectory() as scratch:
        folder, points = TrialFolder(Path(scratch) / "trials"), quick_grid()
        run_trials([point.trial() for point in points], folder, jobs=1)
        write(folder, Path(scratch) / "results", Path(scratch) / "docs", points)
        print((Path(scratch) / "docs" / "collapse.md").read_text(encoding="utf-8"))


BENCHMARK = Benchmark("collapse", __doc__, grid, names_with_results, write, stale, quick)


def main(argv: Sequence[str] | None = None) -> int:
    return run_benchmark(BENCHMARK, argv)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
