"""A report as files: one HTML page, and its figures as SVG and PNG beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from graph_hcl import plot
from graph_hcl.files import write_text
from graph_hcl.reporting import figures, tables
from graph_hcl.reporting.page import contents, figure, grid, page, section
from graph_hcl.reporting.read import RunSummary


def write_report(runs: list[RunSummary], out: Path, how: str = "pca") -> Path:
    """Write the page to `out` and each figure as SVG and PNG beside it; return their folder.

    `how` is the map, pca or umap. Raises `UserError` for a map that cannot be drawn.
    """
    plot.check_map(how)
    folder = out.parent / f"{out.stem}_figures"
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"run{number}" for number in range(len(runs))]
    titles = [f"{r.marked_name}: {r.config.objective} on {r.config.dataset}" for r in runs]
    sections = []
    if len(runs) > 1:
        links = contents({"all": "Side by side"} | dict(zip(names, titles, strict=True)))
        text = tables.results(runs) + tables.differences(runs) + tables.settings_diff(runs)
        drawn = grid("Scores and curves", _drawn(figures.side_by_side(runs), folder, "all"))
        sections = [links, section("all", "Side by side", text, drawn)]
    for run, name, title in zip(runs, names, titles, strict=True):
        groups = (
            ("Scores", figures.scores(run)),
            ("Training", figures.training(run)),
            ("Collapse", figures.collapse(run)),
            ("Embedding space", figures.space(run, how)),
        )
        grids = [grid(heading, _drawn(group, folder, name)) for heading, group in groups]
        text = "" if sections else tables.results([run])
        notes = tables.status_notes(run)
        sections.append(section(name, title, text, notes, *grids, tables.settings(run)))
    text = page(f"Report: {', '.join(run.name for run in runs)}", *sections)
    write_text(out, text)
    return folder


def _drawn(drawings: Iterable[figures.Drawing], folder: Path, prefix: str) -> list[str]:
    """Write the drawings as files; return them as parts of the page."""
    parts = []
    for name, ax, caption, find in drawings:
        # Probes may be named by their import path, which is no name of a file.
        stem = re.sub(r"\W+", "-", f"{prefix}-{name}")
        parts.append(figure(plot.save(ax, folder / stem), caption, stem, find))
    return parts
