"""What is to be predicted of each graph, of which kind it is, and what folds are stratified by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import check_labels

Kind = Literal["binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of G graphs.

    Attributes:
        kind: What the values are; `of` tells it.
        values: One value per graph [G], in the user's own values, or one per task [G, T].
        mask: Which values are known, of the same shape; None where all are.
        names: Names of the classes in order, or of the tasks; empty where there are none.

    >>> targets = Targets.of(["acid", "base", "acid"])
    >>> targets.kind, len(targets), targets.strata()
    ('binary', 3, array([0, 1, 0]))
    """

    kind: Kind
    values: NDArray[Any]
    mask: NDArray[np.bool_] | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, labels: Any, names: tuple[str, ...] = ()) -> Targets:
        """Return the targets that are class labels of any container; targets as they are.

        Raises `UserError` as `check_labels` does: several tasks, real values and missing ones are
        served by no protocol yet; and for another number of names than of classes.
        """
        if isinstance(labels, Targets):
            return labels
        values = check_labels(labels)
        classes = len(np.unique(values))
        if names and len(names) != classes:
            raise UserError(f"Expected {classes} names of classes, but got {len(names)}.")
        return cls("binary" if classes == 2 else "multiclass", values, None, tuple(names))

    @classmethod
    def unlabelled(cls, graphs: int) -> Targets:
        """Return the targets of graphs of which no label is known.

        >>> targets = Targets.unlabelled(3)
        >>> len(targets), targets.labelled
        (3, False)
        """
        return cls("multiclass", np.zeros(graphs, dtype=np.int64), np.zeros(graphs, dtype=bool))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labelled(self) -> bool:
        """Whether any value is known."""
        return self.mask is None or bool(self.mask.any())

    @cached_property
    def classes(self) -> NDArray[Any]:
        """The classes in order, in the user's own values.

        Raises `UserError` for targets that are no classes, or not all known.
        """
        if not self.labelled:
            raise UserError("Expected labels of the graphs, but they have none.")
        if self.kind not in ("binary", "multiclass") or self.mask is not None:
            raise UserError(
                f"Expected one class label for every graph, but got {self.kind} targets"
                f"{' with missing values' if self.mask is not None else ''}: they are not "
                "supported by this protocol yet."
            )
        classes: NDArray[Any] = np.unique(self.values)
        return classes

    def strata(self) -> NDArray[np.int64]:
        """Return the stratum of each graph [G] that stratified folds are drawn by: its class.

        Raises `UserError` for targets that are no classes, or not all known.

        >>> Targets.of([7, 3, 7]).strata()
        array([1, 0, 1])
        """
        return np.searchsorted(self.classes, self.values)
