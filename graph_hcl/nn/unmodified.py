"""Whether a network computes what its classes define, with no hooks or replaced methods."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module
from torch_geometric.nn import MessagePassing

_OF_MESSAGES = [
    f"_{step}_forward_{kind}"
    for step in ("propagate", "message", "aggregate", "message_and_aggregate")
    for kind in ("pre_hooks", "hooks")
]
_OF_ALL_MODULES = [
    f"_global_{kind}_hooks" for kind in ("forward", "forward_pre", "backward", "backward_pre")
]
_METHODS = ("message", "aggregate", "update", "propagate")


def is_unmodified(network: nn.Module) -> bool:
    """Tell whether no module of a network has a hook, or a method replaced on the instance.

    The older `weight_norm` and `spectral_norm` are hooks, too; the newer ones change a type.

    >>> net = nn.Sequential(nn.Linear(1, 1))
    >>> handle = net[0].register_forward_hook(lambda *given: None)
    >>> is_unmodified(net), handle.remove(), is_unmodified(net)
    (False, None, True)
    """
    if any(getattr(torch_module, name) for name in _OF_ALL_MODULES):
        return False
    # Called before each forward pass: this loop is faster than `modules()` and `any`.
    pending: list[Any] = [network]
    while pending:
        module = pending.pop()
        if module is None:
            continue
        state = module.__dict__
        if (
            state["_forward_hooks"]
            or state["_forward_pre_hooks"]
            or state["_backward_hooks"]
            or state["_backward_pre_hooks"]
            or "forward" in state
            or (isinstance(module, MessagePassing) and _has_own_steps(state))
        ):
            return False
        if state["_modules"]:
            pending.extend(state["_modules"].values())
    return True


def _has_own_steps(state: dict[str, Any]) -> bool:
    """Tell whether a step of message passing has a hook or is replaced on the instance."""
    for name in _OF_MESSAGES:
        if state[name]:
            return True
    return bool(state["_explain"]) or any(name in state for name in _METHODS)
