"""Who trains, who selects, who tests: stratified folds, and published ones from a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from graph_hcl.errors import UserError

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


def check_labels(labels: ArrayLike) -> NDArray[np.integer[Any]]:
    """Return the labels [G] as an array.

    Raises `UserError` unless they are one integer per graph, of two classes or more.

    >>> check_labels([0, 1, 1])
    array([0, 1, 1])
    """
    y = np.asarray(labels)
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise UserError(
            f"Expected one integer class label per graph, but got {y.dtype} labels of shape "
            f"{y.shape}: classification needs a single discrete target."
        )
    if len(np.unique(y)) < 2:
        raise UserError(
            f"Expected labels of two classes or more, but all {len(y)} graphs are of one class."
        )
    return y


def check_class_sizes(labels: NDArray[Any], folds: int, where: str, remedy: str) -> None:
    """Raise `UserError` unless each class has a graph for each of `folds` folds.

    >>> check_class_sizes(np.array([0, 0, 1]), 2, "the data", "take fewer folds")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected 2 graphs of each class or more in the data for 2 folds, \
but class 1 has 1: take fewer folds.
    """
    classes, counts = np.unique(labels, return_counts=True)
    rarest = counts.argmin()
    if counts[rarest] < folds:
        raise UserError(
            f"Expected {folds} graphs of each class or more in {where} for {folds} folds, but "
            f"class {classes[rarest]} has {counts[rarest]}: {remedy}."
        )


def stratified_folds(
    labels: ArrayLike, *, folds: int = 10, seed: int = 0, validation: float = 0.0
) -> list[Fold]:
    """Return shuffled stratified folds; each graph is tested in exactly one of them.

    `validation` is the share of each training part that is set aside, stratified, for selection.
    Without it the test parts are those of scikit-learn's
    `StratifiedKFold(folds, shuffle=True, random_state=seed)`, and so they are with it.

    Raises `UserError` for labels of one class, fewer graphs of a class than folds, or a validation
    part that cannot hold every class.

    >>> first = stratified_folds([0, 1] * 10, folds=5, validation=0.25)[0]
    >>> len(first.train), len(first.validation), len(first.test)
    (12, 4, 4)
    """
    y = check_labels(labels)
    if folds < 2:
        raise UserError(f"Expected 2 folds or more, but got {folds}.")
    if not 0 <= validation < 1:
        raise UserError(f"Expected a validation share in [0, 1), but got {validation}.")
    check_class_sizes(y, folds, "the data set", "take fewer folds")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [
        Fold(*_set_aside(y, train, validation, seed), test.astype(np.int64))
        for train, test in splitter.split(np.zeros(len(y)), y)
    ]


def _set_aside(
    y: NDArray[Any], train: NDArray[Any], share: float, seed: int
) -> tuple[Indices, Indices]:
    """Return the training part without, and with only, the graphs set aside for selection."""
    if share == 0:
        return train.astype(np.int64), np.empty(0, dtype=np.int64)
    try:
        rest, aside = train_test_split(train, test_size=share, stratify=y[train], random_state=seed)
    except ValueError as error:
        raise UserError(
            f"Expected a validation share that holds a graph of every class, but {share} of "
            f"{len(train)} training graphs cannot: raise the share or take fewer folds."
        ) from error
    return np.sort(rest).astype(np.int64), np.sort(aside).astype(np.int64)


def with_few_labels(fold: Fold, labels: NDArray[Any], fraction: float, seed: int) -> Fold:
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
    >>> _ = file.write_text(json.dumps([{"test": [0, 1], "model_selection": inner[0]},
    ...                                 {"test": [2, 3], "model_selection": inner[1]}]))
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
