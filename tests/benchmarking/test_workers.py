"""Processes of a benchmark end with the command that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

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


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_workers_end_with_their_command(how, tmp_path) -> None:
    Path(tmp_path, "endless.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    command = [sys.executable, "-m", "graph_hcl.benchmark", "endless.yaml", "--jobs", "2"]
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.getenv("PYTHONPATH")]))
    running = subprocess.Popen(
        [*command, "--out", "out"], cwd=tmp_path, stderr=subprocess.DEVNULL,
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
        running.send_signal(how)
        running.wait()
        deadline = time.monotonic() + 30
        while alive(workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(workers)
    finally:
        running.kill()
        for pid in alive(workers):
            os.kill(pid, signal.SIGKILL)
