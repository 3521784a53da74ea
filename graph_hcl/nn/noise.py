"""Features by an encoder whose weights carry noise: the second view of SimGRACE."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.nn.model import ContrastiveNetwork
from graph_hcl.setting_checks import check_setting


@names_arguments()
def perturbed(noise: float) -> Callable[[ContrastiveNetwork, Any], Tensor]:
    """Return the function that maps a model and a batch to features by weights with noise.

    It is `perturbed_features` with η = `noise` ≥ 0, as the `encode` of a `View`. Raises `UserError`
    for another `noise`.

    >>> perturbed(0.1).keywords
    {'noise': 0.1}
    """
    check_setting("encoder.weight_noise", noise, "noise")
    return partial(perturbed_features, noise=noise)


@torch.no_grad()
def perturbed_features(model: ContrastiveNetwork, batch: Any, noise: float) -> Tensor:
    """Return features z [B, d] by `noisy_weights`, as constants without a gradient.

    SimGRACE (arXiv 2202.03104, equation 2). As in its published code, the head has no noise, and
    nothing learns through the noisy weights. Running statistics of the model stay as they are.
    """
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    weights = noisy_weights(model, noise)
    features: Tensor = functional_call(model, weights | buffers, (batch,))
    return features


def noisy_weights(model: ContrastiveNetwork, noise: float) -> dict[str, Tensor]:
    """Return θ + η ε, ε ~ N(0, var θ), for each weight tensor θ of the encoder, with η = `noise`.

    The noise is drawn from torch's global generator. Raises `UserError` for lazy modules that never
    ran.
    """
    weights = {
        name: value for name, value in model.named_parameters() if name.startswith("encoder.")
    }
    lazy = [name for name, value in weights.items() if is_lazy(value)]
    if lazy:
        raise UserError(
            f"Expected an encoder whose weights have their sizes, but {lazy[0]} has none yet: call "
            "the model on a batch first."
        )
    return {
        name: value + noise * value.std(correction=0) * torch.randn_like(value)
        for name, value in weights.items()
    }
