"""How the losses are called: views, graphs, labels, normalisation, reductions, and mistakes."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    CrossEntropy,
    Epoch,
    Exponential,
    HInfoGraph,
    InfoGraph,
    InfoNCE,
    NTXent,
    ObjectiveInput,
    Pairs,
    PowerMean,
    SupCon,
    contrastive_loss,
    jensen_shannon_loss,
    psi_loss,
)
from graph_hcl.losses.finite import NotFinite
from graph_hcl.losses.precision import unit

OBJECTIVES = {
    "ucl": UCL,
    "scl": SCL,
    "h-ucl": HUCL,
    "h-scl": HSCL,
    "nt-xent": NTXent,
    "supcon": SupCon,
    "psi": lambda **options: HUCL(psi="triplet", **options),
    "adaptive": lambda **options: HUCL(hardening="class-mass", **options),
}


def views(seed: int = 0, graphs: int = 5, dim: int = 4):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = torch.randn(2, graphs, dim, generator=generator, dtype=torch.float64)
    return z1, z2, torch.randint(3, (graphs,), generator=generator)


@pytest.mark.filterwarnings("ignore:.* reads no labels")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 7), st.sampled_from(list(OBJECTIVES)))
def test_two_views_are_rows_with_graphs_in_any_order(seed, graphs, name) -> None:
    z1, z2, label = views(seed, graphs)
    loss = OBJECTIVES[name]()
    found = loss(z1, z2, label)
    torch.testing.assert_close(loss(z2, z1, label=label), found)
    order = torch.randperm(2 * graphs, generator=torch.Generator().manual_seed(seed))
    z, names = torch.cat([z1, z2])[order], (torch.randperm(graphs) * 7 - 3).repeat(2)[order]
    torch.testing.assert_close(loss(z, graph=names, label=label.repeat(2)[order]), found)
    torch.testing.assert_close(loss(z1, z2, label, graph=torch.arange(graphs) - 2), found)
    swapped = torch.rand(graphs, generator=torch.Generator().manual_seed(seed)) < 0.5
    first, second = (torch.where(swapped[:, None], a, b) for a, b in ((z2, z1), (z1, z2)))
    torch.testing.assert_close(loss(first, second, label), found)


@pytest.mark.filterwarnings("ignore:.* reads no labels")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(OBJECTIVES)))
def test_the_length_of_a_row_does_not_matter(seed, name) -> None:
    z1, z2, label = views(seed)
    loss, scale = OBJECTIVES[name](), torch.logspace(-30, 30, 5, dtype=torch.float64)[:, None]
    torch.testing.assert_close(loss(z1 * scale, z2, label), loss(z1, z2, label))
    rows = F.normalize(z1, dim=1), F.normalize(z2, dim=1), label
    torch.testing.assert_close(OBJECTIVES[name](normalize=False)(*rows), loss(z1, z2, label))


def test_not_normalised_is_another_loss(reference) -> None:
    z1, z2, _ = views(1)
    z, graph = torch.cat([z1, z2]), torch.arange(5).repeat(2)
    expected = reference.loop_loss(z, graph, graph)
    torch.testing.assert_close(UCL(normalize=False)(z1, z2), expected)
    torch.testing.assert_close(UCL()(z1, z2), reference.loop_loss(F.normalize(z), graph, graph))
    assert abs(UCL()(z1, z2) - expected) > 0.1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_unit_rows(dtype) -> None:
    z = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-6e-5, 8e-5], [3e4, 4e4]]).to(dtype)
    z.requires_grad_()
    found = unit(z)
    exact = F.normalize(z.detach().double(), dim=1)
    torch.testing.assert_close(found.double(), exact, rtol=1e-6, atol=0)
    (slope,) = torch.autograd.grad(found[:, 0].sum(), z)
    assert slope.isfinite().all()
    assert (slope[1] == 0).all()
    assert (slope[0] != 0).all()
    assert found.dtype == (torch.float32 if dtype.itemsize == 2 else dtype)
    assert unit(torch.empty(3, 0, dtype=dtype)).shape == (3, 0)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(unit(z), found, rtol=0, atol=0)


def test_unit_has_the_derivatives_of_a_direction() -> None:
    z = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit, (z,))
    assert torch.autograd.gradgradcheck(unit, (z,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_row_of_zeros_has_no_gradient(dtype) -> None:
    z1, z2, label = views(2)
    z1 = z1.to(dtype)
    z1[0] = 0
    z1.requires_grad_()
    loss = HSCL()(z1, z2.to(dtype), label)
    loss.backward()
    assert loss.isfinite()
    assert (z1.grad[0] == 0).all()
    assert z1.grad.isfinite().all()
    assert (z1.grad[1:] != 0).any()


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "adaptive"])
@pytest.mark.parametrize("memory", [0, 6])
@pytest.mark.filterwarnings("ignore:.* reads no labels")
def test_one_value_per_row(name, memory) -> None:
    if memory and name in ("nt-xent", "supcon"):
        pytest.skip("they have no memory")
    options = {"memory_size": memory} if memory else {}
    whole, parts = OBJECTIVES[name](**options), OBJECTIVES[name](reduction="none", **options)
    z1, z2, label = views(3)
    z, graph = torch.cat([z1, z2])[:8], torch.arange(5).repeat(2)[:8]  # two graphs have one view
    label = torch.tensor([0, 1, 1, 2, 0]).repeat(2)[:8]
    for _ in range(2):
        each, mean = (loss(z, graph=graph, label=label) for loss in (parts, whole))
        counted = int(whole.eval().count(ObjectiveInput(z, graph, label)))
        whole.train()
        assert each.shape == (8,)
        torch.testing.assert_close(each.sum() / counted, mean)
        assert int((each != 0).sum()) == counted < 8
        graph = graph + 100


@pytest.mark.filterwarnings("ignore:.* reads no labels")
def test_one_value_per_row_is_that_of_the_loop(reference) -> None:
    z1, z2, label = views(4)
    each = HSCL(beta=0.7, reduction="none", normalize=False)(z1, z2, label)
    z, key = torch.cat([z1, z2]), label.repeat(2)
    for row in range(10):  # an anchor alone: the others have keys of their own
        others = torch.arange(10) + 10
        mine = torch.where(torch.arange(10) == row, key, others)
        alone = reference.loop_loss(
            z,
            mine,
            key,
            eta=lambda s: torch.exp(0.7 * s),
            samples=z,
            sample_positive_keys=torch.where(torch.arange(10) == row, 99, key),
            sample_negative_keys=key,
        )
        torch.testing.assert_close(each[row], alone)


def test_reductions_and_modes_that_do_not_fit_are_refused() -> None:
    for wrong in (
        {"reduction": "sum"},
        {"reduction": "none", "average": "pair"},
        {"reduction": "none", "mode": "tiled"},
        {"mode": "fast"},
        {"mode": "tiled", "psi": "triplet"},
        {"mode": "tiled", "num_negatives": 2},
        {"average": "pairs"},
        {"negative_reduction": "avg"},
        {"temperature": math.inf},
        {"temperature": math.nan},
        {"memory_size": -1},
        {"psi_options": {"margin": 1.0}},
        {"hardening_options": {"tau": 1.0}},
        {"hardening": "threshold", "beta": 2.0},
        {"hardening": "power", "psi": "triplet"},
        {"hardening": "power", "detach_weights": True},
        {"hardening": "power", "num_negatives": 2},
        {"hardening": "power", "hardening_options": {"beta": 2.0}},
        {"hardening": "power", "beta": -1.0},
        {"hardening": "bell", "hardening_options": {"width": 0.0}},
        {"hardening": "bell", "hardening_options": {"mean": math.nan}},
        {"hardening": "bell", "beta": 2.0},
        {"hardening": Exponential(2.0), "hardening_options": {"beta": 1.0}},
        {"beta_start": 0.5},
    ):
        with pytest.raises(ValueError, match=r"^Expected [^\n]*$"):
            HUCL(**wrong)


def test_a_power_mean_has_no_weights_for_other_losses() -> None:
    z = torch.eye(4)
    pairs = Pairs.among(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="power mean has no weights"):
        psi_loss(z, pairs, psi=InfoNCE(), hardening=PowerMean(1.0))
    with pytest.raises(ValueError, match="power mean has no weights"):
        jensen_shannon_loss(z, z, pairs, hardening=PowerMean(1.0))
    with pytest.raises(ValueError, match="power mean has no weights"):
        HInfoGraph(hardening="power")


def test_a_schedule_of_a_power_mean_keeps_it() -> None:
    loss = HUCL(hardening="POWER", beta=2.0, schedule="linear")
    loss.on_epoch(Epoch(1, 2))
    assert loss.hardening == PowerMean(0.0)
    loss.on_epoch(Epoch(2, 2))
    assert loss.hardening == PowerMean(2.0)


@pytest.mark.parametrize("mode", ["auto", "dense", "tiled"])
def test_modes_of_the_classes_give_one_value(mode) -> None:
    z1, z2, label = views(5, graphs=40)
    torch.testing.assert_close(HSCL(mode=mode)(z1, z2, label), HSCL()(z1, z2, label))


LABELS = [0, 1, 1, 0, 1]


@pytest.mark.parametrize("name", ["scl", "h-scl", "supcon", "views", "entropy", "queue"])
@pytest.mark.parametrize(
    "label",
    [
        torch.tensor(LABELS).bool(),
        *(torch.tensor(LABELS).to(t) for t in (torch.float32, torch.float16, torch.float64)),
        *(torch.tensor(LABELS).to(t) for t in (torch.uint8, torch.int8, torch.int16, torch.int32)),
        torch.tensor([-128, 127, 127, -128, 127], dtype=torch.int8),
        torch.tensor([0, 255, 255, 0, 255], dtype=torch.uint8),
        torch.tensor([-(2**63), 5, 5, -(2**63), 5]),
        torch.tensor([2**63 - 1, 5, 5, 2**63 - 1, 5]),
        torch.tensor([2**53, 2.0**53 - 1, 2.0**53 - 1, 2**53, 2.0**53 - 1], dtype=torch.float64),
    ],
    ids=str,
)
def test_labels_of_any_type(name, label) -> None:
    z1, z2, _ = views(6, dim=2)
    if name == "entropy":
        label = (label == label[1]).to(label.dtype)
        expected = CrossEntropy()(z1, z2, torch.tensor(LABELS))
        torch.testing.assert_close(CrossEntropy()(z1, z2, label), expected)
        return
    made = {"views": lambda: HSCL(positives="views"), "queue": lambda: HSCL(memory_size=20)}
    make = made.get(name) or OBJECTIVES[name]
    one, other = make(), make()
    for _ in range(2):
        torch.testing.assert_close(one(z1, z2, label), other(z1, z2, torch.tensor(LABELS)))


def test_keys_of_any_integer_type() -> None:
    z, key = F.normalize(views(7)[0], dim=1), torch.tensor(LABELS)
    expected = contrastive_loss(z, Pairs.among(key, key))
    for kind in (torch.bool, torch.uint8, torch.int8, torch.int32):
        narrow = key.to(kind)
        pairs = Pairs.among(narrow, narrow)
        assert pairs.one_key
        assert pairs.symmetric
        torch.testing.assert_close(contrastive_loss(z, pairs), expected)
        mixed = Pairs((narrow, key), (key, narrow))
        torch.testing.assert_close(
            contrastive_loss(z, mixed, z), contrastive_loss(z, Pairs((key, key), (key, key)), z)
        )
    for wrong in (key.float(), LABELS):
        with pytest.raises(ValueError, match="Expected keys to be tensors of integers"):
            Pairs((wrong, wrong), None)


Z1, Z2, LABEL = views(8)
Z, GRAPH = torch.cat([Z1, Z2]), torch.arange(5).repeat(2)
NAN = torch.tensor([0.0, 1.0, math.nan, 0.0, 1.0])
MISTAKES = {
    "graphs as second view": (lambda: HUCL()(Z, GRAPH), "say graph="),
    "alone": (lambda: HUCL()(Z), "second view or graph="),
    "views of other length": (lambda: HUCL()(Z1, Z2[:4]), "two views of the same graphs"),
    "views of other width": (lambda: HUCL()(Z1, Z2[:, :3]), "two views of the same graphs"),
    "no labels": (lambda: HSCL()(Z1, Z2), "Expected label .M., one per row, but HSCL got none"),
    "no labels, SupCon": (lambda: SupCon()(Z1, Z2), "SupCon got none"),
    "label of too few": (lambda: HSCL()(Z1, Z2, LABEL[:4]), "Expected label .5., one per row"),
    "label of rows": (lambda: HSCL()(Z1, Z2, LABEL.repeat(2)), "Expected label .5., one per row"),
    "label of views": (lambda: HSCL()(Z, graph=GRAPH, label=LABEL), "Expected label .10."),
    "several labels": (lambda: SupCon()(Z1, Z2, LABEL[:, None]), "one per row"),
    "a list": (lambda: HSCL()(Z1, Z2, LABEL.tolist()), "torch.as_tensor"),
    "numpy": (lambda: HSCL()(Z1, Z2, LABEL.numpy()), "torch.as_tensor"),
    "NaN label": (lambda: HSCL()(Z1, Z2, NAN), "whole numbers"),
    "NaN class": (lambda: CrossEntropy()(Z1, Z2, NAN), "whole numbers"),
    "fractions": (lambda: HSCL()(Z1, Z2, LABEL + 0.5), "whole numbers"),
    "too large": (lambda: HSCL()(Z1, Z2, LABEL + 2.0**64), "whole numbers"),
    "infinite": (lambda: HSCL()(Z1, Z2, LABEL + math.inf), "whole numbers"),
    "complex": (lambda: HSCL()(Z1, Z2, LABEL + 0j), "integers"),
    "float graphs": (lambda: HUCL()(Z, graph=GRAPH.float()), "graph to hold integers"),
    "graph list": (lambda: HUCL()(Z, graph=GRAPH.tolist()), "torch.as_tensor"),
    "NaN": (lambda: HUCL()(Z1 * math.nan, Z2), "finite features"),
    "NaN, psi": (lambda: HUCL(psi="triplet")(Z1 * math.nan, Z2), "finite features"),
    "NaN, one vector": (lambda: HUCL()(Z1[0], Z2[0]), "features .M, d."),
    "three dimensions": (lambda: HUCL()(Z1[None], Z2[None]), "features .M, d."),
    "integers": (lambda: HUCL()(Z1.long(), Z2.long()), "floating type"),
    "integer rows": (
        lambda: contrastive_loss(Z.long(), Pairs.among(GRAPH, GRAPH)),
        "floating type",
    ),
    "numpy rows": (lambda: HUCL()(Z1.numpy(), Z2.numpy()), "features to be a tensor"),
    "another device": (lambda: HUCL()(Z, graph=GRAPH.to("meta")), "graph on cpu"),
    "psi shapes": (
        lambda: psi_loss(Z1[:3], Pairs.among(LABEL, None), psi=lambda t, q: t.sum(1)),
        "Expected keys for 3 anchors",
    ),
    "nodes": (
        lambda: InfoGraph()(Z1, graph=LABEL, nodes=Z, node_graph=GRAPH[:3]),
        "node_graph .10.",
    ),
    "NaN nodes": (
        lambda: HInfoGraph()(Z1, graph=LABEL, nodes=Z * math.nan, node_graph=GRAPH),
        "finite features",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_a_sentence(name) -> None:
    call, sentence = MISTAKES[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert str(caught.value).startswith("Expected")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["auto", "dense", "tiled"])
def test_no_samples_and_no_anchors_give_zero(mode) -> None:
    none, key = Z[:0], GRAPH[:0]
    for anchors, samples, pairs in (
        (Z, none, Pairs((GRAPH, key), (GRAPH, key))),
        (none, Z, Pairs((key, GRAPH), (key, GRAPH))),
        (none, None, Pairs.among(key, key)),
    ):
        leaf = anchors.clone().requires_grad_()
        for log_eta in (None, Exponential(1.0), lambda s: s.sin()):
            loss = contrastive_loss(leaf, pairs, samples, mode=mode, hardening=log_eta)
            assert loss == 0
            assert (torch.autograd.grad(loss, leaf)[0] == 0).all()
    assert psi_loss(Z, Pairs((GRAPH, key), None), none, psi=lambda t, q: t.sum(1)) == 0
    assert HUCL()(none, none) == 0
    assert HSCL(memory_size=4)(none, none, key) == 0
    assert CrossEntropy()(none, none, key) == 0
    for nodes, graphs, pairs in (
        (none, Z, Pairs((key, GRAPH), (key, GRAPH))),
        (Z, none, Pairs((GRAPH, key), (GRAPH, key))),
    ):
        assert jensen_shannon_loss(nodes, graphs, pairs) == 0
    assert UCL(reduction="none")(none, none).shape == (0,)


def test_unnormalised_rows_with_extreme_logits_are_named_once() -> None:
    with pytest.warns(UserWarning, match="not normalised give logits beyond ±100"):
        HUCL(temperature=0.07, normalize=False)(Z1 * 30, Z2 * 30)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for scale in (30.0, 40.0, 50.0):
            contrastive_loss(Z * scale, Pairs.among(GRAPH, GRAPH), temperature=0.07)
    assert len(told) == 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HUCL(temperature=0.07)(Z1 * 30, Z2 * 30)
        HUCL(temperature=0.005, normalize=False)(F.normalize(Z1), F.normalize(Z2))
        HUCL(normalize=False)(Z1, Z2)


def test_a_debiased_loss_has_a_gradient_where_positives_are_far_nearer_than_negatives() -> None:
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    for mode in ("auto", "dense", "tiled"):
        leaf = z.clone().requires_grad_()
        loss = HUCL(temperature=0.01, tau_plus=0.1, mode=mode)(leaf, z)
        assert torch.autograd.grad(loss, leaf)[0].isfinite().all()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: HUCL(beta=math.inf), "beta to be 0 or more and finite, but got inf"),
        (lambda: HUCL(beta="1"), "beta to be a number, but got str"),
        (lambda: HUCL(beta=torch.tensor(1.0)), "beta to be a number, but got Tensor"),
        (lambda: UCL(temperature=nn.Parameter(torch.ones(()))), "temperature to be a number"),
        (lambda: UCL(temperature=None), "temperature to be a number, but got NoneType"),
        (lambda: UCL(tau_plus="a"), "tau_plus to be a number"),
        (lambda: UCL(num_negatives=2.5), "num_negatives to be a whole number of 1 or more"),
        (lambda: UCL(memory_size=1.5), "memory_size to be a whole number of 0 or more"),
        (lambda: UCL(psi="triplet", psi_options={"marginn": 1}), r"triplet takes \(margin\)"),
        (
            lambda: HUCL(hardening="threshold", hardening_options={"taw": 1}),
            r"threshold takes \(tau\)",
        ),
        (
            lambda: HUCL(hardening="class-mass", hardening_options={"beta_max": 0.0}),
            "beta_max to be above 0 and finite",
        ),
        (
            lambda: HUCL(
                hardening="effective-sample-size", hardening_options={"beta_max": math.inf}
            ),
            "beta_max to be above 0 and finite",
        ),
        (lambda: HInfoGraph(hardening="class-mass"), "the same beta for all nodes"),
        (lambda: HInfoGraph(tau_plus=2.0), r"tau_plus to be in \[0, 1\)"),
    ],
)
def test_settings_of_another_kind_are_one_sentence(make, told) -> None:
    with pytest.raises(ValueError, match=told) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mode", ["auto", "dense", "tiled"])
@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"beta": 1e300}, 1.0),
        ({"temperature": 1e-320}, 1.0),
        ({"temperature": 1e-40}, 1.0),
        ({"normalize": False}, 1e20),
    ],
)
def test_logits_that_overflow_are_refused_and_never_nan(settings, scale, mode) -> None:
    z, loss = scale * torch.randn(6, 4), HUCL(mode=mode, **settings)
    with pytest.raises(NotFinite, match="Expected finite logits"):
        loss(z, z.roll(1, 1))


def test_the_hardest_betas_and_temperatures_that_fit_are_finite() -> None:
    z1, z2 = torch.randn(2, 6, 4)
    for loss in (HUCL(beta=1e30), UCL(temperature=1e-30), HUCL(beta=1e15, temperature=1e-15)):
        assert loss(z1, z2).isfinite()


def test_logits_of_classes_and_of_nodes_are_finite_or_refused() -> None:
    label, z = torch.tensor([0, 1]), torch.tensor([[math.nan, 0.0], [0.0, 1.0]])
    with pytest.raises(NotFinite, match="finite features"):
        CrossEntropy()(z, label=label)
    with pytest.raises(NotFinite, match="finite logits"):
        InfoGraph(temperature=1e-40)(
            torch.eye(2), graph=label, nodes=torch.eye(2), node_graph=label
        )


@pytest.mark.parametrize("mode", ["auto", "dense", "tiled"])
def test_log_eta_of_another_shape_or_kind_is_refused(mode) -> None:
    z, key = torch.eye(4), torch.tensor([0, 1, 0, 1])
    pairs = Pairs.among(key, key)
    with pytest.raises(ValueError, match="Expected log η of the logits' shape"):
        contrastive_loss(z, pairs, hardening=lambda s: s[:, :1], mode=mode)
    with pytest.raises(ValueError, match="Expected hardening to be a function"):
        contrastive_loss(z, pairs, hardening="exponential", mode=mode)


def test_sparse_features_are_refused() -> None:
    z = torch.eye(4)
    for views in ((z.to_sparse(), z), (z, z.to_sparse())):
        with pytest.raises(ValueError, match="Expected dense features"):
            UCL()(*views)


def test_one_value_per_node() -> None:
    graph, node_graph = torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1, 2, 2, 7])
    given = {"graph": graph, "nodes": torch.randn(6, 4), "node_graph": node_graph}
    z = torch.randn(3, 4)
    each = HInfoGraph(reduction="none")(z, **given)
    assert each.shape == (6,)
    assert each[5] == 0  # its graph is not among the three
    assert torch.allclose(each.sum() / 5, HInfoGraph()(z, **given))


def test_a_schedule_that_nobody_moves_is_told_once() -> None:
    z1, z2 = torch.randn(2, 6, 4)
    loss = HUCL(schedule="linear", beta=2.0)
    with pytest.warns(UserWarning, match=r"HUCL stays at beta_start until its on_epoch"):
        assert torch.equal(loss(z1, z2), UCL()(z1, z2))
    moved = HUCL(schedule="linear", beta=2.0)
    moved.on_epoch(Epoch(5, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(z1, z2)
        assert torch.equal(moved(z1, z2), HUCL(beta=2.0)(z1, z2))
