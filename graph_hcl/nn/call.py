"""A backbone called with what its `forward` takes of a batch, and a read-out likewise."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import Aggregation, Sequential
from torch_geometric.nn.models.basic_gnn import BasicGNN

from graph_hcl.data.levels import OPTIONAL_FIELDS as FIELDS
from graph_hcl.errors import UserError
from graph_hcl.nn.evaluating import evaluating

_GRAPHS = ("batch", "batch_size")
_FIRST = ("x", "edge_index")


@dataclass(frozen=True)
class Takes:
    """The arguments of a backbone's `forward` after x and edge_index, and which it cannot spare.

    >>> Takes.of(nn.Bilinear(1, 1, 1))
    Takes(names=(), required=frozenset())
    """

    names: tuple[str, ...]
    required: frozenset[str]

    @classmethod
    def of(cls, backbone: nn.Module) -> Takes:
        """Return what a backbone takes, by its signature; of PyG's, what it does not ignore, too.

        Raises `UserError` for a forward that asks for something else.
        """
        plain = getattr(backbone, "_orig_mod", backbone)  # what torch.compile wraps
        parameters = _parameters(plain)
        _check_first(backbone, parameters)
        single = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)][2:]
        needed = {p.name for p in single if p.default is p.empty}
        strange = needed.difference(FIELDS, _GRAPHS)
        if strange:
            raise UserError(
                f"Expected the forward of {type(plain).__name__} to ask for x, edge_index and any "
                f"of {', '.join(FIELDS + _GRAPHS)}, but got {', '.join(sorted(strange))}: rename "
                "it, or give it a default."
            )
        names = {p.name for p in single}.intersection(FIELDS + _GRAPHS)
        if isinstance(plain, BasicGNN):
            ignored, asked = _of_basic_gnn(plain)
            names, needed = names - ignored, needed | asked
        return cls(tuple(n for n in FIELDS + _GRAPHS if n in names), frozenset(needed & names))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a batch among the names."""
        return tuple(name for name in self.names if name in FIELDS)


def _parameters(module: Any) -> list[inspect.Parameter]:
    if isinstance(module, Sequential):  # PyG's, which is told its arguments as a text
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return [inspect.Parameter(name, kind) for name in module.signature.param_dict]
    return list(inspect.signature(module.forward).parameters.values())


def _check_first(backbone: nn.Module, parameters: list[inspect.Parameter]) -> None:
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    anything = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    names = [p.name for p in positional]
    swapped = any(name in names and names.index(name) != k for k, name in enumerate(_FIRST))
    if swapped or (len(names) < 2 and not anything):
        raise UserError(
            f"Expected the forward of {type(backbone).__name__} to take x and edge_index first, "
            f"but got ({', '.join(p.name for p in parameters)})."
        )


def _of_basic_gnn(net: Any) -> tuple[set[str], set[str]]:
    """Return what a network of PyG's ignores, though it takes it, and what it is built to read."""
    ignored, asked = set(), set()
    widths = [getattr(conv, "edge_dim", 0) for conv in net.convs]  # 0: it does not tell
    if not net.supports_edge_weight:
        ignored.add("edge_weight")
    if not net.supports_edge_attr or all(width is None for width in widths):
        ignored.add("edge_attr")
    elif any(widths):
        asked.add("edge_attr")
    return ignored, asked


def call(backbone: nn.Module, takes: Takes, batch: Any) -> Any:
    """Return `backbone(x, edge_index, …)` of a batch, with those fields that it takes and has.

    One number for each edge is given as edge_attr [E, 1].

    Raises `UserError` for a field that the backbone cannot spare and the batch lacks.
    """
    given: dict[str, Any] = {}
    for name in takes.fields:
        value = getattr(batch, name, None)
        if value is not None:
            one_column = name == "edge_attr" and value.dim() == 1
            given[name] = value[:, None] if one_column else value
        elif name in takes.required:
            raise _lacking(backbone, name)
    if "batch" in takes.names:
        given["batch"] = graph_of_nodes(batch)
    if "batch_size" in takes.names:
        given["batch_size"] = number_of_graphs(batch)
    x, edge_index = getattr(batch, "x", None), getattr(batch, "edge_index", None)
    if x is None or edge_index is None:
        raise _lacking(backbone, "x" if x is None else "edge_index")
    return backbone(x, edge_index, **given)


def _lacking(backbone: nn.Module, name: str) -> UserError:
    return UserError(
        f"Expected a batch with {name}, which {type(backbone).__name__} reads, but got one "
        "without: give graphs that have it, or take a backbone that does without."
    )


def graph_of_nodes(batch: Any) -> Tensor:
    """Return the graph of each node [n]; without `batch`, as in a `Data`, all are of one.

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
    known = getattr(batch, "num_graphs", None)
    return int(batch.batch.max()) + 1 if known is None else known


def read_out(readout: Any, nodes: Tensor, graph: Tensor, size: int) -> Tensor:
    """Return the read-out [size, …] of node embeddings [n, …] by the graph of each [n].

    PyG's aggregations call these `index` and `dim_size`; all else is called as PyG's global pooling
    functions are.

    >>> from torch_geometric.nn import SumAggregation
    >>> graph = torch.tensor([0, 2, 2])
    >>> read_out(SumAggregation(), torch.ones(3, 1), graph, 4).tolist()
    [[1.0], [0.0], [2.0], [0.0]]
    """
    if isinstance(readout, Aggregation):
        found: Tensor = readout(nodes, index=graph, dim_size=size)
    else:
        found = readout(nodes, graph, size)
    return found


def read_out_width(readout: Any, width: int) -> int:
    """Return the number of columns of a read-out of nodes [n, width], by running it once.

    Raises `UserError` for one that cannot be called so, or that gives no row per graph.

    >>> from torch_geometric.nn import Set2Set
    >>> read_out_width(Set2Set(8, 2), 8)
    16
    """
    module = readout if isinstance(readout, nn.Module) else nn.Identity()
    like = next((p for p in module.parameters() if p.is_floating_point()), torch.zeros(1))
    nodes = torch.zeros(3, width, dtype=like.dtype, device=like.device)
    graph = torch.tensor([0, 0, 1], device=like.device)
    name = getattr(readout, "__name__", type(readout).__name__)
    with evaluating(module):
        try:
            found = read_out(readout, nodes, graph, 2)
        except (TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"Expected a read-out of nodes [n, {width}] by the graph of each, but {name} "
                f"cannot be called so: {reason}."
            ) from error
    if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != 2:
        got = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise UserError(
            f"Expected the read-out {name} to return [graphs, features], [2, D] of two graphs, but "
            f"got {got}: give an instance, and one row per graph."
        )
    return found.shape[1]
