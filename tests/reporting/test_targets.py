"""Pages of runs whose targets are no classes, and of a part of the graphs."""

import csv
import dataclasses

import pytest

from graph_hcl.__main__ import main
from graph_hcl.reporting import figures, read, read_run, tables

pytestmark = pytest.mark.filterwarnings("ignore:Not read in this run")


@pytest.fixture
def regression(tmp_path) -> str:
    """Return the name of a run on alcohols with a real target."""
    pytest.importorskip("rdkit")
    with open("molecules.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["smiles", "size"])
        table.writerows(["C" * size + end, size / 10] for size in range(1, 13) for end in "ONF")
    words = ["--dataset", "molecules.csv", "--data.smiles", "smiles", "--data.targets", "size"]
    words += ["--epochs", "1", "--hidden", "8", "--layers", "2", "--out", "real"]
    assert main(["train", *words, "--probe", "ridge", "--probe.folds", "3"]) == 0
    return "real"


def test_the_page_speaks_of_no_classes(regression) -> None:
    found = read_run(regression, regression)
    drawn = {drawing.name: drawing for drawing in figures.space(found, "pca")}
    similar = drawn["similarities"]
    labels = [patch.get_label() for patch in similar.ax.patches]
    assert not any("class" in label for label in labels)
    assert "The targets are no classes. Filled: all pairs of graphs" in similar.caption
    other = dataclasses.replace(found.contrast, negatives="label", positives="label")
    (again, *_) = figures.space(dataclasses.replace(found, contrast=other), "pca")
    assert again.caption == similar.caption
    notes = tables.status_notes(found)
    assert "No diagnosis" not in notes
    assert "The part of the diagnosis that needs classes was not logged." in notes


def test_the_caption_tells_how_many_graphs_are_compared(run, monkeypatch) -> None:
    every = read_run(run("hucl"), "hucl")
    caption = next(d.caption for d in figures.space(every, "pca") if d.name == "similarities")
    assert "but only" not in caption
    assert "all pairs of graphs" in caption
    monkeypatch.setattr(read, "MAX_ROWS", 100)
    some = read_run("hucl", "hucl")
    caption = next(d.caption for d in figures.space(some, "pca") if d.name == "similarities")
    assert "Views of all graphs (seed 0, epoch 2), but only of 47 of the 188; weights" in caption
    assert "all pairs of these graphs" in caption
