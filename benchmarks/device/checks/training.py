"""Encoders, trainings, checkpoints, diagnosis and probes."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.device.checks.common import (
    CPU,
    Check,
    Skipped,
    assert_close,
    features,
    some_graphs,
)
from benchmarks.device.waits import count_waits, walks_by_kernel
from graph_hcl import GraphContrast, geometry, losses
from graph_hcl.baselines.baseline import bag
from graph_hcl.baselines.wl import wl_optimal_assignment, wl_subtree
from graph_hcl.config import Config
from graph_hcl.config_groups import DataConfig, EncoderConfig, LossConfig, OptimizerConfig
from graph_hcl.reproducible import deterministic
from graph_hcl.trainer import Trainer
from graph_hcl.training import Checkpoint, History, diagnose, embed

BACKBONES = ("gin", "gine", "gps", "gcn", "graphsage", "gat", "pna", "edgecnn")
OBJECTIVES = ("h-ucl", "h-scl", "infograph", "h-infograph", "cross-entropy")


def config(device: torch.device, **options: Any) -> Config:
    """Return the settings of a short training, whose optimiser does not amplify rounding."""
    defaults: dict[str, Any] = {"epochs": 2, "batch_size": 18, "hidden": 8, "lr": 0.01}
    chosen: dict[str, Any] = {"dataset": "generated"} | defaults | options
    return Config(device=str(device), **chosen)


def train(device: torch.device, checkpoint: Path | None = None, **options: Any) -> dict[str, Any]:
    """Return the weights, the losses and the embeddings of a short training."""
    trainer = Trainer(config(device, **options), some_graphs())
    every, history = np.arange(len(trainer.store)), History()
    kept = None if checkpoint is None else Checkpoint(checkpoint)
    model = trainer.fit(every, 0, checkpoint=kept, callbacks=[history])
    weights = {name: value.double().cpu() for name, value in model.state_dict().items()}
    return {
        "weights": weights,
        "losses": [row["loss"] for row in history.rows],
        "embeddings": trainer.embed(model, trainer.describe(every)),
    }


def backbone_agrees(device: torch.device, backbone: str) -> None:
    """Compare features, gradients and embeddings of one network in float32."""
    store, values = some_graphs(), []
    for place in (CPU, device):
        trainer = Trainer(config(place, backbone=backbone), store)
        model = trainer.model(0).to(place).eval()
        z = model(trainer.store.batch(slice(0, 30)))
        (z * torch.linspace(-1, 1, z.numel(), device=place).view_as(z)).sum().backward()
        gradients = [
            p.grad.double().cpu().flatten() for p in model.parameters() if p.grad is not None
        ]
        whole = torch.from_numpy(embed(model, trainer.store, place))
        values.append((z.detach().double().cpu(), torch.cat(gradients), whole))
    assert_close(values[1], values[0], 1e-3)


def training_agrees(device: torch.device, objective: str) -> None:
    """Compare the losses of an objective's first two epochs.

    Views are drawn at random: only on the CPU and a pretended device are they the same.
    """
    exact = device.type in ("cpu", "meta")
    views = ["edge_drop(0.2)", "feature_mask(0.2)"] if exact else ["identity", "identity"]
    expected, found = (train(place, objective=objective, views=views) for place in (CPU, device))
    for mine, theirs in zip(found["losses"], expected["losses"], strict=True):
        assert abs(mine - theirs) < 2e-3 * abs(theirs), (found["losses"], expected["losses"])


def wide_training_agrees(device: torch.device) -> None:
    """Compare the loss of an epoch of three layers of 64, which a kernel takes in parts."""
    options = {"epochs": 1, "hidden": 64, "layers": 3, "views": ["identity"] * 2}
    expected, found = (train(place, **options) for place in (CPU, device))
    assert found["embeddings"].shape[1] == 3 * 64
    (mine,), (theirs,) = found["losses"], expected["losses"]
    assert abs(mine - theirs) < 2e-3 * abs(theirs), (mine, theirs)


def training_takes_all_settings(device: torch.device) -> None:
    """Train with noisy weights, dropout, standardised features, bounded batches and gradients."""
    options = {
        "encoder": EncoderConfig(weight_noise=0.1, dropout=0.1, embedding=4),
        "data": DataConfig(standardize=True),
        "optimizer": OptimizerConfig(name="adamw", clip=0.5, schedule="cosine", warmup=1),
        "max_nodes": 200,
        "loss": LossConfig(memory_size=32),
    }
    found = train(device, epochs=2, **options)
    assert np.isfinite(found["losses"]).all()
    assert found["losses"][1] < 2 * found["losses"][0]


def training_goes_on(device: torch.device) -> None:
    """Stop after an epoch of two, and go on: the losses are those of a training that did not."""
    with tempfile.TemporaryDirectory() as folder:
        whole = train(device, epochs=2)
        file = Path(folder, "part.safetensors")
        first = train(device, file, epochs=1)
        second = train(device, file, epochs=2)
    both = first["losses"] + second["losses"]
    for mine, theirs in zip(both, whole["losses"], strict=True):
        assert abs(mine - theirs) < 1e-3 * abs(theirs), (both, whole["losses"])


def training_repeats(device: torch.device) -> None:
    """Train twice in the deterministic mode: all weights are equal, bit for bit."""
    with deterministic():
        first, second = train(device), train(device)
    for name, value in first["weights"].items():
        assert torch.equal(value, second["weights"][name]), name


def geometry_agrees(device: torch.device) -> None:
    """Compare the diagnosis of a batch, which stands on most of the geometry."""
    z, graph, label = features(60, torch.float32)
    objective = losses.HSCL()
    expected = diagnose(z, graph, label, objective)
    found = diagnose(*(each.to(device) for each in (z, graph, label)), objective)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert abs(found[name] - value) < 1e-3 * max(1, abs(value)), name
    match = [
        geometry.match_temperature(losses.HUCL(), *(each.to(place) for each in (z, graph)))
        for place in (CPU, device)
    ]
    assert abs(match[0].temperature - match[1].temperature) < 1e-3


def scores_agree(device: torch.device) -> None:
    """Embed by an untrained network on both, and compare the scores of two probes."""
    from graph_hcl.probes import evaluate

    store = some_graphs(120)
    # A label that the graphs tell: whether one is larger than the median.
    y = (store.node_ptr.diff() > store.node_ptr.diff().median()).long()
    embeddings = []
    for place in (CPU, device):
        trainer = Trainer(config(place), dataclasses.replace(store, y=y))
        model = trainer.model(0)
        embeddings.append(trainer.embed(model, trainer.describe(np.arange(len(store)))))
    for probe in ("svm", "logistic"):
        scores = [evaluate(z, y.numpy(), probe=probe, folds=3).mean for z in embeddings]
        assert abs(scores[0] - scores[1]) < 0.05, (probe, scores)
        assert scores[1] > 0.7, (probe, scores)


def baselines_agree(device: torch.device) -> None:
    """Compare the sums of node features and the Weisfeiler–Lehman kernels."""
    store = some_graphs()
    assert np.array_equal(bag(store.to(device)), bag(store))
    for kernel in (wl_subtree, wl_optimal_assignment):
        pairs = zip(kernel(store.to(device), 2), kernel(store, 2), strict=True)
        assert all(np.array_equal(found, expected) for found, expected in pairs)


def estimator_agrees(device: torch.device) -> None:
    """Fit, transform, save and load an estimator; its graphs come on the CPU."""
    graphs, values = list(some_graphs()), []
    for place in (CPU, device):
        model = GraphContrast(
            epochs=1, hidden=8, lr=1e-4, views=["identity"] * 2, device=str(place), random_state=0
        ).fit(graphs)
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder, "run"))
            loaded = GraphContrast.load(Path(folder, "run"), device=str(place))
        z = model.transform(graphs)
        assert np.allclose(loaded.transform(graphs), z, rtol=1e-4, atol=1e-4 * np.abs(z).max())
        nodes = model.transform_nodes(graphs)
        assert [len(each) for each in nodes] == [graph.num_nodes for graph in graphs]
        values.append((torch.from_numpy(z), torch.from_numpy(np.concatenate(nodes))))
    assert_close(values[1], values[0], 5e-2)  # Adam makes rounding of a zero gradient a step


def mixed_precision_is_finite(device: torch.device, dtype: torch.dtype) -> None:
    """Take twenty steps under autocast, with a scaled loss in float16: no loss or weight is NaN."""
    trainer = Trainer(config(device), some_graphs())
    model = trainer.model(0).to(device).train()
    objective = losses.HUCL(temperature=0.1, normalize=False)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
    graph = torch.arange(24, device=device).repeat(2)
    found = []
    for _ in range(20):  # a scale that is too large at first costs some of them
        batch = trainer.store.batch(slice(0, 24))
        with torch.autocast(device.type, dtype):
            z = torch.cat([model(batch), model(batch)])
            loss = objective(z, graph=graph)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        found.append(float(loss.detach()))
    assert np.isfinite(found).all(), found
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert min(found[1:]) < found[0], found


def epoch_waits_once(device: torch.device) -> None:
    """Count the waits for the device in an epoch after the first: its losses are read, once."""
    if not walks_by_kernel(device):
        raise Skipped("walks without a wait need Triton")
    found = count_waits(device, partial(_epochs, epochs=3)) - count_waits(
        device, partial(_epochs, epochs=2)
    )
    assert found.total() <= 1, found


def recorded_steps_agree(device: torch.device, dropout: float) -> None:
    """Compare the losses of three epochs with and without CUDA graphs; last batches are smaller."""
    if device.type != "cuda":
        raise Skipped("CUDA graphs need a CUDA device")
    options = {"epochs": 3, "batch_size": 16, "optimizer": OptimizerConfig(clip=1.0)}
    options |= {"encoder": EncoderConfig(dropout=dropout), "views": ["identity"] * 2}
    expected, found = (
        train(device, cuda_graphs=each, **options)["losses"] for each in (False, True)
    )
    assert np.isfinite(found).all()
    limit = 0.2 if dropout else 5e-3  # other random numbers
    for mine, theirs in zip(found, expected, strict=True):
        assert abs(mine - theirs) < limit * abs(theirs), (found, expected)


def recorded_training_goes_on(device: torch.device) -> None:
    """Stop after an epoch of two with dropout and CUDA graphs: the random numbers go on, too."""
    if device.type != "cuda":
        raise Skipped("CUDA graphs need a CUDA device")
    options: dict[str, Any] = {"cuda_graphs": True, "encoder": EncoderConfig(dropout=0.3)}
    with tempfile.TemporaryDirectory() as folder:
        whole = train(device, epochs=2, **options)
        file = Path(folder, "part.safetensors")
        train(device, file, epochs=1, **options)
        second = train(device, file, epochs=2, **options)
    mine, theirs = second["losses"][-1], whole["losses"][-1]
    assert abs(mine - theirs) < 1e-3 * abs(theirs), (mine, theirs)


def _epochs(device: torch.device, epochs: int) -> Callable[[], Any]:
    """Return what trains for some epochs; what comes before the first is done already."""
    trainer = Trainer(config(device, epochs=epochs), some_graphs())
    return lambda: trainer.fit(np.arange(len(trainer.store)), 0)


CHECKS: dict[str, Check] = {
    **{f"backbone {name}": partial(backbone_agrees, backbone=name) for name in BACKBONES},
    **{f"training {name}": partial(training_agrees, objective=name) for name in OBJECTIVES},
    "training with --hidden 64": wide_training_agrees,
    "training with all settings": training_takes_all_settings,
    "training goes on": training_goes_on,
    "geometry": geometry_agrees,
    "scores": scores_agree,
    "baselines": baselines_agree,
    "estimator": estimator_agrees,
}
ON_HARDWARE: dict[str, Check] = {
    "training repeats": training_repeats,
    "bf16-mixed": partial(mixed_precision_is_finite, dtype=torch.bfloat16),
    "16-mixed": partial(mixed_precision_is_finite, dtype=torch.float16),
    "waits": epoch_waits_once,
    "CUDA graphs": partial(recorded_steps_agree, dropout=0.0),
    "CUDA graphs with dropout": partial(recorded_steps_agree, dropout=0.2),
    "CUDA graphs go on": recorded_training_goes_on,
}
