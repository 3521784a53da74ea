"""Which settings each loss takes as keyword arguments, named for type checkers and `help`."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, get_type_hints

from graph_hcl.keywords import unknown_keyword
from graph_hcl.losses.contrast import Contrast
from graph_hcl.losses.gather import Gather
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.settings import (
    BasicOptions,
    HardOptions,
    LossOptions,
    LossSettings,
    NegativeOptions,
)

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


class RowOptions(BasicOptions, total=False):
    """Keyword arguments of `NTXent` and `SupCon`."""

    normalize: bool
    gather: Gather | None
    contrast: Contrast


class MoreOptions(RowOptions, total=False):
    """Keyword arguments of every other `ContrastiveLoss`."""

    psi: str | Psi | None
    psi_options: dict[str, Any] | None
    memory_size: int
    include_self: bool


class UCLOptions(NegativeOptions, MoreOptions, total=False):
    """Keyword arguments of `UCL` and `SCL`."""


class HUCLOptions(HardOptions, MoreOptions, total=False):
    """Keyword arguments of `HUCL` and `HSCL` in addition to those of their hardening."""


class ModuleOptions(LossOptions, MoreOptions, total=False):
    """Keyword arguments of `ContrastiveLoss`."""


DEFAULTS: dict[str, Any] = {
    "normalize": True,
    "gather": None,
    "psi": None,
    "psi_options": None,
    "memory_size": 0,
    "contrast": "all",
    "include_self": False,
}
"""Defaults of the options that are not in `LossSettings`."""


def lists_options(options: type, **defaults: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for `def f(…, **options: Unpack[options])` that names each option.

    The signature lists them with their defaults, those of `LossSettings` unless given, and the
    docstring describes them in place of its line on `**options`, as `LossSettings` does. An
    unknown one raises `TypeError`, as in Python itself.

    >>> @lists_options(BasicOptions)
    ... def loss(z, **options): ...
    >>> list(inspect.signature(loss).parameters)
    ['z', 'temperature', 'average', 'reduction', 'mode', 'validate_args']
    >>> loss(0, temprature=1.0)
    Traceback (most recent call last):
    TypeError: loss() got an unexpected keyword argument 'temprature'. Did you mean temperature?
    """
    standard = {name: f.default for name, f in LossSettings.__dataclass_fields__.items()} | defaults

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        kinds = get_type_hints(options)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        listed = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
            )
            for name, default in standard.items()
            if (kind := kinds.get(name)) is not None and name not in signature.parameters
        ]
        known = dict.fromkeys(p.name for p in (*own, *listed) if p.name != "self")

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for unknown in (name for name in kwargs if name not in known):
                method = function.__name__ == "__init__"
                title = type(args[0]).__name__ if method else function.__name__
                raise unknown_keyword(title, unknown, [*known], taken_by(unknown))
            return function(*args, **kwargs)

        checked.__doc__ = _described(function.__doc__, [p.name for p in listed])
        checked.__signature__ = signature.replace(parameters=[*own, *listed])  # type: ignore[attr-defined]
        return checked

    return decorate


def taken_by(name: str) -> str:
    """Return which objectives take an argument, as the end of a message; empty for none."""
    from graph_hcl.registries import OBJECTIVES

    taking = [part for part in OBJECTIVES.parts() if name in inspect.signature(part).parameters]
    titles = [part.__name__ for part in taking]
    listed = " and ".join([", ".join(titles[:-1])] * (len(titles) > 1) + titles[-1:])
    return f"{listed} take{'s' * (len(titles) == 1)} it" if titles else ""


def describes_arguments(*sources: object) -> Callable[[type[C]], type[C]]:
    """Return a decorator that adds what a class's docstring does not say of its arguments.

    Each argument of its signature without an entry gets that of the first of `sources` that has
    one, so that `help` of a class shows all of them, and each is described in one place.

    >>> @describes_arguments(LossSettings)
    ... class Loss:
    ...     "A loss."
    ...     def __init__(self, *, reduction="mean"): ...
    >>> print(Loss.__doc__)
    A loss.
    <BLANKLINE>
    Args:
        reduction: "mean", or "none" for one value per anchor, 0 where an anchor does not count.
    """

    def decorate(described: type[C]) -> type[C]:
        text = inspect.cleandoc(described.__doc__ or "")
        entries: dict[str, str] = {}
        for source in sources:
            entries = argument_entries(source.__doc__) | entries
        entries |= argument_entries(text)
        listed = [entries[p] for p in inspect.signature(described).parameters if p in entries]
        section = "\n".join(["Args:", *listed])
        if re.search(r"^Args:$", text, re.M):
            text = re.sub(r"^Args:\n(?:    .*\n?)*", lambda _: f"{section}\n", text, flags=re.M)
        else:
            place = re.search(r"^(?:Raises:|>>>)", text, re.M)
            end = place.start() if place else len(text)
            text = f"{text[:end].rstrip()}\n\n{section}\n\n{text[end:]}"
        described.__doc__ = text.rstrip()
        return described

    return decorate


def argument_entries(text: str | None) -> dict[str, str]:
    """Return what a docstring says of each argument, by name, indented by four.

    >>> argument_entries("Do it.\\n\\nArgs:\\n    x: rows\\n        [M, d].\\n    y: one.")
    {'x': '    x: rows\\n        [M, d].', 'y': '    y: one.'}
    """
    entries = re.finditer(r"^    (\w+): .*(?:\n        .*)*", inspect.cleandoc(text or ""), re.M)
    return {entry[1]: entry[0] for entry in entries}


def _described(text: str | None, names: list[str]) -> str | None:
    """Return a docstring with the description of each option in place of that of `**options`."""
    described = argument_entries(LossSettings.__doc__)
    lines = "\n".join(described[name] for name in names if name in described)
    options = r"^    \*\*options: .*(?:\n        .*)*"
    return text and re.sub(options, lambda _: lines, inspect.cleandoc(text), flags=re.M)
