"""The one exception that means "the user can mend this"."""


class UserError(ValueError):
    """A mistake of the user, told in one sentence: what was expected, what came, what to do.

    Commands print it without a traceback and exit with code 2; library callers catch it as the
    `ValueError` that it is.

    >>> issubclass(UserError, ValueError)
    True
    """
