"""Mixed precision: the encoder computes in 16 bits, the loss and the weights in 32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from graph_hcl.setting_checks import check_setting
from graph_hcl.training.inputs import as_device

KINDS: dict[str, torch.dtype] = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class MixedPrecision:
    """How a training computes on a device: autocast for the encoder, a scaled loss in float16.

    Args:
        precision: "32-true" computes in float32; "bf16-mixed" and "16-mixed" multiply in bfloat16
            and float16. In float16 the loss is scaled so that small gradients do not vanish, and a
            step whose gradients overflow is left out.
        device: where the training runs.

    Raises `UserError` for another precision.

    >>> with MixedPrecision("bf16-mixed", torch.device("cpu")).autocast():
    ...     (torch.eye(2) @ torch.eye(2)).dtype
    torch.bfloat16
    """

    def __init__(self, precision: str, device: torch.device | str) -> None:
        check_setting("precision", precision)
        self.device, self.kind = as_device(device), KINDS.get(precision)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.kind == torch.float16)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context that the encoder runs in."""
        if self.kind is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.kind)

    def backward(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Compute the gradients of the loss [], in their own units."""
        self.scaler.scale(loss).backward()
        if self.scaler.is_enabled():
            self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the step, unless its gradients overflowed in float16."""
        self.scaler.step(optimizer)
        self.scaler.update()

    def counted(self, norm: Tensor) -> Tensor:
        """Return a norm of gradients []; 0 for a step that is left out since they overflowed.

        >>> half = MixedPrecision("16-mixed", torch.device("cpu"))
        >>> half.counted(torch.tensor(float("inf")))
        tensor(0.)
        """
        return torch.where(norm.isfinite(), norm, 0.0) if self.scaler.is_enabled() else norm

    def tensors(self) -> dict[str, Tensor]:
        """Return the state of the scaling by name, for a checkpoint; {} where nothing is scaled."""
        kept = ("scale", "_growth_tracker")
        state = self.scaler.state_dict()
        return {name: torch.tensor(float(state[name])) for name in kept if name in state}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` returned.

        >>> half = MixedPrecision("16-mixed", torch.device("cpu"))
        >>> half.load({"scale": torch.tensor(8.0), "_growth_tracker": torch.tensor(3.0)})
        >>> half.tensors()["scale"]
        tensor(8.)
        """
        if self.scaler.is_enabled():
            found = {name: float(tensors[name]) for name in ("scale", "_growth_tracker")}
            tracker = {"_growth_tracker": int(found["_growth_tracker"])}
            self.scaler.load_state_dict(self.scaler.state_dict() | found | tracker)
