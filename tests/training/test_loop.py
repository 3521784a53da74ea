import dataclasses
import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data

from graph_hcl.augment import Identity, SampledView, View, ViewSampler
from graph_hcl.config import Config
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.losses import HSCL, HUCL, SCL, UCL
from graph_hcl.losses import NTXent as NTXentLoss
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone, perturbed
from graph_hcl.nn.evaluating import evaluating
from graph_hcl.trainer import Trainer
from graph_hcl.training import (
    Callback,
    Checkpoint,
    Diagnosis,
    History,
    Log,
    RunFolder,
    Snapshot,
    TrainingSettings,
    diagnose,
    embed,
    fit,
    set_seed,
)
from graph_hcl.training.batches import index_batches
from graph_hcl.training.callbacks import CheckpointWriter

CPU = torch.device("cpu")


def cycles(labels: torch.Tensor | None = None, count: int = 13) -> GraphStore:
    """Return cycles of 3 to 6 nodes with random features and labels 0, 1, 0, 1, …"""
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for index in range(count):
        ring = torch.arange(3 + index % 4)
        edges = torch.stack([ring, ring.roll(1)])
        x = torch.randn(len(ring), 4, generator=generator)
        graphs.append(Data(x=x, edge_index=torch.cat([edges, edges.flip(0)], dim=1)))
    y = torch.arange(count) % 2 if labels is None else labels
    return dataclasses.replace(GraphStore.from_data(graphs), y=y)


def jitter(batch: Batch, generator: torch.Generator) -> Batch:
    view = batch.clone()
    view.x = batch.x + 0.1 * torch.randn(batch.x.shape, generator=generator)
    return view


class NTXent:
    """The textbook loss, enough to train with."""

    uses_labels = False

    def __init__(self) -> None:
        self.labels: list[object] = []

    def __call__(self, z, *, graph, label):
        self.labels.append(label)
        logits = (z @ z.T / 0.5).fill_diagonal_(-torch.inf)
        partner = torch.arange(len(z)).roll(len(z) // 2)
        return nn.functional.cross_entropy(logits, partner)


def new_model() -> ContrastiveModel:
    set_seed(1)
    return ContrastiveModel(GraphEncoder(make_backbone("gin", 4, 8, 2, dropout=0.2), 16), dim=8)


def draw(store, parts, generator):
    for part in parts:
        yield [SampledView(jitter(store.batch(part), generator)) for _ in range(2)]


def train(epochs: int, checkpoint=None, objective=None, callbacks=(), labels=None, seed=3):
    settings = TrainingSettings(epochs=epochs, batch_size=4, lr=0.01, seed=seed)
    graphs = cycles(labels)
    records: list[dict] = []
    model = fit(
        new_model(),
        objective or NTXent(),
        draw,
        graphs,
        torch.arange(len(graphs)),
        settings,
        device=CPU,
        checkpoint=checkpoint,
        callbacks=[*callbacks, Log(records.append)],
    )
    return model, records


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("count", "size"), [(9, 4), (8, 4), (1, 4), (3, 4), (129, 128)])
def test_batches_hold_every_graph_once_and_never_one_alone(count: int, size: int) -> None:
    parts = index_batches(torch.arange(count), size, torch.Generator().manual_seed(0))
    assert torch.cat(parts).sort().values.tolist() == list(range(count))
    assert all(len(part) > 1 for part in parts) or count == 1


def test_training_lowers_the_loss_and_same_seed_gives_same_weights() -> None:
    one, records = train(15)
    other, again = train(15)
    assert records[-1]["loss"] < records[0]["loss"] - 0.1
    assert same(one, other)
    assert [r["loss"] for r in records] == [r["loss"] for r in again]
    assert not same(one, new_model())


def test_interrupted_training_goes_on_bit_for_bit(tmp_path) -> None:
    whole, records = train(6)
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    _, first = train(2, checkpoint)
    resumed, second = train(6, checkpoint)
    assert same(whole, resumed)
    losses = [record["loss"] for record in first + second]
    assert losses == [record["loss"] for record in records]


def test_a_finished_checkpoint_is_loaded_and_not_trained(tmp_path) -> None:
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    whole, _ = train(3, checkpoint)
    with pytest.warns(UserWarning, match="has all 3 epochs: nothing was left to train"):
        again, records = train(3, checkpoint)
    assert same(whole, again)
    assert records == []


def test_a_training_goes_on_with_its_own_seed_and_objective(tmp_path) -> None:
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    train(1, checkpoint)
    with pytest.raises(UserError, match="to go on with the seed 3, but got 4: give that one, or"):
        train(2, checkpoint, seed=4)
    with pytest.raises(UserError, match="to go on with the objective NTXent, but got UCL"):
        train(2, checkpoint, UCL())
    checkpoint.write(1, checkpoint.tensors())  # as earlier versions did
    with pytest.raises(UserError, match="the seed 3, but got 4"):
        train(2, checkpoint, seed=4)
    train(2, checkpoint)


def test_a_resumed_training_leaves_the_global_generator_as_it_was(tmp_path) -> None:
    checkpoint, history = Checkpoint(tmp_path / "part.safetensors"), History()
    train(2, checkpoint, callbacks=[history])
    new_model()
    expected = torch.rand(1)
    train(4, checkpoint, callbacks=[history])
    assert torch.equal(torch.rand(1), expected)
    assert [row["epoch"] for row in history.rows] == [1, 2, 3, 4]


def test_the_global_generators_are_kept_by_a_trainer() -> None:
    trainer = Trainer(Config(epochs=1, hidden=4, layers=1, device="cpu"), load("digits")[:16])
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    one, other = trainer.model(3), trainer.model(3)
    assert same(one, other)
    trainer.fit(np.arange(16), seed=3)
    assert states[0] == random.getstate()
    assert states[1] == np.random.get_state()[1].tolist()
    assert torch.equal(states[2], torch.get_rng_state())


def test_labels_reach_only_an_objective_that_reads_them() -> None:
    blind, reading = NTXent(), NTXent()
    reading.uses_labels = True
    train(1, objective=blind)
    train(1, objective=reading)
    assert all(label is None for label in blind.labels)
    assert all(len(label) in (8, 10) for label in reading.labels)


def test_a_loss_that_is_no_longer_finite_keeps_the_last_checkpoint(tmp_path) -> None:
    class Exploding(NTXent):
        def __call__(self, z, *, graph, label):
            factor = torch.inf if len(self.labels) > 4 else 1.0
            return super().__call__(z, graph=graph, label=label) * factor

    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(UserError, match=r"diverged in epoch 2, step 3 \(the loss is inf\)") as told:
        train(5, checkpoint, objective=Exploding())
    assert f"the last good checkpoint, of epoch 1, is {checkpoint.path}" in str(told.value)
    assert checkpoint.epoch() == 1


def test_features_that_are_no_longer_finite_keep_the_last_checkpoint(tmp_path) -> None:
    class Exploding(UCL):
        def forward(self, z, **keys):
            nonlocal calls
            calls += 1
            return super().forward(z * torch.nan if calls > 6 else z, **keys)

    calls, checkpoint = 0, Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(UserError, match=r"diverged in epoch ., step . .features") as told:
        train(5, checkpoint, objective=Exploding())
    assert all(name in str(told.value) for name in ("--lr", "--beta", "--temperature"))
    assert checkpoint.epoch() >= 1


def test_weights_that_are_no_longer_finite_are_never_saved(tmp_path) -> None:
    class Steep(UCL):
        def forward(self, z, **keys):
            loss = super().forward(z, **keys)
            last = len(z) == 10  # two views of the last batch
            # Finite, but its gradient is not.
            return loss + (loss * torch.inf).clamp_max(0.0) if last else loss

    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(UserError, match="gradients are NaN"):
        train(1, checkpoint, objective=Steep())
    assert checkpoint.epoch() == 0


def test_embeddings_do_not_depend_on_the_batch_they_are_in() -> None:
    model, _ = train(2)
    graphs = cycles()
    found = embed(model, graphs, CPU)
    with evaluating(model):
        alone = [model.encoder(graphs.batch(torch.tensor([i]))) for i in range(len(graphs))]
    assert torch.allclose(torch.from_numpy(found).float(), torch.cat(alone), atol=1e-5)


def test_checkpoints_that_are_damaged_or_of_another_encoder(tmp_path) -> None:
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    train(1, checkpoint)
    wider = ContrastiveModel(GraphEncoder(make_backbone("gin", 4, 9, 2), 18), dim=8)
    with pytest.raises(UserError, match="does not fit"):
        checkpoint.load(wider)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:100])
    with pytest.raises(UserError, match="damaged"):
        checkpoint.load(new_model())


def test_a_failed_save_keeps_the_old_checkpoint(tmp_path, monkeypatch) -> None:
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    train(1, checkpoint)
    before = checkpoint.path.read_bytes()

    def full_disk(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graph_hcl.training.checkpoint.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        train(2, checkpoint)
    assert checkpoint.path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["part.safetensors"]


def test_run_folders_are_numbered_and_never_overwritten(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [RunFolder.create(None, "MUTAG-ucl", {"lr": 0.1}).path.name for _ in range(3)]
    assert names == ["MUTAG-ucl-0", "MUTAG-ucl-1", "MUTAG-ucl-2"]
    RunFolder.create("mine", "unused", {"lr": 0.1})
    with pytest.raises(UserError, match="holds something"):
        RunFolder.create("mine", "unused", {"lr": 0.1})
    with pytest.raises(UserError, match=r"config\.yaml"):
        RunFolder.open("runs")


def test_metrics_past_the_checkpoint_are_forgotten(tmp_path) -> None:
    folder = RunFolder(tmp_path)
    for part in ("seed0", "seed1"):
        for epoch in (1, 2, 3):
            folder.log({"part": part, "epoch": epoch, "loss": 0.5})
    with (tmp_path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"part": "seed1", "ep')
    folder.forget_metrics_after("seed1", 1)
    kept = [(record["part"], record["epoch"]) for record in folder.metrics()]
    assert kept == [("seed0", 1), ("seed0", 2), ("seed0", 3), ("seed1", 1)]


class Recorder(nn.Module):
    """An objective that keeps what the loop hands it."""

    uses_labels = False

    def __init__(self, reads_nodes: bool = False) -> None:
        super().__init__()
        self.reads_nodes = reads_nodes
        self.calls: list[dict] = []
        self.shares: list[float] = []

    def on_epoch(self, epoch) -> None:
        self.shares.append(epoch.progress)

    def forward(self, z, **given):
        self.calls.append({"z": z} | given)
        return z.square().sum() * 0 + z.sum()


def test_graphs_are_named_by_their_number_in_the_store_and_hardness_by_the_time() -> None:
    objective = Recorder()
    train(3, objective=objective)
    assert objective.shares == [0.0, 0.5, 1.0]
    names = torch.cat([call["graph"] for call in objective.calls[:3]])
    assert sorted(names.tolist()) == sorted([*range(13), *range(13)])
    z, graph = (objective.calls[0][name] for name in ("z", "graph"))
    assert objective.calls[0]["label"] is None
    assert len(z) == len(graph) == 8
    assert graph[:4].equal(graph[4:])


def test_an_objective_that_reads_nodes_gets_them_with_their_graphs() -> None:
    objective = Recorder(reads_nodes=True)
    train(1, objective=objective)
    call = objective.calls[0]
    nodes, owner, z, graph = (call[name] for name in ("nodes", "node_graph", "z", "graph"))
    assert len(nodes) == len(owner) == 2 * sum(3 + index % 4 for index in graph[:4].tolist())
    assert owner.bincount(minlength=13)[graph].tolist() == [2 * (3 + k % 4) for k in graph.tolist()]
    assert nodes.shape[1] == 16  # this model has no head for nodes
    assert len(z) == 8


class Stop(Callback):
    """Interrupt the training at the end of its third epoch."""

    def on_epoch_end(self, state):
        if state.epoch == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("interval", "written"), [(0.0, [1, 2, 3, 4]), (math.inf, [1, 4])])
def test_checkpoints_are_written_at_intervals_and_lose_nothing(tmp_path, interval, written) -> None:
    whole, _ = train(4)
    epochs, checkpoint = [], Checkpoint(tmp_path / "whole.safetensors")

    class Note(Callback):
        def on_epoch_end(self, state):
            epochs.append(checkpoint.epoch())

    train(4, callbacks=[CheckpointWriter(checkpoint, interval), Note()])
    assert sorted(set(epochs)) == written
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(KeyboardInterrupt):
        train(4, callbacks=[Stop(), CheckpointWriter(checkpoint, interval)])
    assert checkpoint.epoch() == (2 if interval == 0 else 1)
    assert same(whole, train(4, checkpoint)[0])


@pytest.mark.parametrize("options", [{"memory_size": 10}, {"schedule": "cosine", "beta": 2.0}])
def test_the_state_of_the_objective_survives_an_interruption(tmp_path, options) -> None:
    whole, records = train(4, objective=HUCL(**options))
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(KeyboardInterrupt):
        train(4, checkpoint, HUCL(**options), [Stop()])
    assert checkpoint.epoch() > 0
    resumed, rest = train(4, checkpoint, HUCL(**options))
    assert same(whole, resumed)
    assert rest[-1]["loss"] == records[-1]["loss"]


def test_diagnosis_reads_labels_and_changes_nothing() -> None:
    plain, _ = train(5, objective=HUCL())
    watched, records = train(5, objective=HUCL(), callbacks=[Diagnosis()])
    relabelled, others = train(
        5, objective=HUCL(), callbacks=[Diagnosis()], labels=torch.arange(13) // 3 % 2
    )
    assert same(plain, watched)
    assert same(plain, relabelled)
    assert [r["loss"] for r in records] == [r["loss"] for r in others]
    assert records[0]["h-scl"] != others[0]["h-scl"]
    looked = [record for record in records if "ucl" in record]
    # Three batches an epoch: the first, the last, and every fourth, twelve batches apart.
    assert [record["epoch"] for record in looked] == [1, 4, 5]
    for name in ("ucl", "scl", "h-ucl", "assumption_1", "same_class_mass", "class_mean_accuracy"):
        assert all(0 <= record[name] < 9 for record in looked)
    assert all(record["ucl"] <= record["h-ucl"] for record in looked)


def test_diagnosis_leaves_out_what_a_batch_does_not_define() -> None:
    _, records = train(1, objective=HUCL(), callbacks=[Diagnosis()], labels=torch.zeros(13).long())
    assert "h-scl" not in records[0]
    assert "equal_inner_product" not in records[0]
    assert records[0]["same_class_mass"] == 1
    alone = diagnose(torch.eye(3), torch.arange(3), torch.arange(3))
    assert "alignment" not in alone


def one_view(store, parts, generator):
    for part in parts:
        yield [SampledView(jitter(store.batch(part), generator))]


def fit_views(objective, draw, labels=None, epochs=3, checkpoint=None):
    settings = TrainingSettings(epochs=epochs, batch_size=4, lr=0.01, seed=3)
    graphs, records = cycles(labels), []
    fit(
        new_model(),
        objective,
        draw,
        graphs,
        torch.arange(len(graphs)),
        settings,
        device=CPU,
        checkpoint=checkpoint,
        callbacks=[Log(records.append)],
    )
    return records


@pytest.mark.parametrize(
    ("objective", "labels"),
    [
        (HUCL(), None),
        (HUCL(psi="triplet"), None),
        (NTXentLoss(), None),
        (HSCL(positives="views"), None),
        (SCL(), torch.zeros(13).long()),
        (HSCL(memory_size=8), torch.zeros(13).long()),
    ],
)
def test_an_epoch_without_a_counted_anchor_is_an_error(objective, labels, tmp_path) -> None:
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(UserError, match="No graph had both a positive and a negative in epoch 1"):
        fit_views(objective, one_view, labels, checkpoint=checkpoint)
    assert checkpoint.epoch() == 0


def test_a_loss_of_zero_with_counted_anchors_is_none() -> None:
    satisfied = HUCL(psi="triplet", psi_options={"margin": -100.0})
    assert [record["loss"] for record in fit_views(satisfied, draw)] == [0, 0, 0]


def test_an_objective_that_cannot_tell_may_be_zero() -> None:
    assert [record["loss"] for record in fit_views(Recorder(), one_view)] != [0, 0, 0]

    def nothing(z, *, graph, label):
        return z.sum() * 0

    assert [record["loss"] for record in fit_views(nothing, one_view)] == [0, 0, 0]


def test_one_batch_with_a_contrast_is_enough() -> None:
    labels = torch.zeros(13).long()
    labels[:2] = 1  # in some batches alone are two labels
    assert fit_views(SCL(), one_view, labels)[0]["loss"] > 0


def test_a_view_with_its_own_encoding_needs_an_objective_of_graphs_alone() -> None:
    noisy = ViewSampler([Identity(), View(Identity(), encode=perturbed(0.1))])
    assert len(fit_views(NTXentLoss(), noisy)) == 3
    with pytest.raises(UserError, match="reads features of nodes"):
        fit_views(Recorder(reads_nodes=True), noisy)


def test_callbacks_are_called_in_order_and_end_after_an_error() -> None:
    calls = []

    class Note(Callback):
        def __init__(self, name):
            self.name = name

        def on_train_start(self, state):
            calls.append((self.name, "start", state.epoch))

        def on_epoch_end(self, state):
            calls.append((self.name, "epoch", state.epoch))

        def on_train_end(self, state):
            calls.append((self.name, "end", state.epoch))

    train(1, callbacks=[Note("a"), Note("b")])
    expected = [("start", 0), ("epoch", 1), ("end", 1)]
    assert calls == [(name, *event) for event in expected for name in "ab"]
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        train(5, callbacks=[Note("a"), Stop()])
    assert calls[-2:] == [("a", "epoch", 3), ("a", "end", 3)]


def test_a_snapshot_in_evaluation_mode_changes_nothing() -> None:
    epochs = []

    def take(state):
        epochs.append(state.epoch)
        embed(state.model, cycles(), CPU)

    plain, _ = train(3)
    assert same(plain, train(3, callbacks=[Snapshot(take)])[0])
    assert epochs == [1, 2, 3]


def test_an_epoch_is_logged_before_it_is_in_the_checkpoint(tmp_path) -> None:
    checkpoint, saved = Checkpoint(tmp_path / "part.safetensors"), []

    class Note(Callback):
        def on_epoch_end(self, state):
            saved.append(checkpoint.epoch())

    train(1, checkpoint, callbacks=[Note()])
    assert saved == [0]
    assert checkpoint.epoch() == 1


def test_graphs_without_labels_are_diagnosed_by_their_features_alone() -> None:
    states = []

    class Note(Callback):
        def on_epoch_end(self, state):
            states.append((state.epoch, state.largest_batch.label, state.record))

    store = dataclasses.replace(cycles(), y=None)
    settings = TrainingSettings(epochs=2, batch_size=4, seed=3)
    fit(
        new_model(),
        NTXentLoss(),
        draw,
        store,
        torch.arange(len(store)),
        settings,
        device=CPU,
        callbacks=[Diagnosis(), Note()],
    )
    assert [state[:2] for state in states] == [(1, None), (2, None)]
    names = {"epoch", "loss", "lr", "seconds", "graphs_per_second"}
    names |= {"alignment", "effective_rank", "uniformity", "feature_std"}
    assert all(set(record) == names for *_, record in states)


class Prototypes(nn.Module):
    """A loss with a weight of its own."""

    uses_labels = False

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen: list[bool] = []

    def forward(self, z, graph, label):
        self.seen.append(self.training)
        return (self.scale - 3) ** 2 + (z * self.scale).square().mean()


@pytest.mark.parametrize("kind", [Prototypes, lambda: LearnedTerm()])
def test_the_weights_of_an_objective_are_trained(kind, tmp_path) -> None:
    """As by an optimiser that a user would make of both, and through an interruption."""
    objective = kind().eval()
    before = [p.detach().clone() for p in objective.parameters()]
    whole, _ = train(4, objective=objective)
    assert objective.training
    assert not any(torch.equal(a, b) for a, b in zip(before, objective.parameters(), strict=True))
    checkpoint = Checkpoint(tmp_path / "part.safetensors")
    with pytest.raises(KeyboardInterrupt):
        train(4, checkpoint, kind(), [Stop()])
    again = kind()
    resumed, _ = train(4, checkpoint, again)
    assert same(whole, resumed)
    assert same(objective, again)


class LearnedTerm(HUCL):
    """A contrastive loss with a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def penalty(self, z):
        return (self.weight - 3).square().sum()


def test_an_objective_in_eval_mode_is_trained_in_train_mode() -> None:
    """Else its memory would stay empty without a word."""
    objective = HUCL(memory_size=10).eval()
    train(1, objective=objective)
    assert len(objective.memory.keys) == 10


def test_weights_of_an_objective_that_are_not_finite_are_found() -> None:
    class Far(Prototypes):
        def forward(self, z, graph, label):
            return super().forward(z, graph, label) + 0 * self.scale

        def on_epoch(self, epoch):
            if epoch.number == 2:
                self.scale.data.fill_(math.inf)

    with pytest.raises(UserError, match="diverged in epoch 2"):
        train(3, objective=Far())


BAD_LOSSES = {
    "one value a row": (HUCL(reduction="none"), r"one number, but got \[\d+\]: average it"),
    "a vector": (lambda z, graph, label: z.sum(1), r"one number, but got \[\d+\]"),
    "a float": (lambda z, graph, label: float(z.sum()), "return a tensor, but got float"),
    "no gradient": (lambda z, graph, label: z.detach().sum(), "a loss with a gradient"),
}


@pytest.mark.parametrize("name", BAD_LOSSES)
def test_what_is_no_loss_to_minimise_is_told(name: str) -> None:
    objective, sentence = BAD_LOSSES[name]
    with pytest.raises(UserError, match=sentence):
        train(1, objective=objective)
