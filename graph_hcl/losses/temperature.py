"""A temperature chosen from the features: so low that few negatives count."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graph_hcl.losses.adaptive import spread_columns
from graph_hcl.losses.checks import check_number, transformed
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import at_least_float, full_precision
from graph_hcl.warn import warn_user

SHARE = 0.05
"""The effective share of an anchor's negatives at which `temperature="auto"` is."""
LOWEST, HIGHEST = 0.02, 1.0
"""Range of the temperatures that may be chosen; where many graphs are alike, none has the share."""
ROUNDING = 1e-6
"""Relative difference from the share that counts as none."""
STEPS = 24
"""Bisections: T is found to a millionth part."""


@torch.no_grad()
def choose_temperature(
    anchors: Tensor, samples: Tensor, pairs: Pairs, share: float = SHARE
) -> float | None:
    """Return the temperature at which so large a share of an anchor's negatives count, on average.

    Kish's effective sample size of the plain loss's weights over the number of negatives,
    (Σ_j e^{s_j})² / (|N| Σ_j e^{2 s_j}), rises with T from 1/|N| to 1; it is averaged over anchors
    that have a negative. The temperature is within [0.02, 1]; None where no anchor has a negative,
    or each has 1/`share` or fewer, 20 at 5 %, of which so small a share cannot count. Of many rows,
    512 anchors and 512 samples that are spread out are taken.

    Args:
        anchors: normalised rows [A, d].
        samples: normalised rows [S, d].
        pairs: who is a negative of whom.
        share: the share, in (0, 1).

    Raises `ValueError` for another share, and inside `torch.compile` and `torch.func`.

    >>> z = torch.nn.functional.normalize(torch.randn(64, 8), dim=1)
    >>> key = torch.arange(64)
    >>> low = choose_temperature(z, z, Pairs.among(key, key), share=0.1)
    >>> low < choose_temperature(z, z, Pairs.among(key, key), share=0.5)
    True
    """
    if transformed():
        raise ValueError(
            "Expected a number as temperature inside torch.compile and torch.func, but got auto: "
            "it depends on values."
        )
    check_number("share", share)
    if not 0 < share < 1:
        raise ValueError(f"Expected share to be in (0, 1), but got {share}.")
    rows = spread_columns(len(anchors), anchors.device)
    columns = spread_columns(len(samples), anchors.device)
    if not len(rows) or not len(columns):
        return None
    negatives = pairs.masks(rows)[1][:, columns]
    count = negatives.sum(1)
    some, anchors_counted = count > 0, (count > 0).sum()
    with full_precision(anchors.device.type):
        cosines = at_least_float(anchors[rows]) @ at_least_float(samples[columns]).t()
    cosines = cosines.masked_fill(~negatives, -math.inf)
    cosines = cosines - cosines.amax(1, keepdim=True).clamp_min(-2)  # −∞ without a negative

    def mean(values: Tensor) -> Tensor:
        return torch.where(some, values, 0).sum() / anchors_counted

    low, high = (cosines.new_full((), end).log() for end in (LOWEST, HIGHEST))
    for _ in range(STEPS):
        middle = (low + high) / 2
        weights = (cosines / middle.exp()).exp()
        size = weights.sum(1).square() / weights.square().sum(1) / count
        above = mean(size) > share
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    least = mean(count.to(low).reciprocal())  # the share of one negative of each anchor
    # Both at once, as a device is waited for; NaN where no anchor has a negative.
    found: list[float] = torch.stack([((low + high) / 2).exp(), least]).tolist()
    chosen, floor = found
    if not floor <= share * (1 - ROUNDING):
        return None
    return min(max(chosen, LOWEST), HIGHEST)  # rounding may pass them


def warn_of_few_negatives(temperature: float) -> None:
    """Warn that no batch has had enough negatives for a temperature to be chosen.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warn_of_few_negatives(0.5)
    >>> str(told[0].message)[:37]
    'The temperature auto stays at 0.5 unt'
    """
    warn_user(
        f"The temperature auto stays at {temperature} until anchors have more than "
        f"{round(1 / SHARE)} negatives: at no temperature does as little as {100 * SHARE:g} % of "
        "fewer count. Take larger batches, or a number as temperature."
    )
