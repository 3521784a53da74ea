"""One step of a training: features, loss, gradients, and the step of the optimiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from graph_hcl.augment.sampler import SampledView, encode_plainly
from graph_hcl.errors import UserError
from graph_hcl.losses.finite import NotFinite
from graph_hcl.losses.objective import ObjectiveInput
from graph_hcl.training.divergence import Diverged, check_step
from graph_hcl.training.optimizers import gradient_norm
from graph_hcl.training.state import TrainState

Views = Sequence[SampledView]


class Step(NamedTuple):
    """What one step leaves on the device.

    Attributes:
        loss: the loss [].
        norm: norm of its gradient [].
        given: what the objective was given, with features without a gradient, and without nodes'.
    """

    loss: Tensor
    norm: Tensor
    given: ObjectiveInput


def take_step(
    state: TrainState, given: Callable[[], ObjectiveInput], clip: float | None = None
) -> Step:
    """Take one step of the optimiser on what `given` returns, called under autocast.

    `clip` is the largest norm of the gradient. Raises `Diverged` for numbers that are not finite,
    where that costs no wait for the device.
    """
    with state.precision.autocast():
        inputs = given()
    try:
        loss = state.objective.compute(inputs)
    except NotFinite as error:
        what = "features or logits are NaN or infinite"
        raise Diverged(what, state.epoch, state.step + 1) from error
    check_loss(loss)
    for group in state.optimizer.param_groups:
        for parameter in group["params"]:  # what zero_grad does, at a tenth of its cost
            parameter.grad = None
    state.precision.backward(loss, state.optimizer)
    norm = state.precision.counted(gradient_norm(state.optimizer, clip))
    check_step(state, loss.detach(), norm)
    state.precision.step(state.optimizer)
    return Step(loss.detach(), norm, inputs._replace(z=inputs.z.detach(), nodes=None))


def check_loss(loss: object) -> None:
    """Raise `UserError` unless an objective returned one number with a gradient.

    >>> check_loss(torch.ones(2))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the objective to return one number, but got [2]: average \
it, or leave reduction none out.
    """
    if not isinstance(loss, Tensor):
        raise UserError(
            f"Expected the objective to return a tensor, but got {type(loss).__name__}: compute it "
            "from the features by torch."
        )
    if loss.dim() != 0:
        raise UserError(
            f"Expected the objective to return one number, but got {list(loss.shape)}: average it, "
            "or leave reduction none out."
        )
    if not loss.requires_grad:
        raise UserError(
            "Expected a loss with a gradient, but the objective returned one without: compute it "
            "from the features, and do not detach them."
        )


def encode(state: TrainState, views: Views, graph: Tensor, label: Tensor | None) -> ObjectiveInput:
    """Return what the objective reads of views whose rows are of the graphs [V·B]."""
    tags = state.objective.tags
    label = label if tags.labels else None
    if not tags.nodes:
        return ObjectiveInput(torch.cat([v.features(state.model) for v in views]), graph, label)
    if any(view.encode is not encode_plainly for view in views):
        raise UserError(
            "Expected an objective that reads features of graphs alone with a View that has its "
            "own `encode`, but got one that reads features of nodes, too: leave `encode` out."
        )
    nodes, z = zip(*[state.model.local_and_global(view.batch) for view in views], strict=True)
    count = len(graph) // len(views)
    owners = torch.cat([view.batch.batch + k * count for k, view in enumerate(views)])
    return ObjectiveInput(torch.cat(z), graph, label, torch.cat(nodes), graph[owners])
