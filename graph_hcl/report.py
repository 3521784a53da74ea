"""Report one run, or compare several, in HTML."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from graph_hcl.calling import called
from graph_hcl.cli import overridden_settings
from graph_hcl.commands import refuse_calls
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.files import as_path, check_writable
from graph_hcl.help_text import Example
from graph_hcl.parser import TRUST_CODE, Parser

refuse_calls(__name__)
EXAMPLES = (
    Example(
        "runs/digits-h-ucl-0",
        "Writes runs/digits-h-ucl-0/report.html, and its figures next to it.",
    ),
    Example(
        "runs/digits-ucl-0 runs/digits-h-ucl-0 --out both.html",
        "Compares runs; the figures go to both_figures/, next to both.html.",
    ),
    Example("runs/digits-h-ucl-0 --map umap", "Draws the embeddings by UMAP: the extra umap."),
)
OVERRIDES = ("dataset", "mirror", "data_dir", "device")
"""Settings of the runs that flags override."""


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("report", EXAMPLES, usage="RUN [RUN …] ")
    parser.add_argument(
        "runs", type=str, nargs="+", metavar="RUN", help="Folders of one run or of several."
    )
    parser.add_argument(
        "--out",
        type=str,
        metavar="FILE",
        help="HTML file to write; an existing file is overwritten. Default: report.html, in the "
        "run's folder for a single run.",
    )
    parser.add_argument(
        "--map",
        type=str,
        metavar="NAME",
        default="pca",
        help="How embeddings are drawn in two dimensions: pca, tsne, or umap with its extra.",
    )
    parser.add_dataset()
    for name in OVERRIDES[1:]:
        parser.add_setting(name)
    parser.add_argument("--trust_code", action="store_true", help=TRUST_CODE)
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Report although the data changed after training.",
    )
    return parser


def main(argv: Sequence[str]) -> None:
    """Write one HTML file about the runs, and its figures; print their paths."""
    flags = make_parser().read(argv)
    paths = [as_path(run, "RUN") for run in flags.runs]
    usual = (paths[0] if len(paths) == 1 else Path()) / "report.html"
    out = as_path(flags.out or usual, "--out")
    if out.suffix.lower() != ".html":
        raise UserError(f"Expected --out to end in .html, but got '{out.name}'.")
    if flags.out:
        check_writable(out)

    from graph_hcl.plot.maps import check_map
    from graph_hcl.reporting import read_run, write_report

    check_map(flags.map)
    overrides, trust = overridden_settings(flags, *OVERRIDES), flags.trust_code
    runs = [
        read_run(path, name, flags.allow_changed_data, trust_code=trust, **overrides)
        for path, name in zip(paths, display_names(paths), strict=True)
    ]
    if all(run.is_empty and run.unfinished for run in runs):
        raise UserError(
            f"The run {paths[0]} has no finished epoch yet: resume it with "
            f"{called('train')} --resume {paths[0]}."
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
