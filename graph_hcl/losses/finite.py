"""Checks that features and their logits are finite, where that costs no wait for a device."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graph_hcl.losses.checks import transformed
from graph_hcl.losses.precision import at_least_float
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import steepness
from graph_hcl.warn import warn_user

EXTREME = 100.0
"""Logits of features of other length than 1 that are worth a warning: unit rows at T = 0.01."""


class NotFinite(ValueError):
    """Features or logits are NaN or infinite: the training diverged, or its features were so.

    >>> issubclass(NotFinite, ValueError)
    True
    """


def largest_product(
    anchors: Tensor, samples: Tensor | None, settings: LossSettings, *, warn: bool = True
) -> float | None:
    """Return a bound of all |⟨a, x⟩|, or None where values are not inspected.

    They are inspected on the CPU only, so that no check waits for another device, and not with
    `validate_args=False` or while torch traces. Raises `NotFinite` for features that are not
    finite, and for those whose logits, or (1 + β) times them, are not; warns of extreme logits, and
    of features longer than those that the debiased estimator is made for.

    >>> largest_product(torch.eye(2), 2 * torch.eye(2), LossSettings())
    2.0
    """
    if not settings.validate_args or anchors.device.type != "cpu" or transformed():
        return None
    first = longest_row(anchors)
    second = first if samples is None else longest_row(samples)
    beta = steepness(settings.hardening) or 0.0
    check_logits(first, second, settings.temperature, beta, anchors.dtype)
    # The text must not vary: Python shows the same warning once for a line of code.
    if warn and max(first, second) > 1.01 and first * second / settings.temperature > EXTREME:
        warn_user(
            f"Features that are not normalised give logits beyond ±{EXTREME:.0f}, where a few rows "
            "dominate the loss: normalise them, or raise the temperature."
        )
    if warn and settings.tau_plus and max(first, second) > 1.01:
        warn_user(
            "The least value e^{−1/T} of the debiased estimate is that of features of length 1 at "
            "most, but some are longer: normalise them, or leave out tau_plus."
        )
    return first * second


def check_logits(
    first: float, second: float, temperature: float, beta: float, kind: torch.dtype
) -> None:
    """Raise `NotFinite` where logits of rows so long, or (1 + β) times them, may overflow.

    >>> check_logits(1.0, 1.0, 1e-320, 0.0, torch.float32)
    Traceback (most recent call last):
    graph_hcl.losses.finite.NotFinite: Expected finite logits, but features of length 1 with \
temperature 1e-320 and beta 0 pass what torch.float32 holds: normalise the features, raise the \
temperature or lower beta.
    """
    kind = torch.promote_types(kind, torch.float32)
    if not (1 + beta) * (first * second / temperature) < torch.finfo(kind).max:
        raise NotFinite(
            f"Expected finite logits, but features of length {max(first, second):.3g} with "
            f"temperature {temperature:.3g} and beta {beta:.3g} pass what {kind} holds: "
            "normalise the features, raise the temperature or lower beta."
        )


def longest_row(rows: Tensor) -> float:
    """Return the largest norm of a row of [M, d]; raise `NotFinite` for NaN and infinity.

    >>> longest_row(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    5.0
    """
    if rows.numel() == 0:
        return 0.0
    longest = float(torch.linalg.vector_norm(at_least_float(rows.detach()), dim=1).amax())
    # The norm of finite features may overflow: only then must each feature be inspected.
    if not math.isfinite(longest) and not torch.isfinite(rows).all():
        raise NotFinite("Expected finite features, but some are NaN or infinite.")
    return longest
