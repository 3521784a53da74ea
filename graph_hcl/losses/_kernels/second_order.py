"""Second derivatives of the kernels that compute their own gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def gradients_again(
    value: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    needed: Sequence[bool],
    gradient: Tensor,
) -> list[Tensor | None]:
    """Return the gradients of `value(*inputs)` where `needed`, with a graph of their own.

    A backward pass calls this when torch asks it for a graph (`create_graph=True`): `value` is the
    same function in operations that autograd knows.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (slope,) = gradients_again(lambda x: x**3, [x], [True], torch.ones(()))
    >>> torch.autograd.grad(slope, x)  # 6 x
    (tensor(18.),)
    """
    with torch.enable_grad():
        # Views, since one tensor may be given twice, as anchors and as samples.
        views = [tensor.view_as(tensor) for tensor in inputs]
        asked = [view for view, wanted in zip(views, needed, strict=False) if wanted]
        slopes = iter(torch.autograd.grad(value(*views), asked, gradient, create_graph=True))
    return [next(slopes) if wanted else None for _, wanted in zip(inputs, needed, strict=False)]
