"""Positives and negatives of each anchor, given by integer keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import is_

import torch
from torch import Tensor

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
"""Types of `self_index`; it is kept as int64."""


@dataclass(frozen=True)
class Runs:
    """Samples sorted by key, and where the run of each anchor's key starts and how long it is.

    >>> key = torch.tensor([1, 0, 1])
    >>> Runs.of(key, key).count
    tensor([2, 1, 2])
    """

    order: Tensor
    first: Tensor
    count: Tensor

    @classmethod
    def of(cls, anchors: Tensor, samples: Tensor) -> Runs:
        """Return the runs of the anchors' keys among the samples'."""
        keys, order = samples.sort(stable=True)
        first = torch.searchsorted(keys, anchors)
        return cls(order, first, torch.searchsorted(keys, anchors, right=True) - first)

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Return anchors and samples of all pairs with equal keys, anchor by anchor."""
        row = torch.arange(len(self.count), device=self.count.device)
        row = row.repeat_interleave(self.count)
        offset = torch.arange(len(row), device=row.device)
        start = self.first - (self.count.cumsum(0) - self.count)
        return row, self.order[start[row] + offset]


@dataclass(frozen=True)
class Pairs:
    """Keys of anchors and samples that define positive and negative pairs.

    Sample p is a positive of anchor i iff their positive keys are equal; sample j is a negative
    iff their negative keys differ, or always when `negative` is None (latent classes, arXiv
    2311.05139). The anchor itself, its column `self_index` [A] among the samples, is neither;
    without `self_index`, no anchor is among the samples, or its own row counts like any other.

    Keys are bool or integers of any width, and are kept as int64. Raises `ValueError` for other
    keys, for keys of different lengths, for a `self_index` that is no tensor of integers [A], and,
    on the CPU, where it is no column of the samples or one that has another key.

    Args:
        positive: positive keys of anchors [A] and samples [S].
        negative: negative keys of anchors [A] and samples [S]; None where every other row is a
            negative.
        self_index: column [A] of each anchor among the samples, 0 … S − 1.
        in_order: whether `self_index` is known to be 0 … A − 1, without a look at the values.
        copies: number of views, where the rows are known to be those of the first view of distinct
            graphs, then those of the second in the same order, and so on, and where rows of one
            graph attract and rows of other graphs repel. No list of pairs is looked for then.

    >>> graph = torch.tensor([0, 1, 0, 1])
    >>> positives, negatives = Pairs.among(graph, graph).masks()
    >>> positives.int().tolist()[0], negatives.int().tolist()[0]
    ([0, 0, 1, 0], [0, 1, 0, 1])
    """

    positive: tuple[Tensor, Tensor]
    negative: tuple[Tensor, Tensor] | None
    self_index: Tensor | None = None
    in_order: bool = False
    copies: int | None = None

    def __post_init__(self) -> None:
        self._widen()
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
        if self.self_index is not None:
            self._check_self_index(self.self_index)

    def _check_self_index(self, own: Tensor) -> None:
        """Raise `ValueError` unless these are own columns; their values are read on the CPU alone.

        While torch traces, there are no values to compare.
        """
        anchors, samples = self.positive
        if not isinstance(own, Tensor) or own.dtype not in INTEGERS:
            kind = own.dtype if isinstance(own, Tensor) else type(own).__name__
            raise ValueError(f"Expected self_index to be a tensor of integers, but got {kind}.")
        if own.shape != anchors.shape:
            raise ValueError(
                f"Expected self_index [{len(anchors)}], one per anchor, but got {list(own.shape)}."
            )
        if own.device != samples.device:
            raise ValueError(
                f"Expected self_index on {samples.device}, but got it on {own.device}."
            )
        if own.dtype != torch.long:
            object.__setattr__(self, "self_index", own := own.long())
        traced = torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
        sides = [side for side in (self.positive, self.negative) if side is not None]
        ordered = self.in_order and all(side[0] is side[1] for side in sides)
        if traced or ordered or own.device.type != "cpu" or not len(own):
            return
        if not 0 <= int(own.min()) <= int(own.max()) < len(samples):
            raise ValueError(
                f"Expected self_index from 0 to {len(samples) - 1}, the columns of the samples, "
                f"but got {int(own.min())} to {int(own.max())}."
            )
        if not all(torch.equal(anchors, samples[own]) for anchors, samples in sides):
            raise ValueError(
                "Expected self_index to name each anchor's own column, but keys there differ."
            )

    def _widen(self) -> None:
        """Make all keys int64, so that any two can be compared; one key stays one object."""
        for side in (self.positive, self.negative):
            if side is not None and not (isinstance(side, tuple | list) and len(side) == 2):
                raise ValueError(
                    "Expected keys as a pair, those of the anchors and those of the samples, but "
                    f"got {type(side).__name__}."
                )
        given = [*self.positive, *(self.negative or ())]
        for keys in given:
            if not isinstance(keys, Tensor) or keys.is_floating_point() or keys.is_complex():
                kind = keys.dtype if isinstance(keys, Tensor) else type(keys).__name__
                raise ValueError(f"Expected keys to be tensors of integers, but got {kind}.")
        if all(keys.dtype == torch.long for keys in given):
            return
        wide = {id(keys): keys.long() for keys in given}
        for name in ("positive", "negative"):
            side = getattr(self, name)
            if side is not None:
                object.__setattr__(self, name, tuple(wide[id(keys)] for keys in side))

    @classmethod
    def among(cls, positive: Tensor, negative: Tensor | None, copies: int | None = None) -> Pairs:
        """Return the pairs of rows that are anchors and samples alike.

        Args:
            positive: positive keys [M].
            negative: negative keys [M]; None where every other row is a negative.
            copies: see `Pairs`.
        """
        return cls(
            (positive, positive),
            None if negative is None else (negative, negative),
            torch.arange(len(positive), device=getattr(positive, "device", None)),
            in_order=True,
            copies=copies,
        )

    @property
    def one_key(self) -> bool:
        """Whether the negative keys are the positive keys."""
        negative = self.negative
        return negative is not None and all(map(is_, negative, self.positive))

    @property
    def symmetric(self) -> bool:
        """Whether anchors are samples too, with the same keys, so that no pair has a direction."""
        if self.positive[0] is not self.positive[1]:
            return False
        if self.negative is not None and self.negative[0] is not self.negative[1]:
            return False
        own, rows = self.self_index, self.positive[0]
        if own is None or self.in_order:
            return True
        return torch.equal(own, torch.arange(len(rows), device=rows.device))

    @cached_property
    def _positive_runs(self) -> Runs:
        return Runs.of(*self.positive)

    @cached_property
    def _negative_runs(self) -> Runs | None:
        if self.negative is None:
            return None
        return self._positive_runs if self.one_key else Runs.of(*self.negative)

    def masks(self, rows: slice | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the masks of positives and of negatives, [A, S], or some rows of them."""
        # Made here: before torch 2.9 a slice as default breaks the graph of torch.compile.
        rows = slice(None) if rows is None else rows
        positives = self.positive[0][rows, None] == self.positive[1]
        if self.negative is None:
            negatives = torch.ones_like(positives)
        elif self.one_key:
            negatives = ~positives
        else:
            negatives = self.negative[0][rows, None] != self.negative[1]
        if self.self_index is not None:
            positives.scatter_(1, self.self_index[rows, None], False)
            negatives.scatter_(1, self.self_index[rows, None], False)
        return positives, negatives

    def part(self, rows: Tensor, columns: Tensor) -> Pairs:
        """Return the pairs of some anchors [R] with some samples [C] that are not these anchors.

        >>> graph = torch.tensor([0, 1, 0, 1])
        >>> Pairs.among(graph, graph).part(torch.tensor([0, 1]), torch.tensor([2, 3])).counts()
        (tensor([1, 1]), tensor([1, 1]))
        """
        positive = self.positive[0][rows], self.positive[1][columns]
        if self.negative is None:
            return Pairs(positive, None)
        if self.one_key:
            return Pairs(positive, positive)
        return Pairs(positive, (self.negative[0][rows], self.negative[1][columns]))

    def masks_among(self) -> tuple[Tensor, Tensor]:
        """Return the masks of positives, and of all that are no negatives, of symmetric pairs.

        >>> positives, excluded = Pairs.among(torch.tensor([0, 1]), None).masks_among()
        >>> positives.any(), excluded
        (tensor(False), tensor([[ True, False],
                [False,  True]]))
        """
        if not self.one_key:
            positives, negatives = self.masks()
            return positives, ~negatives
        excluded = self.positive[0][:, None] == self.positive[1]
        if self.self_index is None:
            return excluded, excluded
        return excluded.clone().fill_diagonal_(False), excluded

    def counts(self) -> tuple[Tensor, Tensor]:
        """Return the numbers of positives and of negatives of each anchor, [A] each.

        >>> Pairs.among(torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1])).counts()
        (tensor([1, 1, 0]), tensor([1, 1, 2]))
        """
        own = 0 if self.self_index is None else 1
        if self.copies is not None:
            key = self.positive[0]
            counts = self.copies - own, len(key) - self.copies
            return key.new_full(key.shape, counts[0]), key.new_full(key.shape, counts[1])
        same, alike = self._positive_runs.count, self._negative_runs
        total = len(self.positive[1])
        if alike is None:
            return same - own, torch.full_like(same, total - own)
        return same - own, total - alike.count

    def positive_pairs(self) -> tuple[Tensor, Tensor]:
        """Return anchors and samples [P] of all positive pairs, by anchor, in O(P) memory.

        >>> Pairs.among(torch.tensor([0, 1, 0]), None).positive_pairs()
        (tensor([0, 2]), tensor([2, 0]))
        """
        if self.copies is not None:
            return self._copies(others=self.self_index is not None)
        row, column = self._positive_runs.pairs()
        if self.self_index is None:
            return row, column
        kept = column != self.self_index[row]
        return row[kept], column[kept]

    def excluded_pairs(self) -> tuple[Tensor, Tensor]:
        """Return anchors and samples of all pairs that are no negatives, itself among them.

        >>> Pairs.among(torch.tensor([0, 1]), None).excluded_pairs()
        (tensor([0, 1]), tensor([0, 1]))
        """
        if self.copies is not None:
            return self._copies(others=False)
        if self._negative_runs is not None:
            return self._negative_runs.pairs()
        own = self.self_index
        if own is None:
            own = self.positive[0].new_empty(0)
        return torch.arange(len(own), device=own.device), own

    def _copies(self, others: bool) -> tuple[Tensor, Tensor]:
        """Return anchors and samples of the pairs of one graph's rows, without those of a row."""
        assert self.copies is not None
        rows, device = len(self.positive[0]), self.positive[0].device
        graphs = rows // max(1, self.copies)
        row = torch.arange(rows, device=device)[:, None]
        view = torch.arange(self.copies - others, device=device)
        if others:
            view = view + (view >= row // max(1, graphs))  # all but the row's own
        column = row % max(1, graphs) + view * graphs
        return row.expand_as(column).reshape(-1), column.reshape(-1)
