"""The containers of graphs that are accepted, and an error for all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset
from torch_geometric.data import Batch, Data
from torch_geometric.data.data import BaseData

from graph_hcl.errors import UserError


def data_list(graphs: Any) -> list[Data]:
    """Return the graphs in a list, generator, PyG data set or batch as a list.

    Raises `UserError` for other containers, empty ones, and elements that are not `Data`.

    >>> data_list(Data())
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a list of graphs, but got one Data: write [data].
    """
    if isinstance(graphs, Batch):
        try:
            graphs = graphs.to_data_list()
        except RuntimeError:
            raise UserError(
                "Expected a batch that Batch.from_data_list or a store made, but got one that "
                "cannot be taken apart: give the list of its graphs."
            ) from None
    kind = type(graphs).__name__
    if isinstance(graphs, Data):
        raise UserError("Expected a list of graphs, but got one Data: write [data].")
    if isinstance(graphs, Tensor | np.ndarray | Mapping | str | bytes) and not (
        isinstance(graphs, np.ndarray) and graphs.dtype == object
    ):
        raise UserError(f"Expected a list of graphs (PyG's Data), but got {kind}.")
    if isinstance(graphs, Dataset):  # one at a time, so that transforms apply
        items = [graphs[number] for number in range(len(graphs))]  # type: ignore[arg-type]
    elif isinstance(graphs, Iterable) and not (
        isinstance(graphs, BaseData) or hasattr(graphs, "to_directed")
    ):
        items = list(graphs)
    else:
        raise UserError(f"Expected a list of graphs (PyG's Data), but got one {kind}.")
    if not items:
        raise UserError("Expected at least one graph, but got none.")
    for number, item in enumerate(items):
        if not isinstance(item, Data) or isinstance(item, Batch):
            _refuse(item, number)
    return items


def check_no_table(graphs: Any, where: str) -> None:
    """Raise `UserError` for a data frame, an iterable of the names of its columns.

    >>> check_no_table(["CCO"], "smiles")
    """
    if type(graphs).__name__ == "DataFrame":
        raise UserError(
            f"Expected {where} as a list, but got a DataFrame: give one of its columns, as in "
            'GraphStore.from_smiles(frame["smiles"], y=frame["label"]).'
        )


def _refuse(item: Any, number: int) -> None:
    kind = type(item).__name__
    advice = "make it one"
    if isinstance(item, Batch):
        advice = "take it apart with to_data_list()"
    elif isinstance(item, tuple | list) and item and isinstance(item[0], Data):
        advice = "give the graphs alone, and their labels as y="
    elif hasattr(item, "to_directed"):
        advice = "GraphStore.from_networkx takes NetworkX graphs"
    elif kind == "HeteroData":
        advice = "to_homogeneous() makes it a graph of one kind of nodes"
    raise UserError(f"Expected PyG's Data, but graph {number} is {kind}: {advice}.")
