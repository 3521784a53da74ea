"""Mixed precision: 16 bits for the encoder, 32 for losses, weights and embeddings."""

import pytest
import torch

from graph_hcl.augment import EdgeDrop, ViewSampler
from graph_hcl.data import load
from graph_hcl.losses import HUCL, HInfoGraph
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import Checkpoint, TrainingSettings, fit
from graph_hcl.training.precision import MixedPrecision

CPU = torch.device("cpu")
MIXED = ("bf16-mixed", "16-mixed")


def trained(precision, epochs=2, backbone="gin", objective=None, checkpoint=None):
    torch.manual_seed(0)
    store = load("digits")[:96]
    encoder = GraphEncoder(make_backbone(backbone, store.num_features, 8, 2), 16)
    return fit(
        ContrastiveModel(encoder),
        objective or HUCL(),
        ViewSampler([EdgeDrop(0.2)] * 2),
        store,
        torch.arange(96),
        TrainingSettings(epochs, 32, lr=1e-2, precision=precision),
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


@pytest.mark.parametrize("precision", MIXED)
def test_a_training_goes_on_bit_for_bit(precision, tmp_path) -> None:
    whole = weights(trained(precision, 3))
    file = Checkpoint(tmp_path / "c.safetensors", "model", "run")
    trained(precision, 1, checkpoint=file)
    assert torch.equal(weights(trained(precision, 3, checkpoint=file)), whole)
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


def test_32_bits_scale_nothing() -> None:
    plain = MixedPrecision("32-true", CPU)
    assert plain.tensors() == {}
    assert plain.counted(torch.tensor(float("inf"))) == float("inf")
    with plain.autocast():
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.float32
