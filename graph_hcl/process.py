"""Which processes are those of this machine, and whether they still run."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

WINDOWS = os.name == "nt"


@cache
def place() -> str:
    """Return what processes that see each other's numbers share: machine, start, container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        parts += [boot, str(Path("/proc/self/ns/pid").stat().st_ino)]
    return "/".join(parts)


def _about(process: int) -> list[str]:
    """Return what /proc tells of a process from its state on; nothing where there is no /proc."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def started(process: int) -> str:
    """Return when a process was started, where the system tells: its number may be used again."""
    return about[19] if (about := _about(process)) else "-"


def is_gone(where: str, process: str, since: str = "-") -> bool:
    """Tell whether a process is known to have ended: one of this machine, start and container.

    >>> is_gone(place(), str(os.getpid())), is_gone("elsewhere", "1")
    (False, False)
    """
    # On Windows os.kill would send Ctrl-C to the process instead of testing it.
    if WINDOWS or where != place() or not re.fullmatch(r"[0-9]{1,20}", process):
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    if _about(int(process))[:1] == ["Z"]:
        return True  # ended, but nobody has asked how: containers often have no init that does
    return "-" not in (since, now := started(int(process))) and since != now
