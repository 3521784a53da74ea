"""Running a command: exit codes, one-line errors and warnings, any encoding of stdout."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from graph_hcl.causes import sentence
from graph_hcl.errors import UserError, one_line
from graph_hcl.interrupts import Interrupted, handled, left


@contextmanager
def lenient_stdout() -> Iterator[None]:
    """Print characters that stdout cannot encode as escapes instead of failing, inside the block.

    Such a character is written as Python escapes it (`\\xb1` for ±); undecodable bytes of a path
    are written unchanged.

    >>> with lenient_stdout():
    ...     print("78.2 ± 1.3")
    78.2 ± 1.3
    """
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):  # a notebook's, which takes any character
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="graph_hcl.lenient_stdout")
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    """Handle the first character that cannot be encoded, as `codecs.register_error` expects."""
    assert isinstance(error, UnicodeEncodeError)
    error.end = error.start + 1  # the next ones may need the other handler
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


codecs.register_error("graph_hcl.lenient_stdout", _escape)


def run_command(main: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 for an error that the user can mend, 128 + n for signal n.

    141 stands for a closed pipe. What `graph_hcl.causes` does not know is a bug and propagates with
    a note that asks for a report: exit code 1.

    >>> def fails(argv):
    ...     raise UserError("Expected a fish, but got a bicycle.")
    >>> run_command(fails, [])
    2
    """
    original_format, warnings.formatwarning = warnings.formatwarning, _each_once()
    try:
        _open_standard_streams()
        with lenient_stdout(), handled():
            main(sys.argv[1:] if argv is None else argv)
            print(end="", flush=True)  # here, where a closed pipe can still be caught
    except UserError as error:
        first = (str(error).splitlines() or [""])[0]  # drops the details of a library's error
        _tell(f"error: {first}")
        return 2
    except BrokenPipeError:
        _discard_output()  # the reader of the pipe has exited, like `head`
        return 141
    except KeyboardInterrupt as stopped:
        _tell(f"\ninterrupted: {left()}")
        return stopped.exit_code if isinstance(stopped, Interrupted) else 130
    except Exception as error:
        text = sentence(error)
        if text is None:
            error.add_note(BUG)
            raise
        _discard_output()
        _tell(f"error: {text}")
        return 2
    finally:
        warnings.formatwarning = original_format
    return 0


BUG = (
    "This is a bug of graph_hcl, or of code of your own that it ran: if it is ours, please report "
    "it with the command and these lines. What was finished is kept."
)
"""The note under a traceback."""


def _tell(text: str) -> None:
    """Print a line to stderr if anybody can read it."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(with_relative_paths(text), file=sys.stderr)


def with_relative_paths(text: str) -> str:
    """Return a message with the paths inside the working directory relative to it, as typed.

    Settings hold absolute paths, so that a run can be read from any folder.

    >>> here = os.getcwd() + os.sep
    >>> with_relative_paths(f"Expected a file at {here}mine.csv, not at /mnt{here}mine.csv.")[:28]
    'Expected a file at mine.csv,'
    """
    try:
        here = os.getcwd()
    except OSError:  # the folder is gone
        return text
    if here.endswith(os.sep):  # the root, inside which everything is
        return text
    return re.sub(rf"(?<![\w./~:-]){re.escape(here + os.sep)}(?=[^\s'\",:;])", "", text)


def _open_standard_streams() -> None:
    """Open those of the standard streams that are closed on the null device.

    The next file that is opened would take the place of a closed one, and what libraries print
    would end up in it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)


def _discard_output() -> None:
    """Discard what stdout still holds if it cannot be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _each_once() -> Callable[..., str]:
    """Return a format that gives each warning its text once: trials of a benchmark share many.

    Python's own filter forgets what it told wherever a library changes the filters.
    """
    told: set[str] = set()

    def formatted(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        line: str | None = None,
    ) -> str:  # fmt: skip
        text = _one_line(message, category, filename, lineno, line)
        is_new = text not in told
        told.add(text)
        return text if is_new else ""

    return formatted


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int,
    line: str | None = None,
) -> str:  # fmt: skip
    """Format plain warnings and those of this package as a line, and others with their location."""
    if category is UserWarning or category.__module__.startswith("graph_hcl."):
        return f"warning: {with_relative_paths(one_line(str(message)))}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"
