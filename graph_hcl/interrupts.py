"""Ctrl-C, termination and hang-up: a command ends at a moment at which nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from graph_hcl.errors import UserError

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

KEPT = "finished work is kept."
"""What an interrupted command leaves, unless it says something else."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end.

    >>> Interrupted(signal.SIGTERM).exit_code
    143
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class _Asked:
    """Whether work is under way that ends itself, the signal that came meanwhile, and the last.

    `unbroken` is whether nothing may raise now, and `missed` the signal that came meanwhile; `left`
    is what the command leaves if it is interrupted now.
    """

    postponed = False
    number: int | None = None
    last: int | None = None
    unbroken = False
    missed: int | None = None
    left = KEPT


def _handle(number: int, frame: FrameType | None) -> None:
    _Asked.last = number
    if _Asked.unbroken:
        _Asked.missed = number
        return
    if _Asked.postponed and _Asked.number is None:
        _Asked.number = number
        return
    raise Interrupted(number)  # at once: nothing is under way, or it was asked twice


@contextmanager
def handled() -> Iterator[None]:
    """Let signals raise `Interrupted` inside the block, in the main thread of a process."""
    _Asked.left = KEPT
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, _handle)
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN  # such as that of nohup
    }
    _Asked.last = None
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if _Asked.last is None:
            raise
        raise Interrupted(_Asked.last) from error  # an import that is broken off raises anything
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        last, _Asked.last = _Asked.last, None  # what comes later was not asked to end
    if last is not None:  # a module that was being imported has swallowed it
        raise Interrupted(last)


@contextmanager
def postponed() -> Iterator[None]:
    """Let a first signal wait inside the block until `asked` is called; a second one does not."""
    _Asked.postponed, _Asked.number = True, _Asked.last
    try:
        yield
    finally:
        _Asked.postponed, _Asked.number = False, None


@contextmanager
def unbroken() -> Iterator[None]:
    """Let signals wait for the end of the block, which is short: a second one, too."""
    _Asked.unbroken = True
    try:
        yield
    finally:
        _Asked.unbroken = False
        missed, _Asked.missed = _Asked.missed, None
    if missed is not None:
        raise Interrupted(missed)


def asked() -> int | None:
    """Return the number of the signal that waits; None for none."""
    return _Asked.number


def stop_if_asked() -> None:
    """Raise `Interrupted` where a signal waits."""
    if (number := asked()) is not None:
        _Asked.last = None
        raise Interrupted(number)


def say_if_interrupted(left: str) -> None:
    """Set what a command says from now on if it is interrupted: what it leaves, and what to do."""
    _Asked.left = left


def left() -> str:
    """Return what the command says that it leaves."""
    return _Asked.left
