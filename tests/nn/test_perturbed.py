"""Views through noisy weights: noise of the right size, on the encoder alone, and no traces."""

import pytest
import torch

from graph_hcl.config import Config, EncoderConfig
from graph_hcl.errors import UserError
from graph_hcl.experiment import make_experiment
from graph_hcl.factory import load_graphs
from graph_hcl.losses.objective import ObjectiveTags
from graph_hcl.model_factory import describe_model, make_model
from graph_hcl.nn import ContrastiveModel, perturbed
from graph_hcl.nn.noise import noisy_weights
from graph_hcl.training import Checkpoint, Log, set_seed


def config(noise: float, **given) -> Config:
    return Config(dataset="MUTAG", encoder=EncoderConfig(weight_noise=noise), hidden=8, **given)


@pytest.fixture(scope="module")
def store():
    return load_graphs(Config(dataset="MUTAG"))


def model_of(store, noise: float) -> ContrastiveModel:
    set_seed(0)
    return make_model(config(noise), describe_model(config(noise), store, ObjectiveTags()))


def test_without_noise_it_is_the_same_view(store) -> None:
    model, batch = model_of(store, 0.0), store.batch(torch.arange(8))
    torch.testing.assert_close(perturbed(0.0)(model, batch), model(batch))


def test_with_noise_it_is_another_each_time_and_leaves_the_model_as_it_was(store) -> None:
    model, batch = model_of(store, 1.0).train(), store.batch(torch.arange(8))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = perturbed(1.0)(model, batch), perturbed(1.0)(model, batch)
    assert not torch.allclose(first, second, atol=0.01)
    assert not first.requires_grad
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_noise_is_of_the_run_of_the_seed(store) -> None:
    model, batch = model_of(store, 1.0), store.batch(torch.arange(8))
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        found.append(perturbed(1.0)(model, batch))
    assert torch.equal(*found)


def test_noise_has_eta_deviations_of_each_weight_and_spares_the_head(store) -> None:
    model = model_of(store, 0.5)
    own, noisy = dict(model.named_parameters()), noisy_weights(model, 0.5)
    moved = {name: (value - own[name]).detach() for name, value in noisy.items()}
    assert set(moved) == {name for name in own if name.startswith("encoder.")}
    wide = [name for name in moved if moved[name].numel() >= 64]
    assert len(wide) > 3
    for name in wide:
        ratio = float(moved[name].std() / own[name].detach().std())
        assert 0.3 < ratio < 0.7, name


@pytest.mark.parametrize(
    "given", [{"views": ["identity"]}, {"objective": "infograph"}], ids=["one view", "nodes"]
)
def test_noise_that_would_have_no_effect_is_refused(store, given) -> None:
    with pytest.raises(UserError, match="two views or more, and an objective"):
        describe_model(config(1.0, **given), store, ObjectiveTags(nodes="objective" in given))


def test_training_with_noise_goes_on_where_it_was_stopped(store, tmp_path) -> None:
    experiment = make_experiment(
        config(1.0, objective="ucl", views=["identity"] * 2, epochs=3, diagnose=False)
    )
    (part,) = experiment.parts()

    def stop(record: dict) -> None:
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    whole = experiment.trainer.fit(part.train, part.seed)
    checkpoint = Checkpoint(tmp_path / "seed0.safetensors")
    with pytest.raises(KeyboardInterrupt):
        experiment.trainer.fit(part.train, part.seed, checkpoint=checkpoint, callbacks=[Log(stop)])
    assert checkpoint.epoch() == 1
    resumed = experiment.trainer.fit(part.train, part.seed, checkpoint=checkpoint)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
