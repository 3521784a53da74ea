"""The training loop: one function per training, per epoch and per step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from graph_hcl.data import GraphStore
from graph_hcl.data.indexing import Indices
from graph_hcl.errors import UserError
from graph_hcl.interrupts import postponed, stop_if_asked
from graph_hcl.keywords import names_arguments
from graph_hcl.kinds import plain
from graph_hcl.losses.contrastive import ContrastiveLoss
from graph_hcl.losses.objective import Epoch, Objective, ObjectiveInput, as_objective
from graph_hcl.losses.precision import at_least_float
from graph_hcl.nn import ContrastiveNetwork
from graph_hcl.reproducible import generators_kept
from graph_hcl.training.batches import index_batches
from graph_hcl.training.callbacks import Callback, CheckpointWriter, as_callbacks
from graph_hcl.training.checkpoint import Checkpoint
from graph_hcl.training.divergence import Diverged, check_finite, explain
from graph_hcl.training.finite import check_weights
from graph_hcl.training.graphed import CudaRecorder, GraphedSteps, check_graphed
from graph_hcl.training.inputs import (
    as_device,
    check_function,
    check_kind,
    check_network,
    chosen_graphs,
    stored_on,
)
from graph_hcl.training.optimizers import make_optimizer, rate, set_rate
from graph_hcl.training.precision import MixedPrecision
from graph_hcl.training.resuming import resume
from graph_hcl.training.state import (
    BatchFeatures,
    TrainingSettings,
    TrainState,
    random_states,
    set_random_states,
)
from graph_hcl.training.step import Step, Views, encode, take_step

Network = TypeVar("Network", bound=ContrastiveNetwork)
Sampler = Callable[[GraphStore, Sequence[Tensor], torch.Generator], Iterable[Views]]
"""The views of each step, by a store and the graphs of each step, such as a `ViewSampler`."""

_NO_FEATURES = torch.empty(0)


@names_arguments()
def fit(
    model: Network,
    objective: Objective | Callable[..., Tensor],
    sampler: Sampler,
    store: GraphStore,
    indices: Indices,
    settings: TrainingSettings,
    *,
    device: torch.device | str,
    checkpoint: Checkpoint | None = None,
    checkpoint_every: int | None = None,
    callbacks: Sequence[Callback] = (),
) -> Network:
    """Train `model` by contrasting the views of the graphs `indices` of `store`; return it.

    Each step takes the V views of its B graphs from `sampler`, maps them to features z [V·B, d] and
    minimises `objective.compute` of them, where graphs are named by their number in the store. The
    objective's tags say whether it is given labels and node features, too; a plain callable
    `loss(z, graph=…, label=…)` is taken as `as_objective` describes.

    Args:
        model: what is trained, in place.
        objective: the loss. One that is a module is trained with the model: its parameters, such as
            prototypes or a temperature, get the same optimiser.
        sampler: draws the views, such as `graph_hcl.augment.ViewSampler`.
        store: all graphs.
        indices: numbers [K] of the graphs in the store to train on, or a mask [G] or slice of them.
        settings: epochs, batch size, Adam's settings and seed.
        device: where the training runs; the store is moved there, too.
        checkpoint: file that the state goes to after the first epoch, the last, and some of those
            between (see `CheckpointWriter`). Training goes on from one that is already there, on
            the CPU bit for bit as if it had never stopped; its random numbers are those of the
            file, and the global generators stay as they are.
        checkpoint_every: number of steps of an epoch after which the state goes there, too.
        callbacks: called around the epochs in their order; they see the `TrainState`.

    Raises `UserError` for arguments of another kind, for a checkpoint of another seed or objective,
    for negative edge weights that the network makes NaN of, when features, loss or weights are no
    longer finite, and when no row of a whole epoch had both a positive and a negative, for
    objectives that can tell; the last good checkpoint stays. Raises `IndexError` for graphs that
    there are not.

    >>> from graph_hcl.augment import EdgeDrop, ViewSampler
    >>> from graph_hcl.data import load
    >>> from graph_hcl.losses import HUCL
    >>> from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
    >>> store = load("digits")[:64]
    >>> encoder = GraphEncoder(make_backbone("gin", store.num_features, 8, 2), 16)
    >>> model = fit(
    ...     ContrastiveModel(encoder), HUCL(), ViewSampler([EdgeDrop(0.2), EdgeDrop(0.2)]), store,
    ...     torch.arange(64), TrainingSettings(epochs=1, batch_size=32), device=torch.device("cpu"),
    ... )
    >>> model(store.batch([0, 1])).shape
    torch.Size([2, 16])
    """
    callbacks, device = as_callbacks(callbacks), as_device(device)
    check_network(model)
    _check_arguments(sampler, settings, checkpoint, checkpoint_every)
    store = stored_on(store, device)
    chosen = chosen_graphs(indices, store)
    check_graphed(settings, objective, sampler, device)
    state = start(model, objective, settings, device)
    check_weights(model.encoder, store, chosen)
    after_step = _stop_if_asked
    saved = None
    if checkpoint is not None:
        writer = CheckpointWriter(checkpoint, every=checkpoint_every)
        callbacks, after_step = [*callbacks, writer], writer.on_step_end
        saved = None if checkpoint.state() is None else checkpoint
    with nullcontext() if saved is None else generators_kept():
        if saved is not None:
            resume(saved, state)
        for callback in callbacks:
            callback.on_train_start(state)
        try:
            while state.epoch < state.epochs:
                with postponed():
                    run_epoch(state, sampler, store, chosen, settings, after_step)
                    for callback in callbacks:
                        callback.on_epoch_end(state)
                        state.record |= {name: plain(v) for name, v in state.record.items()}
                    stop_if_asked()
            state.finished = True
        except Diverged as error:
            raise explain(error, state, settings, store, checkpoint) from error
        finally:
            for callback in callbacks:
                callback.on_train_end(state)
    return model


def _check_arguments(sampler: Any, settings: Any, checkpoint: Any, every: Any) -> None:
    check_function("sampler", sampler, "a store, the graphs of each step and a generator")
    check_kind("settings", settings, TrainingSettings, "TrainingSettings(epochs=…, batch_size=…)")
    if checkpoint is not None:
        check_kind("checkpoint", checkpoint, Checkpoint, "Checkpoint('NAME.safetensors')")
    elif every is not None:
        raise UserError(
            f"Expected a checkpoint with checkpoint_every={every!r:.60}, but got none: give both, "
            "or none of them."
        )


def _stop_if_asked(state: TrainState) -> None:
    stop_if_asked()


def start(
    model: ContrastiveNetwork,
    objective: Objective | Callable[..., Tensor],
    settings: TrainingSettings,
    device: torch.device,
) -> TrainState:
    """Return the state before the first epoch, and move what is trained to the device."""
    module = objective if isinstance(objective, nn.Module) else None
    if isinstance(module, ContrastiveLoss):
        module.forget_temperature()
    trained = nn.ModuleList([model] if module is None else [model, module]).to(device)
    optimizer = make_optimizer(trained.parameters(), settings, device)
    # Separate generators: a change of the views leaves the order of the graphs as it was.
    generators = {
        "shuffle": torch.Generator().manual_seed(settings.seed),
        "augment": torch.Generator(device).manual_seed(settings.seed + 1),
    }
    return TrainState(
        model,
        as_objective(objective),
        module,
        optimizer,
        MixedPrecision(settings.precision, device),
        generators,
        device,
        settings.epochs,
        graphed=GraphedSteps(CudaRecorder(device)) if settings.cuda_graphs else None,
    )


def run_epoch(
    state: TrainState,
    sampler: Sampler,
    store: GraphStore,
    indices: Tensor,
    settings: TrainingSettings,
    after_step: Callable[[TrainState], None] = _stop_if_asked,
) -> None:
    """Train for one epoch, or for the rest of one, and bring the state up to date.

    `after_step` is called after each step but the last. Raises `UserError` as `fit` does for
    numbers that are not finite, but with neither the likely cause nor the last checkpoint.
    """
    started = time.perf_counter()
    state.epoch += 1
    done, random = state.step, random_states(state.device)
    if not done:
        state.largest_batch, state.losses, state.norms = None, [], []
        state.begun = {name: each.get_state() for name, each in state.generators.items()}
    state.model.train()
    if state.objective_module is not None:
        state.objective_module.train()
    state.objective.on_epoch(Epoch(state.epoch, state.epochs))
    size, most = settings.batch_size, settings.max_nodes
    sizes = None if most is None else store.sizes_on_host[0]
    chosen = index_batches(indices, size, state.generators["shuffle"], sizes, most)
    begun, inputs, lr = state.epoch - 1, [], settings.lr
    state.distinct = len(indices.unique()) == len(indices)
    drawn = sampler(store, chosen, state.generators["augment"])
    # All numbers at once, and without a wait: a copy for each step would wait for the device.
    there = torch.cat(chosen).to(state.device, non_blocking=True).split(list(map(len, chosen)))
    for number, (graphs, views) in enumerate(zip(there, drawn, strict=True), start=1):
        if number <= done:  # before the training was stopped; drawn again for those that follow
            if number == done:
                set_random_states(random, state.device)
            continue
        steps = begun + (number - 1) / len(chosen), begun + number / len(chosen)
        lr = set_rate(state.optimizer, settings.lr, rate(settings, *steps))
        loss, given = run_step(state, views, graphs, store.y, settings.clip)
        state.losses.append(loss * len(graphs))
        inputs.append(given)
        state.step = number
        if number < len(chosen):
            after_step(state)
    loss_sum = check_finite(state)  # the one wait for the device
    state.step, state.loss = 0, loss_sum / len(indices)
    if state.loss == 0 and not done and none_counted(state.objective, inputs):
        raise UserError(
            f"No graph had both a positive and a negative in epoch {state.epoch}, so nothing was "
            "learned: give two --views or more, larger --batch-size, or graphs of several labels."
        )
    state.num_batches = len(chosen)
    state.seconds = time.perf_counter() - started
    state.graphs_per_second = len(indices) / state.seconds
    state.record = {
        "epoch": state.epoch,
        "loss": state.loss,
        "lr": lr,
        "seconds": state.seconds,
        "graphs_per_second": state.graphs_per_second,
    }


def run_step(
    state: TrainState,
    views: Views,
    graphs: Tensor,
    labels: Tensor | None,
    clip: float | None = None,
) -> tuple[Tensor, ObjectiveInput]:
    """Take one step of the optimiser on the views of `graphs` [B], numbers in the store.

    `labels` are those of all graphs of the store, and `clip` is the largest norm of the gradient.
    Returns the loss [] and what the objective was given, without its features. Raises `Diverged`
    for numbers that are not finite, where that costs no wait for the device.
    """
    count = sum(view.batch.num_graphs for view in views) // len(graphs)
    graph = graphs.repeat(count)
    label = None if labels is None else labels[graph]
    step: Step | None = None
    if state.graphed is not None:
        step = state.graphed(state, views, graph, label, count, clip)
    if step is None:
        known = count if state.distinct else None
        step = take_step(
            state, lambda: encode(state, views, graph, label)._replace(views=known), clip
        )
    z, largest = step.given.z, state.largest_batch
    if largest is None or len(z) > len(largest.z):
        state.largest_batch = BatchFeatures(at_least_float(z), graph, label)
    state.norms.append(step.norm)
    return step.loss, step.given._replace(z=_NO_FEATURES)


def none_counted(objective: Objective, inputs: Sequence[ObjectiveInput]) -> bool:
    """Tell whether no row of any batch had a positive and a negative; False if this is unknown.

    Called only after an epoch whose loss is 0, so that it costs other epochs nothing.
    """
    counts = (objective.count(given) for given in inputs)
    return all(count is not None and int(count) == 0 for count in counts)
