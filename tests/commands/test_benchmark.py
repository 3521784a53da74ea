"""`graph_hcl.benchmark` as a user types it, on MUTAG."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from graph_hcl.__main__ import main
from graph_hcl.benchmarking.record import parse, to_line

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
    assert re.search(r"10 trials, 0 finished; about [1-9]\d* s left\.", capsys.readouterr().out)
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
    assert "10 trials, 10 finished." in capsys.readouterr().out
    tables = {file.name for file in Path("runs/tiny/tables").iterdir()}
    assert {"transductive-accuracy.csv", "transductive-accuracy.tex", "published.csv"} <= tables
    head = (
        Path("runs/tiny/tables/transductive-accuracy.csv")
        .read_text(encoding="utf-8")
        .splitlines()[0]
    )
    assert (head.split(",")[0], head.split(",")[-1]) == ("method", "MUTAG")


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


def test_a_damaged_trial_is_run_again_and_kept(capsys) -> None:
    file = write(methods={"bag": {"baseline": "bag"}, "majority": {"baseline": "majority"}})
    assert main(["benchmark", file]) == 0
    before = records()
    one, other = (Path("runs/tiny/trials") / name for name in before)
    one.write_bytes(content := one.read_bytes()[:500])
    other.with_suffix(".error").write_bytes(b"\xff")
    capsys.readouterr()
    for mode in ("--table", "--dry-run", "--gather"):
        assert main(["benchmark", file, mode]) == 2
        assert capsys.readouterr().err.startswith(f"error: {one} is damaged (")
    with pytest.warns(UserWarning, match=rf"is kept as {one.stem}\.damaged, and its trial is run"):
        assert main(["benchmark", file]) == 0
    assert "2 of 2 trials are finished" in capsys.readouterr().out
    assert one.with_suffix(".damaged").read_bytes() == content
    assert {name: parse(text.encode())["records"] for name, text in records().items()} == {
        name: parse(text.encode())["records"] for name, text in before.items()
    }


def test_the_record_of_another_trial_does_not_take_its_place(capsys) -> None:
    file = write(methods={"bag": {"baseline": "bag"}, "majority": {"baseline": "majority"}})
    assert main(["benchmark", file]) == 0
    one, other = Path("runs/tiny/trials").glob("*.json")
    shutil.copy(other, one)
    assert main(["benchmark", file, "--table"]) == 2
    assert f"{one} is damaged (it is the record of {other.stem})" in capsys.readouterr().err


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
    assert "1 trial could not be run" in shown.err
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


def change(folder: str, shift) -> None:
    """Add `shift(fold)` to the scores of H-UCL in every record of a folder."""
    for file in Path(folder, "trials").glob("*.json"):
        record = parse(file.read_bytes())
        if record["key"]["config"].get("objective") == "h-ucl":
            for row in record["records"]:
                moved = {m: score + shift(row["fold"]) for m, score in row["scores"].items()}
                row["scores"] = moved
            file.write_text(to_line(record), encoding="utf-8")


def test_two_folders_are_compared_without_running_anything(capsys) -> None:
    file = write(repeats=2)
    assert main(["benchmark", file]) == 0
    shutil.copytree("runs/tiny", "other")
    capsys.readouterr()

    def compared(*argv: str) -> list[str]:
        assert main(["benchmark", file, *argv]) == 0
        shown = capsys.readouterr().out
        assert Path("runs/tiny/comparison.md").read_text(encoding="utf-8") == shown
        return shown.splitlines()

    first = compared("--compare-to", "other")
    assert first[0].startswith("10 trials are in both runs/tiny and other: 10 equal, 0 agree")
    change("other", lambda fold: 1e-4 * fold - 1e-4)
    lines = compared("--compare-to", "other")
    assert "6 equal, 4 agree within noise, 0 differ" in lines[0]
    change("other", lambda fold: -0.3)
    assert main(["benchmark", file, "--out", "other", "--gather"]) == 0
    capsys.readouterr()
    lines = compared("--compare-to", "other.jsonl")
    assert "6 equal, 0 agree within noise, 4 differ" in lines[0]
    table = [line for line in lines if line.startswith("| MUTAG")]
    assert ["differs" in row for row in table] == [True] * 4 + [False] * 3
    assert all("h-ucl" in row and "+30." in row for row in table[:4])
    lines = compared("--compare-to", "other", "--methods", "bag", "untrained", "--repeats", "1")
    assert lines[0].startswith("2 trials are in both runs/tiny and other: 2 equal")
    next(Path("runs/tiny/trials").glob("*.json")).unlink()
    lines = compared("--compare-to", "other")
    assert lines[0].startswith("9 trials are in both")
    assert lines[0].endswith("0 are in runs/tiny alone, 1 in other alone, 0 in neither.")


def test_a_restricted_benchmark_runs_lists_and_gathers_its_part(capsys) -> None:
    file = write(repeats=2, compare=[["bag", "majority"], ["h-ucl", "bag"]])
    some = ["--methods", "BAG", "majority", "--datasets", "mutag", "--repeats", "1"]
    assert main(["benchmark", file, *some]) == 0
    shown = capsys.readouterr().out
    assert len(records()) == 2
    assert "2 of 2 trials" in shown
    assert "untrained" not in shown
    differences = Path("runs/tiny/tables/transductive-differences.csv").read_text(encoding="utf-8")
    assert [line.split(",")[1:3] for line in differences.splitlines()[1:]] == [["bag", "majority"]]
    assert main(["benchmark", file, "--methods", "[bag, h-ucl]", "--dry-run"]) == 0
    assert "6 trials, 1 finished" in capsys.readouterr().out
    assert main(["benchmark", file, "--table"]) == 0
    assert "2 of 10 trials" in capsys.readouterr().out


def test_the_tables_say_that_records_mix(capsys) -> None:
    file = write(methods={"bag": {"baseline": "bag"}, "majority": {"baseline": "majority"}})
    assert main(["benchmark", file]) == 0
    assert "threads:" not in capsys.readouterr().out
    one = next(Path("runs/tiny/trials").glob("*.json"))
    record = parse(one.read_bytes())
    assert {"commit", "threads", "processor", "versions"} <= set(record)
    one.write_text(to_line(record | {"threads": 77}), encoding="utf-8")
    assert main(["benchmark", file, "--table"]) == 0
    sentence = "Records of 2 numbers of threads: "
    assert sentence in capsys.readouterr().out
    assert sentence in Path("runs/tiny/tables.md").read_text(encoding="utf-8")


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
        (
            ["tiny.yaml", "--compare-to", "x", "--table"],
            "--gather and --compare-to, but got several",
        ),
        (["tiny.yaml", "--compare-to", "x", "--jobs", "2"], "no --jobs with --compare-to"),
        (["tiny.yaml", "--gather", "--methods", "bag"], "no --methods with --gather"),
        (["tiny.yaml", "--compare-to", "x"], "finished trials to compare in runs/tiny"),
        (["tiny.yaml", "--methods", "bga"], "got 'bga'. Did you mean bag?"),
        (["tiny.yaml", "--datasets", "MUTAGG", "MUTAG"], "Did you mean MUTAG?"),
        (["tiny.yaml", "--repeats", "2"], "--repeats to be 1 to 1, the repetitions of tiny"),
        (["tiny.yaml", "--methods", "--dry-run"], "--methods to be followed by one or more names"),
        (["tiny.yaml", "--methods", "bag", "--methods", "majority"], "--methods once"),
    ],
)
def test_mistakes(argv: list[str], sentence: str, capsys) -> None:
    write()
    assert main(["benchmark", *argv]) == 2
    shown = capsys.readouterr().err
    assert sentence in shown
    assert len(shown.strip().splitlines()) == 1


def test_a_comparison_with_nothing_or_with_itself(capsys) -> None:
    file = write(methods={"bag": {"baseline": "bag"}})
    assert main(["benchmark", file]) == 0
    for other, sentence in (("none", "there is none at none"), ("./runs/tiny", "another folder")):
        capsys.readouterr()
        assert main(["benchmark", file, "--compare-to", other]) == 2
        assert sentence in capsys.readouterr().err


def test_a_method_that_the_protocol_leaves_out_is_named() -> None:
    methods = METHODS | {"h-scl": {"settings": {"objective": "h-scl"}, "epochs": [1]}}
    file = write(methods=methods)
    with pytest.warns(UserWarning, match="Left out: h-scl, which read labels, of .* transductive"):
        assert main(["benchmark", file, "--dry-run"]) == 0


def test_tables_of_an_earlier_call_are_removed(capsys) -> None:
    methods = {name: METHODS[name] for name in ("majority", "bag")}
    file = write(methods=methods, protocols=["transductive", "inductive"])
    assert main(["benchmark", file]) == 0
    folder = Path("runs/tiny/tables")
    assert (folder / "transductive-differences.csv").is_file()
    mine = [folder / name for name in ("notes.csv", "transductive-mine.tex", "inductive-accuracy")]
    for kept in mine:
        kept.write_text("mine", encoding="utf-8")
    assert main(["benchmark", file, "--table", "--methods", "bag"]) == 0
    names = {path.name for path in folder.iterdir()}
    assert not any("differences" in name for name in names)
    assert {path.name for path in mine} < names
    file = write(methods=methods)
    assert main(["benchmark", file, "--table"]) == 0
    names = {path.name for path in folder.iterdir()} - {path.name for path in mine}
    assert {"transductive-accuracy.csv", "transductive-differences.tex"} < names
    assert not any(name.startswith("inductive") for name in names)


def test_the_page_tells_how_much_is_finished(capsys) -> None:
    file = write(protocols=["transductive", "inductive"])
    assert main(["benchmark", file, "--methods", "bag", "--shard", "1/2"]) == 0
    page = Path("runs/tiny/tables.md")
    assert "1 of 2 trials are finished." in page.read_text(encoding="utf-8")
    assert main(["benchmark", file, "--methods", "bag"]) == 0
    assert "trials are finished" not in page.read_text(encoding="utf-8")
