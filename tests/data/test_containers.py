"""Containers of graphs: those of PyG, Python and numpy; others are refused."""

import warnings

import networkx
import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data, HeteroData, InMemoryDataset
from torch_geometric.data.hypergraph_data import HyperGraphData
from torch_geometric.datasets import FakeDataset
from torch_geometric.transforms import ToDense

from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError

E = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def graph(**changes):
    """A path of three nodes, with x, and what else is given; None takes a field away."""
    given_fields = {"x": torch.ones(3, 2), "edge_index": E} | changes
    return Data(**{name: value for name, value in given_fields.items() if value is not None})


def store(*graphs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return GraphStore.from_data(graphs, **options)


class Numbered(InMemoryDataset):
    def __init__(self, graphs, transform=None) -> None:
        super().__init__(None, transform)
        self.data, self.slices = self.collate(graphs)


def test_containers() -> None:
    graphs = [graph(x=torch.full((3, 2), float(k)), y=k) for k in range(4)]
    expected = store(*graphs).digest()
    array = np.empty(4, dtype=object)
    array[:] = graphs
    batch = Batch.from_data_list(graphs)
    for given_graphs in (graphs, tuple(graphs), iter(graphs), (g for g in graphs), array, batch):
        assert GraphStore.from_data(given_graphs).digest() == expected
    whole = store(*graphs)
    assert GraphStore.from_data(whole) is whole
    dataset = Numbered(graphs, transform=lambda data: data.update({"x": data.x + 1}))
    chosen = torch.utils.data.Subset(dataset, [3, 1])
    assert GraphStore.from_data(dataset).x[:, 0].unique().tolist() == [1, 2, 3, 4]
    assert GraphStore.from_data(dataset[2:]).y.tolist() == [2, 3]
    assert GraphStore.from_data(chosen).y.tolist() == [3, 1]
    assert len(GraphStore.from_data(FakeDataset(3))) == 3


def hetero():
    data = HeteroData()
    data["a"].x = torch.ones(2, 3)
    return data


def hyper():
    return HyperGraphData(x=torch.ones(3, 2), edge_index=torch.tensor([[0, 1, 2], [0, 0, 1]]))


@pytest.mark.parametrize(
    ("graphs", "sentence"),
    [
        ([], "at least one graph, but got none"),
        (graph(), r"a list of graphs, but got one Data: write \[data\]"),
        (hetero(), "a list of graphs .* but got one HeteroData"),
        (torch.ones(3), "a list of graphs .* but got Tensor"),
        (np.ones(3), "a list of graphs .* but got ndarray"),
        ({"a": graph()}, "a list of graphs .* but got dict"),
        ("graphs", "a list of graphs .* but got str"),
        (None, "a list of graphs .* but got one NoneType"),
        (networkx.path_graph(2), "a list of graphs .* but got one Graph"),
        (Batch(x=torch.ones(2, 1), batch=torch.zeros(2)), "cannot be taken apart"),
        ([graph(), hetero()], "graph 1 is HeteroData: to_homogeneous"),
        ([graph(), hyper()], "graph 1 is HyperGraphData: its edge_index joins nodes to hyperedges"),
        (Batch.from_data_list([hyper()]), "graph 0 is HyperGraphData: its edge_index joins"),
        ([ToDense(5)(graph())], "graph 0 has none: it has adj instead, so leave .* ToDense"),
        ([(graph(), 1)], "graph 0 is tuple: give the graphs alone, and their labels as y="),
        ([graph(), None], "graph 1 is NoneType"),
        ([networkx.path_graph(2)], "graph 0 is Graph: GraphStore.from_networkx takes"),
        ([graph(), Batch.from_data_list([graph()])], "graph 1 is DataBatch: take it apart"),
    ],
)  # fmt: skip
def test_other_containers(graphs, sentence) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match=sentence):
            GraphStore.from_data(graphs)
