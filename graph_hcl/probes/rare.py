"""Classes too rare for the folds: one warning that names them, one error where nothing is left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.splits import Fold
from graph_hcl.probes.targets import Targets

NAMED = 10
"""Most rare classes that a warning names."""


class RareClassWarning(UserWarning):
    """Some part of the folds lacks a class that has too few graphs.

    >>> issubclass(RareClassWarning, UserWarning)
    True
    """


def check_two_classes(targets: Targets, folds: Sequence[Fold]) -> None:
    """Raise `UserError` for a fold whose training part holds one class alone, if it has classes.

    >>> folds = [Fold(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2]))]
    >>> check_two_classes(Targets.of([0, 1, 1]), folds)
    """
    strata = targets.strata()
    if not targets.has_classes:
        return
    for number, fold in enumerate(folds):
        present = np.unique(strata[fold.train])
        if len(present) < 2:
            only = targets.class_name(present[0])
            raise UserError(
                f"Expected two classes in the training part of fold {number}, but all of its "
                f"{len(fold.train)} graphs are of class {only}: leave out the classes with a "
                "single graph, or give other splits."
            )


def rare_class_warning(
    targets: Targets, folds: Sequence[Fold], *, least: int, unselected: bool = False
) -> str | None:
    """Return a warning of classes without a graph in a part, or with less than `least` to train.

    None where there are none. Without groups it follows from the sizes of the classes, so that all
    seeds give the same. `unselected` adds that some fold selects no parameters.

    >>> folds = [Fold(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2]))]
    >>> rare_class_warning(Targets.of([0, 1, 1]), folds, least=1)
    'Some parts of the 1 folds lack a class: 0 (1 graph); a test graph of a class that its \
training part lacks counts as a mistake.'
    """
    if not targets.has_classes:
        return None
    strata, classes = targets.strata(), len(targets.classes)
    counts = np.bincount(strata[targets.rows], minlength=classes)

    def fewest(part: str) -> np.ndarray:
        numbers = [strata[getattr(fold, part)] for fold in folds]
        counts = np.stack([np.bincount(rows, minlength=classes) for rows in numbers])
        smallest: np.ndarray = counts.min(axis=0)
        return smallest

    lacking = (fewest("train") < least) | (fewest("test") < 1)
    if all(len(fold.validation) for fold in folds):
        lacking |= fewest("validation") < 1
    order = [k for k in np.argsort(counts, kind="stable") if lacking[k]]
    if not order:
        return None
    named = [
        f"{targets.class_name(k)} ({counts[k]} graph{'s' if counts[k] > 1 else ''})"
        for k in order[:NAMED]
    ]
    more = f" and {len(order) - NAMED} more" if len(order) > NAMED else ""
    return (
        f"Some parts of the {len(folds)} folds lack a class: {', '.join(named)}{more}; a test "
        "graph of a class that its training part lacks counts as a mistake"
        + (", and a probe keeps its default where no inner folds can be drawn." * unselected or ".")
    )
