"""Pages of several runs: one colour for each run, and no pictures of an earlier page."""

import dataclasses
from pathlib import Path

from graph_hcl.__main__ import main
from graph_hcl.reporting import figures, read_run


def test_a_run_has_one_colour_on_the_page(run) -> None:
    one, two = (read_run(run(name), name) for name in ("hucl", "hscl"))
    empty = dataclasses.replace(one, name="none", results={}, records=[], space=None)
    drawn = {drawing.name: drawing for drawing in figures.side_by_side([one, empty, two])}
    (loss, spectra, folds) = (drawn[n].ax for n in ("loss", "spectra", "folds-class-mean"))
    first, last = (line.get_color() for line in loss.lines)
    assert first != last
    curves = {line.get_label(): line.get_color() for line in spectra.lines}
    assert curves["hucl"] == first
    assert curves["hscl"] == last
    means = dict.fromkeys(line.get_color() for line in folds.lines if line.get_marker() == "|")
    assert [shade for shade in means if shade in (first, last)] == [first, last]
    assert len(means) == 3  # and that of the untrained encoders
    assert drawn["folds-class-mean"].caption.endswith("by this probe: none (not evaluated).")


def test_pictures_of_an_earlier_page_are_removed(run) -> None:
    names = [run("hucl"), run("hscl")]
    assert main(["report", *names, "--out", "x.html"]) == 0
    folder = Path("x_figures")
    mine = {"all-notes.svg", "run1-mine.png", "run1-loss.txt", "loss.svg"}
    for name in mine:
        (folder / name).write_text("mine", encoding="utf-8")
    assert main(["report", names[0], "--out", "x.html"]) == 0
    rest = {file.name for file in folder.iterdir()}
    assert mine <= rest
    assert all(name.startswith("run0-") for name in rest - mine)
