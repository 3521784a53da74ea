"""Molecules and other graphs end to end, as a user types it."""

import csv
import itertools
import json
import re
import subprocess
import sys

import numpy as np
import pandas
import pytest

from graph_hcl import embed, train
from graph_hcl.console import run_command
from graph_hcl.results_file import read_results
from graph_hcl.settings import make_config

HEADS = ["C", "CC", "CCC", "C1CC1", "c1ccncc1"]
TAILS = ["O", "N", "C(=O)O", "c1ccccc1"]
FAST = ["--epochs", "2", "--hidden", "8", "--layers", "2", "--probe.folds", "3", "--device", "cpu"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of 20 molecules in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / "data"))
    rows = [
        (f"m{k}", a + b, "ring" if "1" in a + b else "chain", len(a + b) / 10, k % 2 or "")
        for k, (a, b) in enumerate(itertools.product(HEADS, TAILS))
    ]
    with open("molecules.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("id", "smiles", "kind", "size", "hole"), *rows])
    return rows


def trained(*flags, out="run"):
    own = ["--dataset", "molecules.csv", "--data.smiles", "smiles", "--out", out]
    train.main([*own, *flags, *FAST])


def test_train_then_embed_new_molecules(table, tmp_path, capsys) -> None:
    trained("--data.targets", "kind", "--data.ids", "id", "--backbone", "gine")
    assert "| molecules " in capsys.readouterr().out
    assert read_results(tmp_path / "run" / "results.json")
    config = make_config("run/config.yaml")
    assert config.dataset == str(tmp_path / "molecules.csv")
    assert (config.data.smiles, config.data.targets) == ("smiles", "kind")

    embed.main(["run", "--out", "own.parquet"])
    own = pandas.read_parquet("own.parquet")
    assert own["id"].tolist() == [row[0] for row in table]
    assert own["label"].tolist() == [row[2] for row in table]
    embed.main(["run", "--out", "own.csv"])
    same = pandas.read_csv("own.csv")
    assert list(same.columns) == list(own.columns)
    np.testing.assert_allclose(same.iloc[:, 2:], own.iloc[:, 2:], rtol=1e-12)  # of pandas
    embed.main(["run", "--out", "own.npz"])
    arrays = np.load("own.npz")
    assert arrays["ids"].tolist() == own["id"].tolist()
    assert arrays["labels"].tolist() == own["label"].tolist()

    (tmp_path / "new.smi").write_text(f"{table[3][1]} first\nCCCO\n", encoding="utf-8")
    embed.main(["run", "--dataset", "new.smi", "--out", "new.csv"])
    new = pandas.read_csv("new.csv")
    assert new["id"].fillna("").tolist() == ["first", ""]
    assert "label" not in new
    assert np.allclose(new.iloc[0, 1:].astype(float), own.iloc[3, 2:].astype(float), atol=1e-5)

    lines = "text,size,what\nCCO,1,a\nCCN,2,b\n"
    (tmp_path / "other.csv").write_text(lines, encoding="utf-8")
    flags = ["--data.smiles", "text", "--data.ids", "what", "--data.targets", "size"]
    embed.main(["run", "--dataset", "other.csv", *flags, "--out", "other.parquet"])
    other = pandas.read_parquet("other.parquet")
    assert (other["id"].tolist(), other["label"].tolist()) == (["a", "b"], [1, 2])


@pytest.mark.parametrize("targets", ["size", "size,hole", '["size", "hole"]'])
def test_other_targets_are_evaluated(table, targets, capsys) -> None:
    trained("--data.targets", targets, "--data.labels", "numbers", "--probe.name", "ridge")
    assert "RMSE" in capsys.readouterr().out
    embed.main(["run", "--out", "z.parquet"])
    frame = pandas.read_parquet("z.parquet")
    names = ["size", "hole"] if "," in targets else ["label"]
    assert list(frame.columns[: len(names)]) == names
    if "hole" in targets:
        assert frame.iloc[:, len(names) - 1].isna().sum() == 10


def test_other_sources(table, tmp_path, capsys) -> None:
    lines = [{"edges": [[0, 1], [1, 0]], "num_nodes": 2 + k % 3, "y": k % 2} for k in range(12)]
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "graphs.jsonl").write_text(text, encoding="utf-8")
    train.main(["--dataset", "graphs.jsonl", "--out", "lines", *FAST])
    (tmp_path / "mine.py").write_text(
        "import networkx\n"
        "def graphs(n=2):\n"
        "    made = [networkx.cycle_graph(k + 3) for k in range(n)]\n"
        "    made += [networkx.star_graph(k + 3) for k in range(n)]\n"
        "    for k, graph in enumerate(made):\n"
        "        graph.graph['y'] = 'ring' if k < n else 'star'\n"
        "    return made\n",
        encoding="utf-8",
    )
    flags = ["--dataset", "mine:graphs", "--data.options.n", "6", "--out", "function", *FAST]
    command = [sys.executable, "-m", "graph_hcl.train", *flags]
    shown = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert shown.returncode == 0, shown.stderr
    assert "graphs: 12 graphs, 2 classes" in shown.stderr
    embed.main(["lines", "--dataset", "graphs.jsonl", "--out", "z.csv"])
    assert pandas.read_csv("z.csv")["label"].tolist() == [0, 1] * 6


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--data.smiles smile", "Expected a column 'smile' in .*molecules.csv"),
        ("--data.targets knd", "Did you mean kind"),
        ("--data.targets kind,size", "column 'kind', one of several tasks, but line 2"),
        ("--data.smiles id", "none is one: line 2 has 'm0'"),
        ("--data.invalid no", "Expected --data.invalid to be error or skip, but got 'no'"),
        ("--data.labels no", "Expected --data.labels to be auto, classes or numbers"),
        ("--data.node-attributes true", "Expected no node_attributes"),
        ("--data.smile x", "Unknown flag --data.smile. Did you mean --data.smiles"),
        ("--dataset other.csv", "Expected a file at .*other.csv, but there is none"),
        ("--dataset MUTAG --data.smiles x", r"Expected no smiles \(--data.smiles\) for 'MUTAG'"),
        ("--data.targets size --objective h-scl", "Expected graphs with one class label each"),
    ],
)
def test_mistakes(table, tmp_path, flags, said, capsys) -> None:
    flags = [*flags.split(), "--out", "no", "--epochs", "1"]
    flags = flags if "--dataset" in flags else ["--dataset", "molecules.csv", *flags]
    assert run_command(train.main, flags) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error")]
    assert re.search(said, line)
    assert not (tmp_path / "no").exists()
