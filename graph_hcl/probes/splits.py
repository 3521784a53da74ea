"""Who is tested when: stratified folds drawn from a seed, and published fixed folds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from graph_hcl.errors import UserError

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Indices of the graphs that train, select and test; they never overlap."""

    train: Indices
    validation: Indices
    test: Indices


def check_labels(labels: ArrayLike, folds: int) -> NDArray[np.int64]:
    """Return the labels [G] as integers 0, 1, …; raise `UserError` where they cannot be folded.

    >>> check_labels([5, 5, 9, 9], folds=2)
    array([0, 0, 1, 1])
    """
    found = np.asarray(labels)
    if found.ndim != 1:
        raise UserError(f"Expected one label per graph, [G], but got the shape {found.shape}.")
    classes, codes, counts = np.unique(found, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise UserError(f"Expected at least two classes, but all {len(found)} labels are the same.")
    if counts.min() < folds:
        raise UserError(
            f"Expected at least {folds} graphs of each class for {folds} folds, but class "
            f"{classes[counts.argmin()]} has {counts.min()}: ask for fewer folds."
        )
    return codes.astype(np.int64)


def stratified_folds(
    labels: ArrayLike, *, folds: int = 10, seed: int = 0, validation: float = 0.0
) -> list[Fold]:
    """Return stratified folds: each graph is tested once, each class as evenly as it goes.

    `validation` is the share of a fold's training graphs that is kept apart, stratified, for
    selection. Raises `UserError` for one class only or a class with fewer graphs than folds.

    >>> first = stratified_folds([0, 1] * 10, folds=5, validation=0.25)[0]
    >>> len(first.train), len(first.validation), len(first.test)
    (12, 4, 4)
    """
    codes = check_labels(labels, folds)
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    found = []
    for number, (train, test) in enumerate(cut.split(np.zeros(len(codes)), codes)):
        kept = np.empty(0, dtype=np.int64)
        if validation:
            try:
                train, kept = train_test_split(
                    train,
                    test_size=validation,
                    stratify=codes[train],
                    random_state=seed + number,
                )
            except ValueError as error:
                raise UserError(
                    f"The {len(train)} training graphs of a fold cannot give a validation part "
                    f"of {validation:g} with every class in it ({error})."
                ) from error
        found.append(Fold(np.sort(train), np.sort(kept), test))
    return found


def read_splits(path: str, graphs: int) -> list[Fold]:
    """Return the fixed folds of a JSON file in the format of Errica et al. (arXiv 1912.09893).

    The file is a list of `{"test": [...], "model_selection": [{"train": [...], "validation":
    [...]}]}`. Raises `UserError` for another format, for graphs that are not there, and for folds
    that overlap or leave graphs untested.
    """
    try:
        listed = json.loads(Path(path).read_text())
        found = [
            Fold(
                np.asarray(entry["model_selection"][0]["train"], dtype=np.int64),
                np.asarray(entry["model_selection"][0]["validation"], dtype=np.int64),
                np.asarray(entry["test"], dtype=np.int64),
            )
            for entry in listed
        ]
    except OSError as error:
        raise UserError(f"Cannot read the folds in {path}: {error.strerror}.") from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UserError(
            f"Expected {path} to be a JSON list of folds with 'test' and 'model_selection', but it "
            f"is not ({type(error).__name__}: {error})."
        ) from error
    check_folds(found, graphs, path)
    return found


def check_folds(folds: list[Fold], graphs: int, where: str) -> None:
    """Raise `UserError` unless every graph is tested once and no fold's parts overlap."""
    tested = np.sort(np.concatenate([fold.test for fold in folds])) if folds else np.empty(0)
    if not np.array_equal(tested, np.arange(graphs)):
        raise UserError(
            f"Expected the folds of {where} to test each of {graphs} graphs once, but they test "
            f"{len(tested)}, of which {len(np.unique(tested))} are different."
        )
    for number, fold in enumerate(folds):
        together = np.concatenate([fold.train, fold.validation, fold.test])
        if len(np.unique(together)) != len(together) or together.max() >= graphs:
            raise UserError(f"Fold {number} of {where} uses a graph in two of its parts.")
