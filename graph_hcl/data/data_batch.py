"""PyG's batch, of which each graph can be taken, however the batch was made."""

from __future__ import annotations

import copyreg
from typing import Any

from torch import Tensor
from torch_geometric.data import Batch, Data

from graph_hcl.data.levels import EDGE, GRAPH, NODE, Rows, levels, take_rows


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
        number = range(self.num_graphs)[idx]
        nodes = slice(*self.ptr[number : number + 2].tolist())
        edges = (self._graph_of_edges() == number).nonzero().squeeze(1)
        rows = {NODE: nodes, EDGE: edges, GRAPH: slice(number, number + 1)}
        return self._graph(dict(self.stores[0]), levels(self), rows)

    def to_data_list(self) -> list[Data]:
        """Return all graphs."""
        graph, level_of, fields = self._graph_of_edges(), levels(self), dict(self.stores[0])
        if bool((graph.diff() < 0).any()):  # such as those of a view with new edges
            order = graph.argsort(stable=True)
            fields["edge_index"] = self.edge_index.index_select(1, order)
            for name, level in level_of.items():
                if level == EDGE:
                    fields[name] = take_rows(fields[name], order)
        edge_ptr = [0, *graph.bincount(minlength=self.num_graphs).cumsum(0).tolist()]
        node_ptr = self.ptr.tolist()
        graphs = []
        for number in range(self.num_graphs):
            ptrs = {NODE: node_ptr, EDGE: edge_ptr, GRAPH: range(self.num_graphs + 1)}
            rows = {level: slice(*ptr[number : number + 2]) for level, ptr in ptrs.items()}
            graphs.append(self._graph(fields, level_of, rows))
        return graphs

    def _graph_of_edges(self) -> Tensor:
        graph: Tensor = self.batch.index_select(0, self.edge_index[0])
        return graph

    def _graph(
        self, fields: dict[str, Any], level_of: dict[str, str], rows: dict[str, Any]
    ) -> Data:
        """Return one graph, given the rows of it at each level."""
        graph = Data()
        for name, value in fields.items():
            if name == "edge_index":
                edges: Rows = rows[EDGE]
                ends = value[:, edges]
                graph.edge_index = ends - rows[NODE].start
            elif name in level_of:
                taken = take_rows(value, rows[level_of[name]])
                whole = level_of[name] == GRAPH and isinstance(value, list | tuple)
                graph[name] = taken[0] if whole else taken  # as PyG does
        if (meaning := getattr(self, "_meaning", None)) is not None:
            graph._meaning = meaning
        return graph

    def __reduce__(self) -> Any:
        return copyreg.__newobj__, (type(self),), self.__dict__.copy()  # type: ignore[attr-defined]
