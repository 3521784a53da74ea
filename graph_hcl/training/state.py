"""The settings of a training, and its state as callbacks see it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.objective import Objective
from graph_hcl.nn import ContrastiveNetwork
from graph_hcl.ranges import Range
from graph_hcl.setting_checks import check_setting, check_value
from graph_hcl.training.precision import MixedPrecision

SEEDS = Range(0, 2**64 - 2)
"""Seeds of torch's generators, of which one training has two in a row."""
OF_OPTIMIZER = ("momentum", "clip", "schedule", "warmup")
"""Settings that `Config` has in its group `optimizer`."""


@names_arguments()
@dataclass(frozen=True)
class TrainingSettings:
    """Number of epochs, batch size, settings of the optimiser and seed of one training.

    Args:
        epochs: passes over the graphs.
        batch_size: graphs per batch, 2 or more.
        lr: learning rate.
        weight_decay: weight decay of the optimiser.
        seed: seed of batches and views.
        max_nodes: most nodes of a batch, before augmentation.
        optimizer: adam, adamw, sgd, or the import path of another.
        momentum: that of sgd.
        clip: largest norm of the gradient; None does not bound it.
        schedule: constant, linear or cosine: how the learning rate falls to 0 after the warm-up.
        warmup: epochs over which the learning rate rises to `lr`.
        precision: 32-true, bf16-mixed or 16-mixed, see `MixedPrecision`.
        cuda_graphs: record whole steps and repeat them on a CUDA device, see `Config`.

    Raises `UserError` for a value that is of another type or out of the range of its setting.

    >>> TrainingSettings(epochs=20, batch_size=128).optimizer
    'adam'
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
    precision: str = "32-true"
    cuda_graphs: bool = False

    def __post_init__(self) -> None:
        for one in fields(self):
            name, value = one.name, getattr(self, one.name)
            if name == "seed":
                check_value(name, value, int, SEEDS)
            elif name == "optimizer":
                check_value(name, value, str)
            else:
                check_setting(f"optimizer.{name}" if name in OF_OPTIMIZER else name, value)
        if self.warmup > self.epochs > 0:
            raise UserError(
                f"Expected warmup to be at most the number of epochs, {self.epochs}, but got "
                f"{self.warmup!r}."
            )


class BatchFeatures(NamedTuple):
    """Features z [M, d] of a batch, with the graph [M] of each row, and its label [M] if any."""

    z: Tensor
    graph: Tensor
    label: Tensor | None


@dataclass
class TrainState:
    """The state of a training, passed to callbacks, which may add to `record`.

    Attributes:
        model: what is trained.
        objective: what it minimises.
        objective_module: the objective as it was given, where it is a module whose state belongs in
            a checkpoint.
        optimizer: the optimiser.
        precision: in which precision it computes.
        generators: generators of batches and views, by name.
        device: where the training runs.
        epochs: number of epochs.
        epoch: the epoch, 1 … `epochs`, that is running or was the last to finish; 0 before the
            first.
        loss: mean loss of this epoch.
        seconds: how long it took.
        graphs_per_second: its speed.
        num_batches: its number of batches.
        largest_batch: features of the epoch's largest batch.
        step: number of finished steps inside an epoch; 0 between epochs.
        distinct: whether no graph is given twice, so that views are the only rows of one graph.
        losses: losses of these steps, times their numbers of graphs.
        norms: norms of their gradients.
        begun: states of the generators when the epoch began.
        record: the line of metrics of this epoch.
        graphed: what takes recorded steps; None takes all steps one kernel after the other.
        finished: whether all epochs were taken without an error.
    """

    model: ContrastiveNetwork
    objective: Objective
    objective_module: nn.Module | None
    optimizer: torch.optim.Optimizer
    precision: MixedPrecision
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
    distinct: bool = False
    losses: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)
    begun: dict[str, Tensor] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    graphed: Callable[..., Any] | None = None
    finished: bool = False


def random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states of torch's own generators, of the CPU and of a CUDA device, by name.

    >>> list(random_states(torch.device("cpu")))
    ['global']
    """
    states = {"global": torch.get_rng_state()}
    if device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(device)
    return states


def set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Bring torch's own generators to what `random_states` returned; a missing one stays.

    >>> states = random_states(torch.device("cpu"))
    >>> first = torch.rand(2)
    >>> set_random_states(states, torch.device("cpu"))
    >>> torch.equal(torch.rand(2), first)
    True
    """
    torch.set_rng_state(states["global"])
    if device.type == "cuda" and "device" in states:
        torch.cuda.set_rng_state(states["device"], device)


def set_seed(seed: int) -> None:
    """Seed Python, numpy and torch on all devices.

    >>> set_seed(0)
    >>> first = torch.rand(2)
    >>> set_seed(0)
    >>> torch.equal(first, torch.rand(2))
    True
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
