"""The protocols by name: transductive and inductive."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.checks import check_fraction, check_whole
from graph_hcl.probes.plan import Plan, PlannedFold
from graph_hcl.probes.protocol import EvaluationProtocol, Part, part_of
from graph_hcl.probes.rare import check_two_classes, rare_class_warning
from graph_hcl.probes.split_files import (
    AnyFold,
    as_folds,
    check_fold,
    check_groups,
    kept,
    read_splits,
)
from graph_hcl.probes.splits import Fold, Split, inner_splits, stratified_folds, with_few_labels
from graph_hcl.probes.targets import Targets

REFUSED = {"refused_by_others": True}
"""Marks a setting that changes what is measured: a protocol without it refuses it. Of other
settings that it has no use for, it warns."""


@names_arguments()
@dataclass(frozen=True)
class Transductive(EvaluationProtocol):
    """One model is trained on all graphs without labels, then measured by nested cross-validation.

    Attributes:
        folds: Number of outer stratified folds.
        inner: Number of inner folds of a training part that select the probe's parameters.
        fraction: Share of the labels of a training part that the probe sees, in (0, 1].
        draws: Number of independent draws of the labelled graphs of a fold, whose scores are
            averaged; without use where all are labelled.

    >>> protocol, targets = Transductive(folds=3), Targets.of([0, 1] * 6)
    >>> [part.name for part in protocol.parts(targets, seed=1)], len(protocol.split(targets, 1))
    (['seed1'], 3)
    """

    folds: int = 10
    inner: int = 5
    fraction: float = field(default=1.0, metadata=REFUSED)
    draws: int = 20

    name: ClassVar[str] = "transductive"
    trains_on_test_graphs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_whole(folds=self.folds, inner=self.inner, draws=self.draws)
        if self.inner < 2:
            raise UserError(
                f"Expected 2 inner folds or more, but got {self.inner}: one alone fits nothing."
            )
        check_fraction(self.fraction)
        if self.draws < 1:
            raise UserError(f"Expected 1 draw of labels or more, but got {self.draws}.")

    @property
    def fits_per_fold(self) -> int:
        """The number of draws of labels; one where all are known."""
        return 1 if self.fraction == 1 else self.draws

    def parts(self, targets: Targets, seed: int) -> list[Part]:
        """Return the one model of a seed; the targets may be unlabelled."""
        return [part_of(seed, None, np.arange(len(targets)))]

    def split(self, targets: Targets, seed: int) -> list[Fold]:
        """Return the outer folds; with few labels, `plan` draws the labelled graphs of each."""
        return stratified_folds(targets, folds=self.folds, seed=seed)

    def plan(self, targets: Targets, seed: int, selects: bool) -> Plan:
        """Return the folds of nested cross-validation, each as often as labels are drawn.

        Args:
            targets: the targets.
            seed: the seed.
            selects: whether the probe has parameters to select.

        >>> plan = Transductive(folds=2, inner=3).plan(Targets.of([0, 1] * 6), 0, selects=True)
        >>> [(planned.number, len(planned.splits)) for planned in plan.folds], plan.warning
        ([(0, 3), (1, 3)], None)
        """
        whole, strata = self.split(targets, seed), targets.strata()
        check_two_classes(targets, whole)
        folds = []
        for number, full in enumerate(whole):
            for draw in range(self.fits_per_fold):
                # One generator for each draw, so that neither folds nor draws share their graphs.
                stream = [seed, number, draw]
                few = self.fraction < 1
                fold = with_few_labels(full, strata, self.fraction, stream) if few else full
                splits = self._inner_splits(targets, full, fold, seed) if selects else []
                pool = len(full.train) if few else None
                folds.append(PlannedFold(number, fold, splits, draw, pool))
        least = self.inner if selects else 1
        none = selects and self.fraction == 1 and not all(planned.splits for planned in folds)
        rare = rare_class_warning(targets, whole, least=least, unselected=none)
        return Plan(folds, rare)

    def settings(self, targets: Targets, selects: bool) -> dict[str, Any]:
        """Return the settings; `inner` is None where nothing is selected, no draws of all labels.

        >>> Transductive(fraction=0.1).settings(Targets.of([0, 1]), selects=False)
        {'folds': 10, 'inner': None, 'fraction': 0.1, 'draws': 20}
        """
        settings = dataclasses.asdict(self) | ({} if selects else {"inner": None})
        if self.fraction == 1:
            del settings["draws"]
        return settings

    def unused(self, targets: Targets, selects: bool) -> list[str]:
        """Return `inner`, if changed, where nothing is selected; `draws` where all are labelled."""
        changed = dataclasses.asdict(self)
        without_use = {"inner": not selects, "draws": self.fraction == 1}
        return [
            f"{name} {changed[name]}"
            for name, useless in without_use.items()
            if useless and changed[name] != getattr(Transductive, name)
        ]

    def _inner_splits(self, targets: Targets, full: Fold, fold: Fold, seed: int) -> list[Split]:
        rows = np.searchsorted(full.train, fold.train)
        groups = None if targets.groups is None else targets.groups[full.train]
        return inner_splits(targets.strata()[full.train], rows, self.inner, seed, groups)


@names_arguments()
@dataclass(frozen=True)
class Inductive(EvaluationProtocol):
    """Each outer fold trains a model on its training part, selects on its validation part, tests.

    Attributes:
        folds: Number of outer stratified folds.
        validation: Share of a training part that is set aside to select the probe's parameters.
        splits: Fixed folds in place of drawn ones, or a JSON file of them (see `read_splits`). What
            an iterator yields is kept as a tuple.
        origin: What fixed folds are called in results, such as "official".

    >>> protocol, targets = Inductive(folds=2, validation=0.25), Targets.of([0, 1] * 8)
    >>> [(part.name, len(part.train)) for part in protocol.parts(targets, seed=0)]
    [('seed0-fold0', 6), ('seed0-fold1', 6)]
    """

    folds: int = 10
    validation: float = 0.1
    splits: str | Path | Sequence[AnyFold] | None = field(default=None, metadata=REFUSED)
    origin: str = field(default="", repr=False)

    name: ClassVar[str] = "inductive"
    trains_on_test_graphs: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "splits", kept(self.splits))

    def parts(self, targets: Targets, seed: int) -> list[Part]:
        """Return one model for each fold of a seed."""
        return [
            part_of(seed, number, fold.train)
            for number, fold in enumerate(self.split(targets, seed))
        ]

    def split(self, targets: Targets, seed: int) -> list[Fold]:
        """Return the outer folds with their validation parts, of the graphs with a label."""
        targets.strata()  # raises for targets that no fold can be drawn of, given folds or not
        if self.splits is None:
            return stratified_folds(
                targets, folds=self.folds, seed=seed, validation=self.validation
            )
        if isinstance(self.splits, str | Path):
            folds = read_splits(self.splits, len(targets))
        else:
            folds = as_folds(self.splits, len(targets), " or a file of them")
            if not folds:
                raise UserError("Expected one fold or more to evaluate, but got none.")
            for number, fold in enumerate(folds):
                check_fold(fold, len(targets), f"fold {number}")
        for number, fold in enumerate(folds):
            check_groups(fold, targets.groups, f"fold {number}")
        return _labelled(folds, targets)

    def plan(self, targets: Targets, seed: int, selects: bool) -> Plan:
        """Return the folds with one split each: fitted on training, scored on validation part.

        Args:
            targets: the targets.
            seed: the seed.
            selects: whether the probe has parameters to select.

        >>> plan = Inductive(folds=2, validation=0.3).plan(Targets.of([0, 1] * 6), 0, selects=True)
        >>> [score.tolist() for fit, score in plan.folds[0].splits]
        [[4, 5]]
        """
        folds = self.split(targets, seed)
        check_two_classes(targets, folds)
        warning = rare_class_warning(targets, folds, least=1)
        planned: list[PlannedFold] = []
        for number, fold in enumerate(folds):
            if not selects:
                planned.append(PlannedFold(number, fold, []))
                continue
            if len(fold.validation) == 0:
                raise UserError(
                    f"Expected a validation part in fold {number} to select the probe's "
                    "parameters, but it is empty: draw the folds with a validation share, or take "
                    "a probe without parameters."
                )
            rows = np.arange(len(fold.train) + len(fold.validation))
            split = rows[: len(fold.train)], rows[len(fold.train) :]
            planned.append(PlannedFold(number, fold, [split]))
        return Plan(planned, warning)

    def settings(self, targets: Targets, selects: bool) -> dict[str, Any]:
        """Return the number of folds, and what drew them or their file's name."""
        if self.splits is None:
            return {"folds": self.folds, "validation": self.validation}
        number = {"folds": len(self.split(targets, seed=0))}
        name = Path(self.splits).name if isinstance(self.splits, str | Path) else self.origin
        return number | ({"splits": name} if name else {})

    def unused(self, targets: Targets, selects: bool) -> list[str]:
        """Return what would draw folds, if changed, where folds are given."""
        if self.splits is None:
            return []
        usual = Inductive.folds, len(self.split(targets, seed=0))
        return [
            *([f"validation {self.validation}"] if self.validation != Inductive.validation else []),
            *([f"folds {self.folds}"] if self.folds not in usual else []),
        ]


def _labelled(folds: Sequence[Fold], targets: Targets) -> list[Fold]:
    """Return fixed folds without the graphs of which no label is known."""
    if len(targets.rows) == len(targets):
        return list(folds)
    parts = ("train", "validation", "test")
    labelled = []
    for number, fold in enumerate(folds):
        kept = {name: getattr(fold, name) for name in parts}
        kept = {name: rows[np.isin(rows, targets.rows)] for name, rows in kept.items()}
        for name in ("train", "test"):
            if not len(kept[name]):
                raise UserError(
                    f"Expected graphs with labels in the {name} part of fold {number}, but none "
                    "has one: give other splits."
                )
        labelled.append(Fold(**kept))
    return labelled
