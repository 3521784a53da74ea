"""Message-passing networks by name: PyG's BasicGNN family, or a user's own class."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import models
from torch_geometric.nn.models.basic_gnn import BasicGNN

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.nn.call import ForwardArguments, call_backbone, check_nodes
from graph_hcl.nn.evaluating import evaluating
from graph_hcl.nn.gps import GPS
from graph_hcl.nn.layers import GCN, GIN, GraphSAGE
from graph_hcl.nn.networks import GAT, GINE, PNA, EdgeCNN
from graph_hcl.registries import BACKBONES
from graph_hcl.registry import did_you_mean

_OURS: dict[Any, Any] = {
    getattr(models, net.__name__, None): net
    for net in (GIN, GINE, GPS, GCN, GraphSAGE, GAT, PNA, EdgeCNN)
}
"""PyG's classes, and those of this package with the same parameters, whose norms act per graph."""

DEFAULTS: dict[str, Any] = {"jk": "cat", "norm": "batch_norm", "act": "relu", "dropout": 0.0}
"""Defaults for networks of PyG; a user's class is built with its own."""
_FLAGS = {"hidden_channels": "--hidden", "num_layers": "--layers"}
_PNA_DEFAULTS: dict[str, Any] = {
    "aggregators": ["mean", "min", "max", "std"],
    "scalers": ["identity", "amplification", "attenuation"],
}


@names_arguments()
def make_backbone(
    name: str | Callable[..., nn.Module],
    in_channels: int,
    hidden: int,
    layers: int,
    *,
    edge_dim: int | None = None,
    jk: str | None = None,
    norm: str | None = "default",
    act: str | None = None,
    dropout: float | None = None,
    degrees: Callable[[], Tensor] | None = None,
    options: dict[str, Any] | None = None,
    explicit: Collection[str] = (),
) -> nn.Module:
    """Return a network that maps x [n, in_channels] and edge_index [2, E] to nodes [n, D].

    A value of None for jk, act and dropout, and "default" for norm, is that of `DEFAULTS`;
    norm=None is no norm. A user's class is called by keyword with those of in_channels,
    hidden_channels, num_layers and edge_dim that it names, or by position if it has other names for
    the first three. PyG's own classes are replaced by those of `BACKBONES`.

    Args:
        name: one of `BACKBONES`, an import path, or a class or function that makes a network; a
            `functools.partial` is its class with further options.
        in_channels: width of x.
        hidden: width of each layer.
        layers: number of layers.
        edge_dim: width of edge_attr: with it, GAT, PNA, GINE, GPS and classes that name it read
            edge attributes [E, edge_dim].
        jk: how layers become one node embedding: cat, last or max. With "cat" it is the plain
            concatenation of all layers (D = layers × hidden, Xu et al. 2019, arXiv 1810.00826,
            equation 4.2): PyG's final linear map is omitted, because it would put one more random
            projection between an untrained encoder and its input.
        norm: name of a normalisation of PyG, None for none, or "default".
        act: name of the activation.
        dropout: probability, in [0, 1).
        degrees: returns the in-degree histogram [max degree + 1] that PNA alone needs.
        options: other arguments of a user's class.
        explicit: sizes, hidden_channels or num_layers, that the class must take.

    Raises `UserError` for an unknown name, for settings or options that the class does not take,
    for a size in `explicit` (hidden_channels, num_layers) that it does not take, and for a width
    that is no multiple of the number of attention heads.

    >>> net = make_backbone("gin", in_channels=7, hidden=32, layers=3)
    >>> net(torch.zeros(4, 7), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([4, 96])
    """
    make = BACKBONES.get(name) if isinstance(name, str) else name
    make, preset = _unwrapped(make)
    label = name if isinstance(name, str) else getattr(make, "__name__", repr(make))
    options = preset | (options or {})
    if isinstance(make, nn.Module) or not callable(make):
        raise UserError(
            f"Expected a class or function that makes the backbone, but got a "
            f"{type(make).__name__}: give what makes it, such as its class."
        )
    twice = [size for size in explicit if size in options]
    if twice:
        raise UserError(
            f"Expected {' and '.join(twice)} of the backbone '{label}' once, but got it among its "
            f"own options and by {' and '.join(_FLAGS[size] for size in twice)}: leave one out."
        )
    chosen: dict[str, Any] = {"jk": jk, "act": act, "dropout": dropout}
    given = {setting: value for setting, value in chosen.items() if value is not None}
    if norm != "default":
        given["norm"] = norm
    sizes = {"in_channels": in_channels, "hidden_channels": hidden, "num_layers": layers}
    if isinstance(make, type) and issubclass(make, BasicGNN):
        settings = _of_pyg(make, hidden, DEFAULTS | given, edge_dim, degrees, options)
        positional: list[Any] = list(sizes.values())
    else:
        positional, settings = _of_users(make, label, sizes, given, edge_dim, options)
        unread = [size for size in explicit if not positional and size not in settings]
        if unread:
            raise UserError(
                f"The backbone '{label}' takes no {' and no '.join(unread)}: leave out "
                f"{' and '.join(_FLAGS[size] for size in unread)}, or give its constructor an "
                "argument of that name."
            )
    try:
        net: nn.Module = make(*positional, **settings)
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise UserError(f"The backbone '{label}' cannot be built: {_reason(error)}.") from error
    if isinstance(net, BasicGNN) and hasattr(net, "lin"):
        net.lin = nn.Identity()
    return net


def scales_by_degree(backbone: Callable[..., Any]) -> bool:
    """Tell whether a network is made with the in-degrees of the training graphs, as PNA is.

    >>> [scales_by_degree(each) for each in (models.PNA, partial(PNA, towers=2), GCN)]
    [True, True, False]
    """
    make = _unwrapped(backbone)[0]
    return isinstance(make, type) and issubclass(make, models.PNA)


def needs_edge_dim(backbone: Callable[..., Any], options: Collection[str] = ()) -> bool:
    """Tell whether a user's class must be given an edge_dim that is not among its `options`.

    >>> needs_edge_dim(lambda in_channels, edge_dim: None), needs_edge_dim(GCN)
    (True, False)
    """
    try:
        asked = inspect.signature(backbone).parameters.get("edge_dim")
    except ValueError:  # a builtin has none
        return False
    return asked is not None and asked.default is asked.empty and "edge_dim" not in options


def _unwrapped(make: Any) -> tuple[Any, dict[str, Any]]:
    """Return what makes a network, ours in place of PyG's, and the arguments that a partial has."""
    preset: dict[str, Any] = {}
    while isinstance(make, partial) and not make.args:
        make, preset = make.func, make.keywords | preset
    return (_OURS.get(make, make) if isinstance(make, type) else make), preset


def _reason(error: Exception) -> str:
    """Return what a constructor complains of; of PyG's long lists of choices the nearest alone."""
    found = re.match(r"Could not resolve '(.*?)' among choices \{(.*)\}", str(error))
    if found is None:
        return str(error).rstrip(".")
    choices = re.findall(r"'(\w+)'", found[2])
    return f"there is no '{found[1]}'.{did_you_mean(found[1], choices)}".rstrip(".?")


def _of_pyg(
    make: type,
    hidden: int,
    settings: dict[str, Any],
    edge_dim: int | None,
    degrees: Callable[[], Tensor] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Return the keyword arguments for a network of PyG."""
    if options.get("cached"):
        raise UserError(
            "Expected no option 'cached' of the encoder: the edges of the first batch would be "
            "those of all others."
        )
    settings = settings | {"jk": None if settings["jk"] == "last" else settings["jk"]} | options
    reads = issubclass(make, models.GAT | models.PNA | GINE | GPS)
    if edge_dim is not None and (reads or "edge_dim" in inspect.signature(make).parameters):
        settings.setdefault("edge_dim", edge_dim)
    if issubclass(make, models.PNA):
        settings = _PNA_DEFAULTS | settings
        if degrees is not None:
            settings.setdefault("deg", degrees())
    heads = settings.get("heads") or 1
    if issubclass(make, models.GAT | GPS) and settings.get("concat", True) and hidden % heads:
        lower = hidden // heads * heads
        widths = f"{lower} or {lower + heads}" if lower else f"{heads}"
        raise UserError(
            f"Expected a hidden width that {heads} attention heads divide, but got {hidden}: take "
            f"a width of {widths}, or another number of heads."
        )
    return settings


def _of_users(
    make: Callable[..., nn.Module],
    label: str,
    sizes: dict[str, int],
    given: dict[str, Any],
    edge_dim: int | None,
    options: dict[str, Any],
) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and keyword arguments for a user's class or function."""
    try:
        parameters = inspect.signature(make).parameters
    except ValueError:  # a builtin has none
        return list(sizes.values()), given | options
    kinds = {parameter.kind for parameter in parameters.values()}
    anything = inspect.Parameter.VAR_KEYWORD in kinds
    for setting in given:
        if setting not in parameters and not anything:
            raise UserError(
                f"The backbone '{label}' takes no {setting}: leave out --encoder.{setting}, or "
                f"name {setting} in its constructor."
            )
    settings = given | options
    asked = parameters.get("edge_dim")
    if asked is not None and "edge_dim" not in settings:
        if edge_dim is not None:
            settings["edge_dim"] = edge_dim
        elif needs_edge_dim(make):
            raise UserError(
                f"The backbone '{label}' needs an edge_dim, but the graphs have no edge_attr: give "
                "graphs that have it, or edge_dim a default."
            )
    named = {size: value for size, value in sizes.items() if size in parameters}
    first = [
        parameter.name
        for parameter in list(parameters.values())[:3]
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    others = {"edge_dim", *DEFAULTS, *settings}
    if anything and not first:
        return [], sizes | settings
    if len(named) == 3 or (named and (len(first) < 3 or others.intersection(first))):
        return [], named | settings
    return list(sizes.values()), settings


def infer_out_channels(backbone: nn.Module, in_channels: int, edge_dim: int | None = None) -> int:
    """Return the number of features D of a backbone's node embeddings, by running it once.

    The input is one edge between two nodes.

    Args:
        backbone: the network.
        in_channels: width of x.
        edge_dim: width of edge_attr, or None without.

    Raises `UserError` when its output is not a matrix with one row per node, and for a backbone
    that requires edge_attr when there is no `edge_dim`.

    >>> infer_out_channels(make_backbone("gcn", 7, 16, 2, jk="last"), 7)
    16
    """
    arguments = ForwardArguments.of(backbone)
    like = next((p for p in backbone.parameters() if p.is_floating_point()), torch.zeros(1))
    options: Any = {"dtype": like.dtype, "device": like.device}
    toy = SimpleNamespace(
        x=torch.zeros(2, in_channels, **options),
        edge_index=torch.tensor([[0, 1], [1, 0]], device=like.device),
        edge_attr=None if edge_dim is None else torch.zeros(2, edge_dim, **options),
        edge_weight=torch.ones(2, **options) if "edge_weight" in arguments.required else None,
        pos=torch.zeros(2, 3, **options) if "pos" in arguments.required else None,
        batch=torch.zeros(2, dtype=torch.long, device=like.device),
        num_graphs=1,
    )
    with evaluating(backbone):
        nodes = call_backbone(backbone, arguments, toy)
    check_nodes([nodes], 2)
    width: int = nodes.shape[1]
    return width
