"""The commands as a user types them, on MUTAG, which needs no network."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import load_file

from graph_hcl.__main__ import main
from graph_hcl.results import Comparison
from graph_hcl.results_file import read_results
from tests.edits import edit_config

QUICK = {"--epochs": "2", "--hidden": "8", "--layers": "2", "--probe.name": "class-mean"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", data)
    return tmp_path


def results(run: str, probe: str = "class-mean") -> Comparison:
    return read_results(Path(run, "results.json")).comparisons()[probe]


def train(*argv: str) -> int:
    usual = QUICK | {"--dataset": "MUTAG"}
    quick = [f"{flag}={value}" for flag, value in usual.items() if flag not in argv]
    return main(["train", *quick, *argv])


def test_list_of_commands(capsys) -> None:
    assert main([]) == 0
    assert "python -m graph_hcl.train" in capsys.readouterr().out


def test_train_prints_the_table_and_leaves_a_whole_run(capsys) -> None:
    assert train() == 0
    shown = capsys.readouterr().out
    for word in ("MUTAG", "h-ucl", "transductive", "untrained", "majority class", "66.49"):
        assert word in shown
    folder = Path("runs/MUTAG-h-ucl-0")
    assert f"run folder: {folder}" in shown
    names = {file.name for file in folder.iterdir()}
    assert names == {"config.yaml", "manifest.json", "metrics.jsonl", "checkpoint", "results.json"}
    epochs = [
        json.loads(line)
        for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [record["epoch"] for record in epochs] == [1, 2]
    record = results(str(folder))
    folds = record.trained.folds
    assert len(folds) == 10
    assert sorted(graph for fold in folds for graph in fold.test) == list(range(188))
    accuracies = [np.mean(np.array(fold.labels) == np.array(fold.predictions)) for fold in folds]
    assert record.trained["accuracy"].mean == pytest.approx(np.mean(accuracies))


@pytest.mark.parametrize(
    "argv",
    [
        ["--objective", "infograph", "--projection.normalize", "none"],
        ["--objective", "h-infograph", "--beta", "0.5", "--loss.tau-plus", "0.1"],
        ["--loss.hardening", "class-mass", "--loss.hardening-options", '{"bound": 0.7}'],
        ["--loss.hardening", "effective-sample-size", "--loss.hardening-options.share", "0.3"],
        ["--loss.schedule", "cosine", "--beta", "2", "--loss.beta-start", "0.5"],
        [
            "--loss.psi",
            "triplet",
            "--loss.psi-options.margin",
            "0.5",
            "--loss.negative-reduction",
            "mean",
        ],
        ["--loss.memory-size", "256"],
        ["--objective", "nt-xent"],
        ["--objective", "cross-entropy", "--views", '["identity"]', "--probe.folds", "2"],
        ["--encoder.weight-noise", "1", "--views", '["identity", "identity"]'],
    ],
    ids=lambda argv: " ".join(argv),
)
def test_every_member_of_the_family_trains(argv) -> None:
    assert train(*argv) == 0
    run = next(Path("runs").iterdir())
    epochs = [
        json.loads(line)["loss"]
        for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(epochs) in (2, 4)  # of one model, or of one for each fold
    assert epochs[0] != epochs[1]
    assert main(["train", "--resume", str(run)]) == 0


def test_same_config_and_seed_give_the_same_numbers() -> None:
    assert train("--out", "a") == 0
    assert main(["train", "--config", "a/config.yaml", "--out", "b"]) == 0
    assert train("--out", "c", "--seed", "1") == 0
    a, b, c = (results(run) for run in "abc")
    assert a.trained == b.trained
    assert a.untrained == b.untrained
    assert a.trained != c.trained
    same = [Path(run, "checkpoint/seed0.safetensors").read_bytes() for run in "ab"]
    assert same[0] == same[1]


def test_label_reading_objective_trains_once_per_fold(capsys) -> None:
    assert train("--objective", "h-scl", "--out", "run", "--probe.folds", "3") == 0
    record = results("run")
    assert record.protocol == "inductive"
    parts = sorted(file.stem for file in Path("run/checkpoint").glob("*.safetensors"))
    assert parts == ["seed0-fold0", "seed0-fold1", "seed0-fold2"]
    weights = [load_file(f"run/checkpoint/{part}.safetensors") for part in parts[:2]]
    name = "model.head.lins.0.weight"
    assert not torch.equal(weights[0][name], weights[1][name])


def test_label_reading_objective_is_refused_under_the_transductive_protocol(capsys) -> None:
    assert train("--objective", "scl", "--protocol", "transductive") == 2
    message = capsys.readouterr().err
    assert "scl" in message or "labels" in message
    assert message.count("\n") == 1
    assert not Path("runs").exists()


def test_repeats_report_every_seed() -> None:
    assert train("--repeats", "2", "--seed", "5", "--out", "run") == 0
    record = results("run")
    assert record.trained.seeds == [5, 6]


def test_evaluate_again_with_another_probe(capsys) -> None:
    assert train("--out", "run") == 0
    before = results("run")
    assert main(["evaluate", "run", "--probe.name", "KNN"]) == 0
    assert "knn" in capsys.readouterr().out
    assert results("run") == before
    assert main(["evaluate", "run"]) == 0
    assert results("run").trained == before.trained
    assert results("run", "knn").probe == "knn"


def test_embed_writes_npz_and_parquet() -> None:
    assert train("--out", "run") == 0
    assert main(["embed", "run", "--out", "e.npz"]) == 0
    assert main(["embed", "run", "--out", "deep/e.parquet"]) == 0
    arrays = np.load("e.npz")
    assert arrays["embeddings"].shape == (188, 16)
    values, counts = np.unique(arrays["labels"], return_counts=True)  # as in the set's file
    assert (values.tolist(), counts.tolist()) == ([-1, 1], [63, 125])
    frame = pyarrow.parquet.read_table("deep/e.parquet")
    assert frame.column_names == ["label", *(f"e{i}" for i in range(16))]
    np.testing.assert_array_equal(frame["e3"].to_numpy(), arrays["embeddings"][:, 3])


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--out", "e.txt"], ".npz, .parquet or .csv"),
        (["--out", "e.npz", "--part", "seed7"], "seed0"),
        (["--out", "e.npz", "--dataset", "MUTGA"], "Did you mean MUTAG"),
    ],
)
def test_embed_mistakes(argv: list[str], sentence: str, capsys) -> None:
    assert train("--out", "run") == 0
    assert main(["embed", "run", *argv]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("e.npz").exists()


@pytest.mark.skipif(
    "GRAPH_HCL_TU_MIRROR" not in os.environ, reason="needs GRAPH_HCL_TU_MIRROR with NAME.zip files"
)
def test_embed_a_data_set_with_other_features(capsys) -> None:
    assert train("--out", "run") == 0
    with pytest.warns(UserWarning, match="training never saw the value of"):  # atoms by name
        assert main(["embed", "run", "--dataset", "PTC_MR", "--out", "e.npz"]) == 0
    assert main(["embed", "run", "--dataset", "IMDB-BINARY", "--out", "f.npz"]) == 2
    assert "node feature 'node_labels'" in capsys.readouterr().err
    assert not Path("f.npz").exists()


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--dataset", "MUTGA"], "Did you mean MUTAG"),
        (["--objective", "hucl"], "Did you mean"),
        (["--objective", "numpy:pi"], "Expected the objective 'numpy:pi' to be a class"),
        (["--loss.psi", "numpy:pi"], "Expected the psi 'numpy:pi' to be a class"),
        (["--probe.name", "numpy:pi"], "Expected the probe 'numpy:pi' to be a class"),
        (["--objective", "ucl", "--beta", "1"], "takes no --beta"),
        (["--backbone", "gim"], "Did you mean gin"),
        (["--views", '["edge_dorp(0.2)"]'], "edge_drop"),
        (["--views", '["edge_drop(1.5)"]'], "1.5"),
        (["--probe.name", "svn"], "svm"),
        (["--probe.folds", "126"], "take 125 folds"),
        (["--device", "cuda:77"], "--device"),
        (["--loss.hardening", "soft"], "soft"),
        (["--batch-size", "1"], "--batch-size"),
        (["--no-such-flag", "1"], "Unknown flag"),
        (["--resume", "nowhere"], "run folder with a config.yaml at nowhere"),
        (["--lr=-1"], "Expected --lr to be above 0, but got -1"),
        (["--beta", "abc"], "Expected --beta to be a number or null, but got 'abc'"),
        (
            ["--backbone", "GAT", "--encoder.options.heads", "3"],
            "Expected --hidden to be a multiple",
        ),
        (["--optimizer.lr", "1"], "--optimizer.lr is now --lr"),
        (["--lr", "1", "--lr", "2"], "Expected --lr once, but got it twice: 1 and 2"),
        (["--config", "missing.yaml"], "Expected a YAML file of settings at missing.yaml"),
    ],
)
def test_mistakes_exit_with_2_one_sentence_and_nothing_written(
    argv: list[str], sentence: str, capsys
) -> None:
    assert train(*argv) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert sentence in message
    assert message.count("\n") == 1
    assert not Path("runs").exists()


def test_out_that_holds_something_is_never_overwritten(capsys) -> None:
    assert train("--out", "run") == 0
    before = results("run")
    assert train("--out", "run") == 2
    assert "--resume" in capsys.readouterr().err
    assert results("run") == before


def test_unfinished_run_is_not_evaluated(capsys) -> None:
    assert train("--out", "run") == 0
    edit_config("run", "epochs: 2", "epochs: 3")
    assert main(["evaluate", "run"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["train", "--resume", "run"]) == 0
    assert main(["evaluate", "run"]) == 0


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_bytes() -> None:
    quick = ["--dataset", "MUTAG", "--epochs", "200", "--hidden", "8", "--probe.name", "class-mean"]
    assert main(["train", *quick, "--out", "whole"]) == 0
    command = [sys.executable, "-m", "graph_hcl.train", *quick, "--out", "killed"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = Path("killed/metrics.jsonl")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and len(log.read_text(encoding="utf-8").splitlines()) >= 3:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    assert main(["train", "--resume", "killed"]) == 0
    name = "checkpoint/seed0.safetensors"
    same = Path("killed", name).read_bytes() == Path("whole", name).read_bytes()
    assert same, "the resumed weights are others"  # pytest would compare the bytes for minutes
    assert results("killed").trained == results("whole").trained
    epochs = [json.loads(line)["epoch"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert epochs == list(range(1, 201))


def test_resume_goes_on_to_more_epochs_as_if_from_the_start(capsys) -> None:
    assert train("--out", "whole", "--epochs", "4") == 0
    assert train("--out", "run", "--epochs", "2") == 0
    assert main(["evaluate", "run", "--probe", "knn"]) == 0
    assert main(["train", "--resume", "run", "--epochs", "4"]) == 0
    assert "warning" not in capsys.readouterr().err
    name = "checkpoint/seed0.safetensors"
    assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()
    assert results("run").trained == results("whole").trained
    assert [*read_results(Path("run/results.json")).comparisons()] == ["class-mean"]  # no old knn
    assert Path("run/config.yaml").read_text(encoding="utf-8").count("epochs: 4") == 1
    records = [
        json.loads(line)
        for line in Path("run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    assert main(["train", "--resume", "run"]) == 0  # there is nothing left to do
    assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()


def test_resume_trains_each_fold_further() -> None:
    folds = ("--objective", "h-scl", "--probe.folds", "2")
    assert train(*folds, "--out", "whole", "--epochs", "3") == 0
    assert train(*folds, "--out", "run", "--epochs", "1") == 0
    assert main(["train", "--resume=run", "--epochs=3"]) == 0
    assert results("run").trained == results("whole").trained


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (
            ["--epochs", "1"],
            "Expected --epochs of 2 or more, because run has finished 2, but got 1",
        ),
        (["--epochs", "3", "--lr", "1"], "no other settings than --epochs, but got --lr:"),
        (["--out", "x", "--probe", "knn"], "but got --out, --probe:"),
        (["--config", "run/config.yaml"], "but got --config:"),
        (["--epochs", "many"], "Expected --epochs to be an integer"),
    ],
)
def test_resume_mistakes_change_nothing(argv: list[str], sentence: str, capsys) -> None:
    assert train("--out", "run") == 0
    before = {file: file.read_bytes() for file in Path("run").rglob("*") if file.is_file()}
    capsys.readouterr()
    assert main(["train", "--resume", "run", *argv]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1
    assert before == {f: f.read_bytes() for f in Path("run").rglob("*") if f.is_file()}


def test_resume_tells_of_a_schedule_that_is_laid_out_anew(recwarn) -> None:
    assert train("--out", "run", "--loss.schedule", "linear", "--loss.beta-start", "0") == 0
    assert main(["train", "--resume", "run", "--epochs", "4"]) == 0
    told = [str(w.message) for w in recwarn if "linear schedule of beta" in str(w.message)]
    assert len(told) == 1
    assert "spanned 2 epochs" in told[0]
    assert "spans 4 from epoch 3 on" in told[0]


def test_config_yaml_holds_canonical_names() -> None:
    capitals = ("--dataset", "mutag", "--objective", "H-SCL", "--backbone", "Gin")
    folds = ("--probe.folds", "2", "--loss.hardening", "Exponential")
    assert train(*capitals, *folds, "--protocol", "INDUCTIVE") == 0
    text = Path("runs/MUTAG-h-scl-0/config.yaml").read_text(encoding="utf-8")
    for line in ("dataset: MUTAG", "objective: h-scl", "backbone: gin", "protocol: inductive"):
        assert line in text
    assert "hardening: exponential" in text


def test_progress_is_told_in_lines_where_there_is_no_terminal() -> None:
    command = [sys.executable, "-m", "graph_hcl.train", "--dataset", "MUTAG", "--out", "run"]
    quick = [f"{flag}={value}" for flag, value in QUICK.items()]
    done = subprocess.run(
        [*command, *quick], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    lines = done.stderr.splitlines()
    assert 4 <= len(lines) <= 7
    assert lines[0].startswith("warning: Not read in this run: edge_attr")
    assert lines[1].startswith("MUTAG: 188 graphs, 2 classes; node features: node_labels")
    assert lines[2] == "run folder: run"
    assert lines[3].startswith("seed0: epoch 1 of 2, loss ")
    assert "\r" not in done.stderr
    assert "epoch 1" not in done.stdout
