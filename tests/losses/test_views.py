"""Rows known to be views of the same graphs in one order: the same pairs, not looked for."""

import dataclasses

import pytest
import torch

from graph_hcl.losses import HSCL, HUCL, UCL, NTXent, Pairs
from graph_hcl.losses.objective import ObjectiveInput


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(("views", "graphs"), [(2, 5), (3, 4), (1, 4), (2, 1), (2, 0)])
def test_pairs_are_the_same(views: int, graphs: int, own: bool) -> None:
    graph = torch.randperm(20)[:graphs].repeat(views)
    pairs = Pairs.among(graph, graph)
    if not own:
        pairs = dataclasses.replace(pairs, self_index=None)
    known = dataclasses.replace(pairs, copies=views)
    for name in ("counts", "positive_pairs", "excluded_pairs"):
        for found, expected in zip(getattr(known, name)(), getattr(pairs, name)(), strict=True):
            assert torch.equal(found, expected)


@pytest.mark.parametrize("mode", ["auto", "dense", "tiled"])
@pytest.mark.parametrize("views", [2, 3, 12])
@pytest.mark.parametrize(
    "objective",
    [UCL, HUCL, NTXent, HSCL],
    ids=lambda objective: objective.__name__,
)
def test_values_are_the_same_bits(objective, views: int, mode: str) -> None:
    loss = objective(mode=mode)
    z, graph = torch.randn(views * 7, 4), torch.arange(7).repeat(views)
    label = (graph % 3) if loss.uses_labels else None
    found = []
    for known in (None, views):
        leaf = z.clone().requires_grad_()
        value = loss.compute(ObjectiveInput(leaf, graph, label, views=known))
        value.backward()
        found.append((value.detach(), leaf.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][0] > 0


def test_views_that_are_none_are_told() -> None:
    z = torch.randn(4, 2)
    for graph, views in (
        (torch.tensor([0, 1, 1, 0]), 2),
        (torch.tensor([0, 0, 0, 0]), 2),
        (torch.tensor([0, 1, 0, 1]), 3),
    ):
        with pytest.raises(ValueError, match=f"the same distinct graphs {views} times"):
            UCL()(z, graph=graph, views=views)
    with pytest.raises(ValueError, match="two views given apart are two"):
        UCL()(z, z, views=2)


def test_a_forward_of_ones_own_need_not_know_of_them() -> None:
    class Doubled(UCL):
        def forward(self, z, other=None, label=None, *, graph=None):
            return 2 * super().forward(z, other, label, graph=graph)

    z, graph = torch.randn(6, 2), torch.arange(3).repeat(2)
    given = ObjectiveInput(z, graph, views=2)
    assert torch.equal(Doubled().compute(given), 2 * UCL().compute(given))
