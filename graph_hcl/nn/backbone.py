"""Message-passing networks by name: PyG's BasicGNN family, or any class of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import models

from graph_hcl.errors import UserError
from graph_hcl.nn.layers import GCN, GIN, GraphSAGE
from graph_hcl.registry import Registry

BACKBONES: Registry[Callable[..., nn.Module]] = Registry("backbone")
for _model in (GIN, GCN, GraphSAGE, models.GAT, models.PNA, models.EdgeCNN):
    BACKBONES.register(_model.__name__.lower())(_model)

_PNA_DEFAULTS: dict[str, Any] = {
    "aggregators": ["mean", "min", "max", "std"],
    "scalers": ["identity", "amplification", "attenuation"],
}


def make_backbone(
    name: str,
    in_channels: int,
    hidden: int,
    layers: int,
    *,
    jk: str = "cat",
    norm: str | None = "batch_norm",
    act: str = "relu",
    dropout: float = 0.0,
    degrees: Callable[[], Tensor] | None = None,
    options: dict[str, Any] | None = None,
) -> nn.Module:
    """Return a network that maps x [n, in_channels] and edge_index [2, E] to nodes [n, D].

    With `jk="cat"` the node embedding is the plain concatenation of all layers (D = layers ×
    hidden, Xu et al. 2019, arXiv 1810.00826, eq. 4.2): PyG's closing linear map is left out, so
    that an untrained encoder is not one random projection further from its input. `degrees` gives
    the in-degree histogram [max degree + 1] that PNA alone needs. A class of the user's is called
    as `cls(in_channels, hidden, layers, **options)`.

    Raises `UserError` for an unknown name or for options that the class does not take.

    >>> net = make_backbone("gin", in_channels=7, hidden=32, layers=3)
    >>> net(torch.zeros(4, 7), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([4, 96])
    """
    make = BACKBONES.get(name)
    settings = dict(options or {})
    if isinstance(make, type) and issubclass(make, models.basic_gnn.BasicGNN):
        jumping = None if jk == "last" else jk
        settings = {"jk": jumping, "norm": norm, "act": act, "dropout": dropout} | settings
        if issubclass(make, models.PNA):
            settings = _PNA_DEFAULTS | settings
            if degrees is not None:
                settings.setdefault("deg", degrees())
    try:
        net = make(in_channels, hidden, layers, **settings)
    except (TypeError, ValueError) as error:
        raise UserError(f"The backbone '{name}' cannot be built: {error}.") from error
    if isinstance(net, models.basic_gnn.BasicGNN) and hasattr(net, "lin"):
        net.lin = nn.Identity()
    return net


def width(backbone: nn.Module, in_channels: int) -> int:
    """Return the number of features D of a backbone's node embeddings, by running it once.

    Raises `UserError` when its output is not a matrix with one row per node.

    >>> width(make_backbone("gcn", 7, 16, 2, jk="last"), 7)
    16
    """
    training = backbone.training
    backbone.eval()
    with torch.no_grad():
        nodes = backbone(torch.zeros(2, in_channels), torch.tensor([[0, 1], [1, 0]]))
    backbone.train(training)
    if not isinstance(nodes, Tensor) or nodes.dim() != 2 or len(nodes) != 2:
        got = list(nodes.shape) if isinstance(nodes, Tensor) else type(nodes).__name__
        raise UserError(
            f"Expected the backbone to return [nodes, features], [2, D], but got {got}."
        )
    return nodes.shape[1]
