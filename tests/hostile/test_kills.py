"""What was killed at any moment goes on and ends as if it had not been."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 125
"""Kills of each scenario: a third or more at random moments, the others before its writes."""
SCENARIOS = (
    "train", "inductive", "resume", "evaluate", "embed", "report", "benchmark", "benchmark-jobs",
    "gather",
)  # fmt: skip


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_lost_or_different_after_a_kill(scenario: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("kills.py")
    command = [sys.executable, "-W", "ignore", str(script), str(tmp_path), str(KILLS), scenario]
    path = os.pathsep.join(filter(None, [str(script.parents[2]), os.getenv("PYTHONPATH")]))
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    counts = json.loads(done.stdout)
    assert counts["wrong"] == []
    assert counts["kills"] + counts["ended first"] == KILLS
    assert counts["at random moments"] >= KILLS // 3
    assert counts["kills"] >= KILLS - counts["at random moments"]
