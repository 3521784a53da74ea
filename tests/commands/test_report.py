"""The report command, end to end on MUTAG: what a user sees, and what a browser gets."""

import dataclasses
import html
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.__main__ import main
from graph_hcl.probes.statistics import corrected_t_test
from graph_hcl.report import short
from graph_hcl.reporting import figures, read_run, tables

QUICK = ["--epochs", "2", "--hidden", "8", "--layers", "2", "--probe.name", "class-mean"]
RUNS = {
    "hucl": [],
    "ucl": ["--objective", "ucl", "--repeats", "2", "--seed", "3"],
    "hscl": ["--objective", "h-scl", "--probe.folds", "3"],
    "one-view": ["--objective", "scl", "--views", '["identity"]', "--probe.folds", "3"],
    "latent": ["--objective", "h-scl", "--loss.negatives", "all", "--probe.folds", "3"],
    "mass": ["--loss.hardening", "class-mass"],
    "threshold": ["--loss.hardening", "threshold", "--loss.hardening-options.tau", "1.5"],
    "info": ["--objective", "infograph", "--projection.normalize", "none"],
    "hinfo": ["--objective", "h-infograph"],
    "supcon": ["--objective", "supcon", "--probe.folds", "3"],
    "blind": ["--diagnose", "false"],
    "none": ["--epochs", "0"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def somewhere(home, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPH_HCL_DATA", str(home / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(home, tmp_path):
    """Return a copy of the run of a name, trained once for all tests."""

    def copy(name: str, to: str | None = None) -> str:
        trained = home / name
        if not trained.exists():
            quick = QUICK[2:] if "--epochs" in RUNS[name] else QUICK
            assert main(["train", *quick, *RUNS[name], "--out", str(trained)]) == 0
        shutil.copytree(trained, tmp_path / (to or name))
        return to or name

    return copy


class Page(HTMLParser):
    """Ids, addresses, tags that are open, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "link", "img", "br", "hr", "input"):
            self.open.append(tag)
        self.note(attrs)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.note(attrs)

    def note(self, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "xlink:href", "srcset", "data", "action"):
                self.addresses.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def check_page(path: Path) -> Page:
    """Return the page after checking that it is whole and stands alone."""
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    names = set(page.ids)
    fetched = [a for a in page.addresses if not a.startswith(("#", "data:image/png;base64,"))]
    assert fetched == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= names
    assert set(re.findall(r"url\(#?([^)]*)\)", text)) <= names
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    rest = re.sub(r'xmlns(:xlink)?="[^"]*"|"data:image/png;base64,[^"]*"', "", text)
    assert "http" not in rest
    assert "@import" not in rest
    return page


ALWAYS = {"folds-class-mean", "confusion-class-mean", "similarities", "spectra", "map"}
LOGGED = {"loss", "losses", "orderings", "collapse", "class-mean", "rank", "spread"}


@pytest.mark.parametrize("name", RUNS)
def test_every_kind_of_run_has_its_figures(name, run) -> None:
    found = read_run(run(name), name)
    drawn = [
        *figures.scores(found),
        *figures.training(found),
        *figures.collapse(found),
        *figures.space(found, "pca"),
    ]
    names = [drawing.name for drawing in drawn]
    assert len(names) == len(set(names))
    assert set(names) == ALWAYS | {"blind": {"loss"}, "none": set()}.get(name, LOGGED)
    assert all(drawing.caption.endswith(".") for drawing in drawn)
    assert ("logged no diagnosis" in tables.words(found)) == (name in ("blind", "none"))
    levels = [line.get_label() for d in drawn if d.name == "losses" for line in d.ax.lines]
    assert ("floor of SCL, H-SCL" in levels) == (name not in ("info", "blind", "none"))
    (similar,) = [d.ax for d in drawn if d.name == "similarities"]
    outlined = [p.get_label() for p in similar.patches if "weight" in p.get_label()]
    assert len(outlined) == (1 if name in ("hscl", "one-view") else 2)


def test_the_page_tells_scores_controls_settings_and_versions(run, capsys) -> None:
    folder = Path(run("hucl"))
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    record = json.loads((folder / "results.json").read_text())["class-mean"]
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
    for kind in ("trained", "untrained"):
        score = record[kind]["accuracy"]
        assert f"{100 * score['mean']:.2f} ± {100 * score['std_folds']:.2f}" in page.text
    assert f"{100 * record['majority_accuracy']:.2f}" in page.text
    pair = [
        [score["accuracy"] for seed in record[kind]["seeds"] for score in seed["scores"]]
        for kind in ("trained", "untrained")
    ]
    ratio = np.mean([s["test"] / s["train"] for s in record["trained"]["seeds"][0]["scores"]])
    found = corrected_t_test(*pair, test_to_train=float(ratio))
    assert f"{100 * found.difference:+.2f}".replace("-", "−") in page.text
    assert f"{found.p_value:.3f}" in page.text
    assert Path("hucl/config.yaml").read_text() in page.text
    assert record["versions"]["torch"] in page.text
    assert record["data_sha256"] in page.text
    titles = re.findall(r"<title>graph \d+, class [01]</title>", Path("page.html").read_text())
    assert len(set(titles)) == 188
    after = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert before == after


def test_runs_on_the_same_folds_are_tested_against_the_first(run) -> None:
    runs = [read_run(run(name), name) for name in ("hucl", "threshold", "hscl")]
    first, second = (one.results["class-mean"]["trained"]["seeds"][0]["scores"] for one in runs[:2])
    ratio = np.mean([score["test"] / score["train"] for score in first])
    found = corrected_t_test(
        [score["accuracy"] for score in second],
        [score["accuracy"] for score in first],
        test_to_train=float(ratio),
    )
    low, high = (f"{100 * end:+.2f}" for end in found.interval)
    told = f"{100 * found.difference:+.2f} [{low}, {high}]".replace("-", "−")
    page = Page(tables.differences(runs))
    assert f"threshold − huclclass-mean{told}{found.p_value:.3f}" in page.text
    assert "hscl − huclclass-meanother data or folds: not comparable" in page.text
    assert "loss.hardeningexponentialthreshold" in Page(tables.unlike(runs[:2])).text
    assert tables.differences(runs[:1]) == tables.unlike(runs[:1]) == ""


def test_an_option_that_one_run_alone_has_stands_among_the_differences(run) -> None:
    one = read_run(run("hucl"), "one")
    loss = dataclasses.replace(one.config.loss, hardening_options={"share": 0.5})
    other = dataclasses.replace(one, config=dataclasses.replace(one.config, loss=loss))
    for pair, told in (([one, other], "–0.5"), ([other, one], "0.5–")):
        assert f"loss.hardening_options.share{told}" in Page(tables.unlike(pair)).text


def test_runs_beside_each_other(run) -> None:
    assert main(["report", run("none"), run("blind")]) == 0
    page = check_page(Path("report.html"))
    stems = {file.stem for file in Path("report_figures").iterdir()}
    together = {"all-loss", "all-class-spectra", "all-spectra", "all-folds-class-mean"}
    alone = {f"run{k}-{stem}" for k in (0, 1) for stem in ALWAYS}
    assert stems == together | alone | {"run1-loss"}
    assert {"#all", "#run0", "#run1"} <= set(page.addresses)
    assert "blind − none" in page.text


def test_curves_of_several_runs_stand_together(run) -> None:
    runs = [read_run(run(name), name) for name in ("hucl", "hscl")]
    drawn = {drawing.name: drawing.ax for drawing in figures.side_by_side(runs)}
    for key in ("loss", "h-scl", "assumption-1", "effective-rank", "within-class"):
        names = [line.get_label() for line in drawn[key].lines]
        assert names == ["hucl", "hscl"]
    line = drawn["h-scl"].lines[0]
    logged = [record["h-scl"] for record in runs[0].records]
    assert line.get_ydata().tolist() == pytest.approx(logged)


def test_runs_of_one_name_are_told_apart() -> None:
    assert short([Path("a/run"), Path("b/other")]) == ["run", "other"]
    assert short([Path("a/run"), Path("b/run")]) == ["a/run", "b/run"]


def test_hostile_names_and_files_are_text(run) -> None:
    name = r"<script>alert(1)<!-- $\frac & 'x' " + '"y"'
    run("none", name)
    file = Path(name, "results.json")
    record = json.loads(file.read_text())["class-mean"]
    record |= {"probe": "../<b>x</b>", "protocol": "<img src=x>", "command": ["<i>", "&amp;"]}
    file.write_text(json.dumps({"../../<b>x</b>": record}))
    assert main(["report", name, "--out", "page.html"]) == 0
    page = check_page(Path("page.html"))
    assert "script" not in page.tags
    assert name in page.text
    assert "<img src=x>" in page.text
    assert "<i> &amp;" in page.text
    assert html.escape(name) in Path("page.html").read_text()
    assert {file.name for file in Path().iterdir()} == {name, "page.html", "page_figures"}
    assert all(re.fullmatch(r"[\w-]+\.(svg|png)", f.name) for f in Path("page_figures").iterdir())


def test_unfinished_run_shows_what_there_is(run) -> None:
    folder = Path(run("hscl"))
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("epochs: 2", "epochs: 5"))
    (folder / "results.json").unlink()
    (folder / "checkpoint" / "seed0-fold2.safetensors").unlink()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"part": "seed0-fold2", "ep')
    assert main(["report", "hscl"]) == 0
    page = check_page(folder / "report.html")
    assert "0 of 3 models are trained to their 5 epochs; the first has 2." in page.text
    assert "No results yet." in page.text
    assert "held-out graphs of fold 0 (seed 0, epoch 2)" in page.text
    assert (folder / "report_figures" / "run0-map.svg").exists()
    shutil.rmtree(folder / "checkpoint")
    found = read_run("hscl", "hscl")
    assert found.space is None
    assert found.unfinished.endswith("the first has 0.")
    assert list(figures.space(found, "pca")) == []


def test_mistakes_cost_one_sentence(run, capsys, monkeypatch) -> None:
    run("hucl")
    Path("file").write_text("mine")
    Path("bare").mkdir()
    shutil.copy("hucl/config.yaml", "bare/config.yaml")
    run("ucl", "damaged")
    Path("damaged/results.json").write_text("{")
    monkeypatch.setitem(sys.modules, "umap", None)
    capsys.readouterr()
    for argv, sentence in (
        (["missing"], "Expected a run folder with a config.yaml at missing"),
        (["bare"], "no finished epoch yet: go on with graph_hcl.train --resume bare"),
        (["hucl", "missing"], "missing"),
        (["hucl", "--map", "tsne"], "Expected the map to be pca or umap, but got 'tsne'"),
        (["hucl", "--map", "umap"], "pip install"),
        (["hucl", "--out", "page.pdf"], "Expected --out to end in .html, but got 'page.pdf'"),
        (["hucl", "--out", "file/page.html"], "(file"),
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
    assert Path("file").read_text() == "mine"


def test_umap_where_it_is_installed(run) -> None:
    pytest.importorskip("umap", reason="the extra umap is not installed")
    run("hucl")
    assert main(["report", "hucl", "--map", "umap"]) == 0
    check_page(Path("hucl/report.html"))
