"""Plausible mistakes with files and options of a run end in one sentence, and lose no data."""

import errno
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pandas
import pytest

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.data import load
from graph_hcl.errors import UserError
from graph_hcl.experiment import make_experiment
from graph_hcl.results_file import read_results
from graph_hcl.settings import make_config

TINY = ["--hidden", "4", "--layers", "1", "--probe.folds", "2"]
SHORT = [*TINY, "--epochs", "1"]
TRAIN = ["train", "--dataset", "mine.csv", "--data.targets", "y"]
NETS = """
import networkx as nx

def nets(number=12):
    return [nx.cycle_graph(3 + k) for k in range(number)]

def other(size=3):
    return [nx.cycle_graph(size + k) for k in range(7)]
"""


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", "cache")
    rows = [f"C{'C' * (k // 2)}{'O' if k % 2 else 'N'},{k % 2}" for k in range(12)]
    Path("mine.csv").write_text("\n".join(["smiles,y", *rows, ""]), encoding="utf-8")


def said(capsys) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_data_that_were_moved(capsys) -> None:
    assert main([*TRAIN, *SHORT, "--out=run"]) == 0
    config = Path("run/config.yaml").read_bytes()
    Path("new").mkdir()
    Path("mine.csv").rename("new/assay.csv")
    for command in (
        ["evaluate", "run"],
        ["report", "run"],
        ["train", "--resume", "run", "--epochs=2"],
        ["embed", "run", "--out=x.npz"],
    ):
        moved = [*command, "--dataset=new/assay.csv"]
        assert main(command) == 2
        assert said(capsys) == (
            "error: Expected the graphs of run at mine.csv, but there is nothing: name where they "
            "are now with --dataset."
        )
        assert main(moved) == 0, moved
        text = Path("new/assay.csv").read_text(encoding="utf-8")
        Path("new/assay.csv").write_text(f"{text}CCCCCl,1\n", encoding="utf-8")
        if command[0] != "embed":  # which takes any graphs
            assert main(moved) == 2
            assert "name where it is with --dataset, or override" in said(capsys)
        Path("new/assay.csv").write_text(text, encoding="utf-8")
    assert Path("run/config.yaml").read_bytes() == config.replace(b"epochs: 1", b"epochs: 2")
    assert main(["train", "--resume=run", "--dataset=gone.csv"]) == 2
    assert "but there is nothing" in said(capsys)


def test_columns_are_words_or_one_text(capsys) -> None:
    text = Path("mine.csv").read_text(encoding="utf-8").replace("y\n", "y,z\n", 1)
    rows = [
        row if row.endswith("z") else f"{row},{k % 3 // 2}" for k, row in enumerate(text.split())
    ]
    Path("mine.csv").write_text("\n".join(rows), encoding="utf-8")
    train = ["train", "--dataset", "mine.csv", *SHORT]
    hashes = set()
    for number, words in enumerate((["y", "z"], ["y,z"], ['["y", "z"]'], ["z"])):
        assert main([*train, f"--out=r{number}", "--data.targets", *words]) == 0, words
        config = make_config(f"r{number}/config.yaml")
        hashes.add(str(load("mine.csv", targets=config.data.targets).y.tolist()))
    assert len(hashes) == 2
    for columns in ("y,z", '["y", "z"]'):
        out = ["--dataset=mine.csv", "--data.targets", columns, "--out=x.CSV"]
        assert main(["embed", "r0", *out]) == 0
        assert list(pandas.read_csv("x.CSV"))[:2] == ["y", "z"]
    assert main(["embed", "r0", "--out=x.NPZ"]) == 0
    assert np.load("x.NPZ")["embeddings"].shape[0] == 12
    assert main(["report", "r0", "--out=x.HTML"]) == 0


def test_out_is_looked_at_before_the_data(capsys, monkeypatch) -> None:
    monkeypatch.setattr("graph_hcl.experiment.load_graphs", lambda *_: pytest.fail("read"))
    monkeypatch.setattr("graph_hcl.factory.load_graphs", lambda *_: pytest.fail("read"))
    assert main([*TRAIN, "--out=mine.csv/run"]) == 2
    in_the_way = "error: Expected a folder at mine.csv, but it is a file: name another place."
    assert said(capsys) == in_the_way
    assert main([*TRAIN, "--out=mine.csv"]) == 2
    assert "but mine.csv holds something" in said(capsys)
    Path("runs").write_text("", encoding="utf-8")
    assert main(TRAIN) == 2
    assert "a folder at runs, but it is a file" in said(capsys)
    assert main(["embed", "run", "--out=mine.csv/x.npz"]) == 2
    assert said(capsys) == in_the_way


def test_figures_of_a_report_that_fails_are_not_left(capsys, monkeypatch) -> None:
    assert main([*TRAIN, *SHORT, "--out=run"]) == 0

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "z.html")

    with monkeypatch.context() as patch:
        patch.setattr("graph_hcl.reporting.write.write_text", full)
        assert main(["report", "run", "--out=z.html"]) == 2
        assert not Path("z_figures").exists()
        Path("z_figures").mkdir()
        Path("z_figures/mine.txt").touch()
        assert main(["report", "run", "--out=z.html"]) == 2
    assert Path("z_figures/mine.txt").exists()


def test_embeddings_replace_no_data_that_are_read(capsys) -> None:
    assert main([*TRAIN, *SHORT, "--out=run"]) == 0
    Path("new.csv").write_text("smiles\nCCO\nCCN\n", encoding="utf-8")
    Path("link.csv").symlink_to("new.csv")
    before = {name: Path(name).read_bytes() for name in ("mine.csv", "new.csv")}
    new = ["--dataset", "new.csv"]
    for flags in (
        ["--out", "mine.csv"],
        [*new, "--out", "new.csv"],
        [*new, "--out", "./new.csv"],
        [*new, "--out", "link.csv"],
        [*new, "--out", "mine.csv"],  # of the training
    ):
        assert main(["embed", "run", *flags]) == 2, flags
        told = f"another file than the data that are read, but got {Path(flags[-1])}"
        assert told in said(capsys)
    assert {name: Path(name).read_bytes() for name in before} == before
    for _ in range(2):  # an older file of embeddings is replaced
        assert main(["embed", "run", *new, "--out", "run/e.csv"]) == 0
    assert len(pandas.read_csv("run/e.csv")) == 2


def test_embeddings_replace_no_labels_of_a_folder(capsys) -> None:
    Path("graphs").mkdir()
    for k in range(6):
        nx.write_graphml(nx.cycle_graph(3 + k), f"graphs/{k}.graphml")
    labels = "".join(f"{k}.graphml,{k % 2}\n" for k in range(6))
    Path("graphs/labels.csv").write_text(f"file,label\n{labels}", encoding="utf-8")
    assert main(["train", "--dataset", "./graphs", *SHORT, "--out", "run"]) == 0
    assert main(["embed", "run", "--out", "graphs/labels.csv"]) == 2
    assert "another file than the data that are read" in said(capsys)
    assert Path("graphs/labels.csv").read_text(encoding="utf-8").endswith(labels)


def test_another_function_has_its_own_arguments(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("mynets.py").write_text(NETS, encoding="utf-8")
    own = ["--dataset", "mynets:nets", "--data.options.number", "14"]
    assert main(["train", *own, *SHORT, "--out", "run"]) == 0
    to = ["--out", "e.csv", "--trust-code"]
    other = ["--dataset", "mynets:other"]
    for flags, count in (
        ([], 14),
        (["--dataset", "mynets:nets"], 14),
        (["--dataset", "mynets:nets", "--data.options", "{number: 5}"], 5),
        (other, 7),
        ([*other, "--data.options", "{size: 4}"], 7),
    ):
        assert main(["embed", "run", *flags, *to]) == 0, flags
        assert len(pandas.read_csv("e.csv")) == count
    assert main(["embed", "run", *other, "--data.options", "{number: 5}", *to]) == 2
    assert "Expected arguments of mynets:other" in said(capsys)


def test_a_run_of_no_epochs_is_embedded_as_it_was_evaluated(capsys) -> None:
    assert main([*TRAIN, *TINY, "--epochs", "0", "--out", "run"]) == 0
    assert main(["embed", "run", "--out", "e.npz"]) == 0
    found = np.load("e.npz")["embeddings"]
    evaluated = make_experiment(make_config("run/config.yaml")).untrained(0)[0]
    np.testing.assert_array_equal(found, evaluated)
    model = GraphContrast.load("run")
    assert model.history_ == []
    np.testing.assert_array_equal(found, model.transform(load("mine.csv")))
    before = read_results(Path("run/results.json")).comparisons()
    assert main(["train", "--resume", "run"]) == 0
    assert main(["evaluate", "run"]) == 0
    assert main(["report", "run"]) == 0
    after = read_results(Path("run/results.json")).comparisons()
    assert [one.trained for one in after.values()] == [one.trained for one in before.values()]


def test_a_run_of_no_epochs_goes_on_like_a_new_one(capsys) -> None:
    assert main([*TRAIN, *TINY, "--epochs", "0", "--out", "begun"]) == 0
    assert main(["train", "--resume", "begun", "--epochs", "2"]) == 0
    assert main([*TRAIN, *TINY, "--epochs", "2", "--out", "whole"]) == 0
    found = []
    for run in ("begun", "whole"):
        assert main(["embed", run, "--out", f"{run}.npz"]) == 0
        found.append(np.load(f"{run}.npz")["embeddings"])
    np.testing.assert_array_equal(*found)


def test_a_run_without_a_trained_part_says_how_to_train_it(capsys) -> None:
    assert main([*TRAIN, *SHORT, "--out=run"]) == 0
    for file in Path("run/checkpoint").iterdir():
        file.unlink()
    assert main(["embed", "run", "--out", "e.csv"]) == 2
    assert "a run with a trained part, but run has none yet: train it with" in said(capsys)
    assert main(["train", "--resume", "run"]) == 0
    assert main(["embed", "run", "--out", "e.csv"]) == 0


def test_a_probe_for_other_targets_says_how_to_train(capsys) -> None:
    assert main([*TRAIN, *SHORT, "--out=run"]) == 0
    assert main(["evaluate", "run", "--probe", "ridge"]) == 2
    assert "or train with --data.labels numbers, which reads the targets as n" in said(capsys)
    numbers = ["--data.labels", "numbers", "--probe", "ridge"]
    assert main([*TRAIN, *SHORT, *numbers, "--out=real"]) == 0
    assert main(["evaluate", "real", "--probe", "svm"]) == 2
    assert "or train with --data.labels classes, which reads the targets as classes" in said(capsys)


def test_of_two_columns_of_smiles_the_exact_name_counts() -> None:
    Path("two.csv").write_text("SMILES,smiles,y\nC,CC,1\nC,CCC,0\n", encoding="utf-8")
    assert load("two.csv", targets="y").node_ptr.tolist() == [0, 2, 5]
    Path("two.csv").write_text("SMILES,Smiles,y\nC,CC,1\n", encoding="utf-8")
    with pytest.raises(UserError, match="but SMILES and Smiles are called so: name it with"):
        load("two.csv", targets="y")
    assert load("two.csv", smiles="Smiles").node_ptr.tolist() == [0, 2]
    Path("two.csv").write_text("SMILE,y\nC,1\n", encoding="utf-8")
    with pytest.raises(UserError, match="but none is called so among SMILE, y: name it with"):
        load("two.csv", targets="y")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.xlsx", r"^Expected a file that ends in \.csv, .* but got a\.xlsx\.$"),
        ("t.txt", r"^Expected a file that ends in \.csv, .* but got t\.txt\.$"),
        ("one.graphml", "but got the one graph one.graphml: give its folder"),
        ("gone/", "Expected a file or a folder at gone, but there is none"),
    ],
)
def test_a_file_of_another_kind_is_told_before_its_options(name: str, sentence: str) -> None:
    for file in ("a.xlsx", "t.txt", "one.graphml"):
        Path(file).touch()
    for options in ({}, {"targets": "act"}, {"smiles": "smiles", "ids": "id"}):
        with pytest.raises(UserError, match=sentence):
            load(name, **options)
