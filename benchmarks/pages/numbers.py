"""Numbers as the pages print them, each on one line."""

SPACE = "\N{NO-BREAK SPACE}"


def time(seconds):
    """Return seconds with three digits and a unit.

    >>> [time(seconds).replace(SPACE, " ") for seconds in (1.0949, 0.00096, 0.000312)]
    ['1.09 s', '0.96 ms', '0.312 ms']
    """
    return f"{seconds:.3g}{SPACE}s" if seconds >= 1 else f"{1000 * seconds:.3g}{SPACE}ms"


def times(ratio):
    """Return a ratio with two digits behind the point, or none from ten on.

    >>> times(1.3), times(47.2)
    ('1.30', '47')
    """
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def number(count):
    """Return a whole number with spaces between thousands.

    >>> number("65536").replace(SPACE, " ")
    '65 536'
    """
    return f"{int(count):_}".replace("_", SPACE)
