"""Write the pictures of the documentation, each for light and for dark pages.

    python -m benchmarks.pages.pictures                draws all from the committed results
    python -m benchmarks.pages.pictures weights front  draws these
    python -m benchmarks.pages.pictures --check        exit 1 when a picture is out of date
    python -m benchmarks.pages.pictures --measure      trains anew first, and commits new results
    python -m benchmarks.pages.pictures report         the screenshot, with trained runs

What is drawn is measured on `digits`: a run without training, and one each with UCL and H-UCL, by
`python -m graph_hcl.train`. The screenshot needs Chromium and these runs, which are kept in --runs.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.axes import Axes

from benchmarks.pages.pictures import screenshot
from benchmarks.pages.pictures.measured import Measured, inner_products, measure, read, train, write
from benchmarks.science.temperature import figures as temperature
from benchmarks.science.temperature.pairs import Runs
from benchmarks.science.temperature.results import read as read_trials
from graph_hcl import plot
from graph_hcl.console import lenient_stdout
from graph_hcl.files import write_text
from graph_hcl.losses import Bell, Exponential, NoHardening, Threshold
from graph_hcl.plot.themes import THEMES

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results"
FIGURES = ROOT / "docs" / "figures"
RUNS = Path("runs") / "pictures"
HARDENINGS = {
    "no hardening": NoHardening(),
    "β = 0.5": Exponential(0.5),
    "β = 2": Exponential(2.0),
    "β = 5": Exponential(5.0),
    "threshold, τ = 1": Threshold(1.0),
    "bell, μ = 1, σ = 0.5": Bell(1.0, 0.5),
}
"""Hardenings of `weights` by name, functions of logits."""


def map_before(measured: Measured) -> Axes:
    """Draw the map of the untrained encoder."""
    return _map(measured, "untrained")


def map_after(measured: Measured) -> Axes:
    """Draw the map after training with H-UCL."""
    return _map(measured, "h-ucl")


def _map(measured: Measured, name: str) -> Axes:
    points, caption = measured.maps[name]
    title = "untrained" if name == "untrained" else "trained with H-UCL"
    return plot.embedding_map(points, measured.labels, f"{title}, {caption}")


def losses(measured: Measured) -> Axes:
    """Draw the four losses while H-UCL is trained, with their values at neural collapse."""
    return plot.losses(measured.records, measured.floors)


def weights(measured: Measured) -> Axes:
    """Draw the weights of negatives, over the inner products after training with H-UCL."""
    return plot.weights(HARDENINGS, inner_products(measured.products))


def spectra(measured: Measured) -> Axes:
    """Draw the spectra of the projected features of all three runs."""
    return plot.spectra(measured.spectra, "Spectrum of the features")


DRAWN: dict[str, Callable[[Measured], Axes]] = {
    "map-before": map_before,
    "map-after": map_after,
    "losses": losses,
    "weights": weights,
    "spectra": spectra,
}
"""Pictures of what was measured, by name."""
NAMES = (*DRAWN, "front", "report")


def pictures(names: Sequence[str], results: Path) -> Iterator[tuple[str, str]]:
    """Yield the file name and the text of the SVGs with these names, in both themes."""
    drawn = [name for name in names if name in DRAWN]
    measured = read(results / "pictures.json") if drawn else None
    for name in drawn:
        assert measured is not None
        for theme in THEMES:
            with plot.styled(theme):
                yield f"{name}-{theme}.svg", plot.svg(DRAWN[name](measured), hover=False)
    if "front" in names:
        for stem, figure in temperature.fronts(Runs(read_trials(results / "temperature"))):
            yield f"{stem}.svg", plot.svg(figure.axes[0])


GLYPH = re.compile(r"\bDejaVu[A-Za-z]+(?:-[A-Z][A-Za-z]+)?-[0-9a-f]+\b")
"""The name of a glyph in an SVG: its font, and its number in there."""


def stale(texts: dict[str, str], folder: Path) -> list[str]:
    """Return the names of the files that are not these texts, but for the numbers of glyphs.

    Builds of one font number the same outlines differently, and systems bring their own.
    """
    paths = {name: folder / name for name in texts}
    return [
        name
        for name, path in paths.items()
        if not path.is_file()
        or renumbered(path.read_text(encoding="utf-8")) != renumbered(texts[name])
    ]


def renumbered(text: str) -> str:
    """Return an SVG with its glyphs numbered as they come.

    >>> renumbered('<path id="DejaVuSans-13b0" d="M 1 2"/><use href="#DejaVuSans-13b0"/>')
    '<path id="glyph0" d="M 1 2"/><use href="#glyph0"/>'
    """
    names: dict[str, str] = {}
    return GLYPH.sub(lambda found: names.setdefault(found[0], f"glyph{len(names)}"), text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--check", action="store_true", help="exit 1 when one is out of date")
    parser.add_argument("--measure", action="store_true", help="train and measure before")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of --measure")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--out", type=Path, default=FIGURES, help="folder of the pictures")
    options = parser.parse_args(argv)
    names = options.names or [name for name in NAMES if name != "report" or options.measure]
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"Expected names from {', '.join(NAMES)}, but got {unknown[0]}.")
    if options.measure:
        runs = train(options.runs, options.epochs)
        write(options.results / "pictures.json", measure(runs))
    texts = dict(pictures(names, options.results))
    if options.check:
        old = stale(texts, options.out)
        print("\n".join(f"out of date: {options.out / name}" for name in old), end="\n" * bool(old))
        return int(bool(old))
    for name, text in texts.items():
        write_text(options.out / name, text)
        print(options.out / name)
    if "report" in names:
        report(options.runs, options.epochs, options.out)
    return 0


def report(runs: Path, epochs: int, out: Path) -> None:
    """Write the screenshots of the report of the runs with UCL and H-UCL, if there is Chromium."""
    if screenshot.browser() is None:
        print("There is no Chromium here, so the picture of the report is not made.")
        return
    with TemporaryDirectory() as scratch:
        trained = train(runs, epochs)
        page = screenshot.write_report([trained["ucl"], trained["h-ucl"]], Path(scratch))
        for theme in THEMES:
            print(screenshot.take(page, theme, out / f"report-{theme}.png"))


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
