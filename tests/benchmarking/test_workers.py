"""Processes of a benchmark end with the command that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import expand
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.lock import lock
from graph_hcl.process import place

SPEC = {
    "datasets": ["MUTAG"],
    "repeats": 2,
    "common": {"epochs": 100_000, "hidden": 4, "layers": 1, "diagnose": False},
    "methods": {"endless": {"settings": {"objective": "ucl"}}},
}


def children(parent: int) -> set[int]:
    """Return the processes below a process, from /proc."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = int(fields[1])
    return {pid for pid, above in found.items() if above == parent}


def alive(pids: set[int]) -> set[int]:
    """Return those of some processes that run."""
    states = {}
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        states[pid] = text.rpartition(")")[2].split()[0]
    return {pid for pid, state in states.items() if state != "Z"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc")
@pytest.mark.parametrize(
    "how",
    [signal.SIGKILL, signal.SIGTERM, signal.SIGINT],
    ids=["killed", "terminated", "interrupted at the keyboard"],
)
def test_workers_end_with_their_command(how, tmp_path) -> None:
    Path(tmp_path, "endless.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    command = [sys.executable, "-m", "graph_hcl.benchmark", "endless.yaml", "--jobs", "2"]
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.getenv("PYTHONPATH")]))
    said = tmp_path / "said.txt"
    with said.open("wb") as stderr:
        running = subprocess.Popen(
            [*command, "--out", "out"], cwd=tmp_path, stderr=stderr, start_new_session=True,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
    workers: set[int] = set()
    try:
        deadline = time.monotonic() + 120
        while len(list(tmp_path.rglob("*.lock"))) < 2 and time.monotonic() < deadline:
            assert running.poll() is None
            time.sleep(0.1)
        workers = children(running.pid)
        assert len(workers) >= 2
        if how == signal.SIGINT:
            os.killpg(running.pid, how)  # a terminal tells all processes
        else:
            running.send_signal(how)
        assert running.wait(120) == (-how if how == signal.SIGKILL else 128 + how)
        deadline = time.monotonic() + 120
        while alive(workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(workers)
        folder = TrialFolder(tmp_path / "out")
        if how != signal.SIGKILL:
            assert said.read_text(encoding="utf-8").count("interrupted: ") == 1
            assert not list(folder.path.rglob("*.lock"))
        for left in folder.path.rglob("*.lock"):
            with lock(left) as mine:  # no work is kept from the next command
                assert mine
    finally:
        running.kill()
        for pid in alive(workers):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("skew", [-1e6, 0, 1e6], ids=["slow", "right", "fast"])
def test_claims_of_other_machines_are_kept_and_those_of_gone_processes_are_not(
    skew: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the clock of this machine, and although processes elsewhere have the same number."""
    (tmp_path / "quick.yaml").write_text(
        yaml.safe_dump(SPEC | {"methods": {"bag": {"baseline": "bag"}}}), encoding="utf-8"
    )
    one, other = expand(read_benchmark(tmp_path / "quick.yaml"))
    folder = TrialFolder(tmp_path / "out")
    (tmp_path / "out" / "trials").mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for trial, where in ((one, f"{place()}0"), (other, place())):
        folder.file(trial, "lock").write_text(f"{where} {gone.pid} - x", encoding="utf-8")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + skew)
    run_trials([one, other], folder, jobs=1)
    assert [folder.is_finished(trial) for trial in (one, other)] == [False, True]
    assert folder.file(one, "lock").is_file()
    assert not folder.file(other, "lock").exists()
