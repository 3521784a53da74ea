"""The script of docs/scale/large-batches.md gives one loss in one process and in two."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scale" / "large-batches.md"


@pytest.mark.slow
def test_two_processes_print_the_loss_of_one(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (script,) = (block for block in blocks if "DistributedGather" in block)
    (tmp_path / "two.py").write_text(script, encoding="utf-8")
    printed = []
    for start in ([], ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]):
        done = subprocess.run(
            [sys.executable, *start, "two.py"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed += re.findall(r"(\d) processes: (\S+), all rows at once: (\S+)", done.stdout)
    assert [count for count, _, _ in printed] == ["1", "2"]
    assert len({value for _, *values in printed for value in values}) == 1
