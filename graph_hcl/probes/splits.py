"""Folds: which graphs train, select and test; stratified by class, with rare classes spread."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.checks import check_fraction, check_real, check_whole
from graph_hcl.probes.labels import Labels, as_array
from graph_hcl.probes.targets import Targets

Indices = NDArray[np.int64]
Split = tuple[Indices, Indices]
"""Rows to fit and rows to score."""


@dataclass(frozen=True)
class Fold:
    """Indices of the graphs that train, select and test.

    Attributes:
        train: numbers of the graphs that the probe, and under the inductive protocol the encoder,
            is fitted to.
        validation: numbers of those that select; may be empty.
        test: numbers of those that are tested.

    >>> Fold(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2])).validation.size
    0
    """

    train: Indices
    validation: Indices
    test: Indices

    @classmethod
    def of(cls, split: Mapping[str, Any], graphs: int | None = None) -> Fold:
        """Return a published split, such as that of `official_split`, as one fold.

        `split` has the numbers of the graphs in train, valid (or validation, or none) and test, or
        a mask [G] of them, of which there are `graphs`. Raises `UserError` for other parts, and for
        what is neither whole numbers nor a mask, or masks of another length.

        >>> Fold.of({"train": [0, 2], "valid": [1], "test": [3]}).validation
        array([1])
        """
        known = {"train": "train", "valid": "validation", "validation": "validation"}
        known["test"] = "test"
        if not {"train", "test"} <= {*split} <= {*known} or len(split) > 3:
            raise UserError(
                f"Expected a split of train, valid and test, but got {', '.join(split) or 'none'}."
            )
        parts = {known[name]: _numbers(name, rows, graphs) for name, rows in split.items()}
        return cls(**{"validation": np.empty(0, dtype=np.int64)} | parts)


def _numbers(part: str, rows: Any, graphs: int | None) -> Indices:
    """Return the numbers of the graphs of a part, which may be given as a mask [graphs]."""
    array = as_array(rows, "number")
    if array.ndim == 1 and array.dtype == bool and len(array) in (graphs or len(array), 0):
        return np.flatnonzero(array)
    whole = array.dtype.kind in "iu"
    if array.dtype.kind == "f":
        whole = bool((np.isfinite(array) & (array == np.floor(array))).all())
    if array.ndim != 1 or not whole:
        got = f"{array.dtype} {list(array.shape)}"
        raise UserError(
            f"Expected the {part} part of a split to be whole numbers [K] of graphs, or a mask "
            f"[{graphs or 'G'}] of them, but got {got if array.ndim else repr(rows)[:60]}."
        )
    return array.astype(np.int64, copy=False)


@names_arguments()
def stratified_folds(
    labels: Any, *, folds: int = 10, seed: int = 0, validation: float = 0.0
) -> list[Fold]:
    """Return shuffled stratified folds; each labelled graph is tested in exactly one of them.

    Labels without strata, real targets and several tasks, get the plain folds of scikit-learn's
    `KFold` in the same way. Groups of the targets are kept together, as by `StratifiedGroupKFold`
    or `GroupKFold`. Graphs of which no label is known are in no fold. With a validation part or
    without, the test parts are those of scikit-learn's `StratifiedKFold(folds, shuffle=True,
    random_state=seed)`. Rare classes are spread (see `spread` and `set_aside`): some parts are
    without them.

    Args:
        labels: labels [G], [G, T] or `Targets`.
        folds: number of folds, 2 or more.
        seed: seed of the shuffling.
        validation: share of each training part that is set aside, stratified, for selection, in [0,
            1).

    Raises `UserError` for labels of one class, fewer graphs of every class than folds, groups that
    leave a test part empty or a training part with one group to set a share aside of, and numbers
    out of range.

    >>> first = stratified_folds([0, 1] * 10, folds=5, validation=0.25)[0]
    >>> len(first.train), len(first.validation), len(first.test)
    (12, 4, 4)
    """
    check_whole(folds=folds, seed=seed)
    check_real(validation=validation)
    targets = Targets.of(labels)
    strata, rows = targets.strata(), targets.rows
    if folds < 2:
        raise UserError(f"Expected 2 folds or more, but got {folds}: one alone trains on nothing.")
    if not 0 <= validation < 1:
        raise UserError(f"Expected a validation share in [0, 1), but got {validation}.")
    counts = np.bincount(strata[rows])
    if not targets.has_classes and len(rows) < folds:
        raise UserError(
            f"Expected {folds} labelled graphs or more for {folds} folds, but got {len(rows)}: "
            "take fewer folds."
        )
    if targets.has_classes and counts.max() < folds:
        most = f"the largest class ({targets.class_name(int(counts.argmax()))}) has {counts.max()}"
        raise UserError(
            f"Expected a class with {folds} graphs or more for {folds} folds, but {most}: "
            + (f"take {counts.max()} folds or fewer." if counts.max() > 1 else "are these classes?")
        )
    groups = targets.groups
    if groups is not None and len(np.unique(groups[rows])) < folds:
        raise UserError(
            f"Expected {folds} groups or more for {folds} folds, but got "
            f"{len(np.unique(groups[rows]))}: take fewer folds."
        )
    own = None if groups is None else groups[rows]
    parts = spread(strata[rows], folds, seed, own)
    if not all(len(test) for _, test in parts):
        raise UserError(
            f"Expected groups that can be spread over {folds} folds, but these leave a test part "
            "empty, as some are much larger than others: take fewer folds."
        )
    return [
        Fold(*set_aside(strata, rows[train], validation, seed, groups), rows[test])
        for train, test in parts
    ]


def spread(labels: Labels, folds: int, seed: int, groups: Indices | None = None) -> list[Split]:
    """Return (rest, part) of shuffled stratified parts: scikit-learn's `StratifiedKFold`.

    The parts' numbers of graphs of a class differ by one at most. So the graphs of a class that is
    rarer than `folds` are all in different parts, and the other parts are without the class. One
    class must have `folds` graphs. Of a single stratum, the parts are those of `KFold`. Groups of
    unequal size may leave a part empty.

    >>> [labels.tolist() for labels in (np.array([0, 0, 0, 7])[part] for _, part in
    ...                                 spread(np.array([0, 0, 0, 7]), 2, seed=0))]
    [[0, 0], [0, 7]]
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rare classes: the protocols warn better
        plain, by_class = (KFold, StratifiedKFold)
        if groups is not None:
            plain, by_class = GroupKFold, StratifiedGroupKFold
        kind = plain if _has_one_value(labels) else by_class
        splitter = kind(folds, shuffle=True, random_state=seed)
        pairs = list(splitter.split(np.zeros(len(labels)), labels, groups))
    return [(rest.astype(np.int64), part.astype(np.int64)) for rest, part in pairs]


def set_aside(
    labels: Labels, train: Indices, share: float, seed: int, groups: Indices | None = None
) -> Split:
    """Return a training part as (rest, share set aside for selection).

    They are those of scikit-learn's stratified `train_test_split`. Where it refuses, as a class has
    a single graph or the share is smaller than the number of classes, as many graphs are taken from
    the classes in proportion, by largest remainders, and each class keeps a graph for training. Of
    groups, that share is set aside, and one at least is kept. Raises `UserError` for one group.

    >>> set_aside(np.array([0, 0, 0, 0, 7]), np.arange(5), 0.5, seed=0)
    (array([3, 4]), array([0, 1, 2]))
    """
    if share == 0:
        return train, np.empty(0, dtype=np.int64)
    if groups is not None:  # whole groups, whatever their classes
        count = len(np.unique(groups[train]))
        if count < 2:
            raise UserError(
                "Expected two groups or more in each training part to set one aside for "
                "validation, but got one: take more folds, or a validation share of 0."
            )
        number = min(math.ceil(share * count), count - 1)
        splitter = GroupShuffleSplit(1, test_size=number, random_state=seed)
        kept, taken = next(splitter.split(train, groups=groups[train]))
        return train[kept], train[taken]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # many small classes may be regression
            by = None if _has_one_value(labels[train]) else labels[train]
            rest, aside = train_test_split(train, test_size=share, stratify=by, random_state=seed)
    except ValueError:
        aside = _in_proportion(labels[train], math.ceil(share * len(train)), seed)
        rest, aside = np.delete(train, aside), train[aside]
    return np.sort(rest).astype(np.int64), np.sort(aside).astype(np.int64)


def _in_proportion(labels: Labels, number: int, seed: int) -> Indices:
    """Return positions of about `number` graphs, classes in proportion, each keeping one graph."""
    generator = np.random.default_rng(seed)
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    ideal = number * counts / len(labels)
    drawn = np.minimum(np.floor(ideal), counts - 1).astype(np.int64)
    tie = generator.permutation(len(counts))
    while drawn.sum() < number and (drawn < counts - 1).any():
        short = np.where(drawn < counts - 1, ideal - drawn, -np.inf)
        drawn[np.lexsort((tie, -short))[0]] += 1
    return np.concatenate(
        [generator.permutation(np.flatnonzero(classes == c))[:n] for c, n in enumerate(drawn)]
    ).astype(np.int64)


def inner_splits(
    labels: Labels, rows: Indices, inner: int, seed: int, groups: Indices | None = None
) -> list[Split]:
    """Return pairs (fit, score) of positions in `rows`, the rows with labels, that select.

    `labels` are those of the whole training part. Classes with `inner` graphs or more in it decide
    how many parts there are: `inner`, or fewer where few labels leave one of them with fewer rows.
    Rare classes are spread; where all are rare, the largest decides. A part that groups leave
    empty, or whose other parts are of one class, selects nothing and is left out. No part at all
    means that selection is impossible.

    >>> y = np.array([0, 0, 0, 0, 7])
    >>> len(inner_splits(y, np.arange(5), 3, seed=0)), len(inner_splits(y, np.array([0, 4]), 3, 0))
    (2, 0)
    """
    seen = labels[rows]
    classes, counts = np.unique(labels, return_counts=True)
    sizes = (seen == classes[:, None]).sum(1)
    common = sizes[counts >= inner]
    count = min(inner, int(common.min() if len(common) else sizes.max()))
    own = None if groups is None else groups[rows]
    count = count if own is None else min(count, len(np.unique(own)))
    if count < 2:
        return []
    parts = spread(seen, count, seed, own)
    one = _has_one_value(labels)  # without strata there is no class to lack
    return [
        (fit, part) for fit, part in parts if len(part) and (one or not _has_one_value(seen[fit]))
    ]


def _has_one_value(labels: Labels) -> bool:
    return len(np.unique(labels)) < 2


def with_few_labels(fold: Fold, labels: Labels, fraction: float, seed: int | Sequence[int]) -> Fold:
    """Return the fold with a stratified share of its training part, each class once at least.

    Of n graphs of a class, max(1, round(fraction · n)) are drawn; draws with other seeds, or lists
    of them, are independent. Raises `UserError` for a fraction outside (0, 1].

    >>> fold = Fold(np.arange(20), np.empty(0, dtype=np.int64), np.array([20]))
    >>> few = with_few_labels(fold, np.array([0, 1] * 10 + [0]), 0.1, seed=0)
    >>> len(few.train), len(few.test)
    (2, 1)
    """
    check_fraction(fraction)
    generator = np.random.default_rng(seed)
    y = labels[fold.train]
    kept = [
        generator.permutation(fold.train[y == label])[
            : max(1, round(fraction * (y == label).sum()))
        ]
        for label in np.unique(y)
    ]
    return Fold(np.sort(np.concatenate(kept)), fold.validation, fold.test)
