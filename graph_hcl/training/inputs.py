"""What the functions of this package are given: checked, and brought to one form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graph_hcl.data import GraphStore
from graph_hcl.data.collect import known_store
from graph_hcl.data.indexing import Indices, positions
from graph_hcl.errors import UserError

CPU = torch.device("cpu")


def as_device(device: Any) -> torch.device:
    """Return a device, which may be given by its name; raise `UserError` for none that is there.

    >>> as_device("cpu")
    device(type='cpu')
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise UserError(
            f"Expected device to be one that is available, such as torch.device('cpu'), but got "
            f"{device!r:.60}."
        ) from error
    return found


def stored_on(store: Any, device: torch.device) -> GraphStore:
    """Return a store on a device; raise `UserError` for anything but a store.

    >>> from torch_geometric.data import Data
    >>> graph = Data(torch.ones(1, 1), torch.empty(2, 0, dtype=torch.long))
    >>> stored_on(GraphStore.from_data([graph]), torch.device("cpu")).x.device
    device(type='cpu')
    """
    return known_store(store).to(device)


def chosen_graphs(indices: Indices, store: GraphStore) -> Tensor:
    """Return the numbers [K] of one graph or more, given in any way that a store is indexed.

    Raises `UserError` for none and for anything else, `IndexError` for numbers out of range.

    >>> from torch_geometric.data import Data
    >>> edges = torch.empty(2, 0, dtype=torch.long)
    >>> store = GraphStore.from_data([Data(torch.ones(1, 1), edges) for _ in range(3)])
    >>> chosen_graphs([True, False, True], store)
    tensor([0, 2])
    """
    if isinstance(indices, Tensor):
        indices = indices.cpu()
    chosen = positions(indices, len(store), CPU)
    if not len(chosen):
        raise UserError("Expected indices of at least one graph to train on, but got none.")
    return chosen


def check_function(name: str, value: Any, of: str) -> None:
    """Raise `UserError` for what cannot be called; `of` says what it is a function of.

    >>> check_function("write", "x.txt", "the record of an epoch")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected write to be a function of the record of an epoch, but got \
'x.txt'.
    """
    if isinstance(value, type) or not callable(value):
        raise UserError(f"Expected {name} to be a function of {of}, but got {value!r:.60}.")


def check_network(model: Any, method: str = "forward") -> None:
    """Raise `UserError` for a model without an encoder, such as an encoder itself, or a class.

    The encoder is one that has a method.

    >>> check_network(nn.Linear(1, 1))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected model to be a network with an encoder, but got Linear: \
write graph_hcl.nn.ContrastiveModel(encoder).
    """
    encoder = getattr(model, "encoder", None)
    if isinstance(model, nn.Module) and isinstance(encoder, nn.Module) and hasattr(encoder, method):
        return
    got = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
    of = "" if method == "forward" else f" of {method}"
    raise UserError(
        f"Expected model to be a network with an encoder{of}, but got {got}: write "
        "graph_hcl.nn.ContrastiveModel(encoder)."
    )


def check_kind(name: str, value: Any, kind: type, example: str) -> None:
    """Raise `UserError` for an argument that is not of a class; `example` makes one that is.

    >>> check_kind("settings", {"epochs": 1}, Tensor, "Tensor(…)")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected settings to be a Tensor, but got dict: write Tensor(…).
    """
    if not isinstance(value, kind):
        raise UserError(
            f"Expected {name} to be a {kind.__name__}, but got {type(value).__name__}: write "
            f"{example}."
        )
