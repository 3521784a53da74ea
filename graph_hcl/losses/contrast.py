"""Which rows are contrasted with which: all with all others, or only across views."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dense import empty_loss
from graph_hcl.losses.checks import check_are_known
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.settings import LossSettings

Contrast = Literal["all", "across-views", "first-view", "last-view"]
CONTRASTS = ("all", "across-views", "first-view", "last-view")


class Block(NamedTuple):
    """Some anchors and the samples of other views, by row [A] and column [S], with their pairs."""

    rows: Tensor
    columns: Tensor
    pairs: Pairs


def view_numbers(graph: Tensor) -> Tensor:
    """Return which view of its graph each row is [M]: k for the k-th row of a graph, from 0.

    >>> view_numbers(torch.tensor([7, 5, 7, 5, 7]))
    tensor([0, 0, 1, 1, 2])
    """
    keys, order = graph.sort(stable=True)
    rank = torch.arange(len(keys), device=keys.device) - torch.searchsorted(keys, keys)
    return torch.empty_like(rank).index_copy_(0, order, rank)


def two_view_numbers(rows: int, device: torch.device) -> Tensor:
    """Return the view numbers [2B] of two views, one after the other.

    >>> two_view_numbers(4, torch.device("cpu"))
    tensor([0, 0, 1, 1])
    """
    return torch.arange(2, device=device).repeat_interleave(rows // 2)


def contrast_blocks(
    contrast: Contrast, pairs: Pairs, view: Tensor, sampled: Tensor, views: int | None = None
) -> list[Block]:
    """Return the anchors of one view after the other, with the samples of all other views.

    Anchors are those of all views ("across-views"), of the first or of the last one. `view` [A]
    and `sampled` [S] are the view numbers of all anchors and of all samples; -1 is a view that no
    anchor has. Anchors are no samples of their own block. `views` is the number of views, where it
    is known. Raises `ValueError` inside `torch.func.vmap` over rows of unknown views.

    >>> graph = torch.tensor([0, 1, 0, 1])
    >>> view = view_numbers(graph)
    >>> (block,) = contrast_blocks("first-view", Pairs.among(graph, graph), view, view)
    >>> block.rows, block.columns, block.pairs.masks()[0].int().tolist()
    (tensor([0, 1]), tensor([2, 3]), [[1, 0], [0, 1]])
    """
    check_are_known((view, sampled), f"contrast {contrast}", "rows of each view")
    if views is None or not len(sampled):
        views = int(sampled.max()) + 1 if len(sampled) else 0
    numbers = {"first-view": range(min(views, 1)), "last-view": range(max(views - 1, 0), views)}
    blocks = []
    for number in numbers.get(contrast, range(views)):
        rows = (view == number).nonzero().squeeze(1)
        columns = (sampled != number).nonzero().squeeze(1)
        blocks.append(Block(rows, columns, pairs.part(rows, columns)))
    return blocks


def sampled_rows(contrast: Contrast, view: Tensor) -> Tensor:
    """Return which rows are samples of any anchor [M]: all but those of a view of anchors alone.

    >>> sampled_rows("first-view", torch.tensor([0, 0, 1, 1]))
    tensor([False, False,  True,  True])
    """
    if contrast == "first-view":
        return view > 0
    return view < view.max() if contrast == "last-view" and len(view) else view >= 0


def counted_anchors(pairs: Pairs) -> Tensor:
    """Return which anchors have both a positive and a negative [A].

    >>> counted_anchors(Pairs.among(torch.tensor([0, 0, 1]), None))
    tensor([ True,  True, False])
    """
    positives, negatives = pairs.counts()
    return (positives > 0) & (negatives > 0)


def counted_rows(blocks: list[Block], size: int) -> Tensor:
    """Return which of `size` rows are anchors that count [M].

    >>> counted_rows([], 2)
    tensor([False, False])
    """
    if not blocks:
        return torch.zeros(size, dtype=torch.bool)
    counted = [counted_anchors(block.pairs) for block in blocks]
    rows = torch.cat([block.rows for block in blocks])
    return torch.zeros(size, dtype=torch.bool, device=rows.device).index_copy_(
        0, rows, torch.cat(counted)
    )


def join_losses(
    losses: list[Tensor], blocks: list[Block], settings: LossSettings, z: Tensor
) -> Tensor:
    """Return the loss [] of all blocks of rows z [M, d], or that of each row [M].

    An anchor, or a pair with `average` "pair", weighs the same in whichever block it is.

    >>> join_losses([], [], LossSettings(), torch.empty(0, 2))
    tensor(0.)
    """
    if not blocks:
        return empty_loss(z, z, settings)
    if settings.reduction == "none":
        each = torch.cat(losses)
        return each.new_zeros(len(z)).index_copy(0, torch.cat([b.rows for b in blocks]), each)
    if len(losses) == 1:
        return losses[0]
    weights = torch.stack([_weight(block.pairs, settings) for block in blocks]).to(losses[0])
    return (torch.stack(losses) * weights).sum() / weights.sum().clamp_min(1)


def _weight(pairs: Pairs, settings: LossSettings) -> Tensor:
    """Return how many anchors count [], or how many pairs of such anchors."""
    counted = counted_anchors(pairs)
    return (pairs.counts()[0] * counted).sum() if settings.average == "pair" else counted.sum()
