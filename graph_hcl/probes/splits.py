"""Who trains, who selects, who tests: stratified folds, and published ones from a file."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels, check_labels

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Indices of the graphs that train, select and test; `validation` may be empty.

    >>> Fold(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2])).validation.size
    0
    """

    train: Indices
    validation: Indices
    test: Indices


def stratified_folds(
    labels: ArrayLike, *, folds: int = 10, seed: int = 0, validation: float = 0.0
) -> list[Fold]:
    """Return shuffled stratified folds; each graph is tested in exactly one of them.

    `validation` is the share of each training part that is set aside, stratified, for selection.
    Without it the test parts are those of scikit-learn's
    `StratifiedKFold(folds, shuffle=True, random_state=seed)`, and so they are with it. Rare classes
    are spread (see `spread` and `set_aside`): some parts are without them.

    Raises `UserError` for labels of one class, fewer graphs of every class than folds, or a
    validation share outside [0, 1).

    >>> first = stratified_folds([0, 1] * 10, folds=5, validation=0.25)[0]
    >>> len(first.train), len(first.validation), len(first.test)
    (12, 4, 4)
    """
    y = check_labels(labels)
    if folds < 2:
        raise UserError(f"Expected 2 folds or more, but got {folds}: one alone trains on nothing.")
    if not 0 <= validation < 1:
        raise UserError(f"Expected a validation share in [0, 1), but got {validation}.")
    classes, counts = np.unique(y, return_counts=True)
    if counts.max() < folds:
        most = f"the largest class ({classes[counts.argmax()]}) has {counts.max()}"
        raise UserError(
            f"Expected a class with {folds} graphs or more for {folds} folds, but {most}: "
            + (f"take {counts.max()} folds or fewer." if counts.max() > 1 else "are these classes?")
        )
    return [
        Fold(*set_aside(y, train, validation, seed), test) for train, test in spread(y, folds, seed)
    ]


def spread(labels: Labels, folds: int, seed: int) -> list[tuple[Indices, Indices]]:
    """Return (rest, part) of shuffled stratified parts: scikit-learn's `StratifiedKFold`.

    The graphs of each class are dealt out as evenly as can be: the parts' numbers of them differ
    by one at most. So each graph of a class that is rarer than `folds` stands in a part of its own,
    and the other parts are without the class. One class must have `folds` graphs.

    >>> [labels.tolist() for labels in (np.array([0, 0, 0, 7])[part] for _, part in
    ...                                 spread(np.array([0, 0, 0, 7]), 2, seed=0))]
    [[0, 0], [0, 7]]
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rare classes: the protocols warn better
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        pairs = list(splitter.split(np.zeros(len(labels)), labels))
    return [(rest.astype(np.int64), part.astype(np.int64)) for rest, part in pairs]


def set_aside(labels: Labels, train: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
    """Return a training part without, and with only, the share set aside for selection.

    They are those of scikit-learn's stratified `train_test_split`. Where it refuses, as a class has
    a single graph or the share is smaller than the number of classes, as many graphs are dealt to
    the classes in proportion, by largest remainders, and each class keeps a graph for training.

    >>> set_aside(np.array([0, 0, 0, 0, 7]), np.arange(5), 0.5, seed=0)
    (array([3, 4]), array([0, 1, 2]))
    """
    if share == 0:
        return train, np.empty(0, dtype=np.int64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # many small classes may be regression
            rest, aside = train_test_split(
                train, test_size=share, stratify=labels[train], random_state=seed
            )
    except ValueError:
        aside = _in_proportion(labels[train], math.ceil(share * len(train)), seed)
        rest, aside = np.delete(train, aside), train[aside]
    return np.sort(rest).astype(np.int64), np.sort(aside).astype(np.int64)


def _in_proportion(labels: Labels, number: int, seed: int) -> Indices:
    """Return the positions of about `number` graphs, each class in proportion but for its last."""
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


def inner_parts(
    labels: Labels, rows: Indices, inner: int, seed: int
) -> list[tuple[Indices, Indices]]:
    """Return pairs (fit, score) of positions in `rows`, the rows with labels, that select.

    `labels` are those of the whole training part. Classes with `inner` graphs or more in it decide
    how many parts there are: `inner`, or fewer where few labels leave one of them with fewer rows.
    Rare classes are spread; where all are rare, the largest decides. A part whose other parts are
    of one class selects nothing and is left out. No part at all means that selection is impossible.

    >>> y = np.array([0, 0, 0, 0, 7])
    >>> len(inner_parts(y, np.arange(5), 3, seed=0)), len(inner_parts(y, np.array([0, 4]), 3, 0))
    (2, 0)
    """
    seen = labels[rows]
    classes, counts = np.unique(labels, return_counts=True)
    sizes = (seen == classes[:, None]).sum(1)
    common = sizes[counts >= inner]
    count = min(inner, int(common.min() if len(common) else sizes.max()))
    if count < 2:
        return []
    return [(fit, part) for fit, part in spread(seen, count, seed) if len(np.unique(seen[fit])) > 1]


def with_few_labels(fold: Fold, labels: Labels, fraction: float, seed: int) -> Fold:
    """Return the fold with a stratified share of its training part, each class once at least.

    Of n graphs of a class, max(1, round(fraction · n)) are drawn. Raises `UserError` for a
    fraction outside (0, 1].

    >>> fold = Fold(np.arange(20), np.empty(0, dtype=np.int64), np.array([20]))
    >>> few = with_few_labels(fold, np.array([0, 1] * 10 + [0]), 0.1, seed=0)
    >>> len(few.train), len(few.test)
    (2, 1)
    """
    if not 0 < fraction <= 1:
        raise UserError(f"Expected a fraction of labels in (0, 1], but got {fraction}.")
    generator = np.random.default_rng(seed)
    y = labels[fold.train]
    kept = [
        generator.permutation(fold.train[y == label])[
            : max(1, round(fraction * (y == label).sum()))
        ]
        for label in np.unique(y)
    ]
    return Fold(np.sort(np.concatenate(kept)), fold.validation, fold.test)


def read_splits(path: str | Path, graphs: int) -> list[Fold]:
    """Return the folds of a JSON file in the format of Errica et al. (ICLR 2020).

    The file is a list of `{"test": [...], "model_selection": [{"train": [...], "validation":
    [...]}]}`; of several inner splits the first is taken. `graphs` is the size of the data set.

    Raises `UserError` for another format, an index out of range, a graph that is in two parts of a
    fold, or graphs that are not tested exactly once.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "splits.json"
    >>> inner = [{"train": [2], "validation": [3]}], [{"train": [0], "validation": [1]}]
    >>> outer = [{"test": [2 * k, 2 * k + 1], "model_selection": inner[k]} for k in (0, 1)]
    >>> _ = file.write_text(json.dumps(outer), encoding="utf-8")
    >>> read_splits(file, 4)[0].test
    array([0, 1])
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"Expected a JSON file of splits at {path}: {error}.") from error
    try:
        folds = [
            Fold(_indices(inner["train"]), _indices(inner["validation"]), _indices(entry["test"]))
            for entry in entries
            for inner in entry["model_selection"][:1]
        ]
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise UserError(
            f'Expected {path} to be a list of {{"test": [indices], "model_selection": [{{"train": '
            f'[indices], "validation": [indices]}}]}}, but it is something else ({error!r}).'
        ) from error
    if len(folds) < 2 or len(folds) != len(entries):
        raise UserError(f"Expected two folds or more in {path}, each with a model_selection.")
    for number, fold in enumerate(folds):
        _check_fold(fold, graphs, f"fold {number} of {path}")
    tested = np.bincount(np.concatenate([fold.test for fold in folds]), minlength=graphs)
    if (tested != 1).any():
        graph = int((tested != 1).argmax())
        raise UserError(
            f"Expected {path} to test each of the {graphs} graphs once, but graph {graph} is "
            f"tested {tested[graph]} times: are these the splits of this data set?"
        )
    return folds


def _indices(values: list[Any]) -> Indices:
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ValueError("indices must be a list of integers")
    return np.array(values, dtype=np.int64)


def _check_fold(fold: Fold, graphs: int, where: str) -> None:
    """Raise `UserError` unless the parts are disjoint, in range, and those in use are not empty."""
    for part, indices in vars(fold).items():
        if part != "validation" and len(indices) == 0:
            raise UserError(f"Expected graphs in the {part} part of {where}, but it is empty.")
        if len(indices) and not 0 <= indices.min() <= indices.max() < graphs:
            raise UserError(
                f"Expected indices below {graphs} in {where}, but its {part} part reaches from "
                f"{indices.min()} to {indices.max()}: are these the splits of this data set?"
            )
    together = np.concatenate([fold.train, fold.validation, fold.test])
    if len(np.unique(together)) < len(together):
        raise UserError(f"Expected each graph once in {where}, but some graph appears twice.")
