"""e^{(1+β)s} and e^{βs} from one exponential where β allows it."""

from __future__ import annotations

from torch import Tensor


def exponentials(
    s: Tensor, beta: float | Tensor, order: float = 1.0
) -> tuple[Tensor, Tensor | None]:
    """Return e^{(1+β)s} and e^{βs} of logits s [A, S], which are overwritten; None for β = 0.

    β is one number or one per anchor [A]. With an `order` of a power mean and β = 0, the first is
    e^{order · s}.

    >>> import torch
    >>> exponentials(torch.zeros(1, 2), 2.0)
    (tensor([[1., 1.]]), tensor([[1., 1.]]))
    """
    if order != 1:
        return s.mul_(order).exp_(), None
    if isinstance(beta, Tensor):
        eta = (s * beta[:, None]).exp_()
    elif beta == 0:
        return s.exp_(), None
    elif beta == 1:
        eta = s.exp_()
        return eta * eta, eta
    else:
        eta = (s * beta).exp_()
    return s.exp_().mul_(eta), eta
