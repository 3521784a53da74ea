"""The settings of a training, and its state as callbacks see it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from graph_hcl.losses.objective import Objective
from graph_hcl.nn import ContrastiveNetwork


@dataclass(frozen=True)
class TrainingSettings:
    """Number of epochs, batch size, settings of the optimiser and seed of one training.

    `max_nodes` is the largest number of nodes of a batch, before augmentation. The optimiser is one
    of `graph_hcl.registries.OPTIMIZERS`, or an import path; `momentum` is that of sgd, `clip` the
    largest norm of the gradient. The learning rate rises over `warmup` epochs to `lr`, and then
    stays, or falls to 0 as the `schedule` says.
    """

    epochs: int
    batch_size: int
    lr: float = 1e-3
    weight_decay: float = 0.0
    seed: int = 0
    max_nodes: int | None = None
    optimizer: str = "adam"
    momentum: float | None = None
    clip: float | None = None
    schedule: str = "constant"
    warmup: float = 0.0


class BatchFeatures(NamedTuple):
    """Features z [M, d] of a batch, with the graph [M] of each row, and its label [M] if any."""

    z: Tensor
    graph: Tensor
    label: Tensor | None


@dataclass
class TrainState:
    """The state of a training, passed to callbacks, which may add to `record`.

    `epoch` (1 … `epochs`) is running or was the last to finish; it is 0 before the first. Loss,
    seconds, graphs per second, `num_batches` and `record`, the line of metrics, are those of this
    epoch; `largest_batch` holds the features of its largest batch. Inside an epoch, `step` is the
    number of finished steps, `losses` are their losses times their numbers of graphs, `norms` the
    norms of their gradients, and `begun` the states of the generators when it began.
    `objective_module` is the objective as it was given, where it is a module whose state belongs in
    a checkpoint.
    """

    model: ContrastiveNetwork
    objective: Objective
    objective_module: nn.Module | None
    optimizer: torch.optim.Optimizer
    generators: dict[str, torch.Generator]
    device: torch.device
    epochs: int
    epoch: int = 0
    loss: float = math.nan
    seconds: float = 0.0
    graphs_per_second: float = 0.0
    num_batches: int = 0
    largest_batch: BatchFeatures | None = None
    step: int = 0
    losses: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)
    begun: dict[str, Tensor] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


def set_seed(seed: int) -> None:
    """Seed Python, numpy and torch on all devices."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
