"""Message-passing networks by name: PyG's BasicGNN family, or a user's own class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
from graph_hcl.nn.constructor import (
    FLAGS,
    check_complete,
    check_once,
    check_taken,
    is_required,
    parameters_of,
    settings_for,
    settings_of_pyg,
    sizes_for,
)
from graph_hcl.nn.evaluating import evaluating
from graph_hcl.nn.failures import call_as_text, is_of_construction, reason, why_not_run
from graph_hcl.nn.gps import GPS
from graph_hcl.nn.layers import GCN, GIN, GraphSAGE
from graph_hcl.nn.networks import GAT, GINE, PNA, EdgeCNN
from graph_hcl.registries import BACKBONES
from graph_hcl.setting_checks import check_setting

_OURS: dict[Any, Any] = {
    getattr(models, net.__name__, None): net
    for net in (GIN, GINE, GPS, GCN, GraphSAGE, GAT, PNA, EdgeCNN)
}
"""PyG's classes, and those of this package with the same parameters, whose norms act per graph."""


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
    norm=None is no norm. A user's class is given those of in_channels, hidden_channels,
    num_layers and edge_dim that it names. If it has other names for the first three parameters,
    these are the sizes in this order, but for what has a default that is no number, or is called
    heads or K. A required parameter that names the output, such as out_channels or num_classes,
    is `hidden`. PyG's own classes are replaced by those of `BACKBONES`.

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
            projection between an untrained encoder and its input. An option out_channels is the
            width of that map, and keeps it.
        norm: name of a normalisation of PyG, None for none, or "default".
        act: name of the activation.
        dropout: probability, in [0, 1).
        degrees: returns the in-degree histogram [max degree + 1] that PNA alone needs.
        options: other arguments of a user's class.
        explicit: sizes, hidden_channels or num_layers, that the class must take.

    Raises `UserError` for an unknown name, for sizes and settings out of range, for settings or
    options that the class does not take, that it is given twice, or that it needs besides, for a
    size in `explicit` (hidden_channels, num_layers) that it does not take, and for a width that is
    no multiple of the number of attention heads or towers.

    >>> net = make_backbone("gin", in_channels=7, hidden=32, layers=3)
    >>> net(torch.zeros(4, 7), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([4, 96])
    """
    make = BACKBONES.get(name) if isinstance(name, str) else name
    make, preset = _unwrapped(make)
    label = name if isinstance(name, str) else getattr(make, "__name__", repr(make))
    if isinstance(make, nn.Module) or not callable(make):
        raise UserError(
            f"Expected a class or function that makes the backbone, but got a "
            f"{type(make).__name__}: give what makes it, such as its class."
        )
    options = preset | _checked_options(options)
    check_setting("hidden", hidden)
    check_setting("layers", layers)
    chosen: dict[str, Any] = {"jk": jk, "act": act, "dropout": dropout}
    given = {setting: value for setting, value in chosen.items() if value is not None}
    for setting in given.keys() & {"jk", "dropout"}:
        check_setting(f"encoder.{setting}", given[setting])
    if norm != "default":
        given["norm"] = norm
    check_once(label, options, explicit, given)
    if edge_dim is not None and options.get("edge_dim") not in (None, edge_dim):
        raise UserError(
            f"Expected edge_dim to be {edge_dim}, the columns of edge_attr, but got "
            f"{options['edge_dim']!r:.60} among the options of the backbone '{label}': leave it "
            "out."
        )
    parameters = parameters_of(make)
    check_taken(parameters, label, given)
    if isinstance(make, type) and issubclass(make, BasicGNN):
        settings = settings_of_pyg(make, hidden, given, edge_dim, degrees, options)
    else:
        settings = settings_for(make, label, given, edge_dim, options)
    sizes = {"in_channels": in_channels, "hidden_channels": hidden, "num_layers": layers}
    positional, by_name, taken = sizes_for(parameters, sizes, settings)
    settings = by_name | settings
    unread = [size for size in explicit if size not in taken]
    if unread:
        raise UserError(
            f"The backbone '{label}' takes no {' and no '.join(unread)}: leave out "
            f"{' and '.join(FLAGS[size] for size in unread)}, or give its constructor an "
            "argument of that name."
        )
    check_complete(parameters, label, settings, len(positional))
    try:
        net: nn.Module = make(*positional, **settings)
    except UserError:
        raise
    except Exception as error:
        if not is_of_construction(error):
            raise
        raise UserError(f"The backbone '{label}' cannot be built: {reason(error)}.") from error
    if isinstance(net, nn.Module):
        vars(net)["_made_by"] = call_as_text(make, positional, settings)
    if isinstance(net, BasicGNN) and "out_channels" not in options and _ends_in_own_map(net):
        net.lin = nn.Identity()
    return net


def _checked_options(options: Any) -> dict[str, Any]:
    if options is not None and not isinstance(options, Mapping):
        raise UserError(
            f"Expected options to be a mapping of names to values, but got {options!r:.60}."
        )
    return dict(options or {})


def _ends_in_own_map(net: Any) -> bool:
    """Tell whether the last map of a network is the one that PyG adds after jumping knowledge."""
    width = net.hidden_channels * (net.num_layers if net.jk_mode == "cat" else 1)
    last = getattr(net, "lin", None)
    return (
        net.jk_mode is not None
        and type(last) is nn.Linear
        and (last.in_features, last.out_features) == (width, net.hidden_channels)
    )


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
    asked = parameters_of(backbone).get("edge_dim")
    return asked is not None and is_required(asked) and "edge_dim" not in options


def _unwrapped(make: Any) -> tuple[Any, dict[str, Any]]:
    """Return what makes a network, ours in place of PyG's, and the arguments that a partial has."""
    preset: dict[str, Any] = {}
    while isinstance(make, partial) and not make.args:
        make, preset = make.func, make.keywords | preset
    return (_OURS.get(make, make) if isinstance(make, type) else make), preset


def infer_out_channels(backbone: nn.Module, in_channels: int, edge_dim: int | None = None) -> int:
    """Return the number of features D of a backbone's node embeddings, by running it once.

    The input is one edge between two nodes, in space, or in the plane if it needs that.

    Args:
        backbone: the network.
        in_channels: width of x.
        edge_dim: width of edge_attr, or None without.

    Raises `UserError` for a backbone that cannot be run so, such as one whose constructor was given
    the sizes for something else, when its output is not a matrix with one row per node, and for a
    backbone that requires edge_attr when there is no `edge_dim`.

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
        try:
            nodes = _run_once(backbone, arguments, toy)
        except Exception as error:
            if isinstance(error, UserError) or not is_of_construction(error):
                raise
            raise UserError(why_not_run(backbone, in_channels, error)) from error
    check_nodes([nodes], 2)
    width: int = nodes.shape[1]
    return width


def _run_once(backbone: nn.Module, arguments: ForwardArguments, toy: SimpleNamespace) -> Any:
    try:
        return call_backbone(backbone, arguments, toy)
    except RuntimeError:
        if toy.pos is None:
            raise
        toy.pos = toy.pos[:, :2]  # a network of points in the plane
        return call_backbone(backbone, arguments, toy)
