"""The containers of graphs that are accepted, and an error for all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset
from torch_geometric.data import Batch, Data
from torch_geometric.data.data import BaseData
from torch_geometric.data.hypergraph_data import HyperGraphData

from graph_hcl.data.meaning import check_meaning
from graph_hcl.errors import UserError


def data_list(graphs: Any) -> list[Data]:
    """Return the graphs in a list, generator, PyG data set or batch as a list.

    Raises `UserError` for other containers, empty ones, elements that are not `Data`, and graphs of
    stores whose columns or classes mean different things.

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
        if not isinstance(item, Data) or isinstance(item, Batch | HyperGraphData):
            _refuse(item, number)
    check_meaning(items)
    return items


def one_column(graphs: Any, where: str) -> Any:
    """Return the one column of a table or of an array [n, 1] of objects; other graphs as they are.

    Columns of pyarrow become lists. Raises `UserError` for several columns.

    >>> one_column(np.array([["CC"], ["CO"]], dtype=object), "graphs").tolist()
    ['CC', 'CO']
    """
    is_table = hasattr(graphs, "columns") and len(getattr(graphs, "shape", ())) == 2
    if is_table or (isinstance(graphs, np.ndarray) and graphs.ndim == 2 and graphs.dtype == object):
        names = list(getattr(graphs, "column_names", graphs.columns)) if is_table else None
        count = graphs.shape[1]
        if count != 1:
            got = f"{count}" if names is None else f"{count}: {', '.join(map(str, names))}"
            example = "array[:, 0]" if names is None else "df['smiles']"
            raise UserError(f"Expected one column as {where}, but got {got:.200}: write {example}.")
        graphs = graphs[:, 0] if names is None else graphs[names[0]]
    return graphs.to_pylist() if hasattr(graphs, "to_pylist") else graphs


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
    elif isinstance(item, HyperGraphData):
        advice = (
            "its edge_index joins nodes to hyperedges, so make a graph of nodes and edges of it"
        )
    raise UserError(f"Expected PyG's Data, but graph {number} is {kind}: {advice}.")
