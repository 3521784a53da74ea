"""The training loop, small enough to hold in the head."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from graph_hcl.errors import UserError
from graph_hcl.losses import NotFinite
from graph_hcl.progress import Progress
from graph_hcl.training.checkpoint import Checkpoint


class Store(Protocol):
    """What the loop asks of graphs: `len` and a batch by indices; `y` holds one label a graph."""

    @property
    def y(self) -> Tensor | None: ...  # noqa: D102

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Any: ...  # noqa: D102


PAUSE = 0.5
"""Seconds between two checkpoints at least: writing one of each short epoch would double it."""

Draw = Callable[[Any, Sequence[Tensor], torch.Generator], Iterable[Sequence[Any]]]
"""Batches for the encoder by a store and the graphs of each step: for each step its views, or one
batch that holds all of them."""
Objective = Callable[..., Tensor]

MAX_VALUES = 2**26
"""Node features, nodes × columns, that are embedded at once."""

LOOK = 12
"""Batches from one diagnosis to the next at least, where an epoch has fewer: it takes a third of a
batch's time, so that it stays under 3 % of the training."""


@dataclass(frozen=True)
class TrainingSettings:
    """Length, batch size and Adam's settings of one training."""

    epochs: int
    batch_size: int
    lr: float = 1e-3
    weight_decay: float = 0.0
    seed: int = 0


def set_seed(seed: int) -> None:
    """Seed Python, numpy and torch on all devices."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def batches(indices: Tensor, batch_size: int, generator: torch.Generator | None) -> list[Tensor]:
    """Return the indices in batches, shuffled by the generator if one is given.

    A last batch of a single graph, which has nothing to be contrasted with, joins the one before.

    >>> [len(batch) for batch in batches(torch.arange(9), 4, torch.Generator().manual_seed(0))]
    [4, 5]
    """
    if generator is not None:
        indices = indices[torch.randperm(len(indices), generator=generator)]
    parts = list(indices.split(batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def fit(
    model: nn.Module,
    objective: Objective,
    draw: Draw,
    store: Store,
    indices: Tensor,
    settings: TrainingSettings,
    *,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    log: Callable[[dict[str, Any]], None] = lambda record: None,
    diagnose: Callable[[Tensor, Tensor, Tensor, Any], dict[str, float]] | None = None,
    at_epoch: Callable[[int, nn.Module], None] | None = None,
    progress: str | None = None,
) -> nn.Module:
    """Train `model` by contrasting the views of the graphs `indices` of `store`; return it.

    Each step takes the V views of its graphs from `draw`, maps them to features z and minimises
    `objective(z of all views [V·B, d], graph=graph [V·B], label=label [V·B])`, where graphs are
    named by their number in the store. The loop asks the objective whether it `uses_labels`, and
    hands it labels only then; one that `reads_nodes` gets `nodes=` [n, d] and `node_graph=` [n]
    too; one with a method `anneal` is told the share of the training that is done. After every
    epoch one record (epoch, loss, seconds, graphs per second) goes to `log`; `diagnose`, given
    features, graph, label and objective of the largest batch, adds to it what it returns; it
    changes nothing of the training, and looks at the first epoch, the last, and one in every `LOOK`
    batches. `at_epoch` is shown the model after each epoch, and may set it to evaluate. The state
    goes to `checkpoint` after the first epoch, the last, and those that end `PAUSE` or more after
    it was last written. Training goes on from a checkpoint that is already there, on the CPU bit
    for bit as if it had never stopped.
    Raises `UserError` when features, loss or weights are no longer finite, and when no row of a
    whole epoch had both a positive and a negative, for objectives that can tell; the last good
    checkpoint stays.
    """
    # Shuffling and views have generators of their own: neither moves when the other is changed.
    shuffle = torch.Generator().manual_seed(settings.seed)
    augment = torch.Generator(device).manual_seed(settings.seed + 1)
    generators = {"shuffle": shuffle, "augment": augment}
    model.to(device).train()
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(
        parameters,
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        fused=True if device.type in ("cpu", "cuda") else None,
    )
    state = objective if isinstance(objective, nn.Module) else None
    anneal = getattr(objective, "anneal", None)
    done = 0
    if checkpoint is not None and checkpoint.epoch():
        done = checkpoint.load(model, optimizer, generators, state)
    labelled = getattr(objective, "uses_labels", False)
    shown = Progress(progress or "", settings.epochs, "epoch", done=done, show=progress is not None)
    saved = -math.inf
    for epoch in range(done + 1, settings.epochs + 1):
        start, losses = time.perf_counter(), []
        rows: list[tuple[Tensor, Tensor | None]] = []
        widest: tuple[Tensor, Tensor, Tensor] | None = None
        if anneal is not None:
            anneal((epoch - 1) / max(1, settings.epochs - 1))
        parts = batches(indices, settings.batch_size, shuffle)
        for part, drawn in zip(parts, draw(store, parts, augment), strict=True):
            views = sum(view.num_graphs for view in drawn) // len(part)
            graph = part.to(device).repeat(views)
            label = None if store.y is None else store.y[graph]
            try:
                loss, z = contrast(model, objective, drawn, graph, label if labelled else None)
            except NotFinite as error:
                raise diverged("features or logits are NaN or infinite", epoch) from error
            if label is not None and (widest is None or len(z) > len(widest[0])):
                widest = z.detach(), graph, label
            for parameter in parameters:  # what zero_grad does, at a tenth of its cost
                parameter.grad = None
            loss.backward()
            optimizer.step()
            losses.append(loss.detach() * len(part))
            rows.append((graph, label if labelled else None))
        mean = float(torch.stack(losses).sum()) / len(indices)  # the one synchronisation
        if not math.isfinite(mean):
            raise diverged(f"the loss is {mean}", epoch)
        if mean == 0 and none_counted(objective, rows):
            raise UserError(
                f"No graph had both a positive and a negative in epoch {epoch}, so nothing was "
                "learned: give two --views or more, larger --batch-size, or graphs of several "
                "labels."
            )
        seconds = time.perf_counter() - start
        rate = len(indices) / seconds
        record: dict[str, Any] = {
            "epoch": epoch,
            "loss": mean,
            "seconds": seconds,
            "graphs_per_second": rate,
        }
        ends = epoch in (1, settings.epochs)
        if diagnose and widest and (ends or epoch % math.ceil(LOOK / len(parts)) == 0):
            record |= diagnose(*widest, objective)
        log(record)
        shown.update(loss=f"{mean:#.5g}", graphs_per_s=f"{rate:.0f}")
        due = epoch == settings.epochs or time.monotonic() - saved >= PAUSE
        if checkpoint is not None and due:
            if not all(bool(parameter.isfinite().all()) for parameter in parameters):
                raise diverged("weights are NaN or infinite", epoch)
            checkpoint.save(epoch, model, optimizer, generators, state)
            saved = time.monotonic()
        if at_epoch is not None:
            at_epoch(epoch, model)
            model.train()
    shown.close()
    return model


def diverged(what: str, epoch: int) -> UserError:
    """Return the error for a training that left the finite numbers in an epoch.

    >>> print(diverged("the loss is nan", 2))
    Training diverged in epoch 2 (the loss is nan): lower --lr or --beta, or raise --temperature.
    """
    return UserError(
        f"Training diverged in epoch {epoch} ({what}): lower --lr or --beta, or raise "
        "--temperature."
    )


def none_counted(objective: Objective, rows: Sequence[tuple[Tensor, Tensor | None]]) -> bool:
    """Tell whether no row of any batch had a positive and a negative; False if nobody can tell.

    Asked only of an epoch whose loss is 0, so that other epochs pay nothing for it.
    """
    counted: Callable[[Tensor, Tensor | None], Tensor] | None = getattr(objective, "counted", None)
    return counted is not None and not any(int(counted(*batch)) for batch in rows)


def contrast(
    model: Any, objective: Objective, views: Sequence[Any], graph: Tensor, label: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the objective's value [] and features [V·B, d] of the views of graphs [V·B]."""
    if not getattr(objective, "reads_nodes", False):
        later = model.perturbed if getattr(model, "weight_noise", 0) else model
        z = torch.cat([model(views[0]), *(later(view) for view in views[1:])])
        return objective(z, graph=graph, label=label), z
    nodes, graphs = zip(*[model.local_and_global(view) for view in views], strict=True)
    owners = torch.cat([view.batch for view in views])
    if len(views) > 1:
        sizes = torch.tensor([len(view.batch) for view in views], device=graph.device)
        first = torch.arange(len(views), device=graph.device) * (len(graph) // len(views))
        owners = owners + first.repeat_interleave(sizes)
    z = torch.cat(graphs)
    loss = objective(z, graph=graph, label=label, nodes=torch.cat(nodes), node_graph=graph[owners])
    return loss, z


def _indices(store: Store) -> Iterator[Tensor]:
    """Yield all graphs in runs of some hundred, of fewer where they are large and wide."""
    values = getattr(store, "mean_values", 1.0)
    yield from torch.arange(len(store)).split(max(1, min(512, int(MAX_VALUES / values))))


@torch.no_grad()
def embed(model: Any, store: Store, device: torch.device, projected: bool = False) -> np.ndarray:
    """Return embeddings [G, D] of all graphs, before the projection head, in evaluation mode.

    `projected` gives the normalised features [G, d] behind the head instead: what the loss sees.
    """
    network = model.to(device).eval() if projected else model.encoder.to(device).eval()
    found = [network(store.batch(indices)).cpu() for indices in _indices(store)]
    return torch.cat(found).double().numpy()
