"""Text on a terminal or in a pipe that may not know all its signs."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
