"""Edits against a loop that treats each graph by itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graph_hcl.augment import Compose, Edit, Identity, RandomChoice, apply, parse, sample_view
from graph_hcl.augment.apply_edit import Applied
from graph_hcl.data import GraphStore
from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.errors import UserError


def random_batch(seed, sizes=(5, 1, 3, 8), density=0.4, attr=True):
    """Undirected graphs with self-loops, isolated nodes, edge attributes equal both ways."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for number, n in enumerate(sizes):
        weight = torch.rand(n, n, generator=generator)
        weight = torch.triu(weight) + torch.triu(weight, 1).T
        edges = (weight < density).nonzero().T
        edge_attr = weight[edges[0], edges[1]][:, None] + 1 if attr else None
        x = torch.rand(n, 3, generator=generator) + 1
        y = torch.tensor([number])
        graphs.append(Data(x=x, edge_index=edges, edge_attr=edge_attr, y=y))
    return Batch.from_data_list(graphs)


def random_edit(batch, seed):
    generator = torch.Generator().manual_seed(seed)
    n, edges = batch.num_nodes, batch.num_edges
    graph = torch.randint(batch.num_graphs, (6,), generator=generator)
    lots = torch.randint(2**40, (2, 6), generator=generator)
    return Edit(
        nodes=torch.rand(n, generator=generator) < 0.6,
        edges=torch.rand(edges, generator=generator) < 0.6,
        masked=torch.rand(n, 3, generator=generator) < 0.3,
        added=batch.ptr[graph] + lots % batch.ptr.diff()[graph],
    )


def slow_apply(batch, edit):
    """The graphs after the edit as (x rows, {(u, v): attribute}), one by one."""
    had = set(map(tuple, batch.edge_index.T.tolist()))
    result = []
    for g in range(batch.num_graphs):
        nodes = [v for v in range(batch.num_nodes) if batch.batch[v] == g]
        kept = [v for v in nodes if edit.nodes[v]] or nodes[:1]
        number = {v: i for i, v in enumerate(kept)}
        x = [[0.0 if edit.masked[v, f] else batch.x[v, f].item() for f in range(3)] for v in kept]
        edges = {}
        for e, (u, v) in enumerate(batch.edge_index.T.tolist()):
            if edit.edges[e] and u in number and v in number:
                edges[number[u], number[v]] = batch.edge_attr[e].item()
        for u, v in edit.added.T.tolist():
            for a, b in ((u, v), (v, u)):
                if a != b and (a, b) not in had and a in number and b in number:
                    edges[number[a], number[b]] = 0.0
        result.append((x, edges))
    return result


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_apply_equals_the_loop_over_graphs(seed):
    batch = random_batch(seed)
    edit = random_edit(batch, seed + 1)
    found, expected = apply(batch, edit), slow_apply(batch, edit)
    assert found.num_graphs == batch.num_graphs
    assert torch.equal(found.y, batch.y)
    assert found.edge_index.shape[1] == sum(len(edges) for _, edges in expected)
    for g, (x, edges) in enumerate(expected):
        start, end = found.ptr[g], found.ptr[g + 1]
        assert torch.equal(found.x[start:end], torch.tensor(x))
        assert (found.batch[start:end] == g).all()
        mine = found.batch[found.edge_index[0]] == g
        pairs = (found.edge_index[:, mine] - start).T.tolist()
        got = dict(zip(map(tuple, pairs), found.edge_attr[mine, 0].tolist(), strict=True))
        assert got == edges


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_several_edits_cut_into_parts_are_each_applied_and_then_cut(seed):
    batch = random_batch(seed)
    edits = [random_edit(batch, seed), Edit(), random_edit(batch, seed + 1)]
    cut = seed % (batch.num_graphs + 1)
    sizes = [cut, batch.num_graphs - cut]
    for parts, edit in zip(Applied(batch, edits, sizes).parts(), edits, strict=True):
        whole = apply(batch, edit)
        (expected,) = Applied(whole, [Edit()], sizes).parts()
        for part, other in zip(parts, expected, strict=True):
            assert part.num_graphs == other.num_graphs
            for name in ("x", "edge_index", "edge_attr", "y", "batch", "ptr"):
                assert torch.equal(part[name], other[name]), name


@pytest.mark.parametrize("seed", range(4))
def test_edits_combine_to_what_they_do_one_after_the_other(seed):
    batch = random_batch(seed, sizes=(6, 7))
    first = Edit(edges=random_edit(batch, seed).edges, masked=random_edit(batch, seed).masked)
    second = Edit(edges=random_edit(batch, seed + 1).edges[first.edges])
    there = torch.zeros_like(first.edges).masked_scatter(first.edges, second.edges)
    once = apply(batch, first & Edit(edges=there))
    twice = apply(apply(batch, first), second)
    assert torch.equal(once.edge_index, twice.edge_index)
    assert torch.equal(once.x, twice.x)
    assert torch.equal(once.edge_attr, twice.edge_attr)


def test_the_batch_stays_as_it_was():
    batch = random_batch(0)
    before = {key: value.clone() for key, value in batch.to_dict().items()}
    apply(batch, random_edit(batch, 1))
    assert all(torch.equal(batch[key], value) for key, value in before.items())


def test_isolated_nodes_survive_relabelling():
    # Relabelling by the nodes that edges mention loses those without edges.
    graph = Data(x=torch.arange(4.0)[:, None], edge_index=torch.tensor([[0, 3], [3, 0]]))
    batch = Batch.from_data_list([graph, graph])
    found = apply(batch, Edit(nodes=torch.tensor([False, True, True, True] * 2)))
    assert found.x.squeeze(1).tolist() == [1, 2, 3, 1, 2, 3]
    assert found.edge_index.numel() == 0
    assert found.ptr.tolist() == [0, 3, 6]


def test_no_graph_is_emptied():
    batch = random_batch(3)
    found = apply(batch, Edit(nodes=torch.zeros(batch.num_nodes, dtype=torch.bool)))
    assert found.ptr.tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(found.x, batch.x[batch.ptr[:-1]])


def test_a_graph_without_nodes_stays_one_and_takes_none_of_its_neighbour():
    none, one = torch.empty(2, 0, dtype=torch.long), torch.ones(1, 3)
    graphs = [Data(x=x, edge_index=none) for x in (one[:0], one, one[:0])]
    batch = Batch.from_data_list(graphs)
    found = apply(batch, Edit(nodes=torch.tensor([False])))
    assert found.ptr.tolist() == [0, 0, 1, 1]
    assert found.num_graphs == 3


def test_attributes_of_new_edges_are_zeros_of_the_new_length():
    # Adding edges must lengthen the attributes, too.
    batch = random_batch(1, sizes=(4,), density=0.2)
    batch.edge_attr = torch.ones(batch.num_edges, 2, 3)
    pairs = torch.tensor([[0, 1, 2, 0, 3, 3], [1, 2, 3, 1, 0, 3]])
    found = apply(batch, Edit(added=pairs))
    new = found.num_edges - batch.num_edges
    assert new > 0
    assert found.edge_attr.shape == (found.num_edges, 2, 3)
    assert found.edge_attr[-new:].eq(0).all()
    assert found.edge_attr[:-new].eq(1).all()
    assert len(found.edge_index.unique(dim=1).T) == found.num_edges
    assert found.is_undirected()


def edges_of(batch, graph):
    """The edges of one graph of a batch, as a set of pairs of its own node numbers."""
    mine = batch.batch[batch.edge_index[0]] == graph
    return set(map(tuple, (batch.edge_index[:, mine] - batch.ptr[graph]).T.tolist()))


def test_a_choice_edits_the_graphs_that_chose_it_alone():
    batch = random_batch(5)
    seen = []

    def heavy(some, generator):
        seen.append(some)
        return random_edit(some, 6)

    found = apply(batch, RandomChoice((heavy, Identity()))(batch, torch.Generator().manual_seed(1)))
    (some,) = seen
    assert 0 < some.num_graphs < batch.num_graphs
    changed, plain = apply(some, random_edit(some, 6)), apply(batch, Edit())
    choice = torch.randint(2, (batch.num_graphs,), generator=torch.Generator().manual_seed(1))
    position = 0
    for g in range(batch.num_graphs):
        one, graph = (changed, position) if choice[g] == 0 else (plain, g)
        position += int(choice[g] == 0)
        x = found.x[found.ptr[g] : found.ptr[g + 1]]
        assert torch.equal(x, one.x[one.ptr[graph] : one.ptr[graph + 1]])
        assert edges_of(found, g) == edges_of(one, graph)


def test_a_batch_stays_sorted_undirected_only_while_every_edge_runs_both_ways():
    edges = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    graphs = [Data(x=torch.ones(3, 2), edge_index=edges) for _ in range(4)]
    store = GraphStore.from_data(graphs)
    batch = store.batch(torch.arange(4))
    generator = torch.Generator().manual_seed(0)
    assert is_sorted_undirected(batch)
    for kind in ("edge_drop(0.3)", "node_drop(0.4)", "subgraph(0.5)", "feature_mask(0.5)"):
        found = sample_view(batch, parse(kind), generator)
        assert is_sorted_undirected(found)
        assert found.num_edges < batch.num_edges or kind.startswith("feature")
        assert (found.edge_index[0].diff() >= 0).all()
        assert found.is_undirected()
    one_way = torch.ones(batch.num_edges, dtype=torch.bool)
    one_way[0] = False
    assert not is_sorted_undirected(apply(batch, Edit(edges=one_way)))
    assert not is_sorted_undirected(apply(batch, Edit(added=torch.tensor([[0], [1]]))))
    for other in (edges[:, :5], edges.flip(1), torch.cat([edges, torch.tensor([[2], [2]])], dim=1)):
        store = GraphStore.from_data([Data(x=torch.ones(3, 2), edge_index=other)])
        assert not store.is_sorted_undirected


def test_without_attributes_or_labels_there_are_none():
    batch = random_batch(0, attr=False)
    del batch.y
    found = apply(batch, Edit(nodes=torch.ones(batch.num_nodes, dtype=torch.bool)))
    assert found.edge_attr is None
    assert found.y is None


def test_a_batch_without_ptr_is_refused():
    graph = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0], [1]]))
    with pytest.raises(UserError, match=r"without batch: make one with Batch\.from_data_list"):
        sample_view(graph, lambda batch, generator: Edit(), torch.Generator())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit(nodes=torch.ones(3).bool()), r"nodes as bool \[17\], but got torch.bool \[3\]"),
        (Edit(nodes=torch.ones(17)), r"but got torch.float32 \[17\]"),
        (Edit(masked=torch.ones(17, 2).bool()), r"masked as bool \[17, 3\] or \[17, 1\]"),
        (Edit(added=torch.ones(3, 2).long()), r"\[2, E\], but got \[3, 2\]"),
        (torch.ones(17), "to return an Edit, but got Tensor"),
        (Edit(nodes=[True] * 17), r"edit's nodes as a tensor \[17\], but got list"),
        (Edit(edges=[True]), "edit's edges as a tensor .*, but got list"),
        (Edit(added=[[0], [1]]), r"edit's added edges as a tensor \[2, E\], but got list"),
        (Edit(added=torch.tensor([[0.0], [1.0]])), "added edges to hold integers, but got torch.f"),
        (
            Edit(added=torch.tensor([[0], [99]])),
            "added edges to hold nodes from 0 to 16, but it re",
        ),
        (Edit(added=torch.tensor([[0], [-1]])), "reaches from -1 to 0"),
        (Edit(added=torch.tensor([[4], [5]])), "added edges within one graph, but some join two"),
        (Edit(added=torch.tensor([[0.0], [1.0]]), free=True), "added edges to hold integers"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit, message):
    with pytest.raises(UserError, match=message):
        apply(random_batch(0), edit)


def test_new_edges_may_be_numbered_by_32_bits():
    batch, pairs = random_batch(0), torch.tensor([[0, 9], [1, 16]])
    for free in (False, True):
        found = apply(batch, Edit(added=pairs.int(), free=free))
        assert torch.equal(found.edge_index, apply(batch, Edit(added=pairs, free=free)).edge_index)
        assert found.edge_index.dtype == torch.long


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit(added=torch.tensor([[0], [99]])), "added edges to hold nodes from 0"),
        (Edit(added=torch.tensor([[-1], [0]])), "added edges to hold nodes from 0"),
        (Edit(nodes=[True]), "edit's nodes as a tensor"),
        (None, "to return an Edit, but got NoneType"),
    ],
)
def test_parts_of_a_choice_are_checked_by_the_graphs_that_they_were_given(edit, message):
    choice = RandomChoice((lambda batch, generator: edit,))
    with pytest.raises(UserError, match=message):
        sample_view(random_batch(0), choice, torch.Generator().manual_seed(0))


def test_parts_that_are_composed_return_edits():
    part = Compose((Identity(), lambda batch, generator: 3))
    with pytest.raises(UserError, match="to return an Edit, but got int"):
        sample_view(random_batch(0), part, torch.Generator())
    with pytest.raises(UserError, match="to return an Edit, but got NoneType"):
        Edit() & None


def test_edits_of_different_batches_are_not_joined():
    one, three = torch.ones(1).bool(), torch.ones(3).bool()
    for name in ("nodes", "edges", "masked_edges"):
        with pytest.raises(
            UserError, match=r"two edits of one batch, but got parts \[1\] and \[3\]"
        ):
            Edit(**{name: one}) & Edit(**{name: three})
    with pytest.raises(
        UserError, match="each part of an edit as a tensor of one batch, but got li"
    ):
        Edit(nodes=[True] * 3) & Edit(nodes=three)
    column, row = torch.ones(3, 1).bool(), torch.zeros(3, 2).bool()
    assert (Edit(masked=column) & Edit(masked=row)).masked.shape == (3, 2)
