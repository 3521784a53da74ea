"""The Triton kernels give the dense form's value and gradient, under Triton's interpreter.

The dense form itself is compared with loops in float64. With a CUDA device the kernels are compiled
and run there; without one, `TRITON_INTERPRET` is set by the root `conftest.py`.
"""

import pytest
import torch
from torch.nn import functional as F

from graph_hcl.losses import (
    HSCL,
    HUCL,
    SCL,
    UCL,
    Exponential,
    NoHardening,
    NTXent,
    Pairs,
    PowerMean,
    SupCon,
    Threshold,
    contrastive_loss,
)
from graph_hcl.losses._kernels import triton_launch
from tests.compiled import printed

pytest.importorskip("triton", reason="the extra triton is not installed")

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
HARDENINGS = {
    "none": NoHardening(),
    "exponential 1": Exponential(1.0),
    "exponential, unbounded": Exponential(90.0),
    "power": PowerMean(1.5),
    "power, unbounded": PowerMean(90.0),
}
OBJECTIVES = {
    "ucl": UCL(),
    "h-ucl": HUCL(beta=1.0),
    "scl": SCL(),
    "h-scl": HSCL(beta=1.0),
    "h-scl cold": HSCL(beta=2.0, temperature=0.05),
    "h-ucl debiased": HUCL(beta=1.0, tau_plus=0.1),
    "h-scl debiased": HSCL(beta=1.0, tau_plus=0.1),
    "h-ucl debiased, cold": HUCL(beta=1.0, tau_plus=0.1, temperature=0.03),
    "h-ucl detached": HUCL(beta=2.0, detach_weights=True),
    "h-scl, pairs": HSCL(beta=1.0, average="pair", negative_reduction="mean"),
    "h-scl, own row": HSCL(beta=1.0, include_self=True),
    "h-ucl, across views": HUCL(beta=1.0, contrast="across-views"),
    "h-ucl, first view": HUCL(beta=1.0, contrast="first-view"),
    "nt-xent": NTXent(),
    "supcon": SupCon(),
}
KEYS = ("views", "labels", "views against labels", "latent classes")


def rows(graphs: int, width: int = 20, classes: int = 2):
    """Return rows [2 · graphs, width] in float64, their graphs and their labels."""
    made = torch.Generator().manual_seed(graphs)
    z = F.normalize(torch.randn(2 * graphs, width, generator=made, dtype=torch.float64), dim=1)
    label = torch.randint(classes, (graphs,), generator=made).repeat(2)
    return z, torch.arange(graphs).repeat(2), label


def pairs_of(name: str, graph, label) -> Pairs:
    keys = {
        "views": (graph, graph),
        "labels": (label, label),
        "views against labels": (graph, label),
        "latent classes": (label, None),
    }
    return Pairs.among(*keys[name])


def value_and_gradients(loss, *leaves):
    fresh = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    value = loss(*fresh)
    return value.detach(), *torch.autograd.grad(value, fresh)


def on_device(pairs: Pairs) -> Pairs:
    def move(side):
        return side if side is None else tuple(keys.to(DEVICE) for keys in side)

    positive = move(pairs.positive)
    negative = positive if pairs.one_key else move(pairs.negative)
    own = pairs.self_index
    return Pairs(positive, negative, None if own is None else own.to(DEVICE), pairs.in_order)


def assert_near(found, exact, value: float = 2e-6, slope: float = 2e-5) -> None:
    assert found[0].isfinite()
    assert abs(float(found[0]) - float(exact[0])) <= value * max(1.0, abs(float(exact[0])))
    for one, other in zip(found[1:], exact[1:], strict=True):
        assert float((one.cpu().double() - other).abs().max()) <= slope * float(other.abs().max())
        assert float(other.abs().max()) > 0


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives(name) -> None:
    objective = OBJECTIVES[name]
    z, graph, label = rows(21)

    def loss(mode):
        settings = {**vars(objective.settings), "mode": mode}
        copy = type(objective).__new__(type(objective))
        copy.__dict__.update(objective.__dict__)
        copy.settings = type(objective.settings)(**settings)
        return lambda z: copy(
            z, graph=graph.to(z.device), label=label.to(z.device) if copy.uses_labels else None
        )

    exact = value_and_gradients(loss("dense"), z)
    found = value_and_gradients(loss("triton"), z.float().to(DEVICE))
    assert_near(found, exact)
    if name in ("h-ucl", "h-scl", "h-scl debiased", "h-scl cold"):
        half = value_and_gradients(loss("triton"), z.half().to(DEVICE))
        assert_near(half, exact, value=1e-3, slope=1e-2)


@pytest.mark.parametrize("hardening", HARDENINGS)
@pytest.mark.parametrize("name", KEYS)
def test_keys_and_hardenings(name, hardening) -> None:
    z, graph, label = rows(19)
    z[3] = z[4] = z[5]  # ties
    pairs, options = pairs_of(name, graph, label), {"hardening": HARDENINGS[hardening]}
    exact = value_and_gradients(lambda z: contrastive_loss(z, pairs, mode="dense", **options), z)
    there = on_device(pairs)
    found = value_and_gradients(
        lambda z: contrastive_loss(z, there, mode="triton", **options), z.float().to(DEVICE)
    )
    # A logit of float32 is rounded to 1e-7, and e^{91 s} by 91 times as much.
    assert_near(found, exact, slope=2e-4 if "unbounded" in hardening else 2e-5)


@pytest.mark.parametrize("hardening", HARDENINGS)
@pytest.mark.parametrize("keyed", [True, False])
def test_anchors_against_samples(keyed, hardening) -> None:
    nodes, graphs = rows(19)[0], rows(9)[0]
    owner, names = torch.arange(38) % 19, torch.arange(18)  # the graph of some nodes is not there
    pairs = Pairs((owner, names), (owner, names) if keyed else None)
    options = {"hardening": HARDENINGS[hardening]}
    exact = value_and_gradients(
        lambda a, x: contrastive_loss(a, pairs, x, mode="dense", **options), nodes, graphs
    )
    there = on_device(pairs)
    found = value_and_gradients(
        lambda a, x: contrastive_loss(a, there, x, mode="triton", **options),
        *(side.float().to(DEVICE) for side in (nodes, graphs)),
    )
    assert_near(found, exact, slope=2e-4 if "unbounded" in hardening else 2e-5)


def test_own_columns_in_another_order() -> None:
    z, _, label = rows(21)
    order = torch.randperm(42, generator=torch.Generator().manual_seed(1))
    anchors, columns = order[:30], order.argsort()[order[:30]]
    for negative, known in (((label[anchors], label[order]), False), (None, False), (None, True)):
        if known:  # the first 30 columns
            anchors, columns = order[:30], torch.arange(30)
        pairs = Pairs((label[anchors], label[order]), negative, columns, in_order=known)
        exact = value_and_gradients(
            lambda a, x, p=pairs: contrastive_loss(a, p, x, mode="dense"), z[anchors], z[order]
        )
        there = on_device(pairs)
        found = value_and_gradients(
            lambda a, x, p=there: contrastive_loss(a, p, x, mode="triton"),
            *(side.float().to(DEVICE) for side in (z[anchors], z[order])),
        )
        assert_near(found, exact)


def one_way(rows: int) -> dict[str, Pairs]:
    """Return pairs among rows whose keys, or own columns, differ between anchors and samples."""
    count = torch.arange(rows)
    follows = (count + 1) % rows, count
    pairwise = (count // 2, (count + 4) // 2 % (rows // 2))
    swapped = count.view(-1, 2).flip(1).flatten()
    alike = count % 3
    return {
        "the next row": Pairs(follows, follows),
        "the next row, latent classes": Pairs(follows, None),
        "two keys": Pairs(pairwise, follows),
        "negatives one way": Pairs((alike, alike), pairwise),
        "positives one way": Pairs(pairwise, (alike, alike)),
        "own rows swapped": Pairs((count // 4,) * 2, None, swapped),
        "own rows swapped, one key": Pairs((count // 4,) * 2, (count // 4,) * 2, swapped),
        "own rows permuted": Pairs((count * 0,) * 2, None, (5 * count + 1) % rows),
    }


@pytest.mark.parametrize("name", one_way(2))
@pytest.mark.parametrize("hardening", HARDENINGS)
def test_pairs_with_a_direction_among_rows(name, hardening) -> None:
    z, options = rows(19)[0], {"hardening": HARDENINGS[hardening]}
    pairs = one_way(len(z))[name]
    exact = value_and_gradients(lambda z: contrastive_loss(z, pairs, mode="dense", **options), z)
    there = on_device(pairs)
    found = value_and_gradients(
        lambda z: contrastive_loss(z, there, mode="triton", **options), z.float().to(DEVICE)
    )
    assert_near(found, exact, slope=2e-4 if "unbounded" in hardening else 2e-5)


@pytest.mark.parametrize("width", [1, 16, 100, 128, 300])
def test_widths(width) -> None:
    z, graph, label = rows(12, width)
    pairs = pairs_of("labels", graph, label)
    options = {"hardening": Exponential(1.0), "temperature": 0.7}
    exact = value_and_gradients(lambda z: contrastive_loss(z, pairs, mode="dense", **options), z)
    there = on_device(pairs)
    found = value_and_gradients(
        lambda z: contrastive_loss(z, there, mode="triton", **options), z.float().to(DEVICE)
    )
    assert_near(found, exact)


@pytest.mark.parametrize("hardening", ["exponential 1", "exponential, unbounded"])
def test_split_columns_and_short_steps(hardening, monkeypatch) -> None:
    monkeypatch.setattr(triton_launch.Launch, "splits", lambda self, rows, columns, each: 3)
    monkeypatch.setattr(triton_launch, "INTERPRETED", triton_launch.Shape(32, 16, 4, 1))
    z, graph, label = rows(21)
    options = {"hardening": HARDENINGS[hardening]}
    for name in KEYS[:2]:
        pairs = pairs_of(name, graph, label)
        exact = value_and_gradients(
            lambda z, p=pairs: contrastive_loss(z, p, mode="dense", **options), z
        )
        there = on_device(pairs)
        found = value_and_gradients(
            lambda z, p=there: contrastive_loss(z, p, mode="triton", **options),
            z.float().to(DEVICE),
        )
        assert_near(found, exact, slope=2e-4)


def test_deterministic_form_visits_every_tile() -> None:
    z, graph, label = rows(21)
    pairs = on_device(pairs_of("labels", graph, label))
    given, options = z.float().to(DEVICE), {"hardening": Exponential(1.0), "mode": "triton"}
    once = value_and_gradients(lambda z: contrastive_loss(z, pairs, **options), given)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        again = value_and_gradients(lambda z: contrastive_loss(z, pairs, **options), given)
    finally:
        torch.use_deterministic_algorithms(before)
    torch.testing.assert_close(again, once, rtol=1e-5, atol=1e-6)


def test_second_derivative_is_that_of_the_dense_form() -> None:
    z, graph, label = rows(12, width=4)
    found = []
    for mode, leaf in (("dense", z), ("triton", z.float().to(DEVICE))):
        pairs = pairs_of("labels", graph, label)
        leaf = leaf.clone().requires_grad_()
        value = contrastive_loss(leaf, on_device(pairs) if mode == "triton" else pairs, mode=mode,
                                 hardening=Exponential(1.0))  # fmt: skip
        (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), leaf)[0].cpu().double())
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-6)


def test_rows_without_negatives_or_positives() -> None:
    z = rows(10)[0]
    lonely, one = torch.arange(20), torch.zeros(20, dtype=torch.long)
    for key in (lonely, one):
        pairs = on_device(Pairs.among(key, key))
        value, slope = value_and_gradients(
            lambda z, p=pairs: contrastive_loss(z, p, mode="triton", hardening=Exponential(1.0)),
            z.float().to(DEVICE),
        )
        assert value == 0
        assert (slope == 0).all()


@pytest.mark.parametrize(
    ("options", "dtype", "message"),
    [
        ({"hardening": Threshold(1.0)}, torch.float32, "neither exponential nor a power mean"),
        ({}, torch.float64, "features of torch.float64"),
        pytest.param(
            {},
            torch.bfloat16,
            "features of torch.bfloat16 in Triton's interpreter",
            marks=pytest.mark.skipif(DEVICE.type != "cpu", reason="compiled, they are right"),
        ),
        ({"reduction": "none"}, torch.float32, "Expected mode dense or auto with reduction none"),
        ({"num_negatives": 4}, torch.float32, "Expected mode dense or auto with num_negatives"),
    ],
    ids=["hardening", "float64", "bfloat16", "reduction", "num_negatives"],
)
def test_what_the_kernels_do_not_do_is_said(options, dtype, message) -> None:
    z, graph, _ = (each.to(DEVICE) for each in rows(4))
    with pytest.raises(ValueError, match=message):
        contrastive_loss(z.to(dtype), Pairs.among(graph, graph), mode="triton", **options)


def test_without_triton_the_mode_is_refused(monkeypatch) -> None:
    from graph_hcl.losses._kernels import dispatch

    monkeypatch.setattr(triton_launch, "kernels", dict)
    z, graph, _ = rows(4)
    assert dispatch.why_not is triton_launch.why_not
    with pytest.raises(ValueError, match="Expected another mode than triton with no Triton"):
        contrastive_loss(z.float(), Pairs.among(graph, graph), mode="triton")


COMPILED = """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from graph_hcl.losses._kernels.triton_launch import LARGE, SHAPES, kernels
    from graph_hcl.with_triton import OPTIONS

    numbers = {"scale", "shift", "hard", "beta", "log_tau", "log_rest", "floor"}
    def kind(name, features):
        if name in ("rows", "columns", "outer", "inner"):
            return features
        if name in ("first", "end", "own"):
            return "*i32"
        if name.startswith("num_") or name in ("width", "splits"):
            return "i32"
        return "fp32" if name in numbers else "*fp32"

    memory = {86: 101376, 90: 232448}  # of a block on consumer cards, and from Hopper on
    cases = [(86, "half", True), (86, "tf32x3", True), (90, "half", True), (90, "tf32x3", True),
             (90, "tf32x3", False)]
    for target, precision, wide in cases:
        shape = SHAPES[precision, memory[target] >= LARGE]
        features = "*bf16" if precision == "half" else "*fp32"
        constants = dict(CHUNK=128, WIDE=wide, BLOCK=shape.block, STEP=shape.step, ETA=True,
                         PRECISION="tf32x3", SQUARE=True, BOUNDED=True, SYMMETRIC=True, OUTER=True,
                         INNER=True, ROUND=precision == "half", OUT=128, DEBIASED=True,
                         DECOUPLED=False)
        for name, kernel in kernels().items():
            names = kernel.arg_names
            types = {n: "constexpr" if n in constants else kind(n, features) for n in names}
            given = {(names.index(n),): v for n, v in constants.items() if n in names}
            aligned = {(k,): [["tt.divisibility", 16]] for k, n in enumerate(names)
                       if types[n].startswith("*") or n == "width"}
            source = ASTSource(fn=kernel, signature=types, constexprs=given, attrs=aligned)
            options = {"num_warps": shape.warps, "num_stages": shape.stages, **OPTIONS}
            made = triton.compile(source, target=GPUTarget("cuda", target, 32), options=options)
            assert made.metadata.shared <= memory[target], (target, precision, name, made.metadata)
            print(name, made.metadata.shared)
"""


@pytest.mark.slow
def test_the_kernels_compile_for_a_gpu_that_is_not_there() -> None:
    assert len(printed(COMPILED)) == 20
