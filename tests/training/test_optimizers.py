"""Optimisers, schedules and clipping, against loops that are written out."""

import dataclasses
import math

import pytest
import torch
import yaml
from torch import nn
from torch_geometric.data import Data

from graph_hcl.__main__ import main
from graph_hcl.augment import SampledView
from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import Callback, Checkpoint, Log, TrainingSettings, fit, set_seed
from graph_hcl.training.checkpoint import state_tensors
from graph_hcl.training.optimizers import gradient_norm, make_optimizer, rate

CPU = torch.device("cpu")
BASE = TrainingSettings(epochs=3, batch_size=4, lr=0.01, weight_decay=1e-3, seed=3)


def cycles() -> GraphStore:
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for index in range(13):
        ring = torch.arange(3 + index % 4)
        edges = torch.stack([ring, ring.roll(1)])
        x = torch.randn(len(ring), 4, generator=generator)
        graphs.append(Data(x=x, edge_index=torch.cat([edges, edges.flip(0)], dim=1)))
    return GraphStore.from_data(graphs)


def draw(store, parts, generator):
    for part in parts:
        views = []
        for _ in range(2):
            batch = store.batch(part)
            batch.x = batch.x + 0.1 * torch.randn(batch.x.shape, generator=generator)
            views.append(SampledView(batch))
        yield views


def loss(z, *, graph, label):
    logits = (z @ z.T / 0.5).fill_diagonal_(-torch.inf)
    partner = torch.arange(len(z)).roll(len(z) // 2)
    return nn.functional.cross_entropy(logits, partner)


def new_model() -> ContrastiveModel:
    set_seed(1)
    return ContrastiveModel(GraphEncoder(make_backbone("gin", 4, 8, 2, dropout=0.2), 16), dim=8)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def train(settings, checkpoint=None, callbacks=(), every=None):
    store, records = cycles(), []
    model = fit(
        new_model(), loss, draw, store, torch.arange(len(store)), settings, device=CPU,
        checkpoint=checkpoint, checkpoint_every=every, callbacks=[*callbacks, Log(records.append)],
    )  # fmt: skip
    return model, records


def by_hand(settings, optimizer, clip=None):
    """The same training with torch alone: batches, views and steps as `fit` draws them."""
    store, model = cycles(), new_model()
    made = optimizer(model.parameters())
    shuffle = torch.Generator().manual_seed(settings.seed)
    augment = torch.Generator().manual_seed(settings.seed + 1)
    for _ in range(settings.epochs):
        order = torch.randperm(len(store), generator=shuffle)
        parts = list(order.split(settings.batch_size))
        if len(parts[-1]) == 1:  # a graph alone has no negative
            parts[-2:] = [torch.cat(parts[-2:])]
        for views in draw(store, parts, augment):
            made.zero_grad()
            z = torch.cat([view.features(model) for view in views])
            loss(z, graph=None, label=None).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            made.step()
    return model


def adam(**more):
    return lambda weights: torch.optim.Adam(
        weights, lr=BASE.lr, weight_decay=BASE.weight_decay, fused=True, **more
    )


def test_the_default_is_adam_bit_for_bit() -> None:
    assert same(train(BASE)[0], by_hand(BASE, adam()))


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("adamw", torch.optim.AdamW, {"fused": True}),
        ("sgd", torch.optim.SGD, {"momentum": 0.9, "fused": True}),
        ("SGD", torch.optim.SGD, {"momentum": 0.9, "fused": True}),
        ("torch.optim:RAdam", torch.optim.RAdam, {}),
    ],
)
def test_optimizers_are_those_of_torch(name, kind, options) -> None:
    made = lambda w: kind(w, lr=BASE.lr, weight_decay=BASE.weight_decay, **options)  # noqa: E731
    assert same(train(dataclasses.replace(BASE, optimizer=name))[0], by_hand(BASE, made))


def test_long_gradients_are_clipped_and_short_ones_are_not() -> None:
    clipped = train(dataclasses.replace(BASE, clip=0.05))[0]
    assert same(clipped, by_hand(BASE, adam(), clip=0.05))
    assert not same(clipped, train(BASE)[0])
    assert same(train(dataclasses.replace(BASE, clip=1e6))[0], train(BASE)[0])
    weight = nn.Parameter(torch.zeros(2))
    made = make_optimizer([weight], BASE, CPU)
    weight.grad = torch.tensor([3.0, 4.0])
    assert float(gradient_norm(made, 1.0)) == 5
    assert torch.allclose(weight.grad, torch.tensor([0.6, 0.8]))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 2.0, 5.0])
def test_a_schedule_rises_to_lr_and_falls_towards_0(schedule, warmup) -> None:
    settings = dataclasses.replace(BASE, epochs=5, schedule=schedule, warmup=warmup)
    steps = 8
    shares = [rate(settings, i / steps, (i + 1) / steps) for i in range(5 * steps)]
    rising = round(warmup * steps)
    assert shares[:rising] == pytest.approx([(i + 1) / rising for i in range(rising)])
    rest = shares[rising:]
    left = [i / len(rest) for i in range(len(rest))]
    expected = {
        "constant": [1.0 for _ in left],
        "linear": [1 - s for s in left],
        "cosine": [0.5 + 0.5 * math.cos(math.pi * s) for s in left],
    }[schedule]
    assert rest == pytest.approx(expected)
    assert max(shares) == 1 or not rest
    assert min(shares) > 0


def test_the_learning_rate_of_each_epoch_is_logged() -> None:
    settings = dataclasses.replace(BASE, epochs=4, schedule="linear", warmup=1)
    _, records = train(settings)
    assert [r["lr"] for r in records] == pytest.approx(
        [0.01 * share for share in (1, 1 - 2 / 9, 1 - 5 / 9, 1 - 8 / 9)]
    )  # the last of 3 steps
    assert {r["lr"] for r in train(BASE)[1]} == {0.01}


class Stop(Exception):
    pass


class StopAt(Callback):
    """Ends a training after some epochs, as a kill would."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, state) -> None:
        if state.epoch == self.epoch:
            raise Stop


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_schedule_resumes_bit_for_bit_inside_an_epoch_too(name, schedule, tmp_path) -> None:
    settings = dataclasses.replace(
        BASE, epochs=4, schedule=schedule, warmup=1.5, optimizer=name, clip=0.5
    )
    whole, records = train(settings)
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(Stop):
        train(settings, checkpoint, [StopAt(2)], every=2)
    state = checkpoint.state()
    assert (state.epoch, state.step) == (1, 2)  # of 3
    resumed, rest = train(settings, checkpoint, every=2)
    assert same(whole, resumed)
    assert [r["loss"] for r in rest] == [r["loss"] for r in records[1:]]
    assert [r["lr"] for r in rest] == [r["lr"] for r in records[1:]]


def test_sgd_without_momentum_is_saved_and_resumed(tmp_path) -> None:
    settings = dataclasses.replace(BASE, optimizer="sgd", momentum=0.0)
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    train(dataclasses.replace(settings, epochs=1), checkpoint)
    assert same(train(settings, checkpoint)[0], train(settings)[0])


def not_one(weights, lr, weight_decay):
    return "no optimizer"


class Odd(torch.optim.SGD):
    """Keeps a number that is no tensor."""

    def __init__(self, weights, lr, weight_decay):
        super().__init__(weights, lr=lr, weight_decay=weight_decay, foreach=False)

    def step(self, closure=None):
        super().step()
        for group in self.param_groups:
            for weight in group["params"]:
                self.state[weight]["count"] = 3


def test_mistakes_with_optimizers_are_one_sentence(tmp_path) -> None:
    with pytest.raises(UserError, match="Unknown optimizer 'adan'"):
        train(dataclasses.replace(BASE, optimizer="adan"))
    with pytest.raises(UserError, match=r"Expected --optimizer sgd with --optimizer\.momentum"):
        train(dataclasses.replace(BASE, momentum=0.5))
    with pytest.raises(UserError, match="to make an optimizer of torch, but got str"):
        train(dataclasses.replace(BASE, optimizer=f"{__name__}:not_one"))
    with pytest.raises(UserError, match="to take weights, lr and weight_decay"):
        train(dataclasses.replace(BASE, optimizer="torch.optim:LBFGS"))
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(UserError, match="state of tensors alone"):
        train(dataclasses.replace(BASE, optimizer=f"{__name__}:Odd"), checkpoint)


def test_the_state_of_an_optimizer_is_in_its_checkpoint() -> None:
    kept = {}

    class Keep(Callback):
        def on_train_end(self, state) -> None:
            kept.update(state_tensors(state))

    set_seed(0)
    train(dataclasses.replace(BASE, optimizer="sgd"), callbacks=[Keep()])
    assert any(name.endswith("momentum_buffer") for name in kept)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--optimizer", "adan"], "Unknown optimizer 'adan'"),
        (["--optimizer.momentum", "0.5"], "Expected --optimizer sgd with --optimizer.momentum"),
        (["--optimizer.warmup", "3"], "Expected --optimizer.warmup to be at most --epochs (2)"),
        (["--optimizer.clip", "0"], "Expected --optimizer.clip to be above 0"),
        (["--optimizer.lr", "0.1"], "--optimizer.lr is now --lr"),
    ],
)
def test_mistakes_in_flags_leave_no_folder(flags, told, tmp_path, capsys) -> None:
    out = tmp_path / "run"
    assert main(["train", "--dataset", "MUTAG", "--epochs", "2", *flags, "--out", str(out)]) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_command_with_all_of_it_and_a_schedule_that_is_extended(tmp_path, capsys) -> None:
    out = tmp_path / "run"
    words = ["--dataset", "MUTAG", "--epochs", "2", "--optimizer", "sgd", "--optimizer.schedule"]
    words += ["cosine", "--optimizer.warmup", "1", "--optimizer.clip", "1", "--probe.folds", "2"]
    words += ["--optimizer.momentum", "0.8", "--probe", "class-mean", "--out", str(out)]
    assert main(["train", *words]) == 0
    config = yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))
    assert config["optimizer"] == {
        "name": "sgd", "momentum": 0.8, "clip": 1.0, "schedule": "cosine", "warmup": 1.0,
    }  # fmt: skip
    with pytest.warns(UserWarning, match="The cosine schedule of the learning rate spanned 2 ep"):
        assert main(["train", "--resume", str(out), "--epochs", "3"]) == 0
