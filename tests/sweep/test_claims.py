import os
import subprocess
import sys
import time
from pathlib import Path

from graph_hcl.sweep.claims import claim

WORKER = """
import sys, time
from pathlib import Path
from graph_hcl.sweep.claims import claim
folder = Path(sys.argv[1])
for cell in range(30):
    with claim(folder / f"{cell}.claim") as mine:
        if mine and not (folder / f"{cell}.done").exists():
            time.sleep(0.002)
            with (folder / "log").open("a") as log:
                log.write(f"{cell}\\n")
            (folder / f"{cell}.done").touch()
"""


def test_four_processes_do_each_cell_once(tmp_path: Path) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)]) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0] * 4
    done = sorted(map(int, (tmp_path / "log").read_text(encoding="utf-8").split()))
    assert done == list(range(30))
    assert not list(tmp_path.glob("*.claim*"))


def test_a_stale_claim_is_taken_over_and_a_living_one_is_not(tmp_path: Path) -> None:
    dead = tmp_path / "a.claim"
    dead.write_text("a process that was killed", encoding="utf-8")
    os.utime(dead, (time.time() - 100, time.time() - 100))
    with claim(dead, stale_seconds=200) as mine:
        assert not mine
    with claim(dead, stale_seconds=50) as mine:
        assert mine


def test_a_long_cell_stays_claimed(tmp_path: Path) -> None:
    with claim(tmp_path / "a.claim", stale_seconds=0.4) as mine:
        assert mine
        time.sleep(0.8)
        with claim(tmp_path / "a.claim", stale_seconds=0.4) as other:
            assert not other


def test_a_claim_is_dropped_when_the_work_fails(tmp_path: Path) -> None:
    try:
        with claim(tmp_path / "a.claim"):
            raise RuntimeError
    except RuntimeError:
        pass
    with claim(tmp_path / "a.claim") as mine:
        assert mine


def test_a_claim_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.claim"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom graph_hcl.sweep.claims import claim\n"
        "with claim(Path(sys.argv[1])) as mine:\n    print(mine, flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    with claim(path) as mine:
        assert not mine
    holder.kill()
    holder.wait()
    with claim(path) as mine:
        assert mine
