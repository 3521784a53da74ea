"""Invariants of the augmentations, exact counts, and the distributions that they promise."""

import math
from fractions import Fraction

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data
from torch_geometric.utils import from_networkx

from graph_hcl.augment import (
    AUGMENTATIONS,
    ColumnMask,
    Compose,
    EdgeAdd,
    EdgeDrop,
    EdgeMask,
    Edit,
    FeatureMask,
    Identity,
    NodeDrop,
    RandomChoice,
    RandomWalkSubgraph,
    apply,
    parse,
    sample_view,
)
from graph_hcl.augment.ratio import ceil_counts, floor_counts, nearest_counts
from graph_hcl.errors import UserError

RATIOS = st.sampled_from(["0", "0.1", "0.29", "0.5", "0.7", "0.9", "0.99", "1/3", "6/7"])
RATIOS = RATIOS.map(Fraction) | st.fractions(0, Fraction(999, 1000), max_denominator=10**9)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def batch_of(graphs, features=3, attr=True):
    """NetworkX graphs as a batch; x tells the node apart, edge_attr is the same both ways."""
    items = []
    for graph in graphs:
        n = graph.number_of_nodes()
        edges = from_networkx(networkx.Graph(graph)).edge_index
        edge_attr = (edges.sum(0) + 1.0)[:, None] if attr else None
        x = torch.arange(1.0, n * features + 1).view(n, features)
        items.append(Data(x=x, edge_index=edges, edge_attr=edge_attr, y=torch.tensor([n])))
    return Batch.from_data_list(items)


def random_graphs(seed, count=6):
    sizes = torch.randint(1, 25, (count,), generator=seeded(seed)).tolist()
    graphs = [networkx.gnp_random_graph(n, 0.2, seed=seed + i) for i, n in enumerate(sizes)]
    for graph in graphs[::2]:
        graph.add_edge(0, 0)
    return graphs


def edge_pairs(batch):
    return set(map(tuple, batch.edge_index.T.tolist()))


def per_graph(batch, mask):
    return torch.zeros(batch.num_graphs).index_add_(0, batch.batch, mask.float()).long().tolist()


ALL = [
    "identity",
    "edge_drop(0.5)",
    "edge_add(0.5)",
    "edge_mask(0.5)",
    "node_drop(0.5)",
    "feature_mask(0.5)",
    "column_mask(0.5)",
    "subgraph(0.5)",
    "node_drop(0.9)+subgraph(0.1)",
    "edge_drop(0.5)+edge_add(0.5)+node_drop(0.3)",
    "edge_mask(0.5)+edge_drop(0.3)+edge_add(0.5)|edge_mask(1)+node_drop(0.3)",
    "node_drop(0.2)|edge_drop(0.2)|subgraph(0.8)|feature_mask(0.2)|edge_add(0.3)",
]


def test_every_registered_augmentation_is_under_these_tests():
    assert all(any(name in text for text in ALL) for name in AUGMENTATIONS.names())


@pytest.mark.parametrize("text", ALL)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_invariants_of_a_view(text, seed):
    batch = batch_of(random_graphs(seed))
    before = {key: value.clone() for key, value in batch.to_dict().items()}
    found = sample_view(batch, parse(text), seeded(seed))
    assert all(torch.equal(batch[key], value) for key, value in before.items())
    assert found.num_graphs == batch.num_graphs
    assert torch.equal(found.y, batch.y)
    assert (found.ptr.diff() >= 1).all()
    assert found.ptr[-1] == found.num_nodes == len(found.batch)
    assert torch.equal(torch.bincount(found.batch, minlength=batch.num_graphs), found.ptr.diff())
    source, target = found.edge_index
    assert torch.equal(found.batch[source], found.batch[target])
    pairs = edge_pairs(found)
    assert len(pairs) == found.num_edges
    assert {(v, u) for u, v in pairs} == pairs
    attribute = dict(zip(map(tuple, found.edge_index.T.tolist()), found.edge_attr, strict=True))
    assert all(attribute[u, v] == attribute[v, u] for u, v in pairs)
    again = sample_view(batch, parse(text), seeded(seed))
    assert torch.equal(found.x, again.x)
    assert torch.equal(found.edge_index, again.edge_index)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**20), ratio=RATIOS)
def test_node_counts_are_exact(seed, ratio):
    batch = batch_of(random_graphs(seed))
    share = [math.floor(ratio * n) for n in batch.ptr.diff().tolist()]
    stays = NodeDrop(float(ratio))(batch, seeded(seed)).nodes
    assert per_graph(batch, ~stays) == share
    masked = FeatureMask(float(ratio))(batch, seeded(seed)).masked.squeeze(1)
    assert per_graph(batch, masked) == share


@settings(max_examples=60, deadline=None)
@given(
    ratio=st.fractions(0, 1, max_denominator=10**6),
    sizes=st.lists(st.integers(0, 2**31 - 1), min_size=1),
)
def test_shares_of_whole_numbers_are_exact(ratio, sizes):
    given_sizes = torch.tensor(sizes)
    assert floor_counts(given_sizes, float(ratio)).tolist() == [int(ratio * n) for n in sizes]
    assert ceil_counts(given_sizes, float(ratio)).tolist() == [math.ceil(ratio * n) for n in sizes]
    assert nearest_counts(given_sizes // 2, float(ratio)).tolist() == [
        math.floor(ratio * (n // 2) + Fraction(1, 2)) for n in sizes
    ]


def test_ratios_close_to_the_ends_never_take_or_leave_all():
    sizes = torch.tensor([1, 7, 10**6])
    assert floor_counts(sizes, 1 - 1e-12).tolist() == [0, 6, 10**6 - 1]
    assert ceil_counts(sizes, 1e-12).tolist() == [1, 1, 1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20), ratio=st.floats(0, 0.999))
def test_rates_are_those_given(seed, ratio):
    batch = batch_of([networkx.gnp_random_graph(40, 0.3, seed=seed)] * 20, features=40)
    upper = batch.edge_index[0] < batch.edge_index[1]
    dropped = ~EdgeDrop(ratio)(batch, seeded(seed)).edges[upper]
    masked = ColumnMask(ratio)(batch, seeded(seed)).masked[batch.ptr[:-1]]
    edges = EdgeMask(ratio)(batch, seeded(seed)).masked_edges[upper]
    for chosen in (dropped, masked, edges):
        spread = math.sqrt(ratio * (1 - ratio) / chosen.numel())
        assert abs(float(chosen.float().mean()) - ratio) < 6 * spread + 10 / chosen.numel()


def test_masks_touch_nothing_else():
    batch = batch_of([networkx.path_graph(10)] * 3)
    for part in (FeatureMask(0.5), ColumnMask(0.5)):
        edit = part(batch, seeded(0))
        found = apply(batch, edit)
        masked = edit.masked.expand_as(batch.x)
        assert found.x[masked].eq(0).all()
        assert torch.equal(found.x[~masked], batch.x[~masked])
        assert torch.equal(found.edge_index, batch.edge_index)
    # A column is masked at all nodes of a graph, and not alike in all graphs.
    columns = edit.masked.view(3, 10, 3)
    assert torch.equal(columns.all(1), columns.any(1))
    wide = batch_of([networkx.path_graph(2)] * 2, features=64)
    first, second = ColumnMask(0.5)(wide, seeded(0)).masked[::2]
    assert not torch.equal(first, second)


def test_edges_fall_independently_at_the_given_rate():
    batch = batch_of([networkx.complete_graph(60)] * 4)
    upper = batch.edge_index[0] < batch.edge_index[1]
    stays = torch.stack([EdgeDrop(0.3)(batch, seeded(s)).edges[upper] for s in range(40)]).float()
    total = stays.numel()
    assert abs(stays.mean() - 0.7) < 4 * math.sqrt(0.21 / total)
    # Edges that share a node, and cycles of four whose sums of node draws depend, are uncorrelated.
    index = batch.edge_index[:, upper].T.tolist()
    place = {tuple(pair): number for number, pair in enumerate(index)}
    residue = stays - 0.7
    path = residue[:, place[0, 1]] * residue[:, place[1, 2]]
    assert abs(path.mean()) < 4 * 0.21 / math.sqrt(len(path))
    cycles = torch.tensor(
        [[place[a, a + 1], place[a + 1, a + 2], place[a + 2, a + 3], place[a, a + 3]]
         for a in range(56)]
    )  # fmt: skip
    product = residue[:, cycles].prod(-1)
    assert abs(product.mean()) < 4 * 0.21**2 / math.sqrt(product.numel())
    # Uncorrelated edges make the count of an epoch binomial.
    spread = stays.sum(1).var() / (stays.shape[1] * 0.21)
    assert 0.4 < spread < 1.9


def test_self_loops_are_neither_doubled_nor_spared():
    # dropout_edge(force_undirected=True) of PyG returns each kept self-loop twice.
    loops = networkx.Graph([(v, v) for v in range(200)])
    batch = batch_of([loops])
    found = sample_view(batch, EdgeDrop(0.5), seeded(0))
    assert len(edge_pairs(found)) == found.num_edges
    assert 60 < found.num_edges < 140


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.8])
def test_edges_of_a_cycle_fall_independently(ratio):
    count = 40_000
    whole = batch_of([networkx.complete_graph(4)])
    upper = (whole.edge_index[0] < whole.edge_index[1]).repeat(count)
    shift = 4 * torch.arange(count).repeat_interleave(12)
    batch = Batch(x=torch.ones(4 * count, 1), edge_index=whole.edge_index.repeat(1, count) + shift)
    stays = EdgeDrop(ratio)(batch, seeded(0)).edges[upper].view(count, 6)
    pattern = (stays * 2 ** torch.arange(6)).sum(1)
    seen = torch.bincount(pattern, minlength=64)
    kept = torch.tensor([bin(k).count("1") for k in range(64)])
    expected = count * (1 - ratio) ** kept * ratio ** (6 - kept)
    # Chi-squared with 63 degrees of freedom: above 104 in one of a thousand seeds.
    assert float(((seen - expected) ** 2 / expected).sum()) < 104


@pytest.mark.parametrize("part", [EdgeDrop(0.0), NodeDrop(0.0), EdgeAdd(0.0), FeatureMask(0.0),
                                  ColumnMask(0.0), EdgeMask(0.0), Identity()])  # fmt: skip
def test_ratio_zero_changes_nothing(part):
    batch = batch_of(random_graphs(4))
    found = sample_view(batch, part, seeded(0))
    for name in ("x", "edge_index", "edge_attr", "batch", "ptr", "y"):
        assert torch.equal(found[name], batch[name])


def test_node_drop_is_uniform():
    batch = batch_of([networkx.path_graph(5)] * 5000, features=1, attr=False)
    stays = NodeDrop(0.4)(batch, seeded(0)).nodes.view(5000, 5).float().mean(0)
    assert (stays - 0.6).abs().max() < 4 * math.sqrt(0.24 / 5000)


def test_random_choice_is_per_graph_and_uniform():
    batch = batch_of([networkx.path_graph(2)] * 3000, features=1)
    found = RandomChoice((NodeDrop(0.5), EdgeDrop(0.999999), Identity()))(batch, seeded(0))
    dropped = ~found.nodes.view(3000, 2).all(1)
    cut = ~found.edges.view(3000, 2).all(1)
    assert not (dropped & cut).any()
    for chosen in (dropped, cut):
        assert abs(chosen.float().mean() - 1 / 3) < 4 * math.sqrt(2 / 9 / 3000)


def test_compose_draws_each_part_in_turn():
    batch = batch_of(random_graphs(2))
    both = Compose((EdgeDrop(0.3), NodeDrop(0.3)))(batch, seeded(5))
    generator = seeded(5)
    one, two = EdgeDrop(0.3)(batch, generator), NodeDrop(0.3)(batch, generator)
    assert torch.equal(both.edges, one.edges)
    assert torch.equal(both.nodes, two.nodes)


def test_users_write_augmentations_as_functions():
    def first_feature(batch, generator):
        masked = torch.zeros_like(batch.x, dtype=torch.bool)
        masked[:, 0] = True
        return Edit(masked=masked)

    batch = batch_of([networkx.path_graph(3)])
    found = sample_view(batch, Compose((first_feature, EdgeDrop(0.5))), seeded(0))
    assert found.x[:, 0].eq(0).all()
    assert torch.equal(found.x[:, 1:], batch.x[:, 1:])


@pytest.mark.parametrize("part", [EdgeDrop, EdgeAdd, NodeDrop, FeatureMask, ColumnMask])
@pytest.mark.parametrize("ratio", [-0.1, 1.0, 1.5, math.nan])
def test_shares_out_of_range_are_refused(part, ratio):
    with pytest.raises(UserError, match=rf"{part.__name__} with 0 <= ratio < 1, but got {ratio}"):
        part(ratio)


@pytest.mark.parametrize("ratio", [-0.1, 1.01, math.nan])
def test_shares_of_masked_edges_out_of_range_are_refused(ratio):
    with pytest.raises(UserError, match=rf"EdgeMask with 0 <= ratio <= 1, but got {ratio}"):
        EdgeMask(ratio)


@pytest.mark.parametrize("ratio", [0, -1, 1.01, math.nan])
def test_subgraph_shares_out_of_range_are_refused(ratio):
    with pytest.raises(UserError, match="0 < ratio <= 1"):
        RandomWalkSubgraph(ratio)


@pytest.mark.parametrize("kind", [Compose, RandomChoice])
def test_no_parts_are_refused(kind):
    with pytest.raises(UserError, match=f"at least one augmentation in {kind.__name__}"):
        kind(())


@pytest.mark.parametrize("make", [EdgeDrop, NodeDrop, EdgeMask])
def test_an_unknown_argument_is_told_which_was_meant(make) -> None:
    with pytest.raises(TypeError, match=rf"^{make.__name__}\(\) .*'ratoi'. Did you mean ratio\?"):
        make(ratoi=0.1)
