"""`graph_hcl.benchmark` as a user types it, on MUTAG."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from graph_hcl.__main__ import main

METHODS = {
    "majority": {"baseline": "majority"},
    "bag": {"baseline": "bag"},
    "untrained": {"epochs": [0], "settings": {"objective": "ucl"}},
    "h-ucl": {
        "settings": {"objective": "h-ucl"},
        "grid": {"beta": [0.1, 0.5]},
        "epochs": [1, 2],
    },
}


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRAPH_HCL_SPLITS", raising=False)
    return tmp_path


def write(**fields) -> str:
    small = {"hidden": 4, "layers": 1, "probe": {"folds": 3, "name": "logistic"}}
    spec = {"datasets": ["MUTAG"], "methods": METHODS, "common": small} | fields
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return "tiny.yaml"


def records(folder: str = "runs/tiny") -> dict[str, str]:
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in Path(folder, "trials").glob("*.json")
    }


def test_one_command_gives_the_table_and_a_second_runs_nothing(capsys) -> None:
    file = write(repeats=2)
    assert main(["benchmark", file, "--dry-run"]) == 0
    assert "10 trials, 0 finished" in capsys.readouterr().out
    assert main(["benchmark", file]) == 0
    shown = capsys.readouterr().out
    for word in (
        "majority",
        "66.49",
        "bag",
        "untrained",
        "h-ucl",
        "InfoGraph",
        "89.01",
        "10 of 10",
    ):
        assert word in shown or word in Path("runs/tiny/tables.md").read_text(encoding="utf-8")
    before = {file: file.stat().st_mtime_ns for file in Path("runs/tiny/trials").iterdir()}
    assert len(before) == 10
    assert main(["benchmark", file]) == 0
    assert {file: file.stat().st_mtime_ns for file in Path("runs/tiny/trials").iterdir()} == before
    assert main(["benchmark", file, "--dry-run"]) == 0
    assert "10 trials, 10 finished" in capsys.readouterr().out
    tables = {file.name for file in Path("runs/tiny/tables").iterdir()}
    assert {"transductive-accuracy.csv", "transductive-accuracy.tex", "published.csv"} <= tables
    head = (
        Path("runs/tiny/tables/transductive-accuracy.csv")
        .read_text(encoding="utf-8")
        .splitlines()[0]
    )
    assert head == "method,MUTAG"


def test_gathered_trials_are_finished_and_give_the_same_tables(capsys) -> None:
    file = write()
    assert main(["benchmark", file]) == 0
    before, tables = records(), Path("runs/tiny/tables.md").read_text(encoding="utf-8")
    assert main(["benchmark", file, "--gather"]) == 0
    assert "5 trials" in capsys.readouterr().out
    assert not records()
    lines = Path("runs/tiny.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    assert sorted(lines) == sorted(before.values())
    Path("runs/tiny/tables.md").unlink()
    assert main(["benchmark", file]) == 0
    assert not records()  # nothing was run again
    assert Path("runs/tiny/tables.md").read_text(encoding="utf-8") == tables
    # A new method's trial is run beside the gathered ones, and joins them in the same order.
    file = write(methods=METHODS | {"more": {"baseline": "wl-subtree"}})
    assert main(["benchmark", file]) == 0
    assert len(records()) == 1
    assert main(["benchmark", file, "--gather"]) == 0
    again = Path("runs/tiny.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    assert [line for line in again if line in lines] == lines
    assert len(again) == 6


def test_a_damaged_line_is_named(capsys) -> None:
    file = write()
    Path("runs").mkdir()
    Path("runs/tiny.jsonl").write_text("{}\n", encoding="utf-8")
    assert main(["benchmark", file, "--dry-run"]) == 2
    assert "tiny.jsonl, line 1 is damaged" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_benchmark_goes_on_and_ends_the_same(capsys) -> None:
    file = write(repeats=3)
    assert main(["benchmark", file, "--out", "whole"]) == 0
    command = [sys.executable, "-m", "graph_hcl.benchmark", file, "--out", "killed"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.time() + 120
    while time.time() < deadline and len(list(Path("killed").glob("trials/*.json"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 3 <= len(records("killed")) < 15
    left = next(Path("killed").glob("trials/*.json")).with_suffix(".lock")
    left.write_text("killed between writing the record and removing the lock", encoding="utf-8")
    capsys.readouterr()
    assert main(["benchmark", file, "--out", "killed", "--table"]) == 0
    assert "of 15 trials are finished" in capsys.readouterr().out
    assert main(["benchmark", file, "--out", "killed", "--jobs", "2"]) == 0
    assert not list(Path("killed").glob("trials/*.lock"))

    def scores(folder: str) -> dict:
        return {name: json.loads(text)["records"] for name, text in records(folder).items()}

    assert scores("killed") == scores("whole")


def test_shards_are_disjoint_and_together_all() -> None:
    file = write()
    assert main(["benchmark", file, "--out", "a", "--shard", "1/2"]) == 0
    assert main(["benchmark", file, "--out", "b", "--shard", "2/2"]) == 0
    a, b = set(records("a")), set(records("b"))
    assert not a & b
    assert len(a | b) == 5


def test_a_trial_that_cannot_be_run_stops_no_other(capsys) -> None:
    impossible = {"settings": {"objective": "ucl", "probe": {"folds": 200}}}
    file = write(methods={"impossible": impossible} | METHODS)
    assert main(["benchmark", file]) == 2
    shown = capsys.readouterr()
    assert "1 trials could not be run" in shown.err
    assert "class" in shown.err
    assert "Traceback" not in shown.err
    assert len(records()) == 5


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(capsys) -> None:
    file = write()
    Path("out").mkdir()
    Path("out/trials").write_text("in the way", encoding="utf-8")
    assert main(["benchmark", file, "--out", "out"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "out/trials" in line


@pytest.mark.slow
def test_a_folder_that_worker_processes_cannot_write_is_named_without_a_traceback() -> None:
    file = write()
    Path("out").mkdir()
    Path("out/trials").write_text("in the way", encoding="utf-8")
    command = [sys.executable, "-m", "graph_hcl.benchmark", file, "--out", "out", "--jobs", "2"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert "out/trials" in found.stderr


def test_random_labels_raise_no_score(capsys) -> None:
    alarm = {
        "settings": {"objective": "h-scl", "epochs": 3, "data": {"random_labels": True}},
    }
    file = write(methods={"random labels": alarm}, protocols=["inductive"])
    assert main(["benchmark", file]) == 0
    ((record,)) = [json.loads(text) for text in records().values()]
    accuracy = [row["scores"]["accuracy"] for row in record["records"]]
    assert sum(accuracy) / len(accuracy) < 0.66 + 0.1  # majority and a little luck


def test_ray_runs_the_same_trials() -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    file = write(methods={"bag": {"baseline": "bag"}, "majority": {"baseline": "majority"}})
    try:
        assert main(["benchmark", file, "--engine", "ray"]) == 0
    finally:
        ray.shutdown()
    assert len(records()) == 2


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["none.yaml"], "Cannot read the benchmark file"),
        (["tiny.yaml", "--jobs", "0"], "--jobs to be 1 or more"),
        (["tiny.yaml", "--shard", "3/2"], "--shard to be i/n"),
        (["tiny.yaml", "--engine", "slurm"], "local or ray"),
        (["tiny.yaml", "--job", "2"], "Unknown flag"),
        (["tiny.yaml", "--table", "--gather"], "one of --dry-run, --table, --gather and"),
        (["tiny.yaml", "--gather", "--shard", "1/2"], "no --shard with --gather"),
        (["tiny.yaml", "--table", "--shard", "1/2"], "no --shard with --table"),
    ],
)
def test_mistakes(argv: list[str], sentence: str, capsys) -> None:
    write()
    assert main(["benchmark", *argv]) == 2
    shown = capsys.readouterr().err
    assert sentence in shown
    assert len(shown.strip().splitlines()) == 1
