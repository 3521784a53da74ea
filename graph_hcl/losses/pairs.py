"""Who is a positive and who a negative of whom, as integer keys."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Keys of anchors and samples that say who pairs with whom.

    Sample p is a positive of anchor i iff their positive keys are equal; sample j is a negative
    iff their negative keys differ, or always when `negative` is None (latent classes, arXiv
    2311.05139). The anchor itself, its column `self_index` [A] among the samples, is neither;
    without `self_index`, no anchor stands among the samples.

    Raises `ValueError` for keys of different lengths.

    >>> graph = torch.tensor([0, 1, 0, 1])
    >>> positives, negatives = Pairs.among(graph, graph).masks()
    >>> positives.int().tolist()[0], negatives.int().tolist()[0]
    ([0, 0, 1, 0], [0, 1, 0, 1])
    """

    positive: tuple[Tensor, Tensor]
    negative: tuple[Tensor, Tensor] | None
    self_index: Tensor | None = None

    def __post_init__(self) -> None:
        sides = [self.positive, *([] if self.negative is None else [self.negative])]
        for anchors, samples in sides:
            if anchors.dim() != 1 or samples.dim() != 1:
                raise ValueError(
                    f"Expected keys [A] and [S], but got {list(anchors.shape)} and "
                    f"{list(samples.shape)}."
                )
            if len(anchors) != len(self.positive[0]) or len(samples) != len(self.positive[1]):
                raise ValueError(
                    "Expected as many negative keys as positive keys, "
                    f"{len(self.positive[0])} × {len(self.positive[1])}, but got "
                    f"{len(anchors)} × {len(samples)}."
                )

    @classmethod
    def among(cls, positive: Tensor, negative: Tensor | None) -> Pairs:
        """Return the pairs of rows that are anchors and samples alike."""
        return cls(
            (positive, positive),
            None if negative is None else (negative, negative),
            torch.arange(len(positive), device=positive.device),
        )

    def masks(self) -> tuple[Tensor, Tensor]:
        """Return the masks of positives and of negatives, [A, S]."""
        positives = self.positive[0][:, None] == self.positive[1]
        if self.negative is None:
            negatives = torch.ones_like(positives)
        else:
            negatives = self.negative[0][:, None] != self.negative[1]
        if self.self_index is not None:
            positives.scatter_(1, self.self_index[:, None], False)
            negatives.scatter_(1, self.self_index[:, None], False)
        return positives, negatives
