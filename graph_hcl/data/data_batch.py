"""PyG's batch, of which each graph can be taken, however the batch was made."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from typing import Any

import torch
from torch_geometric.data import Batch, Data

from graph_hcl.data.indexing import Indices, positions
from graph_hcl.data.levels import EDGE, GRAPH, NODE, levels, take_rows
from graph_hcl.data.meaning import common_meaning, give_to_graph, unchanged


class DataBatch(Batch, Data, metaclass=type(type(Batch()))):  # type: ignore[misc, metaclass]
    """A batch that `batch` and `ptr` take apart; PyG's own needs to know what it was made of.

    Edges of a graph need not follow each other. `graph_hcl.data.batch.make_batch` makes one.

    >>> import torch
    >>> from graph_hcl.data.batch import make_batch
    >>> x, edges, ptr = torch.ones(3, 1), torch.tensor([[2, 0], [2, 1]]), torch.tensor([0, 2, 3])
    >>> batch = make_batch(2, False, x=x, edge_index=edges, batch=torch.tensor([0, 0, 1]), ptr=ptr)
    >>> batch.to_data_list(), batch[1].edge_index.tolist()
    ([Data(x=[2, 1], edge_index=[2, 1]), Data(x=[1, 1], edge_index=[2, 1])], [[0], [0]])
    """

    def get_example(self, idx: int) -> Data:
        """Return a graph by its number; raise `IndexError` if out of range."""
        return self._graphs([range(self.num_graphs)[idx]])[0]

    def index_select(self, idx: Indices) -> list[Data]:
        """Return the graphs of a slice, a mask or numbers; raise as a store does for others."""
        return self._graphs(positions(idx, self.num_graphs, torch.device("cpu")).tolist())

    def to_data_list(self) -> list[Data]:
        """Return all graphs."""
        return self._graphs(range(self.num_graphs))

    def _graphs(self, numbers: Iterable[int]) -> list[Data]:
        """Return the graphs with these numbers, after one look at all edges."""
        graph = self.batch.index_select(0, self.edge_index[0])
        level_of, fields = levels(self), dict(self.stores[0])
        if bool((graph.diff() < 0).any()):  # such as those of a view with new edges
            order = graph.argsort(stable=True)
            fields["edge_index"] = self.edge_index.index_select(1, order)
            for name, level in level_of.items():
                if level == EDGE:
                    fields[name] = take_rows(fields[name], order)
        edge_ptr = [0, *graph.bincount(minlength=self.num_graphs).cumsum(0).tolist()]
        node_ptr = self.ptr.tolist()
        ptrs = {NODE: node_ptr, EDGE: edge_ptr, GRAPH: range(self.num_graphs + 1)}
        meaning = common_meaning([self])
        as_given = set() if meaning is None else unchanged([self], meaning)
        graphs = []
        for number in numbers:
            rows = {level: slice(*ptr[number : number + 2]) for level, ptr in ptrs.items()}
            graph = _graph(fields, level_of, rows)
            if meaning is not None:
                give_to_graph(graph, meaning, {name: graph[name] for name in as_given})
            graphs.append(graph)
        return graphs

    def __reduce__(self) -> Any:
        return copyreg.__newobj__, (type(self),), self.__dict__.copy()  # type: ignore[attr-defined]


def _graph(fields: dict[str, Any], level_of: dict[str, str], rows: dict[str, slice]) -> Data:
    """Return one graph, given the rows of it at each level."""
    graph = Data()
    for name, value in fields.items():
        if name == "edge_index":
            graph.edge_index = value[:, rows[EDGE]] - rows[NODE].start
        elif name in level_of:
            taken = take_rows(value, rows[level_of[name]])
            whole = level_of[name] == GRAPH and isinstance(value, list | tuple)
            graph[name] = taken[0] if whole else taken  # as PyG does
    return graph
