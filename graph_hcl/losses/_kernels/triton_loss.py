"""The losses by Triton kernels: η = e^{βs} and power means, on a GPU, without a wait for it.

Logits are computed by tiles and never kept; the backward pass computes them again. Sums are
float32 whatever the type of the features. A gradient that is to be differentiated again is that of
the dense form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dense import log_mean_dense
from graph_hcl.losses._kernels.pair_loss import log_count, pair_weights
from graph_hcl.losses._kernels.positives import pair_sums
from graph_hcl.losses._kernels.second_order import gradients_again
from graph_hcl.losses._kernels.triton_launch import (
    LOG2E,
    Launch,
    Side,
    negative_sides,
    own_positions,
    sides,
)
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import Weighting


def triton_loss(
    anchors: Tensor,
    samples: Tensor | None,
    pairs: Pairs,
    settings: LossSettings,
    weighting: Weighting,
    *,
    bound: float | None,
    kind: torch.dtype,
) -> Tensor:
    """Return the loss [] of `contrastive_loss` for η = e^{βs} with one β, and for power means.

    Products are of features rounded to `kind`. With a `bound`, that of all |logits|, one shift
    serves all rows; without, each has a running maximum.
    """
    same, others = pairs.counts()
    counted = (same > 0) & (others > 0)
    log_q = log_count(others, settings, anchors)
    mean: Tensor = _LogMean.apply(
        anchors, samples, pairs, settings.temperature, weighting, bound, others, kind
    )
    log_n = log_q + torch.where(counted, mean, 0)
    share = pair_weights(same, counted, settings, anchors)
    total: Tensor = _PositiveSum.apply(anchors, samples, log_n, log_q, share, pairs, settings, kind)
    return total


class _LogMean(torch.autograd.Function):
    """LSE_N(s + log η) − LSE_N(log η) of each anchor [A]; −∞ or NaN without negatives."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor | None,
        pairs: Pairs,
        temperature: float,
        weighting: Weighting,
        bound: float | None,
        negatives: Tensor,
        kind: torch.dtype,
    ) -> Tensor:
        beta = weighting.beta
        assert isinstance(beta, float | int)
        launch = Launch.of(anchors, kind)
        left, right = negative_sides(pairs)
        rows, columns = _sorted(anchors, samples, left, right, kind)
        among = samples is None and left is right and bound is not None
        # Atomics add up in any order: where the same bits are asked for, each tile is visited.
        halved = among and not torch.are_deterministic_algorithms_enabled()
        splits = launch.splits(len(rows), len(columns), 8 * len(rows))
        fill = rows.new_zeros if halved else rows.new_empty
        parts = [fill([1 if halved else splits, len(rows)], dtype=torch.float32) for _ in range(3)]
        scale, shift, powers = _scales(temperature, weighting, bound)
        launch.run(
            "negative_sums", (launch.blocks(len(rows)), splits),
            rows, columns, left.first, left.end, *parts,
            len(rows), len(columns), rows.shape[1], scale, shift, *powers, splits,
            ETA=beta != 0, SQUARE=beta == 1, BOUNDED=bound is not None,
            SYMMETRIC=halved,
        )  # fmt: skip
        tilted, weight, top = _together(parts, powers, None if bound is None else shift)
        if beta == 0:
            weight = left.sort(negatives).to(tilted)
        ctx.save_for_backward(anchors, samples, tilted, weight, top)
        ctx.settings = pairs, temperature, weighting, bound, kind, (left, right)
        return left.unsort((tilted.log() - weight.log()) / weighting.order + top / LOG2E)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, tilted, weight, top = ctx.saved_tensors
        pairs, temperature, weighting, bound, kind, (left, right) = ctx.settings
        if torch.is_grad_enabled():

            def again(a: Tensor, *x: Tensor) -> Tensor:
                return log_mean_dense(a, x[0] if x else a, pairs, temperature, weighting)

            return (*_again(again, anchors, samples, ctx.needs_input_grad, gradient), *[None] * 6)
        g = left.sort(gradient).float()
        pull, push = weighting.slopes(weighting.beta)
        up = torch.where(g == 0, 0, g * pull / tilted)
        down = torch.where(g == 0, 0, g * push / weight)
        coefficients = up, down, top
        rows = left.sort(anchors, kind)
        scale, shift, powers = _scales(temperature, weighting, bound)
        given = {"ETA": push != 0, "SQUARE": weighting.beta == 1, "BOUNDED": bound is not None}

        def slopes(outer: Tensor, inner: Tensor, side: Side, of: tuple[bool, bool]) -> Tensor:
            launch = Launch.of(outer, kind)
            splits = launch.splits(len(outer), len(inner), 4 * outer.numel())
            d = outer.new_empty([splits, *outer.shape], dtype=torch.float32)
            grid = launch.blocks(len(outer)), splits, launch.chunks
            launch.run(
                "negative_slopes", grid,
                outer, inner, side.first, side.end, d, *coefficients, *coefficients,
                len(outer), len(inner), outer.shape[1], scale, shift, *powers, splits,
                **given, OUTER=of[0], INNER=of[1], ROUND=kind == torch.bfloat16,
                OUT=launch.chunk,
            )  # fmt: skip
            return side.unsort(d.sum(0) / temperature)

        if samples is None and left is right:
            return slopes(rows, rows, left, (True, True)), *[None] * 7
        columns = right.sort(anchors if samples is None else samples, kind)
        d_a = slopes(rows, columns, left, (True, False))
        d_x = slopes(columns, rows, right, (False, True)) if _wanted(ctx, samples) else None
        if samples is None and d_x is not None:
            d_a, d_x = d_a + d_x, None
        return d_a, d_x, *[None] * 6


class _PositiveSum(torch.autograd.Function):
    """Σ_i weight_i Σ_{p∈P(i)} ℓ(log n_i, s_ip, log Q_i) []."""

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        samples: Tensor | None,
        log_n: Tensor,
        log_q: Tensor,
        share: Tensor,
        pairs: Pairs,
        settings: LossSettings,
        kind: torch.dtype,
    ) -> Tensor:
        launch = Launch.of(anchors, kind)
        left, right = sides(*pairs.positive)
        rows, columns = _sorted(anchors, samples, left, right, kind)
        value, slope = (torch.empty_like(log_n, dtype=torch.float32) for _ in range(2))
        given, constants = _pair_arguments(settings)
        launch.run(
            "positive_sums", (launch.blocks(len(rows)),),
            rows, columns, left.first, left.end, own_positions(left, right, pairs),
            left.sort(log_n), left.sort(log_q), value, slope,
            len(rows), len(columns), rows.shape[1], 1 / settings.temperature, *given,
            **constants,
        )  # fmt: skip
        ctx.save_for_backward(anchors, samples, log_n, log_q, share, left.unsort(slope) * share)
        ctx.settings = pairs, settings, kind, (left, right)
        return torch.dot(value, left.sort(share))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        anchors, samples, log_n, log_q, share, d_n = ctx.saved_tensors
        pairs, settings, kind, (left, right) = ctx.settings
        if torch.is_grad_enabled():

            def again(a: Tensor, *rest: Tensor) -> Tensor:
                x, n = (a, *rest) if samples is None else rest
                logits = a @ x.t() / settings.temperature
                total: Tensor = pair_sums(logits, n, log_q, pairs.masks()[0], settings) * share
                return total.sum()

            inputs = (anchors, log_n) if samples is None else (anchors, samples, log_n)
            needed = [want for want, given in zip(ctx.needs_input_grad, (1, samples is not None, 1),
                                                  strict=False) if given]  # fmt: skip
            found = gradients_again(again, inputs, needed, gradient)
            d_a, d_x, d_log_n = (found[0], None, found[1]) if samples is None else found
            return d_a, d_x, d_log_n, *[None] * 5
        rows = left.sort(anchors, kind)
        sorted_share = left.sort(share) * gradient
        of_anchor = left.sort(log_n), left.sort(log_q), sorted_share
        given, constants = _pair_arguments(settings)
        own = own_positions(left, right, pairs)

        def slopes(outer: Tensor, inner: Tensor, side: Side, of: tuple[bool, bool]) -> Tensor:
            launch = Launch.of(outer, kind)
            d = torch.empty_like(outer, dtype=torch.float32)
            launch.run(
                "positive_slopes", (launch.blocks(len(outer)), launch.chunks),
                outer, inner, side.first, side.end, own, d, *of_anchor, *of_anchor,
                len(outer), len(inner), outer.shape[1], 1 / settings.temperature, *given,
                **constants, OUTER=of[0], INNER=of[1], ROUND=kind == torch.bfloat16,
                OUT=launch.chunk,
            )  # fmt: skip
            return side.unsort(d / settings.temperature)

        if samples is None and left is right and (pairs.in_order or pairs.self_index is None):
            d_a = slopes(rows, rows, left, (True, True))
            return d_a, None, d_n * gradient, *[None] * 5
        columns = right.sort(anchors if samples is None else samples, kind)
        d_a, d_x = slopes(rows, columns, left, (True, False)), None
        if _wanted(ctx, samples):
            d_x = slopes(columns, rows, right, (False, True))
        if samples is None and d_x is not None:
            d_a, d_x = d_a + d_x, None
        return d_a, d_x, d_n * gradient, *[None] * 5


def _sorted(
    anchors: Tensor, samples: Tensor | None, left: Side, right: Side, kind: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return anchors and samples, each in the order of their own keys."""
    rows = left.sort(anchors, kind)
    if samples is None and left is right:
        return rows, rows
    return rows, right.sort(anchors if samples is None else samples, kind)


def _scales(
    temperature: float, weighting: Weighting, bound: float | None
) -> tuple[float, float, tuple[float, float]]:
    """Return the factor and shift that make products logits of base 2, and the exponents."""
    beta = weighting.beta
    assert isinstance(beta, float | int)
    hard = weighting.order if weighting.order != 1 else 1 + beta
    return LOG2E / temperature, LOG2E * (bound or 0.0), (float(hard), float(beta))


def _together(
    parts: Sequence[Tensor], powers: tuple[float, float], shift: float | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sums [A] of all splits, and the shift of each row that they are relative to."""
    tilted, weight, tops = parts
    if shift is not None:
        return tilted.sum(0), weight.sum(0), tops.new_full((tops.shape[1],), shift)
    top = tops.amax(0)
    top = torch.where(top == -math.inf, 0, top)  # of rows without a negative
    hard, beta = (torch.exp2(power * (tops - top)) for power in powers)
    return (tilted * hard).sum(0), (weight * beta).sum(0), top


def _pair_arguments(settings: LossSettings) -> tuple[tuple[float, float, float], dict[str, bool]]:
    """Return the numbers and the constants of ℓ."""
    tau = settings.tau_plus
    numbers = (math.log(tau), math.log1p(-tau), -1 / settings.temperature) if tau else (0.0,) * 3
    return numbers, {"DEBIASED": tau > 0, "DECOUPLED": settings.denominator == "negatives"}


def _wanted(ctx: Any, samples: Tensor | None) -> bool:
    """Tell whether the samples have a gradient of their own; the anchors are theirs else."""
    return samples is None or ctx.needs_input_grad[1]


def _again(
    value: Any, anchors: Tensor, samples: Tensor | None, needed: Any, gradient: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradients of anchors and samples, with a graph of their own."""
    if samples is None:
        return gradients_again(value, (anchors,), needed, gradient)[0], None
    first, second = gradients_again(value, (anchors, samples), needed, gradient)
    return first, second
