"""One process works on a run at a time; what killed ones left is swept."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from graph_hcl import files, process
from graph_hcl.__main__ import main
from graph_hcl.lock import lock
from graph_hcl.process import is_gone, place, started

TINY = ["--dataset", "MUTAG", "--hidden", "4", "--layers", "1", "--beta", "0.5"]
QUICK = [*TINY, "--probe", "class-mean", "--probe.folds", "2"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def start(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)


def test_two_runs_with_one_folder_do_not_mix() -> None:
    both = [
        start("graph_hcl.train", *QUICK, "--epochs", "3", "--seed", str(k), "--out", "run")
        for k in range(2)
    ]
    said = [one.communicate() for one in both]
    assert sorted(one.returncode for one in both) == [0, 2]
    refused = next(err for one, (_, err) in zip(both, said, strict=True) if one.returncode)
    assert b"Traceback" not in refused
    (part,) = Path("run/checkpoint").glob("*.safetensors")
    winner = next(k for k in range(2) if both[k].returncode == 0)
    assert part.stem == f"seed{winner}"
    assert not list(Path().rglob(".*.tmp"))


def test_a_run_that_is_trained_is_not_resumed_or_evaluated(capsys) -> None:
    assert main(["train", *QUICK, "--epochs", "1", "--out", "run"]) == 0
    with lock(Path("run/.lock")):
        for command in (["train", "--resume"], ["evaluate"]):
            assert main([*command, "run"]) == 2
            assert "another one trains or evaluates it" in capsys.readouterr().err
        assert main(["train", "--resume", "run", "--epochs", "2"]) == 2
    assert main(["train", "--resume", "run", "--epochs", "2"]) == 0
    assert not Path("run/.lock").exists()


def test_the_lock_of_a_killed_run_is_free_at_once() -> None:
    running = start("graph_hcl.train", *QUICK, "--epochs", "100000", "--out", "run")
    while not Path("run/checkpoint").exists() and running.poll() is None:
        time.sleep(0.05)
    assert running.poll() is None, running.communicate()
    assert Path("run/.lock").exists()
    running.kill()
    running.communicate()
    with lock(Path("run/.lock")) as mine:
        assert mine


def test_a_lock_of_another_container_is_not_taken_by_its_process_number(tmp_path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    number = str(gone.pid)
    assert is_gone(place(), number)
    for other in (f"{place()}0", "elsewhere", place().partition("/")[0]):
        assert not is_gone(other, number)
        (tmp_path / "lock").write_text(f"{other} {number} - x", encoding="utf-8")
        with lock(tmp_path / "lock") as mine:
            assert not mine


def test_a_number_that_is_used_again_is_another_process() -> None:
    now = started(os.getpid())
    assert not is_gone(place(), str(os.getpid()), now)
    assert now == "-" or is_gone(place(), str(os.getpid()), f"{now}0")


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc")
def test_a_process_that_nobody_waited_for_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 60
    while not is_gone(place(), str(ended.pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_gone(place(), str(ended.pid))
    assert ended.wait() == 0  # it was there all the time


def test_the_age_of_a_lock_does_not_depend_on_the_clock_of_this_machine(
    tmp_path, monkeypatch
) -> None:
    path = tmp_path / "lock"
    with lock(path, stale_seconds=100):
        monkeypatch.setattr(time, "time", lambda: 1e12)
        with lock(path, stale_seconds=100) as other:
            assert not other


def test_a_lock_without_a_name_is_stale_after_a_minute(tmp_path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with lock(path) as mine:
        assert not mine
    os.utime(path, (time.time() - 90, time.time() - 90))
    with lock(path) as mine:
        assert mine


def test_what_a_killed_process_left_is_swept_by_the_next_write(tmp_path, monkeypatch) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own = files.temporary_beside(tmp_path / "a")
    here = own.name.split("-")[-1]
    for name in (f".a.{gone.pid}-{here}", f".a.{gone.pid}-00000000", f".a.{os.getpid()}-{here}"):
        (tmp_path / f"{name.removesuffix('.tmp')}.tmp").touch()
    (tmp_path / f".b.{gone.pid}-{here}").touch()
    files.write_atomically(tmp_path / "a", lambda to: to.write_bytes(b"new"))
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"a", f".a.{gone.pid}-00000000.tmp", f".b.{gone.pid}-{here}"}


def test_what_killed_processes_left_anywhere_in_a_folder_is_swept(tmp_path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own = files.temporary_beside(tmp_path / "checkpoint" / "a").name
    before = own.replace(f".{os.getpid()}-", f".{gone.pid}-")
    (tmp_path / "checkpoint" / before).mkdir(parents=True)
    (tmp_path / "checkpoint" / before / "one").touch()
    for name in (own, before.replace("-", "-0"), ".b.tmp", "a.tmp", before):
        (tmp_path / name).touch()
    files.sweep(tmp_path)
    left = {file.name for file in tmp_path.rglob("*")}
    assert left == {"checkpoint", own, before.replace("-", "-0"), ".b.tmp", "a.tmp"}


def test_a_folder_appears_with_all_of_its_files(tmp_path) -> None:
    seen = threading.Event()

    def fill(folder: Path) -> None:
        (folder / "one").touch()
        assert not (tmp_path / "run").exists()
        (folder / "two").touch()
        seen.set()

    assert files.place_folder(tmp_path / "run", fill)
    assert seen.is_set()
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"one", "two"}
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
    for held in (tmp_path / "run", tmp_path / "run" / "one"):
        assert not files.place_folder(held, lambda folder: (folder / "three").touch())


def test_folders_that_cannot_be_replaced_are_filled(tmp_path, monkeypatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert files.place_folder(tmp_path / "link", lambda folder: (folder / "a").touch())
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").exists()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert files.place_folder(Path(), lambda folder: (folder / "a").touch())
    assert (tmp_path / "here" / "a").exists()


def test_a_failed_start_leaves_nothing(tmp_path) -> None:
    def fail(folder: Path) -> None:
        (folder / "one").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.place_folder(tmp_path / "run", fail)
    assert not list(tmp_path.iterdir())
    assert process.place()
