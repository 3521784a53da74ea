"""Second derivatives, transforms of functions, and compiled losses, against the dense form."""

import warnings

import pytest
import torch
from torch.nn import functional as F

from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    CrossEntropy,
    Exponential,
    InfoGraph,
    NTXent,
    Pairs,
    PowerMean,
    SupCon,
    Threshold,
    contrastive_loss,
    jensen_shannon_loss,
)
from graph_hcl.losses._kernels import dispatch, tiled

LOSSES = {
    "ucl": UCL(),
    "h-ucl": HUCL(beta=0.7),
    "scl": SCL(),
    "h-scl": HSCL(beta=2.0),
    "views": HSCL(positives="views"),
    "latent": HSCL(negatives="all"),
    "nt-xent": NTXent(),
    "supcon": SupCon(),
    "debiased": HUCL(tau_plus=0.1),
    "pairs": HSCL(average="pair", negative_reduction="mean"),
    "logistic": HUCL(psi="logistic"),
    "function": HUCL(hardening=lambda s: F.logsigmoid(3 * s)),
    "raw": HUCL(normalize=False),
    "each": HSCL(reduction="none"),
    "tiled": HUCL(mode="tiled"),
}


def views(seed: int = 0, graphs: int = 4):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = torch.randn(2, graphs, 3, generator=generator, dtype=torch.float64)
    return z1, z2, torch.arange(graphs) % 2


def penalised(loss, *leaves):
    """Return the gradient of loss + 10 ‖gradient‖², which needs every second derivative."""
    fresh = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    value = loss(*fresh) + fresh[0].square().sum()  # part of a sum
    slopes = torch.autograd.grad(value, fresh, create_graph=True)
    return torch.autograd.grad(value + 10 * sum(s.square().sum() for s in slopes), fresh)


@pytest.mark.parametrize("name", LOSSES)
def test_gradgradcheck(name) -> None:
    z1, z2, label = views()
    z1.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda z: LOSSES[name](z, z2, label), (z1,))


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("road", ["symmetric", "rows", "tiles", "many positives"])
@pytest.mark.parametrize(
    "log_eta", [Exponential(0.0), Exponential(1.5), PowerMean(1.5), Threshold(1.2)], ids=str
)
def test_penalties_by_every_road_are_those_of_the_dense_form(
    log_eta, road, detach, monkeypatch
) -> None:
    if detach and isinstance(log_eta, PowerMean):
        pytest.skip("a power mean has no weights")
    for module in (tiled, dispatch):
        monkeypatch.setattr(module, "tile_size", lambda memory, element_size: 8)
    if road == "rows":
        monkeypatch.setattr(dispatch, "logit_bound", lambda *_: None)
    z = F.normalize(torch.cat(views(1, graphs=20)[:2]), dim=1)
    key = torch.arange(40) % (2 if road == "many positives" else 20)
    mode = "tiled" if road in ("tiles", "many positives") else "auto"
    options = {"hardening": log_eta, "detach_weights": detach, "tau_plus": 0.05}
    found, expected = (
        penalised(lambda z, m=m: contrastive_loss(z, Pairs.among(key, key), mode=m, **options), z)
        for m in (mode, "dense")
    )
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)
    plain = torch.autograd.grad(
        contrastive_loss(z.requires_grad_(), Pairs.among(key, key), **options), z
    )
    assert not torch.allclose(found[0], plain[0] + 2 * z, rtol=1e-3)


@pytest.mark.parametrize("options", [{}, {"mode": "tiled"}, {"hardening": Exponential(90.0)}])
def test_penalties_reach_anchors_and_samples(options) -> None:
    nodes, graphs = (part[:, :3] for part in torch.randn(2, 9, 4, dtype=torch.float64))
    owner, names = torch.arange(9) % 3, torch.arange(9)
    pairs = Pairs((owner, names), (owner, names))
    found, expected = (
        penalised(lambda a, x, o=o: contrastive_loss(a, pairs, x, **o), nodes, graphs)
        for o in (options, options | {"mode": "dense"})
    )
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


def test_an_adaptive_beta_is_a_constant() -> None:
    z, _, label = views(2)
    z = F.normalize(torch.cat([z, z + 0.3]), dim=1)
    pairs = Pairs.among(label.repeat(2), label.repeat(2))
    hardening = HUCL(hardening="effective-sample-size").hardening
    found, expected = (
        penalised(lambda z, m=m: contrastive_loss(z, pairs, hardening=hardening, mode=m), z)
        for m in ("auto", "dense")
    )
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


def test_infograph_twice() -> None:
    nodes, graphs = torch.randn(6, 3).double(), torch.randn(2, 3).double()
    owner, names = torch.arange(6) % 2, torch.arange(2)
    pairs = Pairs((owner, names), (owner, names))
    inputs = nodes.requires_grad_(), graphs.requires_grad_()
    for options in ({}, {"hardening": Exponential(1.0), "tau_plus": 0.1}):
        assert torch.autograd.gradgradcheck(
            lambda h, g, o=options: jensen_shannon_loss(h, g, pairs, **o), inputs
        )


def test_half_precision_twice() -> None:
    z1, z2, label = views(3)
    found = penalised(lambda z: HSCL()(z, z2.half(), label), z1.half())[0]
    expected = penalised(lambda z: HSCL()(z, z2.half().double(), label), z1.half().double())[0]
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.double(), expected, rtol=0.02, atol=0.02)


def test_a_plain_backward_pass_never_meets_the_dense_form(monkeypatch) -> None:
    z1, z2, label = views(4)
    for module in ("symmetric", "rowwise"):
        monkeypatch.setattr(f"graph_hcl.losses._kernels.{module}.dense_loss", None)
    monkeypatch.setattr("graph_hcl.losses._kernels.tiled.log_mean_dense", None)
    for mode in ("auto", "tiled"):
        HSCL(mode=mode)(z1.requires_grad_(), z2, label).backward()
    with pytest.raises(TypeError, match="not callable"):
        torch.autograd.grad(HSCL()(z1, z2, label), z1, create_graph=True)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"tiled"}))
def test_transforms_of_functions(name) -> None:
    z1, z2, label = views(5)

    def loss(z):
        return LOSSES[name](z, z2, label).sum()

    leaf = z1.clone().requires_grad_()
    slope = torch.autograd.grad(loss(leaf), leaf)[0]
    torch.testing.assert_close(torch.func.grad(loss)(z1), slope)
    torch.testing.assert_close(torch.func.jacrev(loss)(z1), slope)
    torch.testing.assert_close(torch.func.jvp(loss, (z1,), (z2,))[1], (slope * z2).sum())
    curvature = torch.autograd.functional.hessian(loss, z1)
    torch.testing.assert_close(torch.func.hessian(loss)(z1), curvature)
    mapped = torch.func.vmap(loss)(torch.stack([z1, z2]))
    torch.testing.assert_close(mapped, torch.stack([loss(z1), loss(z2)]))


def test_labels_may_be_mapped_where_no_pairs_are_listed() -> None:
    z1, z2, label = views(6)
    labels = torch.stack([label, label.flip(0)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, on the speed of its own scatter_
        found = torch.func.vmap(lambda label: HSCL()(z1, z2, label))(labels)
        with pytest.raises(ValueError, match="number of positive pairs must be known"):
            torch.func.vmap(lambda label: HSCL(psi="logistic")(z1, z2, label))(labels)
    torch.testing.assert_close(found, torch.stack([HSCL()(z1, z2, each) for each in labels]))


@pytest.mark.parametrize("contrast", ["first-view", "last-view", "across-views"])
def test_views_are_mapped_where_their_number_is_known(contrast) -> None:
    z1, z2, label = views(6)
    loss, graph = HSCL(contrast=contrast), torch.arange(len(z1))
    graphs, z = torch.stack([graph, graph.flip(0)]), torch.cat([z1, z2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, on the speed of its own scatter_
        found = torch.func.vmap(lambda graph: loss(z1, z2, label, graph=graph))(graphs)
        with pytest.raises(
            ValueError, match=f"do not trace with contrast {contrast}: the number of rows of each"
        ):
            torch.func.vmap(lambda graph: loss(z, label=label.repeat(2), graph=graph))(
                graphs.repeat(1, 2)
            )
    torch.testing.assert_close(found, loss(z1, z2, label).expand(2))


def test_tiles_are_refused_where_values_are_unknown() -> None:
    z1, z2, _ = views(7)
    with pytest.raises(ValueError, match="Expected mode auto or dense inside"):
        torch.func.grad(lambda z: HUCL(mode="tiled")(z, z2))(z1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ucl", "h-scl", "nt-xent", "supcon", "debiased", "each"])
def test_compiles_in_one_graph(name) -> None:
    z1, z2, label = views(8)
    loss = LOSSES[name]
    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    leaf, other = (z1.clone().requires_grad_() for _ in range(2))
    found, expected = compiled(leaf, z2, label), loss(other, z2, label)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), leaf), torch.autograd.grad(expected.sum(), other)
    )


@pytest.mark.slow
def test_others_compile_in_one_graph() -> None:
    torch._dynamo.reset()
    z1, z2, label = views(9)
    graph, compile_ = torch.arange(4), {"fullgraph": True, "backend": "aot_eager"}
    entropy = torch.compile(CrossEntropy(), **compile_)
    torch.testing.assert_close(entropy(z1, z2, label), CrossEntropy()(z1, z2, label))
    given = {"graph": graph, "nodes": z2, "node_graph": graph.flip(0)}
    infograph = torch.compile(InfoGraph(), **compile_)
    torch.testing.assert_close(infograph(z1, **given), InfoGraph()(z1, **given))


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss", [HUCL(psi="logistic"), HUCL(hardening="effective-sample-size")], ids=str
)
def test_what_lists_pairs_is_no_single_graph_and_says_why(loss) -> None:
    z1, z2, _ = views(10)
    torch._dynamo.reset()
    with pytest.raises(Exception, match="number of positive pairs must be known"):
        torch.compile(loss, fullgraph=True, backend="aot_eager")(z1, z2)


@pytest.mark.slow
def test_what_lists_pairs_compiles_in_several_graphs() -> None:
    z1, z2, _ = views(11)
    torch._dynamo.reset()
    loss = HUCL(psi="logistic")
    torch.testing.assert_close(torch.compile(loss, backend="aot_eager")(z1, z2), loss(z1, z2))
