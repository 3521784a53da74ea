"""The exception for errors that the user can fix."""

from __future__ import annotations

import re

__all__ = ["UserError"]

LONGEST = 1000
"""Characters of a message; what a file or a flag holds may be longer."""
_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    r"""Return a text as one line that is safe to print, cut in its middle where it is long.

    Control characters, which could steer a terminal or turn the direction of writing, are escaped.

    >>> one_line("got 'a\n b\x1b[2J'")
    "got 'a b\\x1b[2J'"
    """
    line = _BREAKS.sub(" ", text).strip()
    line = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], line)
    if len(line) <= LONGEST:
        return line
    half = LONGEST // 2
    return f"{line[:half]} … {line[-half:]}"


class UserError(ValueError):
    """A user's error in one sentence: what was expected, what was given, and what to do.

    Commands print it without a traceback and exit with code 2; callers of the
    library can catch it as a `ValueError`.

    The message is one line, whatever it quotes, see `one_line`.

    >>> issubclass(UserError, ValueError)
    True
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))
