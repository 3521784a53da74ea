"""Groups from the shell: no group on both sides of a fold, whatever the protocol."""

import itertools
import json
from pathlib import Path

import pytest

from graph_hcl import train
from graph_hcl.console import run_command
from graph_hcl.data import load
from graph_hcl.results_file import read_results

pytest.importorskip("rdkit")
FAST = ["--epochs", "1", "--hidden", "8", "--layers", "1", "--probe.folds", "3", "--device", "cpu"]
RINGS = ["C1CC1", "C1CCC1", "C1CCCC1", "C1CCCCC1", "c1ccccc1", "c1ccncc1", "c1ccoc1", "C1CCOCC1"]
TAILS = ["O", "N", "C(=O)O", "F", "S", "CC"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with a table of molecules of eight scaffolds."""
    monkeypatch.chdir(tmp_path)
    lines = [
        f"{tail}{ring},{k % 2},b{k % 5}"
        for k, (ring, tail) in enumerate(itertools.product(RINGS, TAILS))
    ]
    text = "\n".join(["smiles,active,batch", *lines]) + "\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")


DATA = ["--dataset", "t.csv", "--data.targets", "active", "--data-dir", "data"]


@pytest.mark.parametrize("by", ["batch", "scaffold"])
@pytest.mark.parametrize("objective", ["ucl", "scl"])
@pytest.mark.filterwarnings("ignore:Not read in this run")
def test_no_group_is_on_both_sides(by: str, objective: str, capsys) -> None:
    train.main([*DATA, "--data.groups", by, "--objective", objective, "--out", "run", *FAST])
    groups = load("t.csv", groups=by, data_dir="data").groups
    count = len(set(groups))
    assert count == {"batch": 5, "scaffold": 8}[by]
    assert f"2 classes, {count} groups by {by};" in capsys.readouterr().err
    (comparison,) = read_results(Path("run/results.json")).comparisons().values()
    assert comparison.trained.settings["groups"] == count
    assert comparison.trained.settings["grouped_by"] == by
    tested = [fold.test for fold in comparison.trained.folds]
    assert sorted(itertools.chain(*tested)) == list(range(48))
    for part in tested:
        others = set(range(48)) - set(part)
        assert not {groups[k] for k in part} & {groups[k] for k in others}


def test_given_folds_that_divide_a_group_are_refused(capsys) -> None:
    half, rest = list(range(0, 48, 2)), list(range(1, 48, 2))
    folds = [
        {"test": test, "model_selection": [{"train": train[4:], "validation": train[:4]}]}
        for test, train in ((half, rest), (rest, half))
    ]
    Path("s.json").write_text(json.dumps(folds), encoding="utf-8")
    flags = ["--protocol", "inductive", "--probe.splits", "s.json", "--data.groups", "batch"]
    assert run_command(train.main, [*DATA, *flags, "--out", "no", *FAST]) == 2
    said = capsys.readouterr().err
    assert "Expected no group in two parts of given splits, but 5 are in the train and the" in said
    assert not Path("no").exists()
