"""Writing a report: one HTML page, and its figures as SVG and PNG."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from graph_hcl import plot
from graph_hcl.files import as_path, safe_name, write_text
from graph_hcl.leftovers import folder_for, remove_others
from graph_hcl.plot.maps import check_map
from graph_hcl.reporting import captions, figures, tables
from graph_hcl.reporting.page import contents, figure, grid, page, section
from graph_hcl.reporting.read import RunSummary

FIGURES = (
    *("loss", "losses", "orderings", "temperature", "collapse", "class-mean", "rank", "spread"),
    *("similarities", "spectra", "map", "class-spectra"),
    *(figures.compared_name(key) for key, _, _ in captions.COMPARED),
)
"""Names of figures besides those of a probe."""
OURS = rf"(all|run\d+)-({'|'.join(FIGURES)}|(folds|predictions|confusion)-.+)\.(svg|png)"
"""Files that reports write."""


def write_report(runs: list[RunSummary], out: str | Path, method: str = "pca") -> Path:
    """Write the page to `out`, and each figure as SVG and PNG to a folder; return that folder.

    Figures of an earlier report that this one lacks are removed from there, and where the report
    fails, a folder that was made for it. `method` is that of the map: pca, tsne or umap. Raises
    `UserError` for a map that cannot be drawn. Figures are drawn for a light page, and follow the
    reader's theme.
    """
    check_map(method)
    out = as_path(out, "out")
    folder = out.parent / f"{out.stem}_figures"
    with folder_for(folder):
        _write(runs, out, folder, method)
    return folder


def _write(runs: list[RunSummary], out: Path, folder: Path, method: str) -> None:
    names = [f"run{number}" for number in range(len(runs))]
    titles = [f"{r.marked_name}: {r.config.objective} on {r.config.dataset}" for r in runs]
    sections: list[str] = []
    written: set[str] = set()
    if len(runs) > 1:
        links = contents({"all": "Side by side"} | dict(zip(names, titles, strict=True)))
        text = tables.results(runs) + tables.differences(runs) + tables.settings_diff(runs)
        drawn = grid(
            "Scores and curves", _drawn(figures.side_by_side(runs), folder, "all", written)
        )
        sections = [links, section("all", "Side by side", text, drawn)]
    for run, name, title in zip(runs, names, titles, strict=True):
        groups = (
            ("Scores", figures.scores(run)),
            ("Training", figures.training(run)),
            ("Collapse", figures.collapse(run)),
            ("Embedding space", figures.space(run, method)),
        )
        grids = [grid(heading, _drawn(group, folder, name, written)) for heading, group in groups]
        text = "" if sections else tables.results([run])
        notes = tables.status_notes(run)
        sections.append(section(name, title, text, notes, *grids, tables.settings(run)))
    text = page(f"Report: {', '.join(run.name for run in runs)}", *sections)
    write_text(out, text)
    remove_others(folder, OURS, written)


def _drawn(
    drawings: Iterable[figures.Drawing], folder: Path, prefix: str, written: set[str]
) -> list[str]:
    """Write the figures to files, whose names are added to `written`; return their HTML."""
    parts = []
    with plot.styled("light"):
        for name, ax, caption, searchable, numbers in drawings:
            # A probe may be an import path, which is not a valid file name.
            stem = safe_name(re.sub(r"\W+", "-", f"{prefix}-{name}"))
            written |= {f"{stem}.svg", f"{stem}.png"}
            svg, title = plot.save(ax, folder / stem), ax.get_title(loc="left")
            parts.append(figure(svg, caption, stem, searchable, title, numbers))
    return parts
