"""Mixed precision: 16 bits for the encoder, 32 for losses, weights and embeddings."""

import dataclasses

import pytest
import torch

from graph_hcl.augment import EdgeDrop, ViewSampler
from graph_hcl.data import load
from graph_hcl.losses import HUCL, HInfoGraph
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import Checkpoint, TrainingSettings, fit
from graph_hcl.training.optimizers import make_optimizer
from graph_hcl.training.precision import MixedPrecision

CPU = torch.device("cpu")
MIXED = ("bf16-mixed", "16-mixed")


def trained(precision, epochs=2, backbone="gin", objective=None, checkpoint=None, **settings):
    torch.manual_seed(0)
    store = load("digits")[:96]
    encoder = GraphEncoder(make_backbone(backbone, store.num_features, 8, 2), 16)
    return fit(
        ContrastiveModel(encoder),
        objective or HUCL(),
        ViewSampler([EdgeDrop(0.2)] * 2),
        store,
        torch.arange(96),
        TrainingSettings(epochs, 32, lr=1e-2, precision=precision, **settings),
        device=CPU,
        checkpoint=checkpoint,
    )


def weights(model):
    return torch.cat([value.flatten() for value in model.state_dict().values()]).double()


@pytest.mark.parametrize("precision", MIXED)
@pytest.mark.parametrize("backbone", ["gin", "gcn", "graphsage", "gat"])
def test_weights_are_near_those_of_32_bits(backbone, precision) -> None:
    start = weights(trained("32-true", 0, backbone))
    exact, found = (weights(trained(p, 1, backbone)) for p in ("32-true", precision))
    assert not torch.equal(found, exact)
    assert (found - exact).norm() < 0.4 * (exact - start).norm()


@pytest.mark.parametrize("precision", MIXED)
def test_an_objective_that_reads_nodes_takes_it_too(precision) -> None:
    found = weights(trained(precision, 1, objective=HInfoGraph()))
    assert found.isfinite().all()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("precision", MIXED)
def test_a_training_goes_on_bit_for_bit(precision, optimizer, tmp_path) -> None:
    whole = weights(trained(precision, 3, optimizer=optimizer))
    file = Checkpoint(tmp_path / "c.safetensors", "model", "run")
    trained(precision, 1, checkpoint=file, optimizer=optimizer)
    again = trained(precision, 3, checkpoint=file, optimizer=optimizer)
    assert torch.equal(weights(again), whole)
    scales = [name for name in file.tensors() if name.startswith("scaler.")]
    assert len(scales) == (2 if precision == "16-mixed" else 0)


def test_a_step_that_overflows_is_left_out_and_the_scale_falls() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], 1.0)
    half = MixedPrecision("16-mixed", CPU)
    before = half.tensors() or {"scale": torch.tensor(65536.0)}
    half.backward((weight * 1e35).sum(), optimizer)
    assert not weight.grad.isfinite().all()
    assert half.counted(weight.grad.norm()) == 0
    half.step(optimizer)
    assert weight == 1
    assert half.tensors()["scale"] < before["scale"]
    weight.grad = None
    half.backward((weight * 0.25).sum(), optimizer)
    half.step(optimizer)
    assert weight == 0.75


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("momentum", [None, 0.0])
def test_a_first_step_that_overflows_leaves_no_trace(name, momentum) -> None:
    settings = TrainingSettings(
        1, 8, lr=0.1, optimizer=name, precision="16-mixed",
        momentum=momentum if name == "sgd" else None,
    )  # fmt: skip
    ends = []
    for slopes in ((1e38, 1.0, 1.0), (1.0, 1.0)):
        weight = torch.nn.Parameter(torch.ones(1000))
        optimizer, half = make_optimizer([weight], settings, CPU), MixedPrecision("16-mixed", CPU)
        junk = [torch.full((1000,), 5.0) for _ in range(20)]  # what memory that is not set may hold
        del junk
        for slope in slopes:
            weight.grad = None
            half.backward((weight * slope).sum(), optimizer)
            half.step(optimizer)
        ends.append(weight.detach())
    assert torch.equal(*ends)
    assert ends[0].max() < 0.9


def test_momentum_that_starts_at_rest_changes_no_step() -> None:
    made = TrainingSettings(1, 8, lr=0.1, weight_decay=0.1, optimizer="sgd")
    ends = []
    for precision in ("32-true", "16-mixed"):
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 50))
        optimizer = make_optimizer([weight], dataclasses.replace(made, precision=precision), CPU)
        assert bool(optimizer.state) == (precision == "16-mixed")
        for _ in range(3):
            weight.grad = weight.detach().sin()
            optimizer.step()
        ends.append(weight.detach())
    assert torch.equal(*ends)


def test_32_bits_scale_nothing() -> None:
    plain = MixedPrecision("32-true", CPU)
    assert plain.tensors() == {}
    assert plain.counted(torch.tensor(float("inf"))) == float("inf")
    with plain.autocast():
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.float32
