"""Numbers that go bad: where, why, and what is left."""

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graph_hcl import GraphContrast
from graph_hcl.config import Config
from graph_hcl.data import load
from graph_hcl.errors import UserError
from graph_hcl.losses import UCL
from graph_hcl.trainer import Trainer
from graph_hcl.training import Callback, Checkpoint, TrainingSettings
from graph_hcl.training.divergence import Diverged, check_finite, likely_causes
from graph_hcl.training.state import TrainState


@pytest.fixture(scope="module")
def mutag():
    return load("MUTAG")


def fit(store, checkpoint=None, callbacks=(), **settings):
    config = Config(
        **{"dataset": "MUTAG", "epochs": 3, "device": "cpu", "hidden": 8, "layers": 2} | settings
    )
    trainer = Trainer(config, store)
    everything = np.arange(len(store))
    return trainer.fit(everything, 0, checkpoint=checkpoint, callbacks=callbacks)


@pytest.mark.parametrize(
    ("settings", "cause", "advice"),
    [
        ({"lr": 1e30}, "the learning rate of 1e+30", "lower --lr"),
        ({"temperature": 1e-39}, "the temperature of 1e-39", "raise --temperature"),
        ({"beta": 3e38}, "the hardness β = 3e+38", "lower --beta"),
    ],
)
def test_the_likely_cause_is_named(mutag, settings, cause, advice) -> None:
    with pytest.raises(UserError, match=r"diverged in epoch 1, step \d ") as told:
        fit(mutag, **settings)
    assert f"probably from {cause}: {advice}" in str(told.value)
    assert str(told.value).endswith(".")
    assert str(told.value).count(". ") == 0


def test_huge_attributes_are_named(mutag) -> None:
    graphs = []
    for graph in mutag[:40]:
        x = torch.linspace(0, 1e30, 2 * graph.num_nodes).view(-1, 2)
        graphs.append(Data(x=x, edge_index=graph.edge_index))
    model = GraphContrast(
        epochs=2, random_state=0, settings={"data.standardize": False}, device="cpu"
    )
    with pytest.raises(
        UserError, match=r"from attributes as large as 1e\+30: scale the attributes"
    ):
        model.fit(graphs)
    state = type("State", (), {"objective": UCL()})()
    assert likely_causes(state, TrainingSettings(1, 8), mutag) == {}


def spoil_weight(model) -> None:
    next(model.parameters()).data.view(-1)[0] = torch.nan


def test_the_last_good_checkpoint_is_named_and_still_good(mutag, tmp_path) -> None:
    checkpoint = Checkpoint(tmp_path / "seed0.safetensors")

    class Later(Callback):
        def on_epoch_end(self, state) -> None:
            if state.epoch == 2:
                spoil_weight(state.model)

    checkpoint_first = fit(mutag, checkpoint, epochs=1)
    assert checkpoint_first is not None
    with pytest.raises(UserError, match="diverged in epoch 3, step 1") as told:
        fit(mutag, checkpoint, [Later()])
    named = f"the last good checkpoint, of epoch {checkpoint.epoch()}, is {checkpoint.path}"
    assert named in str(told.value)


def steep(kind):
    """An objective whose loss is finite and whose gradient is not, in the second step."""

    class Steep(UCL):
        calls = 0

        def forward(self, *arguments, **keys):
            Steep.calls += 1
            loss = super().forward(*arguments, **keys)
            if Steep.calls < 2:
                return loss
            if kind == "too large":  # its square passes float32: Adam would stand still for ever
                return loss + (loss - loss.detach()) * 1e25
            return loss + (loss * torch.inf).clamp_max(0.0)

    return Steep()


@pytest.mark.parametrize("kind", ["infinite", "too large"])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_gradients_that_are_not_finite_stop_at_their_step(mutag, kind, clip) -> None:
    settings = None if clip is None else {"optimizer.clip": clip}
    objective = steep(kind)
    model = GraphContrast(
        objective, epochs=2, hidden=8, layers=2, batch_size=32, random_state=0, device="cpu",
        settings=settings,
    )  # fmt: skip
    with pytest.raises(UserError, match=r"epoch 1, step 2 \(gradients are NaN, infinite or too"):
        model.fit(mutag)
    assert type(objective).calls == 2  # of 6 in an epoch


def state_of(losses, norms, weights=(1.0,), step=3) -> TrainState:
    model = nn.BatchNorm1d(1)
    model.weight.data = torch.tensor(weights)
    state = TrainState(
        model, None, None, None, None, {}, torch.device("cpu"), 5, epoch=2, step=step
    )
    state.losses, state.norms = list(torch.tensor(losses)), list(torch.tensor(norms))
    return state


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (state_of([1.0, np.inf, 1.0], [1.0] * 3), r"epoch 2, step 2 \(the loss is inf\)"),
        (state_of([1.0] * 3, [1.0, 1.0, np.nan]), r"epoch 2, step 3 \(gradients"),
        (state_of([1.0] * 3, [np.nan]), r"epoch 2, step 3 \(gradients"),  # of a resumed epoch
        (state_of([1.0] * 3, [1.0] * 3, [np.nan]), r"epoch 2, step 3 \(weights"),
    ],
)
def test_what_other_devices_find_at_the_end_of_an_epoch(state, told) -> None:
    with pytest.raises(Diverged, match=told):
        check_finite(state)


def test_statistics_of_batch_norm_count_as_weights() -> None:
    state = state_of([1.0] * 3, [1.0] * 3)
    check_finite(state)
    state.model.running_var.fill_(torch.inf)
    with pytest.raises(Diverged, match="weights are NaN or infinite"):
        check_finite(state)


def test_weights_that_go_bad_in_the_last_step_are_never_returned(mutag) -> None:
    class Jump(torch.optim.SGD):
        def __init__(self, weights, lr, **options):
            super().__init__(weights, lr=lr)

        def step(self, closure=None):
            spoil = self.param_groups[0]["params"][0]
            spoil.data.fill_(torch.inf)

    from graph_hcl.registries import OPTIMIZERS

    with (
        OPTIMIZERS.temporarily("jump", Jump),
        pytest.raises(UserError, match=r"\((weights|features|the loss)"),
    ):
        GraphContrast(
            epochs=1, hidden=8, layers=2, batch_size=188, random_state=0, device="cpu",
            settings={"optimizer": "jump"},
        ).fit(mutag)  # fmt: skip
