"""Which settings each loss takes as keyword arguments, for type checkers and for `help`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar, get_type_hints

from graph_hcl.losses.gather import Gather
from graph_hcl.losses.hardening import Adaptive, LogEta
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.settings import LossSettings, Mode, Reduction

P = ParamSpec("P")
R = TypeVar("R")


class BasicOptions(TypedDict, total=False):
    """Keyword arguments of every contrastive loss; `LossSettings` describes them."""

    temperature: float
    average: Literal["anchor", "pair"]
    reduction: Reduction
    mode: Mode
    validate_args: bool


class NegativeOptions(BasicOptions, total=False):
    """Keyword arguments of losses that average over negatives."""

    negative_reduction: Literal["sum", "mean"]
    tau_plus: float
    num_negatives: int | None


class HardOptions(NegativeOptions, total=False):
    """Keyword arguments of losses that weight their negatives."""

    detach_weights: bool


class LossOptions(HardOptions, total=False):
    """Keyword arguments of the formula itself."""

    hardening: LogEta | Adaptive | None
    positive_in_denominator: bool


class PsiOptions(TypedDict, total=False):
    """Keyword arguments of `psi_loss`."""

    temperature: float
    hardening: LogEta | Adaptive | None
    negative_reduction: Literal["sum", "mean"]
    average: Literal["anchor", "pair"]
    detach_weights: bool
    num_negatives: int | None
    reduction: Reduction
    validate_args: bool


class InfoGraphOptions(TypedDict, total=False):
    """Keyword arguments of `InfoGraph`."""

    temperature: float
    reduction: Reduction
    validate_args: bool


class HInfoGraphOptions(InfoGraphOptions, total=False):
    """Keyword arguments of `HInfoGraph` beside those of its hardening."""

    tau_plus: float
    detach_weights: bool


class JensenShannonOptions(HInfoGraphOptions, total=False):
    """Keyword arguments of `jensen_shannon_loss`."""

    hardening: LogEta | Adaptive | None


class RowOptions(BasicOptions, total=False):
    """Keyword arguments of `NTXent` and `SupCon`."""

    normalize: bool
    gather: Gather | None


class MoreOptions(RowOptions, total=False):
    """Keyword arguments of every other `ContrastiveLoss`."""

    psi: str | Psi | None
    psi_options: dict[str, Any] | None
    memory_size: int


class UCLOptions(NegativeOptions, MoreOptions, total=False):
    """Keyword arguments of `UCL` and `SCL`."""


class HUCLOptions(HardOptions, MoreOptions, total=False):
    """Keyword arguments of `HUCL` and `HSCL` beside those of their hardening."""


class ModuleOptions(LossOptions, MoreOptions, total=False):
    """Keyword arguments of `ContrastiveLoss`."""


DEFAULTS: dict[str, Any] = {
    "normalize": True,
    "gather": None,
    "psi": None,
    "psi_options": None,
    "memory_size": 0,
}
"""Defaults of what modules take beside `LossSettings`."""


def lists_options(options: type, **defaults: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for `def f(…, **options: Unpack[options])` that names each option.

    The signature lists them with their defaults, those of `LossSettings` unless given, and an
    unknown one raises `TypeError` as Python does.

    >>> @lists_options(BasicOptions)
    ... def loss(z, **options): ...
    >>> list(inspect.signature(loss).parameters)
    ['z', 'temperature', 'average', 'reduction', 'mode', 'validate_args']
    >>> loss(0, temprature=1.0)
    Traceback (most recent call last):
    TypeError: loss() got an unexpected keyword argument 'temprature'
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
        known = {p.name for p in (*own, *listed)}

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not known.issuperset(kwargs):
                unknown = next(name for name in kwargs if name not in known)
                method = function.__name__ == "__init__"
                title = type(args[0]).__name__ if method else function.__name__
                raise TypeError(f"{title}() got an unexpected keyword argument '{unknown}'")
            return function(*args, **kwargs)

        checked.__signature__ = signature.replace(parameters=[*own, *listed])  # type: ignore[attr-defined]
        return checked

    return decorate
