"""How the user calls the commands, which help texts and messages repeat."""

from __future__ import annotations

import sys
from pathlib import Path


def called(command: str = "") -> str:
    """Return a command as the user calls it, by the way that this process was started.

    It is `graph-hcl train` where the process is `graph-hcl`, `python -m graph_hcl train` where it
    is that, and else `python -m graph_hcl.train`, which works wherever the package is found.

    >>> called("train")
    'python -m graph_hcl.train'
    """
    program = Path(sys.argv[0] if sys.argv else "")
    if program.stem == "graph-hcl":
        return f"graph-hcl {command}".rstrip()
    if program.name == "__main__.py" and program.parent.name == "graph_hcl":
        return f"python -m graph_hcl {command}".rstrip()
    return f"python -m graph_hcl.{command}".rstrip(".")
