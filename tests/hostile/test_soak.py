"""Many small runs in one process keep its memory and its open files flat."""

import contextlib
import ctypes
import gc
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.__main__ import main

RUNS = 500
WARM = 40
"""Runs until every part has been imported and every cache has its size."""
MOST = 32
"""KiB of memory that a run may add on average."""
VARIANTS = (
    ["--objective", "ucl"],
    ["--objective", "h-ucl", "--beta", "0.5"],
    ["--objective", "h-scl", "--beta", "1", "--protocol", "inductive"],
    ["--objective", "h-ucl", "--beta", "0.5", "--views", "edge_drop(0.2)", "node_drop(0.1)"],
    ["--objective", "ucl", "--probe.metric", "balanced_accuracy"],
)


def memory() -> float:
    """Return the resident memory of this process in KiB, without what malloc keeps unused.

    Its free pieces between the used ones grow by some 40 KiB a run, which is no leak: the bytes in
    use stay the same.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1024


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs /proc")
def test_memory_and_handles_stay_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = ["--dataset", "MUTAG", "--epochs", "1", "--hidden", "4", "--layers", "1"]
    quick = [*tiny, "--probe", "class-mean", "--probe.folds", "2"]
    runs = int(os.environ.get("GRAPH_HCL_SOAK", RUNS))
    seen = []
    for number in range(WARM + runs):
        out = f"run{number}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert main(["train", *quick, *VARIANTS[number % len(VARIANTS)], "--out", out]) == 0
            assert main(["embed", out, "--out", f"{out}/z.npz"]) == 0
            if number % 5 == 0:
                assert main(["train", "--resume", out, "--epochs", "2"]) == 0
                assert main(["evaluate", out, "--probe", "knn"]) == 0
        capsys.readouterr()
        seen.append((memory(), handles()))
    after = np.array(seen[WARM:])
    slope = np.polyfit(np.arange(len(after)), after[:, 0], 1)[0]
    print(
        f"{len(after)} runs: {slope:.1f} KiB a run, {after[0, 1]:.0f} to {after[-1, 1]:.0f} files"
    )
    assert slope < MOST
    assert after[-1, 1] <= after[0, 1]
