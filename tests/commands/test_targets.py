"""Real targets, several tasks, metrics and probes from the shell."""

import csv
import itertools
import json

import numpy as np
import pytest
import sklearn.metrics

from graph_hcl import evaluate, report, train
from graph_hcl.console import run_command
from graph_hcl.results_file import read_results

pytest.importorskip("rdkit")
FAST = ["--epochs", "1", "--hidden", "8", "--layers", "2", "--probe.folds", "3"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with a table of molecules and targets of each kind."""
    monkeypatch.chdir(tmp_path)
    heads = ["C", "CC", "CCC", "CC(C)", "C1CC1", "C1CCCC1", "c1ccncc1", "C1CCOCC1"]
    tails = ["O", "N", "C(=O)O", "C#N", "c1ccccc1", "S"]
    with open("molecules.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["smiles", "active", "size", "grade", "oxygen", "nitrogen", "holes", "some"])
        for k, (head, tail) in enumerate(itertools.product(heads, tails)):
            text = head + tail
            size = len(text) / 10
            hole = k % 7 == 0
            table.writerow(
                [
                    text,
                    int("n" in text.lower()),
                    size,
                    len(text),
                    "" if k % 5 == 0 else int("O" in text),
                    int("N" in text),
                    "" if hole else size**0.5,
                    "" if hole else int("O" in text),
                ]
            )
    return tmp_path


def trained(*flags: str, out: str = "run") -> dict:
    """Train, and return the comparisons in the run's results."""
    data = ["--dataset", "molecules.csv", "--data.smiles", "smiles"]
    train.main([*data, *FAST, *flags, "--out", out])
    from pathlib import Path

    return read_results(Path(out) / "results.json").comparisons()


pytestmark = [
    pytest.mark.filterwarnings("ignore:Not read in this run"),
    pytest.mark.filterwarnings("ignore:Of 48 graphs"),
    pytest.mark.filterwarnings("ignore:Of 2 tasks"),
]


def test_real_targets(folder, capsys) -> None:
    found = trained("--data.targets", "size", "--probe", "ridge")
    told = capsys.readouterr().out
    assert "lower is better of RMSE, MAE" in told
    assert "%" not in told
    assert "majority" not in told
    assert "untrained" in told
    (comparison,) = found.values()
    assert comparison.about.majority_accuracy is None
    for evaluation in (comparison.trained, comparison.untrained):
        for fold in evaluation.folds:
            error = sklearn.metrics.root_mean_squared_error(fold.labels, fold.predictions)
            assert fold.scores["rmse"] == pytest.approx(error)
    evaluate.main(["run", "--probe", "svr", "--metric", "mae"])
    assert "MAE" in capsys.readouterr().out
    report.main(["run", "--out", "page.html"])
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "RMSE" in page
    assert "RMSE %" not in page
    assert "Predicted values" in page
    assert "Confusion" not in page


def test_several_tasks(folder, capsys) -> None:
    (comparison,) = trained("--data.targets", "oxygen,nitrogen").values()
    assert "ROC-AUC %" in capsys.readouterr().out
    assert comparison.probe == "logistic"
    assert any(row[0] is None for fold in comparison.trained.folds for row in fold.labels)
    evaluate.main(["run", "--probe", "knn", "--metric", "average_precision"])
    report.main(["run", "--out", "page.html"])
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "ROC-AUC %" in page
    assert "Confusion" not in page


@pytest.mark.parametrize(("column", "probe"), [("holes", "ridge"), ("some", "svm")])
def test_graphs_without_a_label_are_in_no_fold(column: str, probe: str) -> None:
    (comparison,) = trained("--data.targets", column).values()
    assert comparison.probe == probe
    tested = sorted(g for fold in comparison.trained.folds for g in fold.test)
    assert tested == [k for k in range(48) if k % 7]
    report.main(["run", "--out", "page.html"])


def test_the_metric_selects_and_is_kept_apart(folder, capsys) -> None:
    flags = ["--data.targets", "active", "--metric", "roc_auc", "--probe", "class-mean"]
    (comparison,) = trained(*flags).values()
    assert comparison.metrics == ["roc_auc", "accuracy", "macro_f1"]
    first = capsys.readouterr().out
    assert first.index("ROC-AUC %") < first.index("accuracy %")
    evaluate.main(["run", "--probe.name", "class-mean", "--metric", "average_precision"])
    evaluate.main(["run", "--probe.name", "logistic", "--metric", "average_precision"])
    found = read_results(folder / "run" / "results.json").comparisons()
    assert list(found) == [
        "class-mean (metric roc_auc)",
        "class-mean (metric average_precision)",
        "logistic",
    ]
    # Decision values are kept, so that other metrics follow from the file alone.
    one = found["class-mean (metric roc_auc)"].trained
    other = found["class-mean (metric average_precision)"].trained
    assert one["average_precision"] == other["average_precision"]


def test_an_estimator_by_import_path(folder) -> None:
    flags = ["--probe", "sklearn.ensemble:RandomForestClassifier", "--probe.options.n_estimators"]
    (comparison,) = trained("--data.targets", "active", *flags, "5").values()
    assert comparison.trained.settings["options"] == {"n_estimators": 5}
    assert comparison.trained.folds[0].decision is not None
    content = json.loads((folder / "run" / "results.json").read_text(encoding="utf-8"))
    assert {record["probe"] for record in content["records"]} == {flags[1]}
    evaluate.main(["run", "--trust-code"])  # repeats the same, and replaces the records
    again = json.loads((folder / "run" / "results.json").read_text(encoding="utf-8"))
    assert again["records"] == content["records"]
    evaluate.main(["run", "--probe", "knn"])  # the options were those of the other probe


def test_whole_numbers_as_numbers() -> None:
    (comparison,) = trained("--data.targets", "grade", "--data.labels", "numbers").values()
    assert comparison.metrics == ["rmse", "mae", "r2"]
    assert np.mean(comparison.trained.folds[0].labels) > 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--data.targets size --metric accuracy", "regression targets, but accuracy serves"),
        ("--data.targets size --probe svm", "regression targets, but svm serves"),
        ("--data.targets active --probe ridge", "train with --data.labels numbers"),
        ("--data.targets active --metric rmse", "binary targets, but rmse serves"),
        ("--data.targets grade --metric roc_auc", "multiclass targets, but roc_auc serves"),
        ("--data.targets active --metric auc", "Expected a metric of accuracy, macro_f1"),
        ("--data.targets active,grade", "Expected several tasks of 0 and 1, or real targets"),
        ("--data.targets active --probe.options.k 3", "add --probe"),
        ("--data.targets active --probe svm --probe.options.k 3", "options of the probe svm"),
    ],
)
def test_mistakes(folder, capsys, flags: str, sentence: str) -> None:
    data = ["--dataset", "molecules.csv", "--data.smiles", "smiles", "--out", "no", *FAST]
    assert run_command(train.main, [*data, *flags.split()]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error")]
    assert sentence in line
    assert not (folder / "no").exists()
