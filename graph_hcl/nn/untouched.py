"""Whether a network does only what its class says: nobody hooked into it."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module

# What torch and PyG's message passing keep hooks in; weight_norm and spectral_norm are hooks, too.
_HOOKS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_propagate_forward_pre_hooks",
    "_propagate_forward_hooks",
    "_message_forward_pre_hooks",
    "_message_forward_hooks",
    "_aggregate_forward_pre_hooks",
    "_aggregate_forward_hooks",
    "_message_and_aggregate_forward_pre_hooks",
    "_message_and_aggregate_forward_hooks",
    "_explain",
)
_OWN = ("forward", "message", "aggregate", "update", "propagate")


def untouched(network: nn.Module) -> bool:
    """Tell whether no module of a network has a hook, or a method of its own instance.

    >>> net = nn.Sequential(nn.Linear(1, 1))
    >>> handle = net[0].register_forward_hook(lambda *given: None)
    >>> untouched(net), handle.remove(), untouched(net)
    (False, None, True)
    """
    if torch_module._has_any_global_hook():
        return False
    return not any(_changed(module.__dict__) for module in network.modules())


def _changed(state: dict[str, Any]) -> bool:
    return any(state.get(name) for name in _HOOKS) or any(name in state for name in _OWN)
