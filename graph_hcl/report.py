"""Draw a run, or several beside each other: `python -m graph_hcl.report RUN [RUN …]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from graph_hcl.cli import Parser, run

EXAMPLES = """\
  python -m graph_hcl.report runs/MUTAG-h-ucl-0
      writes runs/MUTAG-h-ucl-0/report.html and the figures beside it
  python -m graph_hcl.report runs/MUTAG-ucl-0 runs/MUTAG-h-ucl-0 --out both.html
      compares runs; the figures go to both_figures/
  python -m graph_hcl.report runs/MUTAG-h-ucl-0 --map umap
      needs the extra umap
"""


def main(argv: Sequence[str]) -> None:
    """Read the runs, draw them, write one HTML file and its figures, print where they are."""
    parser = Parser("report", "Draw runs as one HTML file.", EXAMPLES, usage="RUN [RUN …] ")
    parser.add_argument("runs", type=str, nargs="+", help="Run folders of graph_hcl.train.")
    parser.add_argument("--out", type=str, help="HTML file; in the run's folder unless given.")
    parser.add_argument("--map", type=str, default="pca", help="pca, or umap with its extra.")
    flags = parser.read(argv)

    from graph_hcl.reported import read_run
    from graph_hcl.reporting import write_report

    names = _short([Path(run) for run in flags.runs])
    found = [read_run(run, name) for run, name in zip(flags.runs, names, strict=True)]
    single = Path(flags.runs[0]) if len(found) == 1 else Path()
    out = Path(flags.out) if flags.out else single / "report.html"
    figures = write_report(found, out, flags.map)
    print(f"report: {out}\nfigures: {figures}")


def _short(paths: list[Path]) -> list[str]:
    """Return the folders' names, or whole paths where two have the same name."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


if __name__ == "__main__":
    sys.exit(run(main))
