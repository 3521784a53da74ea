"""A bar where somebody watches, few plain lines where nobody does, silence where none is asked."""

import io
import sys
import warnings

import pytest

from graph_hcl import progress
from graph_hcl.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "_last_line", -float("inf"))
    return now


def run(clock, epochs: int, seconds: float, title: str = "seed0", done: int = 0) -> None:
    with Progress(title, epochs, "epoch", done=done) as shown:
        for epoch in range(done, epochs):
            clock[0] += seconds
            shown.update(loss=f"{epoch}")


def test_a_short_run_prints_few_lines(clock, capsys) -> None:
    run(clock, 300, 1 / 64)
    run(clock, 300, 1 / 64, "seed1")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "seed0: epoch 1 of 300, loss 0, 5 s left",
        "seed1: epoch 21 of 300, loss 20, 4 s left",
    ]


def test_a_long_run_prints_each_epoch(clock, capsys) -> None:
    run(clock, 3, 60)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "seed0: epoch 1 of 3, loss 0, 2.0 min left",
        "seed0: epoch 2 of 3, loss 1, 60 s left",
        "seed0: epoch 3 of 3, loss 2",
    ]


def test_what_was_done_before_does_not_count_for_the_time_left(clock, capsys) -> None:
    run(clock, 12, 10, done=10)
    assert capsys.readouterr().err.splitlines()[0] == "seed0: epoch 11 of 12, loss 10, 10 s left"


def test_bytes_are_told_in_units(clock, capsys) -> None:
    with Progress("MUTAG.zip", 3 << 20, "B") as shown:
        clock[0] += 2
        shown.update(1 << 20)
    assert capsys.readouterr().err == "MUTAG.zip: 1.0 of 3.0 MiB, 4 s left\n"
    clock[0] += 10
    with Progress("MUTAG.zip", None, "B") as shown:
        shown.update(1 << 20)
    assert capsys.readouterr().err == "MUTAG.zip: 1.0 MiB\n"


def test_a_terminal_gets_a_bar_that_vanishes(monkeypatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress("seed0", 2, "epoch") as shown:
        shown.update(2, loss="1.0")
    assert "seed0" in screen.getvalue()
    assert "\n" not in screen.getvalue()
    assert screen.getvalue().endswith("\r")


def test_silence_where_none_is_asked(capsys, monkeypatch) -> None:
    for stream in (sys.stderr, Terminal()):
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress("seed0", 2, "epoch", show=False) as shown:
            shown.update(loss="1.0")
        assert shown.done == 1
    assert capsys.readouterr().err == ""
    assert sys.stderr.getvalue() == ""


def test_a_warning_stands_above_the_bar(monkeypatch, recwarn) -> None:
    def show(message, *_) -> None:
        print(f"warning: {message}", file=sys.stderr)

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(warnings, "showwarning", show)
    with Progress("seed0", 2, "epoch") as shown:
        warnings.warn("Not read.", stacklevel=1)
        shown.update(2)
    before, _, after = screen.getvalue().partition("warning: Not read.\n")
    assert "seed0" in before
    assert before.endswith("\r")
    assert "seed0" in after
    assert warnings.showwarning is show
