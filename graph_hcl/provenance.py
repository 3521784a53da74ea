"""What a result follows from besides settings and data: code, processor, threads and versions.

Nothing here names a person, a machine or a folder, so that records can be published.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from graph_hcl import __version__

PACKAGES = ("torch", "torch-geometric", "scikit-learn", "numpy")
UNKNOWN = "unknown"
"""What stands for a part of the provenance that an older record lacks."""
CODE = ("graph_hcl", "datasets")
"""What results follow from in a source checkout: the package, and the cards of the data sets."""


def environment(device: Any = "cpu") -> dict[str, Any]:
    """Return commit, number of torch threads, processor and versions of this process.

    `device` is the torch device that models are trained on.

    >>> sorted(environment())
    ['commit', 'processor', 'threads', 'versions']
    """
    import torch

    return {
        "commit": commit(),
        "threads": torch.get_num_threads(),
        "processor": processor(device),
        "versions": versions(),
    }


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that scores depend on, and of Python."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"graph_hcl": __version__} | packages | {"python": platform.python_version()}


@cache
def commit() -> str | None:
    """Return the commit of the running graph_hcl, None where it is not known.

    In a source checkout it is the HEAD of git, with "-dirty" where tracked files of the package or
    of the data sets' cards have changed; in an installation from git it is the commit that pip
    wrote down (PEP 610). It is read once per process, whose code does not change either.
    """
    package = Path(__file__).parent
    return commit_of(package) or _installed_commit(package)


def commit_of(package: Path) -> str | None:
    """Return the commit of the git checkout that tracks the package folder, None without one."""
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None  # not in a checkout, or in the one of another project
    head = _git(package, "rev-parse", "HEAD")
    if head is None:
        return None
    paths = [name for name in CODE if (package.parent / name).exists()]
    state = ("status", "--porcelain", "--untracked-files=no", "--", *paths)
    return f"{head}-dirty" if _git(package.parent, *state) else head


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints in a folder, None where it fails or is not installed."""
    # Inside a hook of git, these variables name another repository.
    environ = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env=environ, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _installed_commit(package: Path) -> str | None:
    try:
        distribution = importlib.metadata.distribution("graph_hcl")
        if Path(str(distribution.locate_file(package.name))).resolve() != package.resolve():
            return None  # the running copy is another one
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        return str(origin["vcs_info"]["commit_id"])
    except (importlib.metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        return None


def processor(device: Any = "cpu") -> str:
    """Return the model of the graphics card for a CUDA device, else of the processor."""
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return _cpu()


@cache
def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
        return platform.machine()
    return platform.processor() or platform.machine()
