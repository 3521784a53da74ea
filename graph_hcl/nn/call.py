"""A backbone called with those fields of a batch that its `forward` names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import Sequential
from torch_geometric.nn.models.basic_gnn import BasicGNN

from graph_hcl.data.levels import OPTIONAL_FIELDS as FIELDS
from graph_hcl.errors import UserError
from graph_hcl.nn.readout import graph_of_nodes, number_of_graphs

_GRAPHS = ("batch", "batch_size")
_FIRST = ("x", "edge_index")


@dataclass(frozen=True)
class ForwardArguments:
    """The arguments of a backbone's `forward` after x and edge_index, and which are required.

    >>> ForwardArguments.of(nn.Bilinear(1, 1, 1))
    ForwardArguments(names=(), required=frozenset())
    """

    names: tuple[str, ...]
    required: frozenset[str]

    @classmethod
    def of(cls, backbone: nn.Module) -> ForwardArguments:
        """Return the arguments that a backbone names, without those that one of PyG's ignores.

        Raises `UserError` for a forward that requires anything else.
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
        """The arguments that are fields of a batch."""
        return tuple(name for name in self.names if name in FIELDS)


def _parameters(module: Any) -> list[inspect.Parameter]:
    if isinstance(module, Sequential):  # PyG's, whose arguments are given as a string
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
    """Return the arguments that a network of PyG takes but ignores, and those it requires."""
    ignored, asked = set(), set()
    widths = [getattr(conv, "edge_dim", 0) for conv in net.convs]  # 0: unknown
    if not net.supports_edge_weight:
        ignored.add("edge_weight")
    if not net.supports_edge_attr or all(width is None for width in widths):
        ignored.add("edge_attr")
    elif any(widths):
        asked.add("edge_attr")
    return ignored, asked


def call_backbone(backbone: nn.Module, arguments: ForwardArguments, batch: Any) -> Any:
    """Return `backbone(x, edge_index, …)` for a batch, with all arguments that the batch has.

    An edge_attr [E] is passed as [E, 1]. Raises `UserError` for a required field that the batch
    lacks, and for one without a row for each node or edge.
    """
    given: dict[str, Any] = {}
    for name in arguments.fields:
        value = getattr(batch, name, None)
        if value is not None:
            one_column = name == "edge_attr" and value.dim() == 1
            given[name] = value[:, None] if one_column else value
            _check_rows(name, value, batch)
        elif name in arguments.required:
            raise _lacking(backbone, name)
    if "batch" in arguments.names:
        given["batch"] = graph_of_nodes(batch)
    if "batch_size" in arguments.names:
        given["batch_size"] = number_of_graphs(batch)
    x, edge_index = getattr(batch, "x", None), getattr(batch, "edge_index", None)
    if x is None or edge_index is None:
        raise _lacking(backbone, "x" if x is None else "edge_index")
    return backbone(x, edge_index, **given)


def check_nodes(blocks: Sequence[Any], count: int, width: int | None = None) -> None:
    """Raise `UserError` unless blocks of columns are node embeddings [count, width] together.

    >>> import torch
    >>> check_nodes([torch.ones(2, 3)], 2)
    >>> check_nodes([torch.ones(2, 3)], 2, width=4)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the backbone to return [nodes, features], [2, 4], but got \
[2, 3]: give its width as out_channels, as infer_out_channels tells it.
    """
    advice = ""
    if all(isinstance(one, Tensor) and one.dim() == 2 and len(one) == count for one in blocks):
        found = sum(one.shape[1] for one in blocks)
        if width in (None, found):
            return
        got: Any = [count, found]
        advice = ": give its width as out_channels, as infer_out_channels tells it"
    else:
        one = blocks[0]
        got = list(one.shape) if isinstance(one, Tensor) else type(one).__name__
    raise UserError(
        f"Expected the backbone to return [nodes, features], [{count}, {width or 'D'}], but got "
        f"{got}{advice}."
    )


def _check_rows(name: str, value: Any, batch: Any) -> None:
    """Raise `UserError` unless a field has a row for each node or edge: one would be broadcast."""
    of = "edge" if name.startswith("edge_") else "node"
    rows = getattr(batch, "edge_index" if of == "edge" else "x", None)
    if not isinstance(rows, Tensor) or rows.layout is not torch.strided:
        return
    count = rows.shape[1] if of == "edge" else len(rows)
    if len(value) != count:
        raise UserError(
            f"Expected {name} to have a row for each of the {count} {of}s, but got "
            f"{list(value.shape)}."
        )


def _lacking(backbone: nn.Module, name: str) -> UserError:
    return UserError(
        f"Expected a batch with {name}, which {type(backbone).__name__} reads, but got one "
        "without: give graphs that have it, or take a backbone that does without."
    )
