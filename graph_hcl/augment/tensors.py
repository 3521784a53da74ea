"""What the augmentations on tensors are given: edges, features and the graph of each node."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from graph_hcl.data.indexing import as_number
from graph_hcl.errors import UserError


def check_tensor(name: str, value: Any, form: str, dims: int | None = None) -> None:
    """Raise `UserError` unless a value is a tensor of so many dimensions; `form` describes it.

    >>> check_tensor("x", [[1.0]], "[n, F]")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected x as a tensor [n, F], but got list.
    """
    if not isinstance(value, Tensor):
        raise UserError(f"Expected {name} as a tensor {form}, but got {type(value).__name__}.")
    if dims is not None and value.dim() != dims:
        raise UserError(f"Expected {name} as a tensor {form}, but got {list(value.shape)}.")


def check_dense(x: Tensor) -> None:
    """Raise `UserError` for sparse features, of which torch masks none.

    >>> check_dense(torch.eye(2).to_sparse())
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected dense features x to mask some of them, but got \
torch.sparse_coo: write x.to_dense().
    """
    if x.layout != torch.strided:
        raise UserError(
            f"Expected dense features x to mask some of them, but got {x.layout}: write "
            "x.to_dense()."
        )


def check_generator(generator: Any) -> None:
    """Raise `UserError` for what is no generator of torch.

    >>> check_generator(0)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected generator as a torch.Generator, but got int: make one \
with torch.Generator().manual_seed(0).
    """
    if not isinstance(generator, Generator):
        kind = type(generator)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise UserError(
            f"Expected generator as a torch.Generator, but got {module}{kind.__name__}: make "
            "one with torch.Generator().manual_seed(0)."
        )


def check_edges(edge_index: Any, name: str = "edge_index") -> None:
    """Raise `UserError` for edges that are no integers [2, E].

    >>> check_edges(torch.tensor([[0, 1], [1, 2], [2, 0]]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected edge_index as a tensor [2, E], but got [3, 2]: give its \
transpose.
    """
    check_tensor(name, edge_index, "[2, E]", 2)
    if len(edge_index) != 2:
        advice = ": give its transpose" if edge_index.shape[1] == 2 else ""
        raise UserError(
            f"Expected {name} as a tensor [2, E], but got {list(edge_index.shape)}{advice}."
        )
    check_integers(name, edge_index)


def check_range(edge_index: Tensor, num_nodes: int, name: str = "edge_index") -> None:
    """Raise `UserError` for edges that name no node, on the CPU alone: a GPU would be waited for.

    >>> check_range(torch.tensor([[0, 1], [1, 2]]), 2)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected edge_index to hold nodes from 0 to 1, but it reaches from \
0 to 2.
    """
    if edge_index.numel() and edge_index.device.type == "cpu":
        least, most = (int(bound) for bound in edge_index.aminmax())
        if least < 0 or most >= num_nodes:
            raise UserError(
                f"Expected {name} to hold nodes from 0 to {max(num_nodes, 1) - 1}, but it "
                f"reaches from {least} to {most}."
            )


def count_nodes(edge_index: Tensor, num_nodes: int | None) -> int:
    """Return the number of nodes: as given, or the least that the edges need.

    Raises `UserError` for edges that are no integers [2, E], and as `check_range` does.

    >>> count_nodes(torch.tensor([[0, 1], [1, 2]]), None)
    3
    """
    check_edges(edge_index)
    if num_nodes is None:
        num_nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
    count = as_number(num_nodes)
    if count is None or count < 0:
        raise UserError(f"Expected num_nodes as a number of nodes, but got {num_nodes!r:.60}.")
    check_range(edge_index, count)
    return count


def check_within(edge_index: Tensor, batch: Tensor, name: str = "edges") -> None:
    """Raise `UserError` for an edge from one graph to another, on the CPU alone.

    >>> check_within(torch.tensor([[1], [2]]), torch.tensor([0, 0, 1]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected edges within one graph, but some join two graphs of batch.
    """
    if batch.device.type == "cpu":
        ends = batch[edge_index.long()]
        if not bool((ends[0] == ends[1]).all()):
            raise UserError(f"Expected {name} within one graph, but some join two graphs of batch.")


def graphs_of(batch: Tensor | None, num_nodes: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the graph of each node [n], all of one where it is None, and `ptr` [B + 1].

    Raises `UserError` for a `batch` that is not the graphs 0, 1, … of the nodes in ascending order.

    >>> graphs_of(torch.tensor([0, 0, 1]), 3, torch.device("cpu"))
    (tensor([0, 0, 1]), tensor([0, 2, 3]))
    """
    if batch is None:
        batch = torch.zeros(num_nodes, dtype=torch.long, device=device)
        return batch, torch.tensor([0, num_nodes], device=device)
    check_tensor("batch", batch, "[n]", 1)
    check_integers("batch", batch)
    batch = batch.long()
    if len(batch) != num_nodes:
        raise UserError(f"Expected a batch of {num_nodes} nodes, but got {len(batch)}.")
    if bool((batch.diff() < 0).any()):
        raise UserError(
            "Expected `batch` in ascending order, but got an unsorted one: sort the nodes by graph."
        )
    if len(batch) and int(batch[0]) < 0:
        raise UserError(f"Expected batch to name the graphs 0, 1, …, but got {int(batch[0])}.")
    sizes = torch.bincount(batch)
    return batch, torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


def graphs_with(
    edge_index: Tensor, num_nodes: int | None, batch: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return what `graphs_of` does for nodes with edges, as many as given, as in `batch`, or least.

    Raises `UserError` as `count_nodes`, `graphs_of` and `check_within` do.

    >>> graphs_with(torch.tensor([[0, 1], [1, 0]]), None, None)
    (tensor([0, 0]), tensor([0, 2]))
    """
    if num_nodes is None and batch is not None:
        check_tensor("batch", batch, "[n]", 1)
        num_nodes = len(batch)
    found, ptr = graphs_of(batch, count_nodes(edge_index, num_nodes), edge_index.device)
    if batch is not None:
        check_within(edge_index, batch)
    return found, ptr


def check_integers(name: str, value: Tensor) -> None:
    """Raise `UserError` unless a tensor holds integers of 64 or 32 bits.

    >>> check_integers("batch", torch.ones(2))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected batch to hold integers, but got torch.float32.
    """
    if value.dtype not in (torch.int64, torch.int32):
        raise UserError(f"Expected {name} to hold integers, but got {value.dtype}.")
