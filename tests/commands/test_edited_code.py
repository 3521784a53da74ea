"""Edited code and data of the user's: their trials are run again, and only these."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from graph_hcl.__main__ import main
from graph_hcl.benchmarking.running import run_trial
from graph_hcl.benchmarking.spec import read_benchmark, restricted
from graph_hcl.benchmarking.trials import Trial, expand
from graph_hcl.config import Config, EncoderConfig, LossConfig, ProbeConfig
from graph_hcl.errors import UserError

MINE = """
import torch
from helper import WIDTH
from graph_hcl.losses import HUCL, UCL

class Net(torch.nn.Module):
    def __init__(self, in_channels, hidden_channels, num_layers):
        super().__init__()
        self.linear = torch.nn.Linear(in_channels, WIDTH)
        self.out_channels = WIDTH

    def forward(self, x, edge_index):
        return self.linear(x).relu()
"""
SMALL = {"hidden": 4, "layers": 1, "epochs": 1, "probe": {"folds": 3, "name": "logistic"}}
METHODS = {
    "mine": {"settings": {"objective": "ucl", "backbone": "mine:Net"}},
    "gin": {"settings": {"objective": "ucl"}},
    "bag": {"baseline": "bag"},
}


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    new_process()  # tests of other files have modules of these names, too
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("mine.py").write_text(MINE, encoding="utf-8")
    Path("helper.py").write_text("WIDTH = 4\n", encoding="utf-8")
    spec = {"datasets": ["MUTAG"], "methods": METHODS, "common": SMALL}
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    yield
    new_process()


def new_process() -> None:
    """Forget the user's modules, as a new process would."""
    for name in ("mine", "helper"):
        sys.modules.pop(name, None)


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert old in text
    Path(file).write_text(text.replace(old, new), encoding="utf-8")


def trials() -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in Path("runs/tiny/trials").glob("*.json")}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("mine.py", ".relu()", ".tanh() * 2"), ("helper.py", "WIDTH = 4", "WIDTH = 44")],
)
def test_an_edit_runs_its_trials_again_and_no_other(file, old, new, capsys) -> None:
    assert main(["benchmark", "tiny.yaml"]) == 0
    before = trials()
    assert len(before) == 3
    new_process()
    assert main(["benchmark", "tiny.yaml"]) == 0
    assert trials() == before
    edit(file, old, new)
    new_process()
    capsys.readouterr()
    assert main(["benchmark", "tiny.yaml", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[3:5] for line in lines if line.startswith("todo")] == [
        ["transductive", "mine"]
    ]
    new_process()
    assert main(["benchmark", "tiny.yaml"]) == 0
    after = trials()
    assert len(after) == 4
    assert {name: after[name] for name in before} == before
    (new_name,) = set(after) - set(before)
    key = json.loads(Path("runs/tiny/trials", new_name).read_text(encoding="utf-8"))["key"]
    assert set(key["code"]) == {"mine", "helper"}


@pytest.mark.slow
def test_as_typed_in_a_new_process_each_time() -> None:
    def todo() -> str:
        command = [sys.executable, "-m", "graph_hcl.benchmark", "tiny.yaml", "--dry-run"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
        return next(line for line in done.stdout.splitlines() if " mine " in line)

    before = todo()
    edit("helper.py", "WIDTH = 4", "WIDTH = 44")
    assert todo() != before


def test_a_process_that_imported_the_code_before_the_edit_refuses_to_run_it(capsys) -> None:
    assert main(["benchmark", "tiny.yaml", "--methods", "mine"]) == 0
    edit("mine.py", ".relu()", ".tanh()")
    assert main(["benchmark", "tiny.yaml", "--methods", "mine"]) == 2
    assert "mine as it was imported" in capsys.readouterr().err
    assert len(trials()) == 1


def test_code_that_changes_between_the_listing_and_its_first_use_is_refused() -> None:
    (trial,) = expand(restricted(read_benchmark("tiny.yaml"), methods=["mine"]))
    assert set(trial.code) == {"mine", "helper"}
    assert "mine" not in sys.modules  # a backbone is imported when it is first built
    edit("mine.py", ".relu()", ".tanh()")
    with pytest.raises(UserError, match="mine as it was imported"):
        run_trial(trial)


def test_data_that_change_between_the_listing_and_their_first_use_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("GRAPH_HCL_DATA", "cache")
    small_set([0, 1] * 15, Path("cache/MINE/raw"))
    spec = {"datasets": ["MINE"], "methods": {"bag": {"baseline": "bag"}}, "common": SMALL}
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    (trial,) = expand(read_benchmark("tiny.yaml"))
    assert trial.name
    small_set([0, 1, 1] * 10, Path("cache/MINE/raw"))
    with pytest.raises(UserError, match="files of MINE to stay as they are"):
        run_trial(trial)


CONFIG = Config(dataset="MUTAG", objective="h-ucl", protocol="transductive")


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"objective": "mine:Own"}, {}),
        ({"backbone": "mine:Net"}, {}),
        ({"views": ["identity", "mine:Blur(0.2) | edge_drop(0.1)"]}, {}),
        ({"loss": LossConfig(hardening="mine:harden")}, {}),
        ({"loss": LossConfig(psi="mine:psi")}, {}),
        ({"loss": LossConfig(options={"inner": ["mine:part"]})}, {}),
        ({"encoder": EncoderConfig(options={"net": {"part": "mine:part"}})}, {}),
        ({"encoder": EncoderConfig(norm="mine:Norm")}, {}),
        ({"encoder": EncoderConfig(act="mine:act")}, {}),
        ({"probe": ProbeConfig(name="mine:probe")}, {}),
        ({"probe": ProbeConfig(name="mine:probe")}, {"baseline": "bag"}),
        ({}, {"baseline": "mine:features"}),
        ({}, {"measure": "mine:Measure"}),
    ],
)
def test_every_setting_that_may_name_code_counts_with_its_content(changes, options) -> None:
    def trial(config: Config) -> Trial:
        return Trial("MUTAG", "m", "transductive", config, (1,), {}, **options)

    config = dataclasses.replace(CONFIG, **changes)
    names = [trial(config).name, trial(config).name, trial(CONFIG).name]
    edit("helper.py", "WIDTH = 4", "WIDTH = 5")
    names += [trial(config).name, trial(CONFIG).name]
    assert names[0] == names[1] != names[3]
    if changes:
        assert names[2] == names[4] or "mine:" in str(options)


def small_set(labels: list[int], to: Path) -> None:
    """Write a data set MINE without a card: paths of 2 and 3 nodes, with these labels."""
    to.mkdir(parents=True, exist_ok=True)
    sizes = [2 + graph % 2 for graph in range(len(labels))]
    starts = np.cumsum([0, *sizes[:-1]])
    one_way = [
        (a + k + 1, a + k + 2) for a, n in zip(starts, sizes, strict=True) for k in range(n - 1)
    ]
    texts = {
        "A": [f"{a}, {b}" for x, y in one_way for a, b in ((x, y), (y, x))],
        "graph_indicator": [g + 1 for g, n in enumerate(sizes) for _ in range(n)],
        "graph_labels": labels,
    }
    for name, lines in texts.items():
        text = "".join(f"{line}\n" for line in lines)
        (to / f"MINE_{name}.txt").write_text(text, encoding="utf-8")


def test_the_content_of_a_data_set_without_a_card_counts(monkeypatch, capsys) -> None:
    monkeypatch.setenv("GRAPH_HCL_DATA", "cache")
    small_set([0, 1] * 15, Path("cache/MINE/raw"))
    spec = {"datasets": ["MUTAG", "MINE"], "methods": {"bag": {"baseline": "bag"}}, "common": SMALL}
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    assert main(["benchmark", "tiny.yaml"]) == 0
    assert main(["benchmark", "tiny.yaml"]) == 0
    before = trials()
    assert len(before) == 2
    small_set([0, 1, 1] * 10, Path("cache/MINE/raw"))
    assert main(["benchmark", "tiny.yaml"]) == 0
    assert len(trials()) == 3
    found = [json.loads(Path("runs/tiny/trials", n).read_text(encoding="utf-8")) for n in trials()]
    mine = [one for one in found if one["dataset"] == "MINE"]
    assert all(one["key"]["data_sha256"] == one["data_sha256"] for one in mine)
    assert len({one["data_sha256"] for one in mine}) == 2


def test_a_data_set_that_is_not_there_stops_no_other(monkeypatch, capsys) -> None:
    monkeypatch.setenv("GRAPH_HCL_TU_MIRROR", os.getcwd())
    monkeypatch.setenv("GRAPH_HCL_DATA", "cache")
    spec = {"datasets": ["GONE", "MUTAG"], "methods": {"bag": {"baseline": "bag"}}, "common": SMALL}
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    assert main(["benchmark", "tiny.yaml"]) == 2
    assert "GONE" in capsys.readouterr().err
    assert len(trials()) == 1


def test_a_run_tells_that_its_code_changed_and_records_it(capsys) -> None:
    flags = ["--epochs", "1", "--hidden", "4", "--probe.folds", "2", "--probe", "class-mean"]
    assert (
        main(["train", "--dataset", "MUTAG", "--backbone", "mine:Net", *flags, "--out", "run"]) == 0
    )
    assert main(["evaluate", "run", "--probe", "logistic", "--trust-code"]) == 0
    assert "changed since the training" not in capsys.readouterr().err
    (first, _) = json.loads(Path("run/results.json").read_text(encoding="utf-8"))["evaluations"]
    assert set(first["code"]) == {"mine", "helper"}
    assert first["threads"] >= 1
    edit("mine.py", ".relu()", ".tanh()")
    new_process()
    for command in (["evaluate", "run"], ["train", "--resume", "run", "--epochs", "2"]):
        with pytest.warns(UserWarning, match="mine changed since the training of run began"):
            assert main([*command, "--trust-code"]) == 0
    with pytest.warns(UserWarning, match="mine changed"):
        assert main(["embed", "run", "--out", "z.npz", "--trust-code"]) == 0
    results = json.loads(Path("run/results.json").read_text(encoding="utf-8"))
    assert results["evaluations"][-1]["code"] != first["code"]


def test_a_run_without_code_of_the_users_names_none(recwarn) -> None:
    flags = ["--epochs", "1", "--hidden", "4", "--probe.folds", "2", "--probe", "class-mean"]
    assert main(["train", "--dataset", "MUTAG", *flags, "--out", "run"]) == 0
    assert json.loads(Path("run/manifest.json").read_text(encoding="utf-8"))["code"] == {}
    assert main(["evaluate", "run"]) == 0
    assert not [one for one in recwarn if "changed since" in str(one.message)]
