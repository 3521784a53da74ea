"""A temperature that is chosen from the features of each batch."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.geometry import effective_share
from graph_hcl.losses import HSCL, HUCL, SCL, UCL, InfoGraph, NTXent, Pairs, contrastive_loss
from graph_hcl.losses.gather import DistributedGather
from graph_hcl.losses.temperature import HIGHEST, LOWEST, SHARE, choose_temperature


def rows(seed: int, graphs: int = 40, spread: float = 1.0):
    generator = torch.Generator().manual_seed(seed)
    center = torch.ones(1, 6, dtype=torch.float64)
    noise = torch.randn(2 * graphs, 6, generator=generator, dtype=torch.float64)
    label = torch.randint(3, (graphs,), generator=generator).repeat(2)
    return F.normalize(center + spread * noise, dim=1), torch.arange(graphs).repeat(2), label


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.3, 5), st.floats(0.02, 0.9))
def test_so_large_a_share_counts_at_the_chosen_temperature(seed, spread, share) -> None:
    z, graph, _ = rows(seed, spread=spread)
    chosen = choose_temperature(z, z, Pairs.among(graph, graph), share)
    if LOWEST * 1.001 < chosen < HIGHEST / 1.001:
        assert effective_share(z, graph, chosen) == pytest.approx(share, rel=1e-3)
    else:
        low = chosen < 0.1
        assert (effective_share(z, graph, chosen) > share) == low


def test_of_many_rows_some_stand_for_all() -> None:
    z, graph, label = rows(0, graphs=1500)
    chosen = choose_temperature(z, z, Pairs.among(graph, graph))
    assert effective_share(z, graph, chosen) == pytest.approx(SHARE, rel=0.2)
    ordered = label.argsort()
    z, label = z[ordered], label[ordered]
    few, shares = choose_temperature(z, z, Pairs.among(label, label)), []
    for i in range(0, len(z), 50):
        s = (z[i] @ z[label != label[i]].t()) / few
        shares.append(float((2 * s.logsumexp(0) - (2 * s).logsumexp(0)).exp()) / len(s))
    assert sum(shares) / len(shares) == pytest.approx(SHARE, rel=0.2)


@pytest.mark.parametrize("make", [UCL, SCL, HUCL, HSCL, NTXent])
def test_auto_is_the_loss_at_the_chosen_temperature(make) -> None:
    loss = make(temperature="auto")
    for seed, spread in ((0, 0.5), (1, 2.0)):
        z, graph, label = rows(seed, spread=spread)
        arguments = {"label": label} if loss.uses_labels else {}
        value = loss(z, graph=graph, **arguments)
        negative = make().keys(graph, label)[1]
        pairs = Pairs.among(graph, negative)
        assert loss.temperature == pytest.approx(choose_temperature(z, z, pairs))
        fixed = make(temperature=loss.temperature)(z, graph=graph, **arguments)
        torch.testing.assert_close(value, fixed)
    assert "temperature=auto" in loss.extra_repr()


def test_the_gradient_does_not_go_through_the_choice() -> None:
    z, graph, _ = rows(2)
    leaves = [z.clone().requires_grad_() for _ in range(2)]
    auto = UCL(temperature="auto")
    auto(leaves[0], graph=graph).backward()
    UCL(temperature=auto.temperature)(leaves[1], graph=graph).backward()
    torch.testing.assert_close(leaves[0].grad, leaves[1].grad)


def test_a_batch_without_negatives_keeps_the_temperature() -> None:
    z, graph, _ = rows(3)
    loss = UCL(temperature="auto")
    loss(z, graph=graph)
    before = loss.temperature
    assert loss(z[:2], graph=torch.zeros(2, dtype=torch.long)) == 0
    assert loss.temperature == before
    assert choose_temperature(z[:0], z[:0], Pairs.among(graph[:0], graph[:0])) is None


def test_where_auto_cannot_be_it_is_refused() -> None:
    z, graph, _ = rows(4)
    with pytest.raises(ValueError, match="each process would choose"):
        UCL(temperature="auto", gather=object.__new__(DistributedGather))
    with pytest.raises(ValueError, match="temperature to be a number"):
        contrastive_loss(z, Pairs.among(graph, graph), temperature="auto")
    with pytest.raises(ValueError, match="temperature to be a number"):
        InfoGraph(temperature="auto")
    with pytest.raises(ValueError, match="temperature to be a number"):
        UCL(temperature="automatic")
    with pytest.raises(ValueError, match="it depends on values"):
        torch.func.grad(lambda z: UCL(temperature="auto")(z, graph=graph))(z)


@pytest.mark.parametrize("graphs", [2, 5, 11])
def test_a_batch_of_few_negatives_keeps_the_temperature_of_a_larger_one(graphs) -> None:
    z, graph, _ = rows(5)
    few = graph < graphs
    loss = UCL(temperature="auto")
    with pytest.warns(
        UserWarning, match=r"auto stays at 0.5 in batches of so few negatives: where one"
    ):
        value = loss(z[few], graph=graph[few])
    assert torch.equal(value, UCL(temperature=0.5)(z[few], graph=graph[few]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(z[few], graph=graph[few])  # warned of once
        loss(z, graph=graph)
        chosen = loss.temperature
        assert chosen != 0.5
        value = loss(z[few], graph=graph[few])
    assert loss.temperature == chosen
    assert torch.equal(value, UCL(temperature=chosen)(z[few], graph=graph[few]))


def test_more_than_twenty_negatives_are_enough() -> None:
    z, graph, _ = rows(6)
    for kind in (torch.float32, torch.float64):
        enough, few = ((graph < graphs) for graphs in (12, 11))
        pairs = [Pairs.among(graph[some], graph[some]) for some in (enough, few)]
        assert choose_temperature(z[enough].to(kind), z[enough].to(kind), pairs[0]) is not None
        assert choose_temperature(z[few].to(kind), z[few].to(kind), pairs[1]) is None
    tenth = [choose_temperature(z[few], z[few], pairs[1], share) for share in (0.04, 0.051, 0.1)]
    assert tenth[0] is None
    assert LOWEST <= tenth[1] < tenth[2]


def test_the_temperature_goes_through_a_checkpoint() -> None:
    z, graph, _ = rows(7)
    few = graph < 5
    loss, again = UCL(temperature="auto"), UCL(temperature="auto")
    assert not loss.state_dict()
    again.load_state_dict({})  # of a version that kept none
    loss(z, graph=graph)
    again.load_state_dict(loss.state_dict())
    assert again.temperature == loss.temperature
    assert torch.equal(again(z[few], graph=graph[few]), loss(z[few], graph=graph[few]))
    inside, other = torch.nn.ModuleList([loss]), torch.nn.ModuleList([UCL(temperature="auto")])
    other.load_state_dict(inside.state_dict())
    assert other[0].temperature == loss.temperature
    assert not UCL(temperature=0.1).state_dict()


def test_identical_rows_have_the_lowest_bound_of_nothing() -> None:
    z = torch.ones(24, 2)
    loss = UCL(temperature="auto")
    value = loss(z, graph=torch.arange(12).repeat(2))
    assert loss.temperature == pytest.approx(LOWEST, rel=1e-4)
    assert math.isfinite(value)


def test_only_a_training_changes_the_temperature_that_is_kept() -> None:
    z, graph = rows_of_views(32), torch.arange(32).repeat(2)
    few = graph < 5
    loss = UCL(temperature="auto")
    loss(z, graph=graph)
    kept = loss.temperature
    alike = torch.nn.functional.normalize(1 + 1e-3 * z, dim=1)  # of which no T has the share
    loss(alike, graph=graph)
    assert loss.temperature == LOWEST
    loss(z[few], graph=graph[few])
    assert loss.temperature == kept
    loss.eval()(0.5 * z + z.roll(1, 0), graph=graph)
    assert loss.temperature != kept
    loss.train()(z[few], graph=graph[few])
    assert loss.temperature == kept
    numbered = UCL(temperature=0.2)
    numbered.load_state_dict(loss.state_dict())
    assert numbered.temperature == 0.2
    loss.forget_temperature()
    assert (loss.temperature, loss.state_dict()) == (0.5, {})


def rows_of_views(graphs: int) -> torch.Tensor:
    made = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(2 * graphs, 8, generator=made), dim=1)
