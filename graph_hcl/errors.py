"""The exception for errors that the user can fix."""

__all__ = ["UserError"]


class UserError(ValueError):
    """A user's error in one sentence: what was expected, what was given, and what to do.

    Commands print it without a traceback and exit with code 2; callers of the
    library can catch it as a `ValueError`.

    >>> issubclass(UserError, ValueError)
    True
    """
