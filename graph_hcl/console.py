"""A command at a console: exit codes, errors and warnings as one line, any encoding of stdout."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from graph_hcl.errors import UserError


@contextmanager
def any_sign() -> Iterator[None]:
    """Within it, printing never fails for a sign that the encoding of stdout has not.

    Such a sign is written as Python would write it (`\\xb1` for ±), and a path of other bytes than
    the encoding's as these bytes.

    >>> with any_sign():
    ...     print("78.2 ± 1.3")
    78.2 ± 1.3
    """
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):  # a notebook's, which takes all
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="graph_hcl.any_sign")
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def _write_anyhow(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what is written for the first sign of an error, as handlers of `codecs` do."""
    assert isinstance(error, UnicodeEncodeError)
    error.end = error.start + 1  # its neighbours may be of the other kind
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


codecs.register_error("graph_hcl.any_sign", _write_anyhow)


def run_command(main: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 for the user's mistake, 130 for Ctrl-C, 141 for a closed pipe.

    Our own mistakes raise: exit code 1.

    >>> def fails(argv):
    ...     raise UserError("Expected a fish, but got a bicycle.")
    >>> run_command(fails, [])
    2
    """
    as_it_was, warnings.formatwarning = warnings.formatwarning, _one_line
    try:
        with any_sign():
            main(sys.argv[1:] if argv is None else argv)
            print(end="", flush=True)  # here, where a closed pipe is not yet a traceback
    except UserError as error:
        first = (str(error).splitlines() or [""])[0]  # what a library's own error goes on to say
        print(f"error: {first}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has gone, like `head`; what is left to write goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno is None or (error.filename is None and error.errno != errno.ENOSPC):
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror}{where}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept.", file=sys.stderr)
        return 130
    finally:
        warnings.formatwarning = as_it_was
    return 0


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int,
    line: str | None = None,
) -> str:  # fmt: skip
    """Return a warning to the user as one line; others say where they are from."""
    if category is UserWarning:
        return f"warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"
