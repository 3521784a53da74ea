"""The report command, end to end on MUTAG: what a user sees, and what a browser gets."""

import html
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.__main__ import main
from graph_hcl.probes.statistics import corrected_t_test, p_text
from graph_hcl.report import display_names
from graph_hcl.reporting import figures, read_run
from graph_hcl.results_file import read_results
from tests.edits import edit_config, edit_results

ALWAYS = {"folds-class-mean", "confusion-class-mean", "similarities", "spectra", "map"}
LOGGED = {"loss", "losses", "orderings", "temperature", "collapse", "class-mean", "rank", "spread"}


def test_the_page_tells_scores_controls_settings_and_versions(run, capsys, check_page) -> None:
    folder = Path(run("hucl"))
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    comparison = read_results(folder / "results.json").comparisons()["class-mean"]
    assert main(["report", "hucl", "--out", "page.html"]) == 0
    assert "report: page.html\nfigures: page_figures\n" in capsys.readouterr().out
    page = check_page(Path("page.html"))
    names = {file.name for file in Path("page_figures").iterdir()}
    assert names == {f"run0-{stem}.{kind}" for stem in ALWAYS | LOGGED for kind in ("svg", "png")}
    for file in Path("page_figures").iterdir():
        if file.suffix == ".svg":
            ET.parse(file)
        else:
            assert file.read_bytes().startswith(b"\x89PNG")
    assert page.tags.count("figure") == len(ALWAYS | LOGGED)
    evaluations = comparison.trained, comparison.untrained
    for evaluation in evaluations:
        score = evaluation["accuracy"]
        assert f"{100 * score.mean:.2f} ± {100 * score.std:.2f}" in page.text
    assert f"{100 * comparison.about.majority_accuracy:.2f}" in page.text
    pair = [[fold.scores["accuracy"] for fold in one.folds] for one in evaluations]
    ratio = np.mean([len(fold.test) / fold.train for fold in comparison.trained.folds])
    found = corrected_t_test(*pair, test_to_train=float(ratio))
    assert f"{100 * found.difference:+.2f}".replace("-", "−") in page.text
    assert p_text(found.p_value) in page.text
    assert "p (Holm)" in page.text
    assert Path("hucl/config.yaml").read_text(encoding="utf-8") in page.text
    assert comparison.about.versions["torch"] in page.text
    assert comparison.about.data_sha256 in page.text
    titles = re.findall(
        r"<title>graph \d+, class -?1</title>", Path("page.html").read_text(encoding="utf-8")
    )
    assert len(set(titles)) == 188
    after = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert before == after


def test_runs_beside_each_other(run, check_page) -> None:
    assert main(["report", run("none"), run("blind")]) == 0
    page = check_page(Path("report.html"))
    stems = {file.stem for file in Path("report_figures").iterdir()}
    together = {"all-loss", "all-spectra", "all-folds-class-mean"}
    alone = {f"run{k}-{stem}" for k in (0, 1) for stem in ALWAYS}
    assert stems == together | alone | {"run1-loss"}
    assert {"#all", "#run0", "#run1"} <= set(page.addresses)
    assert "blind − none" in page.text


def test_runs_of_one_name_are_told_apart() -> None:
    assert display_names([Path("a/run"), Path("b/other")]) == ["run", "other"]
    assert display_names([Path("a/run"), Path("b/run")]) == ["a/run", "b/run"]


def test_hostile_names_and_files_are_text(run, check_page) -> None:
    name = r"<script>alert(1)<!-- $\frac & 'x' " + '"y"'
    run("none", name)

    def harm(results: dict) -> None:
        results["evaluations"][0]["command"] = ["<i>", "&amp;"]
        for record in results["records"]:
            record |= {"probe": "../../<b>x</b>", "protocol": "<img src=x>"}

    edit_results(name, harm)
    assert main(["report", name, "--out", "page.html"]) == 0
    page = check_page(Path("page.html"))
    assert name in page.text
    assert "<img src=x>" in page.text
    assert "<i> &amp;" in page.text
    assert html.escape(name) in Path("page.html").read_text(encoding="utf-8")
    assert {file.name for file in Path().iterdir()} == {name, "page.html", "page_figures"}
    assert all(re.fullmatch(r"[\w-]+\.(svg|png)", f.name) for f in Path("page_figures").iterdir())


def test_unfinished_run_shows_what_there_is(run, check_page) -> None:
    folder = Path(run("hscl"))
    edit_config(folder, "epochs: 2", "epochs: 5")
    (folder / "results.json").unlink()
    (folder / "checkpoint" / "seed0-fold2.safetensors").unlink()
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"part": "seed0-fold2", "ep')
    assert main(["report", "hscl"]) == 0
    page = check_page(folder / "report.html")
    assert "0 of 3 models have finished their 5 epochs; the first has finished 2." in page.text
    assert "no scores yet" in page.text
    assert "held-out graphs of fold 0 (seed 0, epoch 2)" in page.text
    assert (folder / "report_figures" / "run0-map.svg").exists()
    shutil.rmtree(folder / "checkpoint")
    found = read_run("hscl", "hscl")
    assert found.space is None
    assert found.unfinished.endswith("the first has finished 0.")
    assert list(figures.space(found, "pca")) == []


def test_mistakes_cost_one_sentence(run, capsys, monkeypatch) -> None:
    run("hucl")
    Path("file").write_text("mine", encoding="utf-8")
    Path("bare").mkdir()
    for name in ("config.yaml", "manifest.json"):
        shutil.copy(f"hucl/{name}", f"bare/{name}")
    run("ucl", "damaged")
    Path("damaged/results.json").write_text("{", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "umap", None)
    capsys.readouterr()
    for argv, sentence in (
        (["missing"], "Expected a run folder with a config.yaml at missing"),
        (["bare"], "no finished epoch yet: resume it with python -m graph_hcl.train --resume bare"),
        (["hucl", "missing"], "missing"),
        (["hucl", "--map", "mds"], "Expected the map to be pca, tsne or umap, but got 'mds'"),
        (["hucl", "--map", "umap"], "pip install"),
        (["hucl", "--out", "page.pdf"], "Expected --out to end in .html, but got 'page.pdf'"),
        (["hucl", "--out", "file/page.html"], "a folder at file, but it is a file"),
        (["damaged"], "graph_hcl.evaluate damaged"),
        (["hucl", "--page", "x"], "Unknown flag --page"),
        ([], "error"),
    ):
        assert main(["report", *argv]) == 2, argv
        message = capsys.readouterr().err
        assert message.startswith("error: ")
        assert sentence in message
        assert message.count("\n") == 1
    names = {file.name for file in Path().iterdir()}
    assert names == {"hucl", "file", "bare", "damaged"}
    assert not Path("hucl/report.html").exists()
    assert Path("file").read_text(encoding="utf-8") == "mine"


def test_umap_where_it_is_installed(run, check_page) -> None:
    pytest.importorskip("umap", reason="the extra umap is not installed")
    run("hucl")
    assert main(["report", "hucl", "--map", "umap"]) == 0
    check_page(Path("hucl/report.html"))
