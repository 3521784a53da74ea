"""PyG's normalisations by name, each called as its class expects."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from torch import Tensor, nn
from torch_geometric.nn import norm as pyg

from graph_hcl.errors import UserError
from graph_hcl.registry import did_you_mean

_KINDS = {
    name.lower(): kind
    for name, kind in vars(pyg).items()
    if isinstance(kind, type) and issubclass(kind, nn.Module)
}
_GIVEN = {"self", "x", "batch", "batch_size", "dim_size", "p"}


def make_norm(norm: Any, channels: int, options: dict[str, Any] | None = None) -> Any:
    """Return PyG's normalisation of node features [n, channels] by its name.

    Names are read as PyG reads them: `graph_norm`, `GraphNorm` and `graph` are the same. Classes
    without a number of channels are not given one: PyG would take it as the scale of its
    `PairNorm`. `options` are the other arguments of the class. Anything but a string is returned
    unchanged. Raises `UserError` for an unknown name, for options that the class does not take, and
    for a norm that needs more than node features and the graph of each node.

    >>> make_norm("graph_norm", 8), make_norm("pair", 8, {"scale": 2.0}).scale
    (GraphNorm(8), 2.0)
    """
    if not isinstance(norm, str):
        return norm
    key = norm.lower().replace("-", "").replace("_", "").replace(" ", "")
    kind = _KINDS.get(key) or _KINDS.get(f"{key}norm")
    usable = [each.__name__ for each in _KINDS.values() if not _needs(each)]
    if kind is None:
        raise UserError(
            f"Unknown norm '{norm}': expected one of {', '.join(usable)}."
            f"{did_you_mean(norm, usable)}"
        )
    if _needs(kind):
        raise UserError(
            f"Expected a norm of node features, but got '{norm}', which needs "
            f"{' and '.join(_needs(kind))}, too: take one of {', '.join(usable)}."
        )
    sized = "in_channels" in inspect.signature(kind).parameters
    try:
        return kind(channels, **(options or {})) if sized else kind(**(options or {}))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"The norm '{norm}' cannot be built: {error} (its settings are the norm_kwargs among "
            "the options of the encoder)."
        ) from error


def per_graph(network: Any, x: Tensor, batch: Tensor | None, batch_size: int | None) -> Tensor:
    """Return a norm or an MLP of x [n, F], with the graph of each row passed where it is taken.

    >>> import torch
    >>> x, graph = torch.tensor([[1.0], [3.0], [9.0]]), torch.tensor([0, 0, 1])
    >>> per_graph(pyg.MeanSubtractionNorm(), x, graph, 2).tolist()
    [[-1.0], [1.0], [0.0]]
    """
    out: Tensor = network(x, batch, batch_size) if takes_batch(network) else network(x)
    return out


def takes_batch(network: Any) -> bool:
    """Tell whether a norm, or an MLP because of its norms, acts per graph.

    >>> takes_batch(pyg.GraphNorm(4)), takes_batch(pyg.BatchNorm(4)), takes_batch(nn.Identity())
    (True, False, False)
    """
    supported = getattr(network, "supports_norm_batch", None)
    return _names_batch(network.__class__) if supported is None else bool(supported)


@cache
def _names_batch(kind: Any) -> bool:
    return "batch" in inspect.signature(getattr(kind, "forward", kind.__call__)).parameters


def _needs(kind: type[nn.Module]) -> list[str]:
    """Return the arguments of a norm's forward that are not available."""
    parameters = inspect.signature(kind.forward).parameters
    return [name for name in parameters if name not in _GIVEN]
