"""Whether a network does only what its class says: nobody hooked into it."""

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
_METHODS = ("message", "aggregate", "update", "propagate")


def untouched(network: nn.Module) -> bool:
    """Tell whether no module of a network has a hook, or a method of its own instance.

    The older `weight_norm` and `spectral_norm` are hooks, too; the newer ones change a type.

    >>> net = nn.Sequential(nn.Linear(1, 1))
    >>> handle = net[0].register_forward_hook(lambda *given: None)
    >>> untouched(net), handle.remove(), untouched(net)
    (False, None, True)
    """
    if torch_module._has_any_global_hook():
        return False
    # Asked before each forward pass, so by a loop that costs less than `modules()` and `any`.
    waiting: list[Any] = [network]
    while waiting:
        module = waiting.pop()
        if module is None:
            continue
        state = module.__dict__
        if (
            state["_forward_hooks"]
            or state["_forward_pre_hooks"]
            or state["_backward_hooks"]
            or state["_backward_pre_hooks"]
            or "forward" in state
            or (isinstance(module, MessagePassing) and _changed(state))
        ):
            return False
        if state["_modules"]:
            waiting.extend(state["_modules"].values())
    return True


def _changed(state: dict[str, Any]) -> bool:
    """Tell whether the steps of message passing are not those of the class alone."""
    for name in _OF_MESSAGES:
        if state[name]:
            return True
    return bool(state["_explain"]) or any(name in state for name in _METHODS)
