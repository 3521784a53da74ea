"""Unknown keyword arguments: an error that says which argument was meant, or what takes it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from graph_hcl.registry import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])


def unknown_keyword(title: str, name: str, known: Iterable[str], hint: str = "") -> TypeError:
    """Return the error for an argument `name` that `title` does not take.

    `hint` says what does take it; without one, the known names closest to it are named, or else
    all.

    >>> str(unknown_keyword("f", "epoch", ["epochs", "lr"]))
    "f() got an unexpected keyword argument 'epoch'. Did you mean epochs?"
    >>> str(unknown_keyword("f", "rate", ["epochs", "lr"]))
    "f() got an unexpected keyword argument 'rate': it takes epochs, lr."
    """
    known = list(known)
    meant = did_you_mean(name, known)
    text = f"{title}() got an unexpected keyword argument '{name}'"
    if meant and not hint:
        return TypeError(f"{text}.{meant}")
    taken = f"it takes {', '.join(known) or 'none'}"
    return TypeError(f"{text}: {hint or taken}.")


def names_arguments(hint: Callable[[str], str] = lambda name: "") -> Callable[[F], F]:
    """Return a decorator for a class, `__init__` or function: its errors name the argument meant.

    An unknown keyword argument raises `TypeError`, as in Python itself; `hint` may say of a name
    what takes it, or return an empty text.

    >>> @names_arguments()
    ... def loss(z, *, temperature=1.0): ...
    >>> loss(0, temprature=1.0)
    Traceback (most recent call last):
    TypeError: loss() got an unexpected keyword argument 'temprature'. Did you mean temperature?
    """

    def decorate(function: Any) -> Any:
        if isinstance(function, type):
            function.__init__ = decorate(function.__init__)  # type: ignore[misc]
            return function
        parameters = inspect.signature(function).parameters.values()
        known = [p.name for p in parameters if p.name != "self"]

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for name in kwargs:
                if name not in known:
                    method = function.__name__ == "__init__"
                    title = type(args[0]).__name__ if method else function.__name__
                    raise unknown_keyword(title, name, known, hint(name))
            return function(*args, **kwargs)

        return checked

    return decorate
