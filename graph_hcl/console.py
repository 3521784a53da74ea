"""Running a command: exit codes, one-line errors and warnings, any encoding of stdout."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from graph_hcl.errors import UserError, one_line
from graph_hcl.interrupts import Interrupted, handled


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
    """Run a command; return 0, 2 for a user's error, 128 + n for signal n, 141 for a closed pipe.

    Any other exception is a bug and propagates: exit code 1.

    >>> def fails(argv):
    ...     raise UserError("Expected a fish, but got a bicycle.")
    >>> run_command(fails, [])
    2
    """
    original_format, warnings.formatwarning = warnings.formatwarning, _one_line
    try:
        with lenient_stdout(), handled():
            main(sys.argv[1:] if argv is None else argv)
            print(end="", flush=True)  # here, where a closed pipe can still be caught
    except UserError as error:
        first = (str(error).splitlines() or [""])[0]  # drops the details of a library's error
        print(f"error: {first}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the pipe has exited, like `head`: discard the remaining output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno is None or (error.filename is None and error.errno != errno.ENOSPC):
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror}{where}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print("\ninterrupted: finished work is kept.", file=sys.stderr)
        return stopped.exit_code if isinstance(stopped, Interrupted) else 130
    finally:
        warnings.formatwarning = original_format
    return 0


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int,
    line: str | None = None,
) -> str:  # fmt: skip
    """Format a `UserWarning` as one line, and any other warning with its location."""
    if category is UserWarning:
        return f"warning: {one_line(str(message))}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"
