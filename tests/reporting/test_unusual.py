"""Runs that are unfinished, diverged, damaged, or have too little to say."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from graph_hcl.__main__ import main
from graph_hcl.reporting import figures, read_run, tables, write_report
from graph_hcl.sealed import seal
from tests.edits import edit_checkpoint, edit_config, edit_metrics, edit_results


@pytest.fixture
def unfinished(run):
    """Return the name of a run that was killed before any model was whole."""
    folder = Path(run("hscl", "killed"))
    edit_config(folder, "epochs: 2", "epochs: 5")
    (folder / "results.json").unlink()
    return "killed"


def rows(text: str, read_page) -> list[str]:
    return [read_page(f"<tr>{row}").text for row in text.split("<tr>")[1:]]


@pytest.mark.slow
def test_unfinished_runs_stay_in_comparisons(run, unfinished, check_page, read_page) -> None:
    run("hucl", "bare")
    shutil.rmtree("bare/checkpoint")
    Path("bare/metrics.jsonl").unlink()
    Path("bare/results.json").unlink()
    Path(run("hucl", "measured"), "results.json").rename("moved.json")
    names = ["hucl", unfinished, "bare", "measured"]
    runs = [read_run(name if name != "hucl" else run(name), name) for name in names]
    text = tables.results(runs)
    head, *cells = (row for row in text.split("<tr>")[1:])
    assert [row.count("<td") for row in cells] == [head.count("<th>") - 1] * 4
    assert (
        "Not finished: 0 of 3 models have finished their 5 epochs; the first has finished 2."
        in text
    )
    losses = [record["loss"] for record in runs[1].records if record["epoch"] == 2]
    assert f"Training loss at epoch 2: {np.mean(losses):.4g}." in text
    assert "Not finished: 0 of 2 epochs are finished." in cells[2]
    assert "graph_hcl.evaluate" in cells[3]
    drawn = {drawing.name: drawing for drawing in figures.side_by_side(runs)}
    lines = [line.get_label() for line in drawn["loss"].ax.lines]
    assert lines == ["hucl", "killed (unfinished)", "measured (not evaluated)"]
    told = "killed (unfinished), bare (unfinished), measured (not evaluated)."
    assert drawn["folds-class-mean"].caption.endswith(f"Without scores by this probe: {told}")
    assert main(["report", *names]) == 0
    assert "bare (unfinished)" in check_page(Path("report.html")).text


@pytest.fixture
def without_labels(tmp_path) -> str:
    """Return the name of a run on eight cycles that have node labels, and no labels of graphs."""
    size, count = 5, 8
    folder = tmp_path / "mirror" / "RINGS"
    folder.mkdir(parents=True)
    pairs = [
        (size * graph + node + 1, size * graph + (node + 1) % size + 1)
        for graph in range(count)
        for node in range(size)
    ]
    files = {
        "A": [f"{one}, {other}" for a, b in pairs for one, other in ((a, b), (b, a))],
        "graph_indicator": [graph + 1 for graph in range(count) for _ in range(size)],
        "node_labels": [node % 3 for _ in range(count) for node in range(size)],
    }
    for name, lines in files.items():
        (folder / f"RINGS_{name}.txt").write_text(
            "".join(f"{line}\n" for line in lines), encoding="utf-8"
        )
    words = ["--dataset", "RINGS", "--mirror", str(folder.parent), "--epochs", "2"]
    assert (
        main(
            [
                "train",
                *words,
                "--hidden",
                "8",
                "--layers",
                "2",
                "--out",
                "rings",
            ]
        )
        == 0
    )
    return "rings"


@pytest.mark.slow
def test_a_run_without_labels_shows_its_loss_and_says_so(run, without_labels, check_page) -> None:
    assert main(["report", without_labels]) == 0
    page = check_page(Path(without_labels) / "report.html")
    assert "The graphs have no labels, so there is nothing to evaluate." in page.text
    assert "Training loss" in page.text or "averaged over each epoch" in page.text
    for untrue in ("not finite", "diagnosis was logged", "graph_hcl.evaluate", "no scores yet"):
        assert untrue not in page.text
    assert main(["report", without_labels, run("hucl"), "--out", "both.html"]) == 0
    assert "rings (no labels)" in check_page(Path("both.html")).text


def test_what_is_so_by_construction_is_not_told(run) -> None:
    two = read_run(run("hucl"), "hucl")
    assert "dimensions" not in tables.status_notes(two)
    (spectra,) = [d.ax for d in figures.space(two, "pca") if d.name == "spectra"]
    assert [line.get_label() for line in spectra.lines][:-1] == ["features"]
    assert "class-spectra" not in {d.name for d in figures.side_by_side([two, two])}
    labels = two.space.labels.clone()
    labels[:60] = 2
    space = dataclasses.replace(two.space, labels=labels)
    three = dataclasses.replace(two, labels=labels, space=space)
    assert "class means have 2 of 2 live dimensions" in tables.status_notes(three)
    assert "class-spectra" in {d.name for d in figures.side_by_side([two, three])}
    none = read_run(run("none"), "none")
    assert "0.00 [" not in tables.results([none])  # both encoders are the same one
    assert "seeds" not in next(d for d in figures.scores(two) if "confusion" in d.name).caption


def test_one_class_has_a_page(run, check_page, read_page) -> None:
    two = read_run(run("hucl"), "hucl")
    labels = torch.zeros_like(two.labels)
    z, graph, _ = two.space.views
    views = z, graph, torch.zeros_like(graph)
    space = dataclasses.replace(two.space, labels=labels, views=views)
    one = dataclasses.replace(two, labels=labels, space=space)
    write_report([one], Path("one.html"))
    check_page(Path("one.html"))
    assert "nearest class mean" not in tables.status_notes(one)
    names = {d.name for group in (figures.scores, figures.collapse) for d in group(one)}
    assert not names & {"class-mean", "confusion-class-mean"}


@pytest.mark.slow
def test_runs_of_other_labels_stand_side_by_side(run, check_page) -> None:
    two = read_run(run("hucl"), "hucl")
    labels = two.labels + 5
    space = dataclasses.replace(two.space, labels=labels)
    other = dataclasses.replace(two, labels=labels, space=space, class_names=())
    write_report([two, other], Path("two.html"))
    check_page(Path("two.html"))


def test_a_run_that_diverged_says_so(run, check_page) -> None:
    (file,) = Path(run("hucl"), "checkpoint").glob("*.safetensors")
    edit_checkpoint(
        file,
        lambda tensors: {
            k: v * (torch.nan if v.is_floating_point() else 1) for k, v in tensors.items()
        },
    )
    edit_metrics("hucl", lambda record: record | {"loss": float("nan")})

    def diverge(results: dict) -> None:
        for record in results["records"]:
            if record["encoder"] == "trained":
                record["scores"]["accuracy"] = float("nan")

    edit_results("hucl", diverge)
    assert main(["report", "hucl"]) == 0
    text = check_page(Path("hucl/report.html")).text
    assert "embeddings are not finite" in text
    assert "training loss is not finite" in text
    assert "not a number" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert not Path("hucl/report_figures/run0-loss.svg").exists()


def test_lines_of_a_log_that_are_no_records_are_passed_over(run, check_page) -> None:
    log = Path(run("hucl"), "metrics.jsonl")
    strange = {"loss": "<b>", "ucl": [1], "scl": {}, "zero_sum": 10**400, "effective_rank": True}
    edit_metrics("hucl", lambda record: record | strange)
    more = [json.dumps(seal({"part": 1})), json.dumps(seal({"part": "a"}))]
    with log.open("a", encoding="utf-8") as file:
        file.write("\n".join(["3", "[]", "null", *more]) + "\n")
    assert main(["report", "hucl"]) == 0
    assert "training loss is not finite" in check_page(Path("hucl/report.html")).text


DAMAGE = ("list", "number", "old", "record", "encoder", "fold", "versions", "text", "unknown")


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_results_cost_one_sentence(damage, run, capsys) -> None:
    file = Path(run("hucl"), "results.json")
    results = json.loads(file.read_text(encoding="utf-8"))
    records = results["records"]
    if damage == "record":
        records[0] = 3
    if damage == "encoder":
        results["records"] = [one for one in records if one["encoder"] == "trained"]
    if damage == "fold":
        del records[0]["predictions"][0]
    if damage == "text":
        records[0]["scores"]["accuracy"] = "high"
    if damage == "versions":
        results["evaluations"][0]["versions"] = []
    if damage == "unknown":
        records[0]["evaluation"] = 7
    whole = {"list": [], "number": 3, "old": {"class-mean": {"trained": {}}}}
    sealed = seal({name: value for name, value in results.items() if name != "sha256"})
    damaged = whole.get(damage, sealed)
    file.write_text(json.dumps(damaged), encoding="utf-8")
    assert main(["report", "hucl"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: Expected hucl/results.json to hold")
    assert message.count("\n") == 1
