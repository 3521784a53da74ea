"""All of an evaluation that can be told before anything is trained: its parts, and its mistakes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.labels import Labels, check_labels
from graph_hcl.probes.splits import (
    Fold,
    Indices,
    inner_parts,
    read_splits,
    stratified_folds,
    with_few_labels,
)
from graph_hcl.probes.task import Probe, find_probe, selects

FOLDS, INNER, VALIDATION = 10, 5, 0.1
"""Defaults: outer folds, inner folds, and the share of a training part that selects."""
NAMED = 10
"""Most rare classes that a warning names."""


class RareClassWarning(UserWarning):
    """Some part of the folds lacks a class that has too few graphs."""


@dataclass(frozen=True)
class Plan:
    """Outer folds, per fold the pairs (rows to fit, rows to score) that select, and a warning."""

    folds: list[Fold]
    parts: list[list[tuple[Indices, Indices]]]
    warning: str | None

    def warn(self, stacklevel: int) -> None:
        """Warn of rare classes, if there are any."""
        if self.warning is not None:
            warnings.warn(self.warning, RareClassWarning, stacklevel=stacklevel + 1)


def plan_transductive(
    y: Labels, probe: str | Probe, *, folds: int, inner: int, fraction: float, seed: int
) -> Plan:
    """Return the folds of nested cross-validation; rows count within a fold's training part.

    >>> plan = plan_transductive(np.arange(12) % 2, "svm", folds=2, inner=3, fraction=1.0, seed=0)
    >>> len(plan.folds), len(plan.parts[0]), plan.warning
    (2, 3, None)
    """
    if inner < 2:
        raise UserError(f"Expected 2 inner folds or more, but got {inner}: one alone fits nothing.")
    whole = stratified_folds(y, folds=folds, seed=seed)
    _check_two_classes(y, whole)
    few = [with_few_labels(fold, y, fraction, seed) if fraction != 1 else fold for fold in whole]
    if not selects(find_probe(probe)):
        return Plan(few, [[] for _ in few], _rare(y, whole, least=1))
    parts = [
        inner_parts(y[full.train], np.searchsorted(full.train, fold.train), inner, seed)
        for full, fold in zip(whole, few, strict=True)
    ]
    none = fraction == 1 and not all(parts)
    return Plan(few, parts, _rare(y, whole, least=inner, unselected=none))


def plan_inductive(y: Labels, probe: str | Probe, folds: list[Fold]) -> Plan:
    """Return given folds with their one pair each; rows count in the training, then validation.

    >>> folds = stratified_folds(np.arange(12) % 2, folds=2, validation=0.3)
    >>> [score.tolist() for _, score in plan_inductive(np.arange(12) % 2, "svm", folds).parts[0]]
    [[4, 5]]
    """
    _check_two_classes(y, folds)
    if not selects(find_probe(probe)):
        return Plan(folds, [[] for _ in folds], _rare(y, folds, least=1))
    parts = []
    for number, fold in enumerate(folds):
        if len(fold.validation) == 0:
            raise UserError(
                f"Expected a validation part in fold {number} to choose C on, but it is empty: "
                "draw the folds with a validation share, or take a probe that chooses nothing."
            )
        rows = np.arange(len(fold.train) + len(fold.validation))
        parts.append([(rows[: len(fold.train)], rows[len(fold.train) :])])
    return Plan(folds, parts, _rare(y, folds, least=1))


def outer_folds(
    labels: Any,
    *,
    protocol: str,
    folds: int = FOLDS,
    fraction: float = 1.0,
    validation: float = VALIDATION,
    splits: str | Path | None = None,
    seed: int = 0,
) -> list[Fold]:
    """Return the outer folds of a protocol's settings, with a validation part when inductive.

    Raises `UserError` as `stratified_folds` and `read_splits` do, and for settings that the
    protocol has no use for.

    >>> fold = outer_folds([0, 1] * 10, protocol="inductive", folds=5, validation=0.25)[0]
    >>> len(fold.train), len(fold.validation), len(fold.test)
    (12, 4, 4)
    """
    inductive = protocol == "inductive"
    if inductive and fraction != 1:
        raise UserError("Expected --protocol transductive with --probe.fraction.")
    if splits is not None:
        if not inductive:
            raise UserError("Expected --protocol inductive with --probe.splits.")
        return read_splits(splits, len(labels))
    return stratified_folds(
        labels, folds=folds, seed=seed, validation=validation if inductive else 0.0
    )


def check_evaluation(
    labels: Any,
    *,
    protocol: str,
    probe: str | Probe = "svm",
    folds: int = FOLDS,
    inner: int = INNER,
    fraction: float = 1.0,
    validation: float = VALIDATION,
    splits: str | Path | None = None,
    jobs: int | None = None,
    seeds: Iterable[int] = (0,),
) -> None:
    """Raise or warn now of all that the evaluation of any of the seeds would raise or warn of.

    What depends on embeddings alone is left. Warns once of rare classes, and of each setting that
    has no use here.

    >>> check_evaluation([0, 1] * 4, protocol="transductive", folds=5)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a class with 5 graphs or more for 5 folds, but the \
largest class (0) has 4: take 4 folds or fewer.
    """
    y = check_labels(labels)
    check_jobs(jobs)
    choosing, inductive = selects(find_probe(probe)), protocol == "inductive"
    plans = []
    for seed in seeds:
        drawn = outer_folds(
            y,
            protocol=protocol,
            folds=folds,
            fraction=fraction,
            validation=validation,
            splits=splits,
            seed=seed,
        )
        if inductive:
            plans.append(plan_inductive(y, probe, drawn))
        else:
            options = {"folds": folds, "inner": inner, "seed": seed}
            plans.append(plan_transductive(y, probe, fraction=fraction, **options))
    for plan in [plan for plan in plans if plan.warning is not None][:1]:
        plan.warn(stacklevel=2)
    idle = {
        f"inner {inner}": inner != INNER and (inductive or not choosing),
        f"validation {validation}": validation != VALIDATION and (not inductive or bool(splits)),
        f"folds {folds}": splits is not None and folds not in (FOLDS, len(plans[0].folds)),
    }
    for setting in (name for name, unused in idle.items() if unused):
        warnings.warn(
            f"--probe.{setting} has no use with this protocol, probe and splits: leave it out.",
            stacklevel=2,
        )


def check_jobs(jobs: int | None) -> None:
    """Raise `UserError` for less than one job.

    >>> check_jobs(None)
    """
    if jobs is not None and jobs < 1:
        raise UserError(f"Expected 1 job or more, but got {jobs}: leave it out for all cores.")


def _check_two_classes(y: Labels, folds: list[Fold]) -> None:
    for number, fold in enumerate(folds):
        present = np.unique(y[fold.train])
        if len(present) < 2:
            raise UserError(
                f"Expected two classes in the training part of fold {number}, but all of its "
                f"{len(fold.train)} graphs are of class {present[0]}: leave out the classes with "
                "a single graph, or give other splits."
            )


def _rare(y: Labels, folds: list[Fold], *, least: int, unselected: bool = False) -> str | None:
    """Return a warning of classes without a graph in a part, or with less than `least` to train.

    It follows from the classes' sizes, so that all seeds give the same.
    """
    classes, counts = np.unique(y, return_counts=True)

    def fewest(part: str) -> np.ndarray:
        numbers = [np.searchsorted(classes, y[getattr(fold, part)]) for fold in folds]
        return np.min([np.bincount(rows, minlength=len(classes)) for rows in numbers], axis=0)

    lacking = (fewest("train") < least) | (fewest("test") < 1)
    if all(len(fold.validation) for fold in folds):
        lacking |= fewest("validation") < 1
    order = [k for k in np.argsort(counts, kind="stable") if lacking[k]]
    if not order:
        return None
    named = [
        f"{classes[k]} ({counts[k]} graph{'s' if counts[k] > 1 else ''})" for k in order[:NAMED]
    ]
    more = f" and {len(order) - NAMED} more" if len(order) > NAMED else ""
    return (
        f"Some parts of the {len(folds)} folds lack a class: {', '.join(named)}{more}; a test "
        "graph of a class that its training part lacks counts as a mistake"
        + (", and C is 1 where no inner folds can be drawn." if unselected else ".")
    )
