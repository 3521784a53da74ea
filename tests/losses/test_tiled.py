"""The tiled form gives the dense form's value and gradient, whatever the tiles are."""

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from graph_hcl.losses import (
    Bell,
    Exponential,
    NoHardening,
    Pairs,
    PowerMean,
    Threshold,
    contrastive_loss,
)
from graph_hcl.losses._kernels import dispatch, tiled

HARDENINGS = {
    "none": NoHardening(),
    "exponential 1": Exponential(1.0),
    "exponential .5": Exponential(0.5),
    "exponential, unbounded": Exponential(90.0),
    "power": PowerMean(1.5),
    "power, unbounded": PowerMean(90.0),
    "bell": Bell(0.3, 0.8),
    "threshold": Threshold(1.5),
    "threshold, none above": Threshold(1e9),
    "callable": lambda s: F.logsigmoid(3 * s),
}
NAMES = ("views", "labels", "views against labels", "latent classes", "one class")


def keys(name: str, graph, label):
    return {
        "views": (graph, graph),
        "labels": (label, label),
        "views against labels": (graph, label),
        "latent classes": (label, None),
        "one class": (graph, graph * 0),
    }[name]


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch):
    """Tiles of 8 × 8, so that a small batch has many, with borders everywhere."""
    for module in (tiled, dispatch):
        monkeypatch.setattr(module, "tile_size", lambda memory, element_size: 8)


def both(*leaves, pairs, **options):
    found = []
    for mode in ("dense", "tiled"):
        fresh = [leaf.detach().clone().requires_grad_() for leaf in leaves]
        value = contrastive_loss(fresh[0], pairs, *fresh[1:], mode=mode, **options)
        found.append((value.detach(), torch.autograd.grad(value, fresh)))
    return found


def rows(seed: int, graphs: int, views: int, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * views, 5, generator=generator, dtype=dtype), dim=1)
    label = torch.randint(4, (graphs,), generator=generator).repeat(views)
    return z, torch.arange(graphs).repeat(views), label


@pytest.mark.parametrize(
    "options", [{}, {"average": "pair", "negative_reduction": "mean"}], ids=str
)
@pytest.mark.parametrize("tau_plus", [0.0, 0.1])
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("hardening", HARDENINGS)
@pytest.mark.parametrize("name", NAMES)
def test_equals_dense(name, hardening, detach, tau_plus, options) -> None:
    if detach and "power" in hardening:
        pytest.skip("a power mean has no weights")
    z, graph, label = rows(0, graphs=21, views=2)
    z[3] = z[4] = z[5]  # ties
    options = options | {"tau_plus": tau_plus, "hardening": HARDENINGS[hardening]}
    dense, tiles = both(
        z, pairs=Pairs.among(*keys(name, graph, label)), detach_weights=detach, **options
    )
    torch.testing.assert_close(tiles, dense, rtol=1e-12, atol=1e-12)
    assert name == "one class" or dense[0] > 0.1


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("hardening", HARDENINGS)
def test_rectangular_equals_dense(hardening, joint) -> None:
    nodes, _, _ = rows(1, graphs=37, views=1)
    graphs, _, _ = rows(2, graphs=6, views=1)
    owner, names = torch.arange(37) % 7, torch.arange(6)  # the graph of some nodes is not there
    for negative in ((owner, names), None):
        pairs = Pairs((owner, names), negative)
        dense, tiles = both(
            nodes,
            graphs,
            pairs=pairs,
            hardening=HARDENINGS[hardening],
            denominator="negatives" if joint else "positive-and-negatives",
        )
        torch.testing.assert_close(tiles, dense, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("hardening", ["none", "exponential 1", "threshold"])
def test_float32_is_near_float64(hardening) -> None:
    z, graph, label = rows(3, graphs=64, views=2)
    for name in NAMES[:4]:
        pairs = Pairs.among(*keys(name, graph, label))
        _, exact = both(z, pairs=pairs, hardening=HARDENINGS[hardening])
        _, found = both(z.float(), pairs=pairs, hardening=HARDENINGS[hardening])
        torch.testing.assert_close(found[0].double(), exact[0], rtol=1e-5, atol=0)
        torch.testing.assert_close(found[1][0].double(), exact[1][0], rtol=1e-4, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 3), st.sampled_from(NAMES))
def test_any_keys(seed: int, graphs: int, views: int, name: str) -> None:
    with patch.object(tiled, "tile_size", lambda memory, element_size: 4):
        z, graph, label = rows(seed, graphs, views)
        pairs = Pairs.among(*keys(name, graph, label))
        dense, tiles = both(z, pairs=pairs, hardening=Exponential(1.5))
        torch.testing.assert_close(tiles, dense, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("temperature", "beta"), [(0.1, 10.0), (0.05, 5.0), (1.0, 100.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_finite_where_exponentials_overflow(temperature, beta, dtype) -> None:
    z, graph, _ = rows(4, graphs=30, views=2, dtype=torch.float32)
    z[1] = z[2]
    options = {"temperature": temperature, "hardening": Exponential(beta)}
    dense, tiles = both(z.to(dtype), pairs=Pairs.among(graph, graph), **options)
    assert tiles[0].isfinite()
    assert tiles[1][0].isfinite().all()
    torch.testing.assert_close(tiles[0], dense[0], rtol=1e-4, atol=1e-5)


def test_many_positives_are_summed_in_tiles() -> None:
    z, _, label = rows(5, graphs=60, views=2)
    pairs = Pairs.among(label % 2, label % 2)
    assert int(pairs.counts()[0].sum()) > 8 * 2 * len(z)
    dense, tiles = both(z, pairs=pairs, hardening=Exponential(1.0), tau_plus=0.05)
    torch.testing.assert_close(tiles, dense, rtol=1e-12, atol=1e-12)


def test_only_sampled_negatives_are_dense() -> None:
    z, graph, _ = rows(7, graphs=30, views=2)
    pairs = Pairs.among(graph, graph)
    with patch.object(dispatch, "dense_loss", side_effect=RuntimeError("dense")):
        contrastive_loss(z, pairs)
        with pytest.raises(RuntimeError, match="dense"):
            contrastive_loss(z, pairs, num_negatives=2)
