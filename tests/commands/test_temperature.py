"""Hardness and temperature as a user meets them: one line after training, the log, the report."""

import json
from pathlib import Path

import numpy as np
import pytest

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.geometry import equivalent_temperature
from graph_hcl.losses.temperature import HIGHEST, LOWEST
from graph_hcl.tensor_files import read_tensors

FAST = ["--dataset", "MUTAG", "--hidden", "8", "--layers", "1", "--probe.folds", "3"]
FAST += ["--probe.name", "logistic"]


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def log(run: str) -> list[dict]:
    text = Path(run, "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("hardening", ["exponential", "power", "bell", "effective-sample-size"])
def test_a_run_tells_the_temperature_of_its_hardness(hardening, capsys) -> None:
    flags = ["--epochs", "2", "--loss.hardening", hardening, "--out", "run"]
    assert main(["train", *FAST, *flags]) == 0
    last = log("run")[-1]
    line = f"trained like the plain loss at temperature {last['matched_temperature']:.3f} "
    assert line in capsys.readouterr().out
    if hardening in ("exponential", "power"):
        law = equivalent_temperature(0.5, 1.0, hardening=hardening)
        assert last["matched_temperature"] == pytest.approx(law, rel=0.5)
        assert main(["report", "run"]) == 0
        assert Path("run/report_figures/run0-temperature.svg").is_file()


def test_a_plain_run_tells_none(capsys) -> None:
    assert main(["train", *FAST, "--objective", "ucl", "--epochs", "1", "--out", "run"]) == 0
    assert "trained like" not in capsys.readouterr().out
    assert "matched_temperature" not in log("run")[-1]


def test_auto_goes_on_as_if_it_had_never_stopped() -> None:
    auto = [*FAST, "--objective", "ucl", "--temperature", "auto", "--projection.layers", "0"]
    assert main(["train", *auto, "--epochs", "4", "--out", "whole"]) == 0
    assert main(["train", *auto, "--epochs", "2", "--out", "half"]) == 0
    assert main(["train", "--resume", "half", "--epochs", "4"]) == 0
    whole, half = (
        read_tensors(Path(run, "checkpoint", "seed0.safetensors"))[0] for run in ("whole", "half")
    )
    assert all(np.array_equal(whole[name], half[name]) for name in whole)
    assert LOWEST <= log("whole")[-1]["temperature"] <= HIGHEST
    assert log("whole")[-1]["temperature"] == log("half")[-1]["temperature"]
    assert main(["report", "whole"]) == 0


def test_auto_in_python_and_by_labels(capsys) -> None:
    model = GraphContrast("ucl", temperature="auto", epochs=1, hidden=4, layers=1)
    assert model.fit("MUTAG").transform("MUTAG").shape == (188, 4)
    flags = ["--objective", "scl", "--temperature", "auto", "--epochs", "1", "--out", "scl"]
    assert main(["train", *FAST, *flags]) == 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--temperature", "automatic"], "temperature to be a number, auto or null"),
        (["--temperature", "0"], "temperature to be above 0 or auto"),
        (["--objective", "infograph", "--temperature", "auto"], "temperature to be a number"),
        (["--loss.hardening", "power", "--loss.detach-weights", "true"], "has no weights"),
        (["--loss.hardening", "power", "--loss.num-negatives", "3"], "has no weights"),
        (["--loss.hardening", "bell", "--beta", "2"], "exponential or power with a beta of 2"),
        (["--loss.hardening", "bell", "--loss.hardening-options.sigma", "2"], "bell takes"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_sentence(flags, sentence, capsys) -> None:
    assert main(["train", *FAST, "--epochs", "1", *flags, "--out", "run"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert sentence in error
    assert not Path("run").exists()
