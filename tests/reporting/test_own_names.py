"""Pages speak of classes, graphs and tasks in the user's own words, and say what there is."""

import json
import re
from pathlib import Path

import pytest

from graph_hcl.__main__ import main
from graph_hcl.reporting import figures, read_run, tables
from graph_hcl.reporting.read import RunSummary
from graph_hcl.results_file import read_results
from tests.edits import edit_results

QUICK = ("--epochs", "1", "--hidden", "8", "--layers", "2")


def graphs(*labels: object, count: int = 18) -> str:
    """Write rings and paths with ids, and these labels in turn; return the name of the file."""
    rows = []
    for number in range(count):
        size = 4 + number // 2
        edges = [[i, i + 1] for i in range(size - 1)] + [[size - 1, 0]] * (number % 2)
        row = {"edges": edges + [[b, a] for a, b in edges], "id": f"mol, {number}"}
        rows.append(row | ({"y": labels[number % len(labels)]} if labels else {}))
    Path("g.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return "g.jsonl"


def trained(*labels: object, more: tuple[str, ...] = QUICK) -> RunSummary:
    """Return the run on these graphs; it is in the folder `run`."""
    probe = ("--probe", "class-mean", "--probe.folds", "3") if labels else ()
    assert main(["train", "--dataset", graphs(*labels), *more, *probe, "--out", "run"]) == 0
    return read_run("run", "run")


@pytest.mark.parametrize("labels", [(2, 1), ("ring", "path"), (10, 9)])
def test_classes_and_graphs_have_the_names_that_the_user_gave(labels, check_page) -> None:
    found = trained(*labels)
    assert main(["report", "run"]) == 0
    text = Path("run/report.html").read_text(encoding="utf-8")
    page = check_page(Path("run/report.html"))
    assert f"<title>graph 0, id mol, 0, class {labels[0]}</title>" in text
    assert f"<title>graph 17, id mol, 17, class {labels[1]}</title>" in text
    (confusion,) = (d for d in figures.scores(found) if d.name.startswith("confusion"))
    inorder = [str(label) for label in sorted(labels)]
    assert [tick.get_text() for tick in confusion.ax.get_xticklabels()] == inorder
    head, *rows = confusion.numbers
    assert head == ["true class", *(f"% as {label}" for label in inorder)]
    assert [row[0] for row in rows] == inorder
    assert f"% as {labels[0]}" in page.text
    (drawn,) = (d for d in figures.space(found, "pca") if d.name == "map")
    legend = [entry.get_text() for entry in drawn.ax.get_legend().get_texts()]
    assert legend == [f"class {label}" for label in inorder]
    assert drawn.caption.endswith("Hover over a point for its graph, id and class.")


def test_results_name_the_classes_once_and_older_files_are_read() -> None:
    trained("ring", "path")
    file = Path("run/results.json")
    assert file.read_text(encoding="utf-8").count("ring") == 1
    (comparison,) = read_results(file).comparisons().values()
    assert comparison.about.classes == ["path", "ring"]
    assert {label for fold in comparison.trained.folds for label in fold.labels} == {0, 1}
    edit_results("run", lambda content: content["evaluations"][0].pop("classes"))
    (confusion,) = (
        d for d in figures.scores(read_run("run", "run")) if d.name.startswith("confusion")
    )
    assert [tick.get_text() for tick in confusion.ax.get_xticklabels()] == ["path", "ring"]


def test_sets_of_tu_have_the_labels_of_their_files(run) -> None:
    found = read_run(run("hucl"), "hucl")
    assert found.class_names == ["-1", "1"]
    (drawn,) = (d for d in figures.space(found, "pca") if d.name == "map")
    assert [entry.get_text() for entry in drawn.ax.get_legend().get_texts()] == [
        "class -1",
        "class 1",
    ]


@pytest.mark.parametrize("more", [QUICK, (*QUICK, "--epochs", "0")], ids=["one", "none"])
def test_without_labels_there_is_a_map(more, check_page) -> None:
    flags = more if more is QUICK else ("--epochs", "0", *QUICK[2:])
    found = trained(more=flags)
    names = [drawing.name for drawing in figures.space(found, "tsne")]
    assert names == ["similarities", "spectra", "map"]
    assert main(["report", "run", "--map", "tsne"]) == 0
    page = check_page(Path("run/report.html"))
    assert "Hover over a point for its graph and id." in page.text
    for untrue in ("accuracy", "targets are no classes", "not finite", "resume"):
        assert untrue not in page.text.partition("Settings")[0]
    assert "<th>scores</th>" in tables.results([found])
    assert (
        "t-SNE"
        in re.findall(r'aria-label="([^"]*)"', Path("run/report.html").read_text(encoding="utf-8"))[
            -1
        ]
    )


def test_real_targets_have_no_majority() -> None:
    text = tables.results([trained_on_numbers()])
    assert "majority" not in text
    assert "RMSE" in text


def trained_on_numbers() -> RunSummary:
    """Return the run on graphs with real targets."""
    data = graphs(*(number / 7 for number in range(18)))
    probe = ("--probe", "ridge", "--probe.folds", "3")
    assert main(["train", "--dataset", data, *QUICK, *probe, "--out", "run"]) == 0
    return read_run("run", "run")


def test_a_figure_is_told_with_its_title_and_no_two_alike(run) -> None:
    assert main(["report", run("hucl"), "--out", "page.html"]) == 0
    text = Path("page.html").read_text(encoding="utf-8")
    labels = re.findall(r'aria-label="([^"]*)"', text)
    assert len(labels) == len(set(labels)) == text.count("<figure>")
    assert any(label.startswith("Neural collapse: Distances") for label in labels)
