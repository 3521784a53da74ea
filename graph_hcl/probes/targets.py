"""What is to be predicted of each graph, of which kind it is, and what folds are stratified by."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graph_hcl.errors import UserError
from graph_hcl.missing import is_missing
from graph_hcl.probes.labels import (
    Labels,
    as_array,
    as_numbers,
    check_labels,
    is_real,
    tasks_of,
)

Kind = Literal["binary", "multiclass", "multilabel", "regression"]
CLASSES: tuple[Kind, ...] = ("binary", "multiclass")
"""The kinds of targets with one class for each graph."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of G graphs.

    Attributes:
        kind: One class for each graph ("binary", "multiclass"), several tasks of 0 and 1
            ("multilabel"), or real numbers of one or several tasks ("regression").
        values: One value per graph [G], in the user's own values, or one per task [G, T]; NaN where
            an entry of several tasks is missing.
        mask: Which values are known, of the same shape; None where all are.
        names: Names of the classes in order, or of the tasks; empty where there are none.
        groups: The group [G] of each graph, numbered from 0: no group is on both sides of a split;
            None where each graph is one of its own.
        grouped_by: What the groups are, such as the name of a column; empty where it has none.

    >>> targets = Targets.of(["acid", "base", "acid"])
    >>> targets.kind, len(targets), targets.strata()
    ('binary', 3, array([0, 1, 0]))
    """

    kind: Kind
    values: NDArray[Any]
    mask: NDArray[np.bool_] | None = None
    names: tuple[str, ...] = ()
    groups: NDArray[np.int64] | None = None
    grouped_by: str = ""

    @classmethod
    def of(cls, labels: Any, names: tuple[str, ...] = (), *, kind: Kind | None = None) -> Targets:
        """Return labels of any container as targets; targets as they are.

        The kind is decided as scikit-learn's `type_of_target` decides: integers, booleans, strings
        and whole floats [G] are classes, other numbers [G] real targets, and several columns [G, T]
        are tasks of 0 and 1, or real targets where any number is not whole. Entries of several
        tasks may be missing (NaN or None).

        Args:
            labels: [G] or [G, T], in any container.
            names: names of the classes or tasks.
            kind: decides where that guesses wrong, such as "regression" for counts.

        Raises `UserError` for labels that are not of the kind, several columns of other whole
        numbers, missing entries of a single column, one class alone, and another number of names
        than of classes or tasks.

        >>> Targets.of([0.5, 1.5]).kind, Targets.of([3.0, 1.0, 2.0], kind="regression").kind
        ('regression', 'regression')
        >>> Targets.of([[0, 1], [1, None], [0, 0]]).kind
        'multilabel'
        """
        if isinstance(labels, Targets):
            return labels
        if kind is not None and kind not in get_args(Kind):
            raise UserError(f"Expected a kind of {', '.join(get_args(Kind))}, but got {kind!r}.")
        tasks = None if kind in CLASSES else tasks_of(labels, single=kind == "multilabel")
        if tasks is not None:
            targets = _several_tasks(tasks, kind)
        elif kind == "regression" or (kind is None and is_real(labels)):
            targets = cls("regression", as_numbers(labels))
        else:
            values = check_labels(labels)
            found: Kind = "binary" if len(np.unique(values)) == 2 else "multiclass"
            if kind == "binary" != found:
                raise UserError(f"Expected two classes, but got {len(np.unique(values))}.")
            targets = cls(found, values)
        return targets._named(tuple(names))

    @classmethod
    def of_tasks(
        cls, values: Any, names: tuple[str, ...] = (), *, kind: Kind | None = None
    ) -> Targets:
        """Return the columns [G, T] of one or several tasks; NaN where an entry is missing.

        Args:
            values: [G, T], with NaN where an entry is missing.
            names: names of the tasks.
            kind: that of `of`.

        Raises `UserError` as `of` does.

        >>> Targets.of_tasks(np.array([[1.0], [np.nan]]), ("active",)).kind
        'multilabel'
        """
        return _several_tasks(np.asarray(values, dtype=np.float64), kind)._named(tuple(names))

    @classmethod
    def of_column(cls, values: Any, *, classes: bool) -> Targets:
        """Return one column [G] of codes of classes or of real targets; NaN where it is missing.

        Raises `UserError` where all known values are equal, or none is known.

        >>> targets = Targets.of_column(np.array([2.0, np.nan, 0.0]), classes=True)
        >>> targets.kind, targets.rows, targets.classes
        ('binary', array([0, 2]), array([0, 2]))
        """
        known = ~np.isnan(values)
        if not known.any():
            raise UserError(
                f"Expected the label of some graph, but all {len(values)} are missing: give "
                "labels, or leave them out."
            )
        mask = None if known.all() else known
        found = Targets.of(
            values[known].astype(np.int64) if classes else values[known],
            kind=None if classes else "regression",
        )
        column = np.zeros(len(values), np.int64) if classes else np.full(len(values), np.nan)
        column[known] = found.values
        return cls(found.kind, column, mask)

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

    def _named(self, names: tuple[str, ...]) -> Targets:
        count = self.tasks if self.values.ndim == 2 or not self.has_classes else len(self.classes)
        if names and len(names) != count:
            of = "classes" if self.has_classes else "tasks"
            raise UserError(f"Expected {count} names of {of}, but got {len(names)}.")
        return dataclasses.replace(self, names=names)

    def with_class_names(self, names: Sequence[str]) -> Targets:
        """Return the targets with the names of those classes that occur, by their codes.

        Without names, for targets that are no classes, and where a class is no code of a name, they
        stay as they are.

        >>> Targets.of([2, 0, 2]).with_class_names(["ring", "path", "star"]).names
        ('ring', 'star')
        """
        codes = range(len(names))
        if not names or not self.has_classes or any(code not in codes for code in self.classes):
            return self
        return dataclasses.replace(self, names=tuple(names[int(code)] for code in self.classes))

    def grouped(self, groups: Any, by: str = "") -> Targets:
        """Return the targets with the group of each graph, such as its scaffold or its source.

        `by` says what the groups are.

        Raises `UserError` for another number of groups than of graphs, missing ones, groups of
        several kinds such as numbers and text, and one alone.

        >>> Targets.of([0, 1, 0]).grouped(["a", "b", "a"]).groups
        array([0, 1, 0])
        """
        values = as_array(groups, "group")
        if values.shape != (len(self),):
            raise UserError(
                f"Expected the group of each of the {len(self)} graphs, but got an array of shape "
                f"{list(values.shape)}."
            )
        if any(is_missing(value) for value in values):
            raise UserError("Expected a group for each graph, but some are missing.")
        try:
            names, codes = np.unique(values, return_inverse=True)
        except TypeError as error:
            kinds = sorted({type(value).__name__ for value in values})
            raise UserError(
                f"Expected groups of one kind, such as all numbers or all text, but got "
                f"{', '.join(kinds)}: number the groups."
            ) from error
        if len(names) < 2:
            raise UserError("Expected two groups or more, but got one: leave them out.")
        return dataclasses.replace(self, groups=codes.astype(np.int64), grouped_by=by)

    @property
    def labelled(self) -> bool:
        """Whether any value is known."""
        return self.mask is None or bool(self.mask.any())

    @property
    def has_classes(self) -> bool:
        """Whether each graph has one class, if any."""
        return self.kind in CLASSES

    @property
    def tasks(self) -> int:
        """Number of tasks T."""
        return self.values.shape[1] if self.values.ndim == 2 else 1

    def task_name(self, task: int) -> str:
        """Return the name of a task, or its number.

        >>> Targets.of([[0, 1], [1, 1]]).task_name(1)
        '1'
        """
        return self.names[task] if self.names else str(task)

    def class_name(self, code: int) -> str:
        """Return the name of a class by its place in `classes`, or the user's own value.

        >>> Targets.of([7, 3], ("acid", "base")).class_name(0), Targets.of([7, 3]).class_name(0)
        ('acid', '3')
        """
        return self.names[code] if self.names else str(self.classes[code])

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Numbers of the graphs with any known value: the others are in no fold."""
        if self.mask is None:
            return np.arange(len(self), dtype=np.int64)
        known = self.mask if self.mask.ndim == 1 else self.mask.any(1)
        return np.flatnonzero(known)

    @cached_property
    def classes(self) -> NDArray[Any]:
        """The classes in order, in the user's own values.

        Raises `UserError` for targets that are no classes, or of which none is known.
        """
        self._check_labelled()
        if not self.has_classes:
            raise UserError(f"Expected one class label for every graph, but got {self._described}.")
        classes: NDArray[Any] = np.unique(self.values[self.rows])
        return classes

    @property
    def _described(self) -> str:
        return "real targets" if self.kind == "regression" else "several tasks"

    def _check_labelled(self) -> None:
        if not self.labelled:
            raise UserError("Expected labels of the graphs, but they have none.")

    def strata(self) -> NDArray[np.int64]:
        """Return the stratum of each graph [G] that folds are stratified by.

        It is the graph's class. Real targets and several tasks have one stratum alone, so that
        their folds are plain shuffled ones; a single task of 0 and 1 is stratified by them. −1
        marks graphs without a label.

        Raises `UserError` for targets of which none is known.

        >>> Targets.of([7, 3, 7]).strata(), Targets.of([0.5, 1.5, 1.0]).strata()
        (array([1, 0, 1]), array([0, 0, 0]))
        """
        self._check_labelled()
        strata = np.full(len(self), -1, dtype=np.int64)
        if self.has_classes:
            strata[self.rows] = np.searchsorted(self.classes, self.values[self.rows])
        elif self.kind == "multilabel" and self.tasks == 1:
            strata[self.rows] = self.values[self.rows, 0]
        else:
            strata[self.rows] = 0
        return strata


def _several_tasks(values: Labels, kind: Kind | None) -> Targets:
    known = ~np.isnan(values)
    if not known.any():
        raise UserError("Expected some label of the tasks, but all entries are missing.")
    present = values[known]
    if kind is None:
        whole = bool((present == np.floor(present)).all())
        kind = "multilabel" if whole else "regression"
    if kind == "multilabel" and not np.isin(present, (0, 1)).all():
        wrong = present[~np.isin(present, (0, 1))][0]
        raise UserError(
            f"Expected several tasks of 0 and 1, or real targets, but got {wrong:g}: if these are "
            'numbers to predict, say so with kind="regression" (--data.labels numbers).'
        )
    return Targets(kind, values, None if known.all() else known)
