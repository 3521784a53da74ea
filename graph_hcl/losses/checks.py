"""What the losses are given, checked: each mistake is one sentence, before any work is done."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import at_least_float

EXTREME = 100.0
"""Logits of features of other length than 1 that are worth a warning: unit rows at T = 0.01."""


class NotFinite(ValueError):
    """Features or logits are NaN or infinite: a training has diverged, or was given such features.

    >>> issubclass(NotFinite, ValueError)
    True
    """


def transformed() -> bool:
    """Tell whether torch compiles, maps or differentiates functions here, so values are unknown.

    Then no value can be looked at, and the losses are computed from plain tensor operations.

    >>> transformed()
    False
    """
    if torch.compiler.is_compiling():
        return True
    transforms: Any = torch._C
    return transforms._are_functorch_transforms_active() or forward_ad._current_level >= 0


def check_number(name: str, value: Any) -> None:
    """Raise `ValueError` for what is no real number, a tensor among it: no gradient reaches one.

    >>> check_number("beta", "1")
    Traceback (most recent call last):
    ValueError: Expected beta to be a number, but got str.
    """
    if not isinstance(value, numbers.Real):
        raise ValueError(f"Expected {name} to be a number, but got {type(value).__name__}.")


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise `ValueError` for what is no integer of `least` or more.

    >>> check_whole("queue_size", 1.5, 0)
    Traceback (most recent call last):
    ValueError: Expected queue_size to be a whole number of 0 or more, but got 1.5.
    """
    if not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(
            f"Expected {name} to be a whole number of {least} or more, but got {value!r}."
        )


def check_values(temperature: float, tau_plus: float, prefactor: str, average: str) -> None:
    """Raise `ValueError` for hyper-parameters out of range."""
    check_number("temperature", temperature)
    check_number("tau_plus", tau_plus)
    if not 0 < temperature < math.inf:
        raise ValueError(f"Expected temperature to be above 0 and finite, but got {temperature}.")
    if not 0 <= tau_plus < 1:
        raise ValueError(f"Expected tau_plus to be in [0, 1), but got {tau_plus}.")
    for name, value, known in (
        ("prefactor", prefactor, ("sum", "mean")),
        ("average", average, ("anchor", "pair")),
    ):
        if value not in known:
            raise ValueError(f"Expected {name} to be {' or '.join(known)}, but got {value!r}.")


def check_road(mode: str, reduction: str, average: str, num_negatives: int | None) -> None:
    """Raise `ValueError` for a mode, a reduction or a number of draws that cannot be had."""
    if mode not in ("auto", "dense", "tiled"):
        raise ValueError(f"Expected mode to be auto, dense or tiled, but got {mode!r}.")
    if reduction not in ("mean", "none"):
        raise ValueError(f"Expected reduction to be mean or none, but got {reduction!r}.")
    if reduction == "none" and average == "pair":
        raise ValueError(
            "Expected average anchor with reduction none: a mean over all pairs is no mean over "
            "anchors."
        )
    if mode == "tiled" and reduction == "none":
        raise ValueError("Expected mode dense or auto with reduction none: it keeps all logits.")
    if mode == "tiled" and num_negatives is not None:
        raise ValueError("Expected mode dense or auto with num_negatives: draws need all logits.")
    if num_negatives is not None:
        check_whole("num_negatives", num_negatives, 1)


def check_rows(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    names: tuple[str, str] = ("anchors [A, d]", "samples [S, d]"),
) -> None:
    """Raise `ValueError` unless anchors [A, d], samples [S, d] and the keys fit each other."""
    if anchors.dim() != 2 or samples.dim() != 2 or anchors.shape[1] != samples.shape[1]:
        raise ValueError(
            f"Expected {names[0]} and {names[1]}, but got {list(anchors.shape)} and "
            f"{list(samples.shape)}."
        )
    for rows in (anchors, samples):
        if not rows.is_floating_point():
            raise ValueError(f"Expected features of a floating type, but got {rows.dtype}.")
    keys = pairs.positive
    if (len(keys[0]), len(keys[1])) != (len(anchors), len(samples)):
        raise ValueError(
            f"Expected keys for {len(anchors)} anchors and {len(samples)} samples, but got keys "
            f"for {len(keys[0])} and {len(keys[1])}."
        )
    devices = {str(part.device) for part in (anchors, samples, *keys)}
    if len(devices) > 1:
        raise ValueError(
            f"Expected features and keys on one device, but got {' and '.join(sorted(devices))}."
        )


def longest_rows(
    anchors: Tensor, samples: Tensor | None, temperature: float, beta: float = 0.0
) -> tuple[float, float]:
    """Return the largest norm of an anchor and of a sample; warn of extreme logits.

    Raises `NotFinite` for features that are not finite, and for those whose logits, or (1 + β)
    times them, are not.

    >>> longest_rows(torch.eye(2), 2 * torch.eye(2), 0.5)
    (1.0, 2.0)
    """
    first = longest_row(anchors)
    second = first if samples is None else longest_row(samples)
    check_logits(first, second, temperature, beta, anchors.dtype)
    # The text must not vary: Python shows the same warning once for a line of code.
    if max(first, second) > 1.01 and first * second / temperature > EXTREME:
        warnings.warn(
            f"Features that are not normalised give logits beyond ±{EXTREME:.0f}, where the loss "
            "follows a few rows alone: normalise them, or raise the temperature.",
            stacklevel=3,
        )
    return first, second


def check_logits(
    first: float, second: float, temperature: float, beta: float, kind: torch.dtype
) -> None:
    """Raise `NotFinite` where logits of rows so long, or (1 + β) times them, may overflow.

    >>> check_logits(1.0, 1.0, 1e-320, 0.0, torch.float32)
    Traceback (most recent call last):
    graph_hcl.losses.checks.NotFinite: Expected finite logits, but features of length 1 with \
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
    # The norm of finite features may overflow: only then need every one be looked at.
    if not math.isfinite(longest) and not torch.isfinite(rows).all():
        raise NotFinite("Expected finite features, but some are NaN or infinite.")
    return longest


def check_keys_are_known(pairs: Pairs, what: str) -> None:
    """Raise `ValueError` where positive pairs must be listed, but their number is not known.

    `torch.compile` breaks the graph here; with `fullgraph=True` it raises its own error instead,
    which holds the sentence.
    """
    sentence = (
        f"Expected keys that torch.compile and torch.func.vmap do not trace with {what}: the "
        "number of positive pairs must be known."
    )
    if torch.compiler.is_compiling():
        torch._dynamo.graph_break(sentence)
        return
    transforms: Any = torch._C._functorch
    sides = [*pairs.positive, *(pairs.negative or ())]
    if transformed() and any(transforms.is_batchedtensor(keys) for keys in sides):
        raise ValueError(sentence)
