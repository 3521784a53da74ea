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

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.science.collapse.figures import draw_all
from benchmarks.science.collapse.grid import GridPoint, grid, quick_grid
from benchmarks.science.collapse.page import page
from benchmarks.science.collapse.results import gather, read
from benchmarks.science.collapse.words import CAPTIONS
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.console import lenient_stdout
from graph_hcl.files import write_text

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "runs" / "collapse"
RESULTS = ROOT / "benchmarks" / "results" / "collapse"
DOCS = ROOT / "docs"


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
    drawn = [name for name in CAPTIONS if (docs / "figures" / f"{name}.svg").exists()]
    text = (docs / "collapse.md").read_text(encoding="utf-8")
    return text != text_of(results, drawn, points)


def quick() -> None:
    """Run a tiny grid in a scratch folder and print its page."""
    with TemporaryDirectory() as scratch:
        folder, points = TrialFolder(Path(scratch) / "trials"), quick_grid()
        run_trials([point.trial() for point in points], folder, jobs=1)
        write(folder, Path(scratch) / "results", Path(scratch) / "docs", points)
        print((Path(scratch) / "docs" / "collapse.md").read_text(encoding="utf-8"))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="comma-separated parts of a trial's name")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--list", action="store_true", help="list the trials, done and missing")
    parser.add_argument("--page", action="store_true", help="write results, figures and page")
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is out of date")
    parser.add_argument("--quick", action="store_true", help="a tiny grid and its page, on MUTAG")
    parser.add_argument("--trials", type=Path, default=FOLDER, help="folder of the trials")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of page and figures")
    options = parser.parse_args(argv)
    folder = TrialFolder(options.trials)
    if options.check:
        return int(stale(options.results, options.docs, grid()))
    if options.page:
        write(folder, options.results, options.docs, grid())
        return 0
    if options.quick:
        quick()
        return 0
    points = [p for p in grid() if all(part in p.name for part in options.only.split(","))]
    finished = names_with_results(options.results)
    missing = [point.trial() for point in points if point.name not in finished]
    if options.list:
        unfinished = {trial.method for trial in missing if not folder.is_finished(trial)}
        for point in points:
            print("missing" if point.name in unfinished else "done   ", point.name)
        return 0
    run_trials(missing, folder, options.jobs)
    return 0


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
