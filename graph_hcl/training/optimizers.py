"""The optimiser of a training by name, and its learning rate at each step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from graph_hcl.errors import UserError
from graph_hcl.registries import OPTIMIZERS
from graph_hcl.training.state import TrainingSettings

MOMENTUM = 0.9
"""Momentum of sgd unless given."""
FUSED = ("cpu", "cuda")
"""Devices on which torch updates all weights in one pass."""


def check_optimizer(name: str, momentum: float | None = None) -> None:
    """Raise `UserError` for an unknown optimiser, and for momentum of another than sgd.

    >>> check_optimizer("adamw")
    """
    OPTIMIZERS.get(name)
    if momentum is not None and OPTIMIZERS.canonical(name) != "sgd":
        raise UserError(
            f"Expected --optimizer sgd with --optimizer.momentum, but got {name}, which takes "
            "none: leave it out, or choose sgd."
        )


def make_optimizer(
    weights: Iterable[nn.Parameter], settings: TrainingSettings, device: torch.device
) -> torch.optim.Optimizer:
    """Return the optimiser of the settings, by name or by the import path of what makes it.

    Raises `UserError` as `check_optimizer` does, and for what returns no optimiser.

    >>> settings = TrainingSettings(1, 8, lr=0.1, optimizer="sgd")
    >>> made = make_optimizer([nn.Parameter(torch.ones(2))], settings, torch.device("cpu"))
    >>> type(made).__name__, made.defaults["lr"], made.defaults["momentum"]
    ('SGD', 0.1, 0.9)
    """
    check_optimizer(settings.optimizer, settings.momentum)
    name = OPTIMIZERS.canonical(settings.optimizer)
    options: dict[str, Any] = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    if name in OPTIMIZERS.names():
        options["fused"] = True if device.type in FUSED else None
    if settings.cuda_graphs:  # a recorded step reads the rate where it is, and counts on the device
        options["lr"] = torch.tensor(settings.lr, device=device)
        options["capturable"] = device.type == "cuda"
    if name == "sgd":
        options["momentum"] = MOMENTUM if settings.momentum is None else settings.momentum
    try:
        made = OPTIMIZERS.get(name)(weights, **options)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"Expected the optimizer '{name}' to take weights, lr and weight_decay, but it raises "
            f"{type(error).__name__}: {error}."
        ) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise UserError(
            f"Expected '{name}' to make an optimizer of torch, but got {type(made).__name__}: "
            "derive it from torch.optim.Optimizer."
        )
    if name == "sgd" and options["momentum"] and settings.precision == "16-mixed":
        _start_at_rest(made)
    # Steps that are not recorded are meant, and need no warning of torch.
    vars(made)["_warned_capturable_if_run_uncaptured"] = settings.cuda_graphs
    return made


def _start_at_rest(optimizer: torch.optim.Optimizer) -> None:
    """Give all weights a momentum of 0.

    The fused sgd makes it of memory as it is, for its first step to fill; a first step that is left
    out, since its gradients overflowed in float16, would leave it so.
    """
    for group in optimizer.param_groups:
        for weight in group["params"]:
            optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)


def rate(settings: TrainingSettings, begun: float, done: float) -> float:
    """Return the share of the learning rate at the step from `begun` to `done`, in epochs.

    With w epochs of warm-up of E, it is done / w up to w, and then 1, (1 + cos πs) / 2 or 1 − s,
    where s = (begun − w) / (E − w): the first step does not stand still, nor does the last. It is a
    function of the place in the training alone, so that nothing of it need be saved.

    >>> cosine = TrainingSettings(4, 8, schedule="cosine", warmup=1)
    >>> [round(rate(cosine, step / 2, (step + 1) / 2), 3) for step in range(8)]
    [0.5, 1.0, 1.0, 0.933, 0.75, 0.5, 0.25, 0.067]
    """
    warmup, epochs = settings.warmup, settings.epochs
    if begun < warmup:
        return min(1.0, done / warmup)
    if settings.schedule == "constant":
        return 1.0
    share = (begun - warmup) / (epochs - warmup)
    return (1 + math.cos(math.pi * share)) / 2 if settings.schedule == "cosine" else 1 - share


def set_rate(optimizer: torch.optim.Optimizer, lr: float, share: float) -> float:
    """Set the learning rate of all weights to a share of `lr`; return it."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr * share)
        else:
            group["lr"] = lr * share
    return lr * share


def gradient_norm(optimizer: torch.optim.Optimizer, clip: float | None = None) -> Tensor:
    """Return the norm of all gradients [] as they came; a longer one is shortened to `clip`."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    given = [weight for weight in weights if weight.grad is not None]
    norm = nn.utils.get_total_norm([weight.grad for weight in given])
    if clip is not None:
        nn.utils.clip_grads_with_norm_(given, clip, norm)
    return norm
