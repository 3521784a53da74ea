"""Is it right on a device? Each check compares with the CPU, and raises `AssertionError`.

The tests and the command share these checks; none needs more than torch, PyG and this package.
`CHECKS` names them all. Each takes the device; `pretend.DEVICE` is one.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch

from benchmarks.device.graphs import SHAPES, generate
from benchmarks.device.waits import count_waits
from graph_hcl import geometry, losses
from graph_hcl.augment import Edit, ViewSampler, parse, sample_view
from graph_hcl.config import Config
from graph_hcl.config_groups import DataConfig, EncoderConfig, LossConfig, OptimizerConfig
from graph_hcl.data import GraphStore
from graph_hcl.losses.settings import Mode
from graph_hcl.reproducible import deterministic
from graph_hcl.trainer import Trainer
from graph_hcl.training import Checkpoint, History, diagnose, embed

CPU = torch.device("cpu")
MODES = get_args(Mode)
LOSSES: dict[str, Callable[..., Any]] = {
    "ucl": losses.UCL,
    "scl": losses.SCL,
    "h-ucl": losses.HUCL,
    "h-scl": losses.HSCL,
    "debiased": partial(losses.HUCL, tau_plus=0.1),
    "nt-xent": losses.NTXent,
    "supcon": losses.SupCon,
    "power": partial(losses.HUCL, hardening="power"),
    "threshold": partial(losses.HUCL, hardening="threshold"),
    "bell": partial(losses.HUCL, hardening="bell"),
    "effective sample size": partial(losses.HUCL, hardening="effective-sample-size"),
    "class mass": partial(losses.HSCL, hardening="class-mass"),
    "detached": partial(losses.HUCL, detach_weights=True),
    "auto temperature": partial(losses.HUCL, temperature="auto"),
    "pairs": partial(losses.HSCL, average="pair"),
}
ONLY_DENSE: dict[str, Callable[..., Any]] = {
    "triplet": partial(losses.HUCL, psi="triplet"),
    "one value per anchor": partial(losses.HUCL, reduction="none"),
}
LIMITS = {  # the adaptive forms choose β by steps, whence the limit of gradients in float32
    torch.float64: (1e-9, 1e-9),
    torch.float32: (1e-5, 5e-4),
    torch.bfloat16: (1e-4, 1e-2),
    torch.float16: (1e-4, 1e-2),
}
"""Largest relative errors of a value and a gradient. Features are rounded before, and sums are in
float32 at least, so that of half precision only the rounding of the gradient is left."""
VIEWS = (
    "edge_drop(0.5)",
    "edge_add(0.5)",
    "edge_mask(0.5)",
    "node_drop(0.5)",
    "feature_mask(0.5)",
    "column_mask(0.5)",
    "subgraph(0.5)",
    "edge_drop(0.5)+edge_add(0.5)+node_drop(0.3)",
    "node_drop(0.2)|edge_drop(0.2)|subgraph(0.8)|feature_mask(0.2)|edge_add(0.3)",
)
BACKBONES = ("gin", "gine", "gps", "gcn", "graphsage", "gat", "pna", "edgecnn")
OBJECTIVES = ("h-ucl", "h-scl", "infograph", "h-infograph", "cross-entropy")
MEMORY_LIMIT = 300.0
"""MiB over the features that H-UCL of 16 384 rows may take."""


class Skipped(Exception):
    """A check that says nothing on this device, with the reason."""


def features(
    count: int, dtype: torch.dtype = torch.float64, width: int = 32
) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows [2·count, width] of length 1, and the graph and one of ten labels of each."""
    made = torch.Generator().manual_seed(count)
    z = F.normalize(torch.randn(2 * count, width, generator=made, dtype=torch.float64), dim=1)
    label = torch.randint(10, (count,), generator=made).repeat(2)
    return z.to(dtype), torch.arange(count).repeat(2), label


@lru_cache(maxsize=4)
def some_graphs(count: int = 36, shape: str = "MUTAG") -> GraphStore:
    """Return small graphs with edge features, on the CPU; no check changes them."""
    store = generate(SHAPES[shape], seed=1, graphs=count)
    weight = torch.Generator().manual_seed(2)
    edge_attr = torch.rand(store.edge_index.shape[1], 2, generator=weight)
    return dataclasses.replace(store, edge_attr=edge_attr, vocabulary=None)


def value_and_gradient(loss: Any, z: Tensor, graph: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return a loss, summed, and its gradient, both in float64 on the CPU."""
    leaf = z.clone().requires_grad_()
    value = loss(leaf, graph=graph, label=label if loss.uses_labels else None)
    value.sum().backward()
    assert leaf.grad is not None
    return value.detach().double().cpu(), leaf.grad.double().cpu()


def loss_agrees(
    device: torch.device, name: str, mode: str, dtype: torch.dtype, count: int = 150
) -> tuple[float, float]:
    """Compare a loss in one mode and precision with float64; return the relative errors.

    Raises `Skipped` where the loss refuses the mode.
    """
    z, graph, label = features(count, dtype)
    make = (LOSSES | ONLY_DENSE)[name]
    exact, slope = value_and_gradient(make(mode="dense"), z.double(), graph, label)
    rows = [each.to(device) for each in (z, graph, label)]
    try:
        found, gradient = value_and_gradient(make(mode=mode), *rows)
    except (ValueError, ImportError) as error:
        if mode == "dense":
            raise
        raise Skipped(str(error)) from error
    errors = (
        float((found - exact).norm() / exact.norm()),
        float((gradient - slope).norm() / slope.norm()),
    )
    limits = LIMITS[dtype]
    assert errors[0] < limits[0], f"value: relative error {errors[0]:.2g}, limit {limits[0]:g}"
    assert errors[1] < limits[1], f"gradient: relative error {errors[1]:.2g}, limit {limits[1]:g}"
    return errors


def memory_bank_agrees(device: torch.device) -> None:
    """Compare three steps of a loss with remembered negatives."""
    z, graph, label = features(40)
    for make in (losses.HUCL, losses.HSCL):
        values = []
        for place in (CPU, device):
            loss = make(memory_size=64).to(place)
            rows = [each.to(place) for each in (z, graph, label)]
            for _ in range(3):
                found = value_and_gradient(loss, *rows)
            values.append(found)
        assert_close(values[1], values[0], 1e-8)


def drawn_negatives_are_on_the_device(device: torch.device) -> None:
    """Draw negatives, whose number is given: the value is near that of all negatives."""
    z, graph, label = (each.to(device) for each in features(100))
    torch.manual_seed(0)
    drawn, gradient = value_and_gradient(losses.HUCL(num_negatives=64), z, graph, label)
    whole, _ = value_and_gradient(losses.HUCL(), z, graph, label)
    assert gradient.isfinite().all()
    assert abs(float(drawn) - float(whole)) < 0.2 * float(whole)


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


def store_agrees(device: torch.device) -> None:
    """Compare batches, single graphs, selections and fitted features."""
    store = some_graphs()
    moved = store.to(device)
    for indices in ([5, 1, 5], slice(3, 9), torch.arange(len(store)) % 3 == 0):
        expected, found = store.batch(indices), moved.batch(indices)
        for name, value in expected.to_dict().items():
            assert found[name].device.type == device.type, name
            assert torch.equal(found[name].cpu(), value), name
    assert torch.equal(moved[3].x.cpu(), store[3].x)
    chosen = torch.tensor([7, 2], device=device)
    assert torch.equal(moved[chosen].edge_index.cpu(), store[[7, 2]].edge_index)
    assert torch.equal(moved.degree().cpu(), store.degree())
    assert moved.digest() == store.digest()
    for place, fitted in ((CPU, store.fitted([0, 1])), (device, moved.fitted([0, 1]))):
        assert fitted.batch([0]).x.device.type == place.type


def view_is_right(device: torch.device, text: str) -> None:
    """Draw a view, which stays on the device and changes as many nodes and edges as on the CPU.

    Of a batch of the store, and of one of PyG, of which nothing is known.
    """
    graphs = some_graphs()[:30]
    for make in (lambda place: graphs.to(place).batch(slice(0, 30)), partial(_shuffled, graphs)):
        views = []
        for place in (CPU, device):
            made = torch.Generator(place).manual_seed(0)
            views.append(sample_view(make(place), parse(text), made))
        expected, found = views
        for name, value in found.to_dict().items():
            assert not isinstance(value, Tensor) or value.device.type == device.type, name
        assert found.edge_index.numel() == 0 or int(found.edge_index.max()) < found.num_nodes
        if "|" in text:  # which is chosen for each graph is random
            continue
        assert torch.equal(found.ptr.cpu(), expected.ptr)
        if "node" not in text and "subgraph" not in text:  # edges go with nodes, at random
            assert found.edge_index.shape == expected.edge_index.shape


def _shuffled(store: GraphStore, device: torch.device) -> Batch:
    """Return all graphs as PyG's batch, with their edges in another order."""
    batch = Batch.from_data_list(list(store)).to(device)
    batch.edge_index, batch.edge_attr = batch.edge_index.flip(1), batch.edge_attr.flip(0)
    return batch


def sampler_is_right(device: torch.device) -> None:
    """Draw the views of an epoch, several batches at once."""
    store = some_graphs().to(device)
    sampler = ViewSampler([parse("edge_drop(0.2)"), parse("node_drop(0.2)")])
    parts = torch.randperm(len(store), generator=torch.Generator().manual_seed(0)).split(16)
    steps = list(sampler(store, parts, torch.Generator(device).manual_seed(0)))
    assert len(steps) == len(parts)
    assert sum(v.batch.num_graphs for views in steps for v in views) == 2 * len(store)


def own_edit_is_right(device: torch.device) -> None:
    """Draw a view by an augmentation of a user, which says nothing about the edges it keeps."""

    def drop(batch: Batch, generator: torch.Generator) -> Edit:
        number = torch.rand(batch.num_edges, generator=generator, device=batch.x.device)
        return Edit(edges=number < 0.5)

    batch = some_graphs().to(device).batch(slice(0, 30))
    found = sample_view(batch, drop, torch.Generator(device).manual_seed(0))
    assert found.num_edges < batch.num_edges
    assert found.edge_index.device.type == device.type


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


def training_agrees(device: torch.device, objective: str) -> None:
    """Compare the losses of an objective's first two epochs.

    Views are drawn at random: only on the CPU and a pretended device are they the same.
    """
    exact = device.type in ("cpu", "meta")
    views = ["edge_drop(0.2)", "feature_mask(0.2)"] if exact else ["identity", "identity"]
    expected, found = (train(place, objective=objective, views=views) for place in (CPU, device))
    for mine, theirs in zip(found["losses"], expected["losses"], strict=True):
        assert abs(mine - theirs) < 2e-3 * abs(theirs), (found["losses"], expected["losses"])


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


def mixed_precision_is_finite(device: torch.device, dtype: torch.dtype) -> None:
    """Take ten steps under autocast, with a scaled loss in float16: no loss or weight is NaN."""
    trainer = Trainer(config(device), some_graphs())
    model = trainer.model(0).to(device).train()
    objective = losses.HUCL(temperature=0.1, normalize=False)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
    graph = torch.arange(24, device=device).repeat(2)
    found = []
    for _ in range(10):
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


def memory_is_bounded(device: torch.device) -> float:
    """Measure the peak of H-UCL at 16 384 rows; return it in MiB over the features."""
    if device.type != "cuda":
        raise Skipped("only CUDA tells the peak of its memory")
    z, graph, _ = (each.to(device) for each in features(8192, torch.float32, 128))
    leaf, loss = z.requires_grad_(), losses.HUCL()
    for _ in range(2):  # once to make what is kept
        leaf.grad = None
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        loss(leaf, graph=graph).backward()
        torch.cuda.synchronize(device)
    peak = (torch.cuda.max_memory_allocated(device) - before) / 2**20
    assert peak < MEMORY_LIMIT, f"{peak:.0f} MiB"
    return peak


def epoch_waits_once(device: torch.device) -> None:
    """Count what waits for the device in an epoch after the first: its losses are read, once."""
    found = count_waits(device, partial(_epochs, epochs=3)) - count_waits(
        device, partial(_epochs, epochs=2)
    )
    assert found.total() <= 1, dict(found.most_common())


def _epochs(device: torch.device, epochs: int) -> Callable[[], Any]:
    """Return what trains for some epochs; what comes before the first is done already."""
    trainer = Trainer(config(device, epochs=epochs), some_graphs())
    return lambda: trainer.fit(np.arange(len(trainer.store)), 0)


def assert_close(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], limit: float) -> None:
    """Raise unless the norm of each difference is below `limit` times what is expected."""
    for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        error = float((mine - theirs).norm() / theirs.norm().clamp(min=1e-12))
        assert error < limit, f"part {number}: relative error {error:.2g}"


def loss_checks() -> dict[str, Callable[[torch.device], Any]]:
    """Return the checks of every loss in every mode and precision by name."""
    found: dict[str, Callable[[torch.device], Any]] = {}
    for names, modes in ((LOSSES, MODES), (ONLY_DENSE, ("dense",))):
        for name in names:
            for mode in modes:
                for dtype in LIMITS:
                    check = partial(loss_agrees, name=name, mode=mode, dtype=dtype)
                    found[f"loss {name}, {mode}, {str(dtype)[6:]}"] = check
    return found


CHECKS: dict[str, Callable[[torch.device], Any]] = {
    **loss_checks(),
    "memory bank": memory_bank_agrees,
    "drawn negatives": drawn_negatives_are_on_the_device,
    "geometry": geometry_agrees,
    "store": store_agrees,
    **{f"view {text}": partial(view_is_right, text=text) for text in VIEWS},
    "views of an epoch": sampler_is_right,
    "own edit": own_edit_is_right,
    **{f"backbone {name}": partial(backbone_agrees, backbone=name) for name in BACKBONES},
    **{f"training {name}": partial(training_agrees, objective=name) for name in OBJECTIVES},
    "training with all settings": training_takes_all_settings,
    "training goes on": training_goes_on,
    "scores": scores_agree,
}
ON_HARDWARE: dict[str, Callable[[torch.device], Any]] = {
    "training repeats": training_repeats,
    "bf16-mixed": partial(mixed_precision_is_finite, dtype=torch.bfloat16),
    "16-mixed": partial(mixed_precision_is_finite, dtype=torch.float16),
    "memory": memory_is_bounded,
    "waits": epoch_waits_once,
}
"""Checks of what a pretended device does not have: its own arithmetic, memory and way to wait."""


def outcome(check: Callable[[torch.device], Any], device: torch.device) -> str:
    """Return "right", "skipped: why" or "wrong: why" for a check."""
    try:
        check(device)
    except Skipped as why:
        return f"skipped: {why}"
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"
    return "right"
