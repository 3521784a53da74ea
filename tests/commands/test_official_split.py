"""The data set's own split and metric: --probe.splits official."""

import os
from pathlib import Path

import numpy as np
import pytest

from graph_hcl import evaluate, report, train
from graph_hcl.console import run_command
from graph_hcl.data import official_split
from graph_hcl.probes import evaluate as measure
from graph_hcl.results_file import read_results
from graph_hcl.settings import make_config

MIRROR = os.environ.get("GRAPH_HCL_OGB_MIRROR")
needs_files = pytest.mark.skipif(
    MIRROR is None or not any(Path(MIRROR).glob("ogbg_molfreesolv*")),
    reason="needs GRAPH_HCL_OGB_MIRROR with ogbg_molfreesolv and ogbg_molbace",
)
FAST = ["--epochs", "1", "--hidden", "8", "--layers", "1", "--device", "cpu"]
OFFICIAL = ["--protocol", "inductive", "--probe.splits", "official"]
pytestmark = pytest.mark.filterwarnings("ignore:Not read in this run")


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@needs_files
def test_one_fold_by_the_sets_own_metric(capsys) -> None:
    train.main(["--dataset", "ogbg-molfreesolv", *OFFICIAL, *FAST, "--out", "run"])
    told = capsys.readouterr().out
    assert "the score of one fold and one seed, which has no deviation" in told
    assert "±" not in told
    assert make_config(Path("run/config.yaml")).probe.splits == "official"
    (comparison,) = read_results(Path("run/results.json")).comparisons().values()
    (fold,) = comparison.trained.folds
    split = official_split("ogbg-molfreesolv")
    assert fold.test == split["test"].tolist()
    assert (fold.train, fold.validation) == (len(split["train"]), len(split["valid"]))
    assert comparison.trained.settings == {"folds": 1, "splits": "official"}
    assert comparison.metrics[0] == "rmse"
    report.main(["run", "--out", "page.html"])
    page = Path("page.html").read_text(encoding="utf-8")
    assert "The score of one fold and one seed, which has no deviation" in page
    assert "not testable" in page


@needs_files
@pytest.mark.filterwarnings("ignore:.*rdkit")
def test_seeds_give_a_deviation_and_another_metric_is_the_users(capsys) -> None:
    flags = ["--probe", "class-mean", "--repeats", "2", "--objective", "scl", "--out", "run"]
    train.main(["--dataset", "ogbg-molbace", *OFFICIAL, *FAST, *flags])
    told = capsys.readouterr().out
    assert "mean ± standard deviation over the seeds of one fold" in told
    (comparison,) = read_results(Path("run/results.json")).comparisons().values()
    trained = comparison.trained
    assert comparison.metrics[0] == "roc_auc"
    scores = [fold.scores["roc_auc"] for fold in trained.folds]
    assert f"{100 * np.mean(scores):.2f} ± {100 * np.std(scores):.2f}" in told
    evaluate.main(["run", "--probe", "knn", "--metric", "accuracy"])
    assert told.index("ROC-AUC") < told.index("accuracy")
    assert "| accuracy %" in capsys.readouterr().out.split("probe")[1][:40]
    report.main(["run", "--out", "page.html"])


@needs_files
def test_the_split_serves_embeddings_in_python() -> None:
    split = official_split("ogbg-molfreesolv")
    graphs = sum(map(len, split.values()))
    y = np.random.default_rng(0).normal(size=graphs)
    found = measure(y[:, None] ** 3, y, folds=split, probe="ridge", jobs=1)
    assert found.folds[0].test == split["test"].tolist()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--dataset", "MUTAG", *OFFICIAL], "a split of its own, such as ogbg-molbace, but got MU"),
        (["--dataset", "MUTAG", "--probe.splits", "official"], "Expected --protocol inductive"),
        (["--dataset", "mine.csv", *OFFICIAL], "a split of its own, .* but got mine:"),
    ],
)
def test_sets_without_one(flags, sentence, capsys) -> None:
    import re

    assert run_command(train.main, [*flags, *FAST, "--out", "no"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(sentence, line)
    assert not Path("no").exists()
