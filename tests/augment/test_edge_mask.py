"""Masks of edges against a loop over edges, and what they leave alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graph_hcl.augment import (
    Compose,
    EdgeAdd,
    EdgeDrop,
    EdgeMask,
    Edit,
    Identity,
    NodeDrop,
    RandomChoice,
    apply,
    mask_edge,
    parse,
    sample_view,
)
from graph_hcl.augment.edges import symmetric_edge_bits
from graph_hcl.config import Config, EncoderConfig
from graph_hcl.data import load
from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.errors import UserError
from graph_hcl.trainer import Trainer

RATIOS = st.sampled_from([0.0, 1e-30, 0.2, 0.5, 0.9, 1 - 1e-16, 1.0])


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(seed: int, sizes=(5, 1, 8, 3), shape=(2,)) -> Batch:
    """Graphs with self-loops, one-way and repeated edges; no attribute is 0."""
    graphs = []
    for number, n in enumerate(sizes):
        edges = torch.randint(n, (2, 3 * n), generator=seeded(seed + number))
        edges = torch.cat([edges, edges[:, ::2].flip(0)], dim=1)
        attr = torch.rand(edges.shape[1], *shape, generator=seeded(seed)) + 1
        graphs.append(
            Data(
                x=torch.rand(n, 2),
                edge_index=edges,
                edge_attr=attr,
                edge_weight=torch.rand(edges.shape[1]),
                pos=torch.rand(n, 3),
                y=torch.tensor([number]),
            )
        )
    return Batch.from_data_list(graphs)


def slow_mask(batch: Batch, ratio: float, seed: int) -> torch.Tensor:
    """The new attributes: the lot of each edge compared with the ratio in whole numbers."""
    lots = symmetric_edge_bits(batch.edge_index, batch.num_nodes, seeded(seed))
    found = batch.edge_attr.clone()
    for e, bits in enumerate(lots.tolist()):
        if bits + 2**63 <= int(ratio * 2**64):
            found[e] = 0
    return found


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**20), ratio=RATIOS, shape=st.sampled_from([(), (1,), (3,), (2, 2)]))
def test_a_mask_is_that_of_a_loop_and_touches_nothing_else(seed, ratio, shape) -> None:
    batch = batch_of(seed, shape=shape)
    before = {key: value.clone() for key, value in batch.to_dict().items()}
    found = sample_view(batch, EdgeMask(ratio), seeded(seed))
    assert torch.equal(found.edge_attr, slow_mask(batch, ratio, seed))
    assert found.edge_attr.dtype == batch.edge_attr.dtype
    for name in ("x", "edge_index", "edge_weight", "pos", "y", "batch", "ptr"):
        assert torch.equal(found[name], batch[name])
    assert all(torch.equal(batch[key], value) for key, value in before.items())
    if ratio == 0:
        assert torch.equal(found.edge_attr, batch.edge_attr)
    if ratio == 1:
        assert not found.edge_attr.any()

    graph = batch.edge_index, batch.edge_attr
    attr, kept = mask_edge(*graph, ratio, num_nodes=batch.num_nodes, generator=seeded(seed))
    assert torch.equal(attr, found.edge_attr)
    assert torch.equal(kept, found.edge_attr.flatten(1 if shape else 0).bool().view(len(kept), -1)
                       .all(1))  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**20), ratio=st.floats(0, 1))
def test_both_directions_and_repetitions_agree(seed, ratio) -> None:
    batch = batch_of(seed)
    masked = EdgeMask(ratio)(batch, seeded(seed)).masked_edges.tolist()
    fate: dict[frozenset, bool] = {}
    for pair, one in zip(batch.edge_index.t().tolist(), masked, strict=True):
        assert fate.setdefault(frozenset(pair), one) == one


def test_the_share_is_that_of_the_ratio_and_edges_are_independent() -> None:
    n = 300
    edges = torch.triu_indices(n, n, 1)
    both = torch.cat([edges, edges.flip(0)], dim=1)
    _, kept = mask_edge(both, torch.ones(both.shape[1]), 0.3, generator=seeded(0))
    half = kept[: edges.shape[1]]
    assert torch.equal(half, kept[edges.shape[1] :])
    assert abs(half.float().mean() - 0.7) < 4 * (0.21 / len(half)) ** 0.5
    meets = half.float()[:-1] * half.float()[1:]  # most of these edges share a node
    assert abs(meets.mean() - 0.49) < 0.02


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_with_other_edits_kept_edges_are_masked_and_new_ones_zero(seed) -> None:
    batch = batch_of(seed)
    parts = (EdgeMask(0.4), EdgeDrop(0.3), EdgeAdd(0.5), NodeDrop(0.3), EdgeMask(0.2))
    generator = seeded(seed)
    masks, *others, more = (part(batch, generator) for part in parts)
    found = sample_view(batch, Compose(parts), seeded(seed))
    masked = masks.masked_edges | more.masked_edges
    first = apply(batch, Edit(masked_edges=masked))
    assert torch.equal(first.edge_attr[masked], torch.zeros_like(batch.edge_attr[masked]))
    then = apply(first, others[0] & others[1] & others[2])
    assert torch.equal(found.edge_attr, then.edge_attr)
    assert torch.equal(found.edge_index, then.edge_index)


def test_a_choice_masks_the_edges_of_the_graphs_that_chose_it() -> None:
    batch = batch_of(1, sizes=(4,) * 200)
    found = sample_view(batch, RandomChoice((EdgeMask(1), Identity())), seeded(0))
    masked = (found.edge_attr == 0).all(1)
    graph = batch.batch[batch.edge_index[0]]
    chosen = torch.zeros(200).index_add_(0, graph, masked.float())
    total = torch.bincount(graph, minlength=200)
    assert all(0 < a == b or a == 0 for a, b in zip(chosen.tolist(), total.tolist(), strict=True))
    assert 60 < int((chosen > 0).sum()) < 140
    assert torch.equal(found.edge_attr[~masked], batch.edge_attr[~masked])


def test_a_sorted_undirected_batch_stays_one() -> None:
    batch = load("MUTAG").batch(slice(20))
    found = sample_view(batch, EdgeMask(0.5), seeded(0))
    assert is_sorted_undirected(found)
    assert found.edge_index is batch.edge_index


def test_graphs_without_attributes_of_edges_are_refused() -> None:
    batch = batch_of(0)
    del batch.edge_attr
    for ratio in (0, 0.5):
        with pytest.raises(UserError, match=r"Expected graphs with edge_attr, .* without: leave"):
            sample_view(batch, EdgeMask(ratio), seeded(0))
    with pytest.raises(UserError, match=r"Expected edge_attr of 2 edges, but got \[3\]"):
        mask_edge(torch.tensor([[0, 1], [1, 0]]), torch.ones(3))
    with pytest.raises(UserError, match=r"Expected p with 0 <= p <= 1, but got 1\.5"):
        mask_edge(torch.tensor([[0, 1], [1, 0]]), torch.ones(2), 1.5)
    wrong = Edit(masked_edges=torch.ones(3, dtype=torch.bool))
    with pytest.raises(UserError, match=r"masked_edges as bool \[\d+\], but got torch.bool \[3\]"):
        apply(batch_of(0), wrong)


VIEWS = ["identity", "node_drop(0.1) | edge_mask(0.2) + edge_drop(0.1)"]


def test_a_mask_that_nothing_reads_is_refused_before_training() -> None:
    with pytest.raises(UserError, match=r"backbone that reads edge_attr, .* got 'gin': choose"):
        Trainer(Config(dataset="MUTAG", views=VIEWS), load("MUTAG"))
    with pytest.raises(UserError, match="graphs with edge_attr for edge_mask, but these have none"):
        Trainer(Config(dataset="digits", backbone="gine", views=VIEWS), load("digits")[:20])
    Trainer(Config(dataset="MUTAG", backbone="gine", views=VIEWS), load("MUTAG"))


def test_masked_edges_change_what_an_encoder_reads() -> None:
    config = Config(dataset="MUTAG", backbone="gine", views=VIEWS, encoder=EncoderConfig(norm=None))
    trainer = Trainer(config, load("MUTAG"))
    model = trainer.model(0).eval()
    batch = trainer.store.batch(slice(10))
    with torch.no_grad():
        plain, masked = (
            model(sample_view(batch, parse(f"edge_mask({ratio})"), seeded(0))) for ratio in (0, 1)
        )
        assert torch.equal(plain, model(batch))
    assert not torch.allclose(plain, masked)
