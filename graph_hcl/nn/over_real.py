"""Batch normalisation of padded batches, whose statistics leave the added rows out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from graph_hcl.losses.precision import at_least_float


class OverReal(nn.BatchNorm1d):
    """Batch normalisation whose statistics are those of the first rows of x [n, F] alone.

    `real` maps a number of rows n to how many [] of these are real; others are all real.
    """

    real: Mapping[int, Tensor]

    def forward(self, x: Tensor) -> Tensor:
        """Return (x − mean) / √(variance + ε), scaled and shifted."""
        count = self.real.get(len(x))
        if count is None or not self.training or x.dim() != 2:
            return super().forward(x)
        return self.normalized(x, count, self.bias)

    def normalized(self, x: Tensor, count: Tensor, shift: Tensor | None) -> Tensor:
        """Return what `forward` does of `count` [] real rows, with `shift` [F] as bias."""
        inside = (torch.arange(len(x), device=x.device) < count)[:, None]
        rows = at_least_float(x)
        n = count.to(rows.dtype)
        mean = torch.where(inside, rows, 0).sum(0) / n
        variance = torch.where(inside, rows - mean, 0).square().sum(0) / n
        if self.track_running_stats:
            unbiased = variance * n / (n - 1).clamp_min(1)
            self._update(mean.detach(), unbiased.detach())
        out = (rows - mean) * (variance + self.eps).rsqrt()
        if self.weight is not None:
            out = out * self.weight
        return (out if shift is None else out + shift).to(x.dtype)

    def _update(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        self.running_var.lerp_(variance.to(self.running_var), share)


@contextmanager
def over_real(model: nn.Module, real: Mapping[int, Tensor]) -> Iterator[None]:
    """Let batch normalisation take its statistics over the first rows of padded tensors alone.

    `real` maps each padded number of rows to how many [] are real.

    >>> norm, x = nn.BatchNorm1d(1), torch.tensor([[1.0], [3.0], [50.0]])
    >>> with over_real(norm, {3: torch.tensor(2)}):
    ...     norm(x)[:2].round()
    tensor([[-1.],
            [ 1.]], grad_fn=<RoundBackward0>)
    """
    norms: list[Any] = [each for each in model.modules() if type(each) is nn.BatchNorm1d]
    for norm in norms:  # the class alone changes: weights, hooks and names of the state stay
        norm.__class__, norm.real = OverReal, real
    try:
        yield
    finally:
        for norm in norms:
            del norm.real
            norm.__class__ = nn.BatchNorm1d
