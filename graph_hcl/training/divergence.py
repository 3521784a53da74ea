"""Trainings whose numbers are no longer finite: where, why, and what is left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm as total_norm

from graph_hcl.errors import UserError

if TYPE_CHECKING:
    from graph_hcl.data import GraphStore
    from graph_hcl.training.checkpoint import Checkpoint
    from graph_hcl.training.state import TrainingSettings, TrainState

GRADIENTS = "gradients are NaN, infinite or too large to be squared"
LARGE_RATE, LOW_TEMPERATURE, LARGE_BETA, LARGE_INPUT = 0.1, 0.01, 20.0, 1e4
"""Beyond these, a setting is named as the likely cause. Trainings of the benchmarks have learning
rates of 0.01 at most, temperatures of 0.1 or more, and hardness of 2 at most; standardised
attributes are some tens at most."""


class Diverged(UserError):
    """Numbers of a training are NaN or infinite.

    >>> str(Diverged("the loss is nan", 3, 2))
    'Training diverged in epoch 3, step 2 (the loss is nan): lower --lr or --beta, or raise \
--temperature.'
    """

    def __init__(self, what: str, epoch: int, step: int) -> None:
        self.place = f"epoch {epoch}, step {step} ({what})"
        super().__init__(
            f"Training diverged in {self.place}: lower --lr or --beta, or raise --temperature."
        )


def check_finite(state: TrainState) -> float:
    """Return the sum of the losses; raise `Diverged` where a number of this epoch is not finite.

    Looked at are losses, gradients and weights, with one wait for the device. A gradient counts as
    infinite where its squares pass float32.
    """
    kept = [*state.model.parameters(), *state.model.buffers()]
    if state.objective_module is not None:
        kept += state.objective_module.parameters()
    weights = total_norm([one for one in kept if one.is_floating_point()], math.inf)
    losses, norms = torch.stack(state.losses), torch.stack(state.norms)
    done, first = state.step, state.step - len(state.norms)
    total = losses.sum()[None]
    *numbers, loss_sum = torch.cat(
        [losses, norms.to(losses), weights.to(losses)[None], total]
    ).tolist()
    for step, loss in enumerate(numbers[: len(losses)], start=1):
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss:g}", state.epoch, step)
    for step, norm in enumerate(numbers[len(losses) : -1], start=first + 1):
        if not math.isfinite(norm):
            raise Diverged(GRADIENTS, state.epoch, step)
    if not math.isfinite(numbers[-1]):
        raise Diverged("weights are NaN or infinite", state.epoch, done)
    return float(loss_sum)


def check_step(state: TrainState, loss: Tensor, norm: Tensor) -> None:
    """Raise `Diverged` for one step, where its numbers can be had without a wait: on the CPU."""
    if loss.device.type != "cpu":
        return
    if not math.isfinite(value := float(loss)):
        raise Diverged(f"the loss is {value:g}", state.epoch, state.step + 1)
    if not math.isfinite(float(norm)):
        raise Diverged(GRADIENTS, state.epoch, state.step + 1)


def explain(
    error: Diverged,
    state: TrainState,
    settings: TrainingSettings,
    store: GraphStore,
    checkpoint: Checkpoint | None,
) -> UserError:
    """Return the error with the likely cause and the last good checkpoint."""
    causes = likely_causes(state, settings, store)
    text = str(error).removesuffix(".")
    if causes:
        text = (
            f"Training diverged in {error.place}, probably from {' and '.join(causes)}: "
            f"{' and '.join(causes.values())}"
        )
    if checkpoint is None:
        return UserError(f"{text}.")
    saved = checkpoint.state()
    if saved is None:
        return UserError(f"{text} (no checkpoint was written before).")
    inside = f" and {saved.step} steps of the next" if saved.step else ""
    return UserError(
        f"{text} (the last good checkpoint, of epoch {saved.epoch}{inside}, is {saved.file})."
    )


def likely_causes(
    state: TrainState, settings: TrainingSettings, store: GraphStore
) -> dict[str, str]:
    """Return what is far from usual in a training, each with what to do about it."""
    causes = {}
    numbers = [t for t in (store.x, store.edge_attr) if t is not None and t.is_floating_point()]
    largest = max((float(t.abs().max()) for t in numbers if t.numel()), default=0.0)
    if not largest <= LARGE_INPUT:
        causes[f"attributes as large as {largest:.3g}"] = "scale the attributes"
    if settings.lr > LARGE_RATE:
        causes[f"the learning rate of {settings.lr:g}"] = "lower --lr"
    objective = getattr(state.objective, "function", state.objective)  # as it was given
    temperature = getattr(objective, "temperature", None)
    if isinstance(temperature, float) and temperature < LOW_TEMPERATURE:
        causes[f"the temperature of {temperature:g}"] = "raise --temperature"
    beta = getattr(getattr(objective, "hardening", None), "beta", None)
    if isinstance(beta, int | float) and beta > LARGE_BETA:
        causes[f"the hardness β = {beta:g}"] = "lower --beta"
    return causes
