"""Q, the denominator, the anchor's own row and contrast across views: loops, in every mode."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    ContrastiveLoss,
    DistributedGather,
    LossSettings,
    NTXent,
    ObjectiveInput,
    SupCon,
)
from graph_hcl.losses._kernels import dispatch
from graph_hcl.losses._kernels.pair_loss import pair_loss

PLAIN = {"temperature": 0.7, "normalize": False}
OBJECTIVES = {
    "ucl": (UCL, {}, "views", lambda s: 1.0),
    "h-ucl": (HUCL, {"beta": 1.5}, "views", lambda s: torch.exp(1.5 * s)),
    "h-ucl threshold": (
        HUCL,
        {"hardening": "threshold", "hardening_options": {"tau": 1.2}},
        "views",
        lambda s: float(torch.exp(s) >= 1.2),
    ),
    "h-scl": (HSCL, {"beta": 0.7}, "labels", lambda s: torch.exp(0.7 * s)),
    "scl by views": (SCL, {"positives": "views"}, "views against labels", lambda s: 1.0),
    "latent h-ucl": (HSCL, {"beta": 1.0, "negatives": "all"}, "latent", lambda s: torch.exp(s)),
}
KEYS = {
    "views": lambda graph, label: (graph, graph),
    "labels": lambda graph, label: (label, label),
    "views against labels": lambda graph, label: (graph, label),
    "latent": lambda graph, label: (label, None),
}
OPTIONS = [
    {"negative_reduction": 14.0},
    {"negative_reduction": 0.25, "average": "pair"},
    {"negative_reduction": 30, "tau_plus": 0.1},
    {"denominator": "negatives"},
    {"denominator": "negatives", "negative_reduction": "mean", "tau_plus": 0.05},
    {"include_self": True, "negative_reduction": "mean"},
    {"include_self": True, "average": "pair", "denominator": "negatives"},
    {"contrast": "across-views"},
    {"contrast": "across-views", "average": "pair", "negative_reduction": 9.5},
    {"contrast": "first-view", "denominator": "negatives"},
    {"contrast": "first-view", "average": "pair", "tau_plus": 0.1},
    {"contrast": "last-view"},
]


def rows(seed: int, graphs: int = 6, views: int = 3, shuffled: bool = True):
    """Return unit rows, and graph, label and view of each; some graphs lack their last view."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(graphs * views, 4, generator=generator, dtype=torch.float64)
    label = torch.randint(3, (graphs,), generator=generator).repeat(views)
    graph = torch.arange(graphs).repeat(views)
    view = torch.arange(views).repeat_interleave(graphs)
    kept = torch.arange(len(z) - 2)
    if shuffled:  # whichever way rows are interleaved, the k-th of a graph is its k-th view
        kept = kept[
            view[kept].double().add(torch.rand(len(kept), generator=generator) * 2).argsort()
        ]
        seen: dict[int, int] = {}
        names = graph[kept].tolist()
        view = torch.tensor([seen.update({g: seen.get(g, -1) + 1}) or seen[g] for g in names])
    else:
        view = view[kept]
    return F.normalize(z, dim=1)[kept], graph[kept], label[kept], view


def slope(loss, z):
    leaf = z.detach().clone().requires_grad_()
    value = loss(leaf)
    return value.detach(), torch.autograd.grad(value, leaf)[0]


@pytest.mark.parametrize("mode", ["auto", "rows", "dense", "tiled"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_equals_loops(reference, name, options, mode, monkeypatch) -> None:
    if mode == "rows":  # blocks of a few whole rows
        monkeypatch.setattr(dispatch, "logit_bound", lambda *_: None)
        monkeypatch.setattr(dispatch, "ROWWISE_MEMORY", 8 * 16 * 5)
    make, own, keys, eta = OBJECTIVES[name]
    z, graph, label, view = rows(0)
    expected = slope(
        lambda z: reference.loop_loss(
            z, *KEYS[keys](graph, label), eta=eta, view=view.tolist(), temperature=0.7, **options
        ),
        z,
    )
    objective = make(mode="auto" if mode == "rows" else mode, **PLAIN, **own, **options)
    found = slope(lambda z: objective(z, graph=graph, label=label), z)
    assert expected[0].abs() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 7),
    st.integers(1, 4),
    st.sampled_from(["all", "across-views", "first-view", "last-view"]),
    st.sampled_from(["sum", "mean", 0.3, 254]),
    st.sampled_from(["positive-and-negatives", "negatives"]),
    st.sampled_from(["anchor", "pair"]),
)
def test_any_combination_equals_loops(
    reference, seed, graphs, views, contrast, q, denominator, average
) -> None:
    if graphs * views < 3:
        return
    z, graph, label, view = rows(seed, graphs, views)
    shared = {"negative_reduction": q, "denominator": denominator, "average": average}
    for make, key in ((HUCL, graph), (HSCL, label)):
        expected = slope(
            lambda z, key=key: reference.loop_loss(
                z, key, key, eta=torch.exp, contrast=contrast, view=view.tolist(), **shared
            ),
            z,
        )
        objective = make(contrast=contrast, normalize=False, **shared)
        found = slope(lambda z, o=objective: o(z, graph=graph, label=label), z)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)
        given_ = ObjectiveInput(z, graph, label)
        if average == "anchor" and int(objective.count(given_)):
            each = make(contrast=contrast, normalize=False, reduction="none", **shared)(
                z, graph=graph, label=label
            )
            assert each.shape == (len(z),)
            torch.testing.assert_close(each.sum() / objective.count(given_), found[0])


def test_two_views_need_no_graphs_and_may_hold_one_twice() -> None:
    z, _, _, _ = rows(1, graphs=5, views=2, shuffled=False)
    z1, z2 = z[:4], z[4:]
    graph = torch.tensor([3, 3, 5, 6])
    for contrast in ("across-views", "first-view", "last-view"):
        loss = UCL(contrast=contrast)
        named = loss(z1, z2, graph=torch.arange(4))
        torch.testing.assert_close(loss(z1, z2), named)
        swapped = {"first-view": "last-view", "last-view": "first-view"}.get(contrast, contrast)
        torch.testing.assert_close(UCL(contrast=swapped)(z2, z1), named)
        # Two rows of graph 3 in each view: each has two positives in the other view.
        each = UCL(contrast=contrast, reduction="none")(z1, z2, graph=graph)
        s = z1 @ z2.t() / 0.5
        first = F.softplus(s[0, 2:].logsumexp(0) - s[0, :2]).mean()
        assert contrast == "last-view" or torch.isclose(each[0], first)


def test_the_mean_of_both_directions_is_that_across_views() -> None:
    z, _, _, _ = rows(2, graphs=6, views=2, shuffled=False)
    z1, z2 = z[:5], z[5:]
    for options in ({}, {"beta": 2.0, "denominator": "negatives"}):
        across, first, last = (
            (HUCL if options else UCL)(contrast=c, **options)(z1, z2)
            for c in ("across-views", "first-view", "last-view")
        )
        torch.testing.assert_close(across, (first + last) / 2)
        assert not torch.isclose(first, last)


def test_nt_xent_across_views_has_each_row_of_the_other_view_once() -> None:
    z, _, _, _ = rows(3, graphs=6, views=2, shuffled=False)
    z1, z2 = z[:5], z[5:]
    s = z1 @ z2.t() / 0.2
    diagonal = torch.arange(5)
    expected = (F.cross_entropy(s, diagonal) + F.cross_entropy(s.t(), diagonal)) / 2
    for make in (NTXent, UCL):
        torch.testing.assert_close(make(temperature=0.2, contrast="across-views")(z1, z2), expected)
    label = torch.tensor([0, 0, 1, 1, 2])
    losses = [-(s.log_softmax(1)[i, label == label[i]]).mean() for i in range(5)]
    found = SupCon(temperature=0.2, contrast="first-view")(z1, z2, label)
    torch.testing.assert_close(found, torch.stack(losses).mean())


def test_decoupled_is_dcl_and_falls_below_zero() -> None:
    z, graph, _, _ = rows(4, graphs=6, views=2, shuffled=False)
    z, graph = z[:10], torch.arange(5).repeat(2)
    s = z @ z.t() / 0.1
    losses = [s[i][graph != graph[i]].logsumexp(0) - s[i, (i + 5) % 10] for i in range(10)]
    loss = UCL(temperature=0.1, denominator="negatives")
    torch.testing.assert_close(loss(z, graph=graph), torch.stack(losses).mean())
    apart = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(  # log(4 e^0) − 1/T
        loss(apart, apart), torch.tensor(math.log(4) - 10, dtype=torch.float64)
    )


@pytest.mark.parametrize("contrast", ["across-views", "first-view", "last-view"])
def test_remembered_rows_are_samples_of_earlier_batches(reference, contrast) -> None:
    first, second = (rows(k, graphs=4, views=2, shuffled=False)[0] for k in (5, 6))
    graph = torch.tensor([0, 1, 2, 0, 1, 2])
    view = torch.tensor([0, 0, 0, 1, 1, 1])
    loss = HUCL(contrast=contrast, memory_size=50, normalize=False)
    alone = HUCL(contrast=contrast, normalize=False)
    torch.testing.assert_close(loss(first, graph=graph), alone(first, graph=graph))
    kept = {"across-views": view >= 0, "first-view": view == 1, "last-view": view == 0}[contrast]
    torch.testing.assert_close(loss.memory.features, first[kept])
    other = graph + 2  # graph 2 comes again
    expected = slope(
        lambda z: sum(
            reference.loop_loss(
                z[view == v],
                other[view == v],
                other[view == v],
                eta=torch.exp,
                samples=torch.cat([z[view != v], first[kept]]),
                sample_positive_keys=torch.cat([other[view != v], graph[kept] - 99]),
                sample_negative_keys=torch.cat([other[view != v], graph[kept]]),
            )
            for v in ((0, 1) if contrast == "across-views" else (int(contrast == "last-view"),))
        ),
        second,
    )
    loss.eval()
    found = slope(lambda z: loss(z, graph=other) * (2 if contrast == "across-views" else 1), second)
    torch.testing.assert_close(found, expected)
    assert int(loss.count(ObjectiveInput(second, other))) == (
        6 if contrast == "across-views" else 3
    )


class Process:
    """One of two processes; `others` are the rows of both, in turn."""

    def __init__(self, rank: int, gathered: list) -> None:
        self.rank, self.gathered = rank, list(gathered)

    def __call__(self, values):
        everything = self.gathered.pop(0)
        start = self.rank * len(values)
        torch.testing.assert_close(everything[start : start + len(values)], values)
        return everything


@pytest.mark.parametrize(
    "options",
    [
        {"contrast": "across-views"},
        {"contrast": "first-view", "denominator": "negatives"},
        {"contrast": "last-view", "negative_reduction": 5.0},
        {"include_self": True},
    ],
    ids=str,
)
def test_the_mean_over_processes_is_the_loss_of_all_rows(options) -> None:
    generator = torch.Generator().manual_seed(7)
    z1, z2 = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
    whole = HUCL(**options)(z1, z2)
    parts = [slice(0, 3), slice(3, 6)]
    everything = torch.cat([torch.cat([z1[p], z2[p]]) for p in parts])
    names = torch.cat([torch.arange(6)[p].repeat(2) for p in parts])
    views = torch.tensor([0, 0, 0, 1, 1, 1]).repeat(2)
    values = [
        HUCL(gather=Process(rank, [names, everything, views]), **options)(z1[part], z2[part])
        for rank, part in enumerate(parts)
    ]
    torch.testing.assert_close(torch.stack(values).mean(), whole)
    torch.testing.assert_close(HUCL(gather=DistributedGather(), **options)(z1, z2), whole)


def test_the_anchor_itself_is_a_positive_and_with_all_repelling_a_negative() -> None:
    z, graph, label, _ = rows(8)
    everyone = SCL(negatives="all", include_self=True)._pairs(label, None)
    positives, negatives = everyone.masks()
    assert positives.diagonal().all()
    assert negatives.all()
    positives, negatives = UCL(include_self=True)._pairs(graph, graph).masks()
    assert positives.diagonal().all()
    assert not negatives.diagonal().any()
    alone = ObjectiveInput(z[:3], torch.arange(3))  # one view is enough
    assert int(UCL(include_self=True).count(alone)) == 3
    assert UCL(include_self=True)(z[:3], graph=torch.arange(3)).isfinite()


class Priced(ContrastiveLoss):
    def penalty(self, z):
        return 0.3 * z.mean(0).square().sum()


def test_a_penalty_is_added_to_the_anchors_that_count() -> None:
    z, graph, _, view = rows(9)
    loss, plain = Priced(contrast="first-view"), UCL(contrast="first-view")
    price = loss.penalty(z)
    torch.testing.assert_close(loss(z, graph=graph) - plain(z, graph=graph), price)
    each = Priced(contrast="first-view", reduction="none")(z, graph=graph)
    assert ((each != 0) == (view == 0)).all()
    torch.testing.assert_close(each[view == 0].mean(), loss(z, graph=graph))


def test_no_rows_and_one_view_give_zero_with_a_zero_gradient() -> None:
    for contrast in ("across-views", "first-view", "last-view"):
        for reduction in ("mean", "none"):
            loss = UCL(contrast=contrast, reduction=reduction)
            for rows_ in (0, 3):
                z = torch.randn(rows_, 2, requires_grad=True)
                value = loss(z, graph=torch.arange(rows_))
                value.sum().backward()
                assert value.shape == (() if reduction == "mean" else (rows_,))
                assert (value == 0).all()
                assert (z.grad == 0).all()
                assert int(loss.count(ObjectiveInput(z, torch.arange(rows_)))) == 0


@pytest.mark.slow
@pytest.mark.parametrize("contrast", ["across-views", "first-view"])
def test_a_compiled_and_a_second_derivative(contrast) -> None:
    z, _, _, _ = rows(10, graphs=5, views=2, shuffled=False)
    loss = HUCL(contrast=contrast, denominator="negatives", negative_reduction=3.0)
    compiled = torch.compile(loss, backend="eager")
    torch.testing.assert_close(compiled(z[:4], z[4:]), loss(z[:4], z[4:]))
    x = z[:3].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda a: loss(a, z[3:6]), x)


def test_drawn_negatives_come_from_the_other_view() -> None:
    z1 = torch.eye(3, dtype=torch.float64)
    loss = UCL(contrast="first-view", num_negatives=20, negative_reduction="mean", temperature=1.0)
    # All negatives have the logit 0, so every draw has the value log(1 + e^-1).
    torch.testing.assert_close(
        loss(z1, z1), torch.tensor(math.log1p(math.exp(-1)), dtype=torch.float64)
    )
    # Two alike in the first view only: were they drawn, the value would differ.
    twins = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=torch.float64)
    value = UCL(contrast="first-view", num_negatives=20, temperature=1.0, reduction="none")(
        twins, torch.eye(3, dtype=torch.float64)
    )
    torch.testing.assert_close(value[0].exp() - 1, torch.tensor(2 * math.exp(-1)).double())


@pytest.mark.parametrize(
    "wrong", [0, -1.0, math.inf, math.nan, True, "254", "average", torch.tensor([1.0, 2.0]), None]
)
def test_q_is_sum_mean_or_a_number_above_zero(wrong) -> None:
    with pytest.raises(ValueError, match="sum, mean or a number above 0 and finite, but got"):
        LossSettings(negative_reduction=wrong)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"contrast": "views"},
            "Expected contrast to be all, across-views, first-view or last-vie",
        ),
        ({"denominator": "positives"}, "Expected denominator to be positive-and-negatives or neg"),
        ({"contrast": "first-view", "include_self": True}, "Expected contrast all with include_s"),
        ({"psi": "infonce", "denominator": "negatives"}, "Expected denominator positive-and-neg"),
    ],
)
def test_mistakes(options, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        UCL(**options)


def test_without_the_positive_psi_says_so_itself() -> None:
    z, graph, _, _ = rows(11)
    for contrast in ("all", "across-views", "last-view"):
        shared = {"contrast": contrast, "negative_reduction": 7.0}
        found = HUCL(psi="infonce", psi_options={"alpha": 0}, **shared)(z, graph=graph)
        expected = HUCL(denominator="negatives", **shared)(z, graph=graph)
        torch.testing.assert_close(found, expected)


def test_a_constant_q_is_kept_in_half_precision() -> None:
    settings_ = LossSettings(negative_reduction=510, denominator="negatives")
    q = torch.full((1,), math.log(510))
    assert pair_loss(settings_, q, torch.zeros(1), q).item() == pytest.approx(math.log(510))
    z = torch.eye(3).half()
    same = UCL(negative_reduction=510, denominator="negatives", temperature=1.0)(z, z)
    assert same.dtype == torch.float32
    assert same.item() == pytest.approx(math.log(510) - 1, abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_the_floor_of_the_debiased_estimate_is_that_of_unit_rows() -> None:
    z, graph, _, _ = rows(12)
    loss = UCL(tau_plus=0.1, normalize=False)
    assert loss(0.5 * z, graph=graph).isfinite()
    with pytest.warns(UserWarning, match="debiased estimate is that of features of length 1"):
        loss(2 * z, graph=graph)
    assert UCL(tau_plus=0.1)(2 * z, graph=graph) == UCL(tau_plus=0.1)(z, graph=graph)


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": True},
        {"tau_plus": False},
        {"num_negatives": True},
        {"memory_size": True},
        {"psi": "triplet", "psi_options": {"margin": math.nan}},
        {"psi": "infonce", "psi_options": {"alpha": math.inf}},
        {"psi": "infonce", "psi_options": {"alpha": "1"}},
    ],
    ids=str,
)
def test_what_is_no_finite_number_is_refused(options) -> None:
    with pytest.raises(ValueError, match=r"Expected .* but got"):
        UCL(**options)
