"""Report one run, or compare several, in HTML: `python -m graph_hcl.report RUN [RUN …]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from graph_hcl.cli import overridden_settings
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.parser import Parser

EXAMPLES = """\
  python -m graph_hcl.report runs/MUTAG-h-ucl-0
      writes runs/MUTAG-h-ucl-0/report.html, and its figures next to it
  python -m graph_hcl.report runs/MUTAG-ucl-0 runs/MUTAG-h-ucl-0 --out both.html
      compares runs; the figures go to both_figures/, next to both.html
  python -m graph_hcl.report runs/MUTAG-h-ucl-0 --map umap
      needs the extra umap
"""


def main(argv: Sequence[str]) -> None:
    """Write one HTML file about the runs, and its figures; print their paths."""
    parser = Parser("report", "Report runs in one HTML file.", EXAMPLES, usage="RUN [RUN …] ")
    parser.add_argument(
        "runs", type=str, nargs="+", help="Run folders, as printed by graph_hcl.train."
    )
    parser.add_argument(
        "--out",
        type=str,
        help="HTML file; default: report.html, in the run's folder for a single run.",
    )
    parser.add_argument(
        "--map", type=str, default="pca", help="Map of the embeddings: pca, or umap with its extra."
    )
    parser.add_argument("--mirror", type=str, help="URL or folder of NAME.zip files.")
    parser.add_argument("--data-dir", type=str, help="Folder that data sets are cached in.")
    parser.add_argument("--device", type=str, help="Device; default: the run's own.")
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Report although the data changed after training.",
    )
    flags = parser.read(argv)
    paths = [Path(run) for run in flags.runs]
    out = Path(flags.out or (paths[0] if len(paths) == 1 else Path()) / "report.html")
    if out.suffix != ".html":
        raise UserError(f"Expected --out to end in .html, but got '{out.name}'.")

    from graph_hcl.plot.maps import check_map
    from graph_hcl.reporting import read_run, write_report

    check_map(flags.map)
    overrides = overridden_settings(flags, "mirror", "data_dir", "device")
    runs = [
        read_run(path, name, flags.allow_changed_data, **overrides)
        for path, name in zip(paths, display_names(paths), strict=True)
    ]
    if all(run.is_empty for run in runs):
        raise UserError(
            f"The run {paths[0]} has no finished epoch yet: resume it with "
            f"graph_hcl.train --resume {paths[0]}."
        )
    figures = write_report(runs, out, flags.map)
    print(f"report: {out}\nfigures: {figures}")


def display_names(paths: list[Path]) -> list[str]:
    """Return the folders' names, or the paths as typed where two names are equal.

    >>> display_names([Path("runs/a"), Path("runs/b")])
    ['a', 'b']
    """
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


if __name__ == "__main__":
    sys.exit(run_command(main))
