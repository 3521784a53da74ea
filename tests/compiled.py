"""Kernels of Triton compiled where the tests interpret them."""

import os
import subprocess
import sys
import textwrap


def printed(script: str) -> list[str]:
    """Return the lines that a script prints in a process where Triton compiles."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "TRITON_INTERPRET": "0"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
