"""Edges in one direction only: counted, or completed."""

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.utils import is_undirected

from graph_hcl.data import GraphStore

E = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def graph(**changes):
    """A path of three nodes, with x, and what else is given; None takes a field away."""
    given_fields = {"x": torch.ones(3, 2), "edge_index": E} | changes
    return Data(**{name: value for name, value in given_fields.items() if value is not None})


def store(*graphs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return GraphStore.from_data(graphs, **options)


def test_one_way_edges_are_counted_or_completed() -> None:
    once = graph(edge_index=E[:, [0, 2]], edge_attr=torch.tensor([[1.0], [2.0]]))
    both = graph(edge_attr=torch.ones(4, 1))
    with pytest.warns(UserWarning, match="2 of 6 edges have no reverse edge") as told:
        GraphStore.from_data([both, once])
    assert told[0].filename == __file__
    whole = store(both, once, undirected=True)
    assert whole[1].edge_index.tolist() == E.tolist()
    assert whole[1].edge_attr.tolist() == [[1], [1], [2], [2]]
    assert whole[0].edge_attr.tolist() == [[1]] * 4
    assert whole.is_sorted_undirected
    assert GraphStore.from_data(store(both), undirected=True).edge_index.equal(E)


@given(
    graphs=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_undirected_equals_a_slow_loop(graphs) -> None:
    data = [
        graph(
            x=torch.ones(4, 1),
            edge_index=torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).t(),
            edge_attr=torch.rand(len(pairs), 2),
            edge_weight=torch.rand(len(pairs)),
        )
        for pairs in graphs
    ]
    found = store(*data, undirected=True)
    for pairs, old, new in zip(graphs, data, found, strict=True):
        expected = []
        for place, (u, v) in enumerate(pairs):
            carried = (*old.edge_attr[place].tolist(), float(old.edge_weight[place]))
            expected.append((u, v, *carried))
            if (v, u) not in pairs:
                expected.append((v, u, *carried))
        rows = torch.cat([new.edge_index.t(), new.edge_attr, new.edge_weight[:, None]], dim=1)
        assert sorted(map(tuple, rows.tolist())) == sorted(expected)
        assert is_undirected(new.edge_index.unique(dim=1), num_nodes=4) or not pairs
    assert found.one_way == 0
