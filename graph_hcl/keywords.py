"""Unknown keyword arguments: an error that says which argument was meant, or what takes it."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from graph_hcl.registry import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
"""Kinds of parameters that arguments by position reach."""
VARIADIC = inspect.Parameter.VAR_POSITIONAL


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


def can_be_called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Tell whether a function takes such arguments, where that is known; else True.

    >>> can_be_called(lambda batch: batch, None), can_be_called(lambda batch: batch, None, None)
    (True, False)
    """
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:
        pass  # a built-in function may have no signature
    return True


def check_keywords(function: Callable[..., Any], given: Iterable[str]) -> None:
    """Raise the error of `unknown_keyword` for keyword arguments that a function does not take.

    For what hands its own on.

    >>> check_keywords(did_you_mean, {"knwn": []})
    Traceback (most recent call last):
    TypeError: did_you_mean() got an unexpected keyword argument 'knwn'. Did you mean known?
    """
    known = list(inspect.signature(function).parameters)
    for name in given:
        if name not in known:
            raise unknown_keyword(function.__name__, name, known)


def names_arguments(hint: Callable[[str], str] = lambda name: "") -> Callable[[F], F]:
    """Return a decorator for a class, `__init__` or function: its errors name the argument meant.

    An unknown keyword argument, and one by position too many, raise `TypeError`, as in Python
    itself; `hint` may say of a name what takes it, or return an empty text.

    >>> @names_arguments()
    ... def loss(z, *, temperature=1.0): ...
    >>> loss(0, temprature=1.0)
    Traceback (most recent call last):
    TypeError: loss() got an unexpected keyword argument 'temprature'. Did you mean temperature?
    >>> loss(0, 1.0)
    Traceback (most recent call last):
    TypeError: loss() takes z alone by position, but got 2: give the others by name, as temperature.
    """

    def decorate(function: Any) -> Any:
        if isinstance(function, type):
            function.__init__ = decorate(function.__init__)  # type: ignore[misc]
            return function
        parameters = inspect.signature(function).parameters
        own = [name for name, one in parameters.items() if one.kind is not VARIADIC]
        known = [name for name in own if name not in ("self", "cls")]
        by_position = [name for name in own if parameters[name].kind in POSITIONAL]
        by_name = [name for name in known if name not in by_position]
        is_open = not by_name or len(own) < len(parameters)  # Python's own error says it all
        most = math.inf if is_open else len(by_position)

        def title(args: tuple[Any, ...]) -> str:
            method = function.__name__ == "__init__"
            return type(args[0]).__name__ if method else str(function.__name__)

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for name in kwargs:
                if name not in known:
                    raise unknown_keyword(title(args), name, known, hint(name))
            if len(args) > most:
                taken = [name for name in by_position if name in known]
                got = len(args) - len(by_position) + len(taken)
                raise TypeError(
                    f"{title(args)}() takes {' and '.join(taken) or 'nothing'} alone by position, "
                    f"but got {got}: give the others by name, as {by_name[0]}."
                )
            return function(*args, **kwargs)

        return checked

    return decorate
