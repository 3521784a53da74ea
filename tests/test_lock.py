import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph_hcl.lock import lock
from graph_hcl.process import place

WORKER = """
import sys, time
from pathlib import Path
from graph_hcl.lock import lock
folder = Path(sys.argv[1])
for trial in range(30):
    with lock(folder / f"{trial}.lock") as mine:
        if mine and not (folder / f"{trial}.done").exists():
            time.sleep(0.002)
            with (folder / "log").open("a") as log:
                log.write(f"{trial}\\n")
            (folder / f"{trial}.done").touch()
"""


def test_four_processes_do_each_trial_once(tmp_path: Path) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)]) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0] * 4
    done = sorted(map(int, (tmp_path / "log").read_text(encoding="utf-8").split()))
    assert done == list(range(30))
    assert not list(tmp_path.glob("*.lock*"))


def test_a_stale_lock_is_taken_over_and_a_living_one_is_not(tmp_path: Path) -> None:
    dead = tmp_path / "a.lock"
    dead.write_text("a process that was killed", encoding="utf-8")
    os.utime(dead, (time.time() - 100, time.time() - 100))
    with lock(dead, stale_seconds=200) as mine:
        assert not mine
    with lock(dead, stale_seconds=50) as mine:
        assert mine


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"\0", b"x" * 100_000, f"{place()} \u00b2 5".encode(), f"{place()} -1 5".encode(),
     f"{place()} {'9' * 5000} 5".encode(), place().encode() + b" \xff \xff"],
)  # fmt: skip
def test_a_lock_may_hold_anything(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.lock"
    path.write_bytes(content)
    with lock(path) as mine:
        assert not mine
    assert path.read_bytes() == content


def test_a_long_trial_stays_locked(tmp_path: Path) -> None:
    with lock(tmp_path / "a.lock", stale_seconds=0.4) as mine:
        assert mine
        time.sleep(0.8)
        with lock(tmp_path / "a.lock", stale_seconds=0.4) as other:
            assert not other


def test_a_lock_is_dropped_when_the_work_fails(tmp_path: Path) -> None:
    try:
        with lock(tmp_path / "a.lock"):
            raise RuntimeError
    except RuntimeError:
        pass
    with lock(tmp_path / "a.lock") as mine:
        assert mine


def test_a_lock_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom graph_hcl.lock import lock\n"
        "with lock(Path(sys.argv[1])) as mine:\n    print(mine, flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    with lock(path) as mine:
        assert not mine
    holder.kill()
    holder.wait()
    with lock(path) as mine:
        assert mine
