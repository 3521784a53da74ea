"""Published folds, read from a JSON file and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.splits import Fold, Indices
from graph_hcl.sealed import parse_json


@names_arguments()
def read_splits(path: str | Path, graphs: int) -> list[Fold]:
    """Return the folds of a JSON file in the format of Errica et al. (ICLR 2020).

    The file is a list of `{"test": [...], "model_selection": [{"train": [...], "validation":
    [...]}]}`; of several inner splits the first is taken. `graphs` is the size of the data set.

    Raises `UserError` for another format, an index out of range, a graph that is in two parts of a
    fold, or graphs that are not tested exactly once.

    >>> import json, tempfile
    >>> file = Path(tempfile.mkdtemp()) / "splits.json"
    >>> inner = [{"train": [2], "validation": [3]}], [{"train": [0], "validation": [1]}]
    >>> outer = [{"test": [2 * k, 2 * k + 1], "model_selection": inner[k]} for k in (0, 1)]
    >>> _ = file.write_text(json.dumps(outer), encoding="utf-8")
    >>> read_splits(file, 4)[0].test
    array([0, 1])
    """
    path = as_path(path, "path")
    try:
        entries = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"Expected a JSON file of splits at {path}, but got: {reason}.") from error
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
        check_fold(fold, graphs, f"fold {number} of {path}")
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


AnyFold = Fold | Mapping[str, Any] | tuple[Any, Any]
"""A fold, a split as `Fold.of` takes it, or a pair (train, test)."""


def as_folds(folds: Any, graphs: int, others: str = "") -> list[Fold]:
    """Return folds, their parts as numbers of graphs; parts may be masks [graphs].

    Each may be a `Fold`, a split as `Fold.of` takes it, or a pair (train, test), as the splitters
    of scikit-learn yield them. Raises `UserError` for anything else, with what else is taken.

    >>> as_folds([([0, 1], [2])], graphs=3)[0].test
    array([2])
    """
    splits = None
    if isinstance(folds, Sequence) and not isinstance(folds, str):
        splits = [_as_split(fold) for fold in folds]
    if splits is None or None in splits:
        raise UserError(
            f"Expected folds as a list of graph_hcl.probes.Fold{others}, but got {folds!r:.60}."
        )
    found = [Fold.of(split, graphs) for split in splits if split is not None]
    # A fold of arrays stays the same object.
    return [old if _are_parts(old, new) else new for old, new in zip(folds, found, strict=True)]


def kept(values: Any) -> Any:
    """Return what an iterator yields, which can be read once, as a tuple; all else as it is.

    >>> kept(iter([1, 2])), kept([3])
    ((1, 2), [3])
    """
    return tuple(values) if isinstance(values, Iterator) else values


def _are_parts(given: Any, fold: Fold) -> bool:
    return isinstance(given, Fold) and all(
        part is vars(given)[name] for name, part in vars(fold).items()
    )


def _as_split(fold: Any) -> Mapping[str, Any] | None:
    if isinstance(fold, Fold):
        return vars(fold)
    if isinstance(fold, tuple | list) and len(fold) == 2:
        return dict(zip(("train", "test"), fold, strict=True))
    return fold if isinstance(fold, Mapping) else None


def check_fold(fold: Fold, graphs: int, where: str) -> None:
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


def check_groups(fold: Fold, groups: Indices | None, where: str) -> None:
    """Raise `UserError` for a group with graphs in two parts of a given fold.

    >>> fold = Fold(np.array([0]), np.array([], dtype=np.int64), np.array([1]))
    >>> check_groups(fold, np.array([3, 4]), "fold 0")
    """
    if groups is None:
        return
    parts = {part: np.unique(groups[rows]) for part, rows in vars(fold).items()}
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        shared = np.intersect1d(parts[one], parts[other])
        if len(shared):
            raise UserError(
                f"Expected no group in two parts of given splits, but {len(shared)} are in the "
                f"{one} and the {other} part of {where}: leave out the groups, or the splits."
            )
