"""Linear maps and batch normalisation with the same values as PyTorch's, at less cost."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graph_hcl.nn.over_real import OverReal


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """Return x Wᵀ [n, H] for x [n, F] and a weight W [H, F].

    For a weight in transposed memory order, PyTorch computes the gradient as xᵀ g instead of gᵀ x:
    up to twice as fast, unless W is square.

    >>> linear(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[11.]])
    """
    square = weight.shape[0] == weight.shape[1]
    return F.linear(x, weight) if square else x @ weight.t().contiguous()


def normalize_and_activate(
    x: Tensor, bias: Tensor | None, norm: nn.Module, act: nn.Module | None
) -> Tensor:
    """Return act(norm(x + bias)); x [n, F] may be overwritten.

    Batch normalisation subtracts the mean, and with it the bias: only the running mean needs it.

    >>> from torch_geometric.nn import BatchNorm
    >>> x, bias = torch.tensor([[1.0], [3.0]]), torch.ones(1)
    >>> normalize_and_activate(x, bias, BatchNorm(1), nn.ReLU()).round()
    tensor([[0.],
            [1.]], grad_fn=<RoundBackward0>)
    """
    batch_norm: Any = getattr(norm, "module", None)
    if not _is_plain(batch_norm) or getattr(norm, "allow_single_element", False):
        x = norm(x if bias is None else x + bias)
        return x if act is None else act(x)
    shift, momentum = batch_norm.bias, batch_norm.momentum
    if bias is not None:
        shift = torch.add(shift, bias, alpha=0)  # gives the bias its gradient, which is 0
    mean, variance = batch_norm.running_mean, batch_norm.running_var
    count = batch_norm.real.get(len(x)) if isinstance(batch_norm, OverReal) else None
    if count is None:
        weight, eps = batch_norm.weight, batch_norm.eps
        x = F.batch_norm(x, mean, variance, weight, shift, True, momentum, eps)
        batch_norm.num_batches_tracked.add_(1)
    else:
        x = batch_norm.normalized(x, count, shift)
    if bias is not None:
        # Through `data`, as batch normalisation does: no gradient depends on this mean.
        mean.data.add_(bias.detach(), alpha=momentum)
    if type(act) is nn.ReLU:
        return x.relu_()
    return x if act is None else act(x)


def _is_plain(norm: Any) -> bool:
    """Tell whether this is batch normalisation with all its parts, in training."""
    return (
        type(norm) in (nn.BatchNorm1d, OverReal)
        and norm.training
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
    )
