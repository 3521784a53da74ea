"""Read-outs: graph embeddings from node embeddings, by any of PyG's poolings or aggregations."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import Aggregation

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.nn.evaluating import evaluating
from graph_hcl.registries import READOUTS


def graph_of_nodes(batch: Any) -> Tensor:
    """Return the graph of each node [n]; in a `Data`, which has no `batch`, all are 0.

    >>> from torch_geometric.data import Data
    >>> graph_of_nodes(Data(x=torch.ones(2, 1)))
    tensor([0, 0])
    """
    graph: Tensor | None = getattr(batch, "batch", None)
    return batch.x.new_zeros(len(batch.x), dtype=torch.long) if graph is None else graph


def number_of_graphs(batch: Any) -> int:
    """Return the number of graphs of a batch, or 1 of a `Data`.

    >>> from torch_geometric.data import Data
    >>> number_of_graphs(Data(x=torch.ones(2, 1)))
    1
    """
    if getattr(batch, "batch", None) is None:
        return 1
    count = getattr(batch, "num_graphs", None)
    return int(batch.batch.max()) + 1 if count is None else count


def apply_readout(readout: Any, nodes: Tensor, graph: Tensor, size: int) -> Tensor:
    """Return the read-out [size, …] of node embeddings [n, …] by the graph of each [n].

    PyG's aggregations are called with `index` and `dim_size`, anything else as PyG's global pooling
    functions are.

    >>> from torch_geometric.nn import SumAggregation
    >>> graph = torch.tensor([0, 2, 2])
    >>> apply_readout(SumAggregation(), torch.ones(3, 1), graph, 4).tolist()
    [[1.0], [0.0], [2.0], [0.0]]
    """
    if isinstance(readout, Aggregation):
        graphs: Tensor = readout(nodes, index=graph, dim_size=size)
    else:
        graphs = readout(nodes, graph, size)
    return graphs


@names_arguments()
def make_readout(readout: str | Callable[..., Any], in_channels: int) -> Callable[..., Any]:
    """Return a read-out by its name or import path, or as it is given.

    A class, or a `functools.partial` of one, is made anew, with `in_channels` under that name or as
    `channels` where it takes it; a module is copied, so that no two encoders share its weights.
    Raises `UserError` for an unknown name, for what cannot be called, and for a class that cannot
    be made so.

    >>> from functools import partial
    >>> from torch_geometric.nn import Set2Set
    >>> make_readout(partial(Set2Set, processing_steps=2), 8)
    Set2Set(8, 16)
    """
    part: Any = READOUTS.get(readout) if isinstance(readout, str) else readout
    made: Callable[..., Any]
    if not callable(part):
        raise UserError(
            f"Expected a read-out by its name, such as sum, or what can be called, but got "
            f"{part!r:.60}."
        )
    if isinstance(part, nn.Module):
        made = copy.deepcopy(part)
        return made
    if not isinstance(getattr(part, "func", part), type):
        made = part
        return made
    given = getattr(part, "keywords", {})
    try:
        sizes = [
            name
            for name in ("in_channels", "channels")
            if name in inspect.signature(part).parameters and name not in given
        ]
        made = part(**dict.fromkeys(sizes, in_channels))
    except (TypeError, ValueError) as error:
        name = getattr(getattr(part, "func", part), "__name__", "")
        raise UserError(f"The read-out '{name}' cannot be made: {error}.") from error
    return made


def infer_readout_channels(readout: Any, in_channels: int) -> int:
    """Return the number of columns of a read-out of nodes [n, in_channels], by running it once.

    Raises `UserError` for one that cannot be called, or does not return one row per graph.

    >>> from torch_geometric.nn import Set2Set
    >>> infer_readout_channels(Set2Set(8, 2), 8)
    16
    """
    module = readout if isinstance(readout, nn.Module) else nn.Identity()
    like = next((p for p in module.parameters() if p.is_floating_point()), torch.zeros(1))
    nodes = torch.zeros(3, in_channels, dtype=like.dtype, device=like.device)
    graph = torch.tensor([0, 0, 1], device=like.device)
    name = getattr(readout, "__name__", type(readout).__name__)
    with evaluating(module):
        try:
            graphs = apply_readout(readout, nodes, graph, 2)
        except (TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"Expected a read-out of nodes [n, {in_channels}] by the graph of each, but {name} "
                f"cannot be called so: {reason}."
            ) from error
    if not isinstance(graphs, Tensor) or graphs.dim() != 2 or len(graphs) != 2:
        got = list(graphs.shape) if isinstance(graphs, Tensor) else type(graphs).__name__
        raise UserError(
            f"Expected the read-out {name} to return [graphs, features], [2, D] of two graphs, but "
            f"got {got}: give an instance, and one row per graph."
        )
    return graphs.shape[1]
