"""Single graphs as the store takes them: checked, or made of NetworkX graphs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch_geometric.data import Data, InMemoryDataset

from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError


def check_graph(data: Data, number: int, first: Data) -> None:
    """Raise `UserError` when graph `number` cannot be laid beside the first of its data set.

    >>> check_graph(Data(torch.empty(0, 1)), 3, Data())
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected at least one node in graph 3, but it is empty.
    """
    where = f"graph {number}"
    if not data.num_nodes:
        raise UserError(f"Expected at least one node in {where}, but it is empty.")
    if data.x is None or data.x.dim() != 2:
        got = "none" if data.x is None else list(data.x.shape)
        raise UserError(f"Expected node features x [nodes, features] in {where}, but got {got}.")
    if data.edge_index is None or data.edge_index.dim() != 2 or data.edge_index.shape[0] != 2:
        got = "none" if data.edge_index is None else list(data.edge_index.shape)
        raise UserError(f"Expected edge_index [2, edges] in {where}, but got {got}.")
    if data.x.shape[1] != first.x.shape[1]:
        raise UserError(
            f"Expected {first.x.shape[1]} node features as in graph 0, but {where} has "
            f"{data.x.shape[1]}."
        )
    nodes, edges = data.x.shape[0], data.edge_index
    if edges.numel() and (int(edges.min()) < 0 or int(edges.max()) >= nodes):
        raise UserError(
            f"Expected node numbers 0 … {nodes - 1} in {where}, but an edge names "
            f"{int(edges.max()) if int(edges.min()) >= 0 else int(edges.min())}."
        )
    for name in ("edge_attr", "y"):
        if (getattr(data, name) is None) != (getattr(first, name) is None):
            raise UserError(f"Expected '{name}' in all graphs or in none, but {where} differs.")
    if data.edge_attr is not None and len(data.edge_attr) != edges.shape[1]:
        raise UserError(
            f"Expected {edges.shape[1]} rows of edge_attr in {where}, but got "
            f"{len(data.edge_attr)}."
        )
    if data.y is not None and torch.as_tensor(data.y).numel() != 1:
        raise UserError(f"Expected one label y in {where}, but got {list(data.y.shape)}.")


def graph_of(graph: Any, features: str) -> Data:
    """Return a NetworkX graph as PyG's `Data`: x by the node attribute `features`, y by its own.

    Raises `UserError` for an empty graph, and for attributes that are no numbers or not on all
    nodes.

    >>> import networkx
    >>> graph_of(networkx.path_graph(3), "x")
    Data(x=[3, 1], edge_index=[2, 4])
    """
    if not len(graph):
        raise UserError("Expected at least one node in each NetworkX graph, but one is empty.")
    order = {node: index for index, node in enumerate(graph.nodes)}
    pairs = [(order[u], order[v]) for u, v in graph.to_directed().edges()]
    edge_index = torch.tensor(sorted(set(pairs)), dtype=torch.long).reshape(-1, 2).t()
    rows = [value for _, value in graph.nodes(data=features)]
    given = [row for row in rows if row is not None]
    if given and len(given) < len(rows):
        raise UserError(f"Expected the attribute '{features}' on all nodes of a graph or on none.")
    try:
        values = torch.tensor(given, dtype=torch.float) if given else torch.ones(len(rows))
        label = graph.graph.get("y")
        y = None if label is None else torch.tensor([label])
    except (TypeError, ValueError) as error:
        raise UserError(
            f"Expected numbers in the node attribute '{features}' and the graph attribute 'y': "
            f"{error}."
        ) from error
    return Data(x=values.reshape(len(rows), -1), edge_index=edge_index, y=y)


def from_data(graphs: Iterable[Data]) -> GraphStore:
    """Return the store of a PyG data set or of any iterable of `Data` with the same fields."""
    if isinstance(graphs, InMemoryDataset):
        graphs = [graphs[index] for index in range(len(graphs))]
    items = list(graphs)
    if not items:
        raise UserError("Expected at least one graph, but got none.")
    for number, data in enumerate(items):
        check_graph(data, number, items[0])
    first = items[0]
    node_sizes = torch.tensor([data.x.shape[0] for data in items])
    edge_sizes = torch.tensor([data.edge_index.shape[1] for data in items])
    labelled = first.y is not None
    return GraphStore(
        x=torch.cat([data.x for data in items]).float().contiguous(),
        edge_index=torch.cat([data.edge_index for data in items], dim=1).contiguous(),
        node_ptr=torch.cat([torch.zeros(1, dtype=torch.long), node_sizes.cumsum(0)]),
        edge_ptr=torch.cat([torch.zeros(1, dtype=torch.long), edge_sizes.cumsum(0)]),
        edge_attr=None
        if first.edge_attr is None
        else torch.cat([data.edge_attr for data in items]).contiguous(),
        y=torch.cat([torch.as_tensor(data.y).reshape(1) for data in items]) if labelled else None,
    )


def from_networkx(graphs: Iterable[Any], features: str = "x") -> GraphStore:
    """Return the store of NetworkX graphs."""
    return from_data(graph_of(graph, features) for graph in graphs)
