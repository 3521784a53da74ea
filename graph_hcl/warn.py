"""Warnings that point at the user's own line, however deep in the package they are given."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType

HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
PASSED = {"graph_hcl", "contextlib", "functools", "joblib", "sklearn", "torch", "torch_geometric"}
"""Modules and packages whose frames lie between a user's line and a warning."""

SPELLING: ContextVar[Callable[[str], str]] = ContextVar("SPELLING", default=str)
"""How warnings spell the names of settings: as flags, unless what is called in Python sets it."""


def warn_user(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line outside this package and the libraries that call it back.

    A loss that is called inside a user's module points at that module, and a fit inside a pipeline
    of scikit-learn at the call of the pipeline. Where there is no such line, as in a thread of
    joblib, the warning points at the outermost one. Python's filters decide as usual whether it is
    shown: by default each text once for a line.

    >>> with warnings.catch_warnings(record=True) as told:
    ...     warn_user("The graphs have no edges.")
    >>> [str(one.message) for one in told]
    ['The graphs have no edges.']
    """
    frame = sys._getframe(1)
    while _is_passed(frame) and frame.f_back is not None:
        frame = frame.f_back
    # Not by counting frames: Python's count leaves out those of imports.
    warnings.warn_explicit(
        SPELLING.get()(text),
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__", "<unknown>"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_passed(frame: FrameType) -> bool:
    # By module, too: the code that a dataclass makes has no file.
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return module in PASSED or frame.f_code.co_filename.startswith(HERE)
