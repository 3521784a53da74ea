"""The watch over what reads a hostile file: its time, its memory and what it says."""

import contextlib
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graph_hcl.errors import UserError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

SECONDS = 20
"""Time of the processor that one input may take: a busy machine does not count."""
MEMORY = 3 << 30
"""Bytes that one input may take beyond what the process has."""


class Hang(BaseException):
    """An input took too long; no reader catches this."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Bound the time and the memory of what is inside, on systems that can."""
    if resource is None:
        yield
        return

    def stop(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, before)


def attempt(action: Callable[[], object]) -> tuple[str, str]:
    """Return "value", "refused" or a fault with where it came from, and what was said."""
    try:
        with limited(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except UserError as error:
        said = str(error)
        if len(said.splitlines()) != 1 or not said.endswith((".", "?", ")")):
            return "not one sentence", said
        if len(said) > 1500:
            return "a sentence too long", said[:3000]
        return "refused", said
    except (KeyboardInterrupt, pytest.fail.Exception):
        raise
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if "graph_hcl" in f.filename and "hostile" not in f.filename]
        where = own[-1] if own else frames[-1]
        return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}", repr(error)[
            :300
        ]
    return "value", ""
