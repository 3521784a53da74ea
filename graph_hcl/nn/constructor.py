"""What the constructor of a network is given: sizes, settings and options, under its own names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor
from torch_geometric.nn import models

from graph_hcl.errors import UserError
from graph_hcl.keywords import POSITIONAL, VARIADIC
from graph_hcl.nn.gps import GPS
from graph_hcl.nn.networks import GINE
from graph_hcl.ranges import Range
from graph_hcl.setting_checks import check_value

DEFAULTS: dict[str, Any] = {"jk": "cat", "norm": "batch_norm", "act": "relu", "dropout": 0.0}
"""Defaults for networks of PyG; a user's class is built with its own."""
FLAGS = {"hidden_channels": "--hidden", "num_layers": "--layers"}
_PNA_DEFAULTS: dict[str, Any] = {
    "aggregators": ["mean", "min", "max", "std"],
    "scalers": ["identity", "amplification", "attenuation"],
}
_ANYTHING = inspect.Parameter.VAR_KEYWORD
_OUTPUT = re.compile(r"(^|_)out|class(es)?$")
_DEPTH = re.compile("layer|depth|block")
_NO_SIZE = re.compile(r"head|^[kK]$")
Parameters = Mapping[str, inspect.Parameter]


def parameters_of(make: Callable[..., Any]) -> Parameters:
    """Return the parameters of a class or function by name; of a builtin, three by position.

    >>> list(parameters_of(lambda a, *, b: None)), list(parameters_of(int))[:3]
    (['a', 'b'], ['first', 'second', 'third'])
    """
    try:
        return inspect.signature(make).parameters
    except ValueError:  # a builtin has none
        return inspect.signature(lambda first, second, third, /, **options: None).parameters


def takes(parameters: Parameters, name: str) -> bool:
    """Tell whether an argument can be given by name.

    >>> takes(parameters_of(lambda a, **rest: None), "b"), takes(parameters_of(lambda a: None), "b")
    (True, False)
    """
    return name in parameters or any(one.kind is _ANYTHING for one in parameters.values())


def is_required(parameter: inspect.Parameter) -> bool:
    """Tell whether a call must give a parameter.

    >>> [is_required(one) for one in parameters_of(lambda a, b=1, *c, **d: None).values()]
    [True, False, False, False]
    """
    return parameter.default is parameter.empty and parameter.kind not in (VARIADIC, _ANYTHING)


def sizes_for(
    parameters: Parameters, sizes: dict[str, int], others: Collection[str] = ()
) -> tuple[list[int], dict[str, int], set[str]]:
    """Return the sizes by position and by name for a constructor, and which of them it takes.

    Args:
        parameters: those of the constructor.
        sizes: in_channels, hidden_channels and num_layers, in this order.
        others: arguments that the constructor is given besides.

    Sizes go to the parameters that are named after them. A parameter without a default that names
    the output is as wide as the hidden layers. Of the first three parameters, those of other names
    without a default are the sizes in their order, if none of them is named; if some are, the third
    must be called after layers or depth. Nothing else with a default is given, but a number among
    the first three where no size is named.

    >>> sizes = {"in_channels": 7, "hidden_channels": 32, "num_layers": 3}
    >>> sizes_for(parameters_of(lambda in_channels, hidden, out_channels: None), sizes)[1]
    {'in_channels': 7, 'hidden': 32, 'out_channels': 32}
    >>> sizes_for(parameters_of(lambda features, width, depth: None), sizes)[1]
    {'features': 7, 'width': 32, 'depth': 3}
    """
    first = [one for one in list(parameters.values())[:3] if one.kind in POSITIONAL]
    named = sizes.keys() & parameters.keys()
    kinds = {one.kind for one in parameters.values()}
    if not first and _ANYTHING in kinds:
        return [], {size: sizes[size] for size in sizes if size not in others}, set(sizes)
    if not first and not named and VARIADIC in kinds:
        return list(sizes.values()), {}, set(sizes)
    found = {size: size for size in sizes if size in named and size not in others}
    for size, parameter in zip(sizes, first, strict=False):
        if _OUTPUT.search(parameter.name):
            break  # what comes after the output is no size, or is named after one
        if parameter.name not in {*sizes, *others, "edge_dim", *DEFAULTS} and _stands_for(
            parameter, size, named
        ):
            found[parameter.name] = size
    for name, parameter in parameters.items():
        if is_required(parameter) and _OUTPUT.search(name) and name not in others:
            found[name] = "hidden_channels"
    values = {name: sizes[found[name]] for name in parameters if name in found}
    positional = []
    for name, parameter in parameters.items():
        if parameter.kind is not parameter.POSITIONAL_ONLY or name not in values:
            break
        positional.append(values.pop(name))
    return positional, values, set(found.values())


def _stands_for(parameter: inspect.Parameter, size: str, named: Collection[str]) -> bool:
    """Tell whether a parameter of another name, at the place of a size, is that size."""
    if size in named or _NO_SIZE.search(parameter.name):
        return False
    if not is_required(parameter):
        return not named and type(parameter.default) is int
    return not named or size != "num_layers" or _DEPTH.search(parameter.name) is not None


def check_taken(parameters: Parameters, label: str, given: Collection[str]) -> None:
    """Raise `UserError` for settings that were given and that the constructor does not take."""
    for setting in given:
        if not takes(parameters, setting):
            raise UserError(
                f"The backbone '{label}' takes no {setting}: leave out --encoder.{setting}, or "
                f"name {setting} in its constructor."
            )


def check_once(
    label: str, options: Mapping[str, Any], explicit: Collection[str], given: Collection[str]
) -> None:
    """Raise `UserError` for sizes and settings that are among the options as well.

    >>> check_once("gat", {"dropout": 0.1}, [], ["dropout"])
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected dropout of the backbone 'gat' once, but got it among its \
own options and by --encoder.dropout: leave one out.
    """
    twice = [name for name in (*explicit, *given) if name in options]
    if twice:
        flags = [FLAGS.get(name, f"--encoder.{name}") for name in twice]
        raise UserError(
            f"Expected {' and '.join(twice)} of the backbone '{label}' once, but got it among its "
            f"own options and by {' and '.join(flags)}: leave one out."
        )


def check_complete(parameters: Parameters, label: str, given: Collection[str], count: int) -> None:
    """Raise `UserError` for required arguments beyond the first `count` that are not `given`.

    >>> check_complete(parameters_of(lambda in_channels, alpha: None), "Mine", ["in_channels"], 0)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: The backbone 'Mine' needs alpha: give it among its own options, \
--encoder.options.alpha, or call it in_channels, hidden_channels or num_layers if it is one of \
these.
    """
    required = [name for name, one in list(parameters.items())[count:] if is_required(one)]
    if missing := [name for name in required if name not in given]:
        flags = " and ".join(f"--encoder.options.{name}" for name in missing)
        raise UserError(
            f"The backbone '{label}' needs {' and '.join(missing)}: give it among its own options, "
            f"{flags}, or call it in_channels, hidden_channels or num_layers if it is one of these."
        )


def settings_for(
    make: Callable[..., Any],
    label: str,
    given: dict[str, Any],
    edge_dim: int | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Return the keyword arguments besides sizes for a user's class or function."""
    settings = given | options
    asked = parameters_of(make).get("edge_dim")
    if asked is not None and "edge_dim" not in settings:
        if edge_dim is not None:
            settings["edge_dim"] = edge_dim
        elif is_required(asked):
            raise UserError(
                f"The backbone '{label}' needs an edge_dim, but the graphs have no edge_attr: give "
                "graphs that have it, or edge_dim a default."
            )
    return settings


def settings_of_pyg(
    make: type,
    hidden: int,
    given: dict[str, Any],
    edge_dim: int | None,
    degrees: Callable[[], Tensor] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Return the keyword arguments besides sizes for a network of PyG, or a subclass of one."""
    if options.get("cached"):
        raise UserError(
            "Expected no option 'cached' of the encoder: the edges of the first batch would be "
            "those of all others."
        )
    for size in ("in_channels", *FLAGS):
        if size in options:
            advice = f"give it by {FLAGS[size]}" if size in FLAGS else "the graphs tell it"
            raise UserError(f"Expected no option '{size}' of the encoder: {advice}.")
    parameters = parameters_of(make)
    defaults = {name: value for name, value in DEFAULTS.items() if takes(parameters, name)}
    settings = defaults | given | options
    if settings.get("jk") == "last" and "jk" not in options:
        settings["jk"] = None
    reads = issubclass(make, models.GAT | models.PNA | GINE | GPS) and takes(parameters, "edge_dim")
    if edge_dim is not None and ("edge_dim" in parameters or reads):
        settings.setdefault("edge_dim", edge_dim)
    if issubclass(make, models.PNA) and takes(parameters, "deg"):
        settings = _PNA_DEFAULTS | settings
        if degrees is not None:
            settings.setdefault("deg", degrees())
    if issubclass(make, models.GAT | GPS):
        _check_divides("heads", "attention heads", hidden, settings, settings.get("concat", True))
    if issubclass(make, models.PNA):
        _check_divides("towers", "towers", hidden, settings)
    return settings


def _check_divides(
    name: str, what: str, hidden: int, settings: dict[str, Any], equal: bool = True
) -> None:
    """Raise `UserError` unless an option is a number of `equal` parts of the hidden width."""
    number = settings.get(name)
    if number is None:
        return
    check_value(name, number, int, Range(1))
    if equal and hidden % number:
        lower = hidden // number * number
        widths = f"{lower} or {lower + number}" if lower else f"{number}"
        raise UserError(
            f"Expected a hidden width that {number} {what} divide, but got {hidden}: take "
            f"a width of {widths}, or another number of {what.split()[-1]}."
        )
