"""The protocols by name: transductive and inductive, and how one is made of flat settings."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.protocol import EvaluationProtocol, Part, Plan, part_of
from graph_hcl.probes.rare import check_two_classes, rare_class_warning
from graph_hcl.probes.split_files import check_fold, read_splits
from graph_hcl.probes.splits import Fold, inner_splits, stratified_folds, with_few_labels
from graph_hcl.probes.targets import Targets
from graph_hcl.registry import Registry, did_you_mean

PROTOCOLS: Registry[type[EvaluationProtocol]] = Registry("protocol")

REFUSED = {"refused_by_others": True}
"""Marks a setting that changes what is measured: a protocol without it refuses it. Of other
settings that it has no use for, it warns."""


@PROTOCOLS.register("transductive")
@dataclass(frozen=True)
class Transductive(EvaluationProtocol):
    """One model is trained on all graphs without labels, then measured by nested cross-validation.

    Attributes:
        folds: Number of outer stratified folds.
        inner: Number of inner folds of a training part that select the probe's parameters.
        fraction: Share of the labels of a training part that the probe sees, in (0, 1].

    >>> protocol, targets = Transductive(folds=3), Targets.of([0, 1] * 6)
    >>> [part.name for part in protocol.parts(targets, seed=1)], len(protocol.split(targets, 1))
    (['seed1'], 3)
    """

    folds: int = 10
    inner: int = 5
    fraction: float = field(default=1.0, metadata=REFUSED)

    name: ClassVar[str] = "transductive"
    trains_on_test_graphs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.inner < 2:
            raise UserError(
                f"Expected 2 inner folds or more, but got {self.inner}: one alone fits nothing."
            )
        if not 0 < self.fraction <= 1:
            raise UserError(f"Expected a fraction of labels in (0, 1], but got {self.fraction}.")

    def parts(self, targets: Targets, seed: int) -> list[Part]:
        """Return the one model of a seed; the targets may be unlabelled."""
        return [part_of(seed, None, np.arange(len(targets)))]

    def split(self, targets: Targets, seed: int) -> list[Fold]:
        """Return the outer folds, with few labels in the training parts if so set."""
        return self._few(targets, self._whole(targets, seed), seed)

    def plan(self, targets: Targets, seed: int, selects: bool) -> Plan:
        """Return the folds of nested cross-validation.

        >>> plan = Transductive(folds=2, inner=3).plan(Targets.of([0, 1] * 6), 0, selects=True)
        >>> len(plan.folds), len(plan.splits[0]), plan.warning
        (2, 3, None)
        """
        whole = self._whole(targets, seed)
        check_two_classes(targets, whole)
        few, strata = self._few(targets, whole, seed), targets.strata()
        if not selects:
            return Plan(few, [[] for _ in few], rare_class_warning(targets, whole, least=1))
        splits = [
            inner_splits(
                strata[full.train], np.searchsorted(full.train, fold.train), self.inner, seed
            )
            for full, fold in zip(whole, few, strict=True)
        ]
        none = self.fraction == 1 and not all(splits)
        warning = rare_class_warning(targets, whole, least=self.inner, unselected=none)
        return Plan(few, splits, warning)

    def settings(self, targets: Targets, selects: bool) -> dict[str, Any]:
        """Return the settings; `inner` is None where nothing is selected."""
        return dataclasses.asdict(self) | ({} if selects else {"inner": None})

    def unused(self, targets: Targets, selects: bool) -> list[str]:
        """Return `inner`, if changed, where nothing is selected."""
        return [] if selects or self.inner == Transductive.inner else [f"inner {self.inner}"]

    def _whole(self, targets: Targets, seed: int) -> list[Fold]:
        return stratified_folds(targets, folds=self.folds, seed=seed)

    def _few(self, targets: Targets, folds: list[Fold], seed: int) -> list[Fold]:
        if self.fraction == 1:
            return folds
        return [with_few_labels(fold, targets.strata(), self.fraction, seed) for fold in folds]


@PROTOCOLS.register("inductive")
@dataclass(frozen=True)
class Inductive(EvaluationProtocol):
    """Each outer fold trains a model on its training part, selects on its validation part, tests.

    Attributes:
        folds: Number of outer stratified folds.
        validation: Share of a training part that is set aside to select the probe's parameters.
        splits: Fixed folds in place of drawn ones, or a JSON file of them (see `read_splits`).

    >>> protocol, targets = Inductive(folds=2, validation=0.25), Targets.of([0, 1] * 8)
    >>> [(part.name, len(part.train)) for part in protocol.parts(targets, seed=0)]
    [('seed0-fold0', 6), ('seed0-fold1', 6)]
    """

    folds: int = 10
    validation: float = 0.1
    splits: str | Path | Sequence[Fold] | None = field(default=None, metadata=REFUSED)

    name: ClassVar[str] = "inductive"
    trains_on_test_graphs: ClassVar[bool] = False

    def parts(self, targets: Targets, seed: int) -> list[Part]:
        """Return one model for each fold of a seed."""
        return [
            part_of(seed, number, fold.train)
            for number, fold in enumerate(self.split(targets, seed))
        ]

    def split(self, targets: Targets, seed: int) -> list[Fold]:
        """Return the outer folds with their validation parts."""
        targets.strata()  # raises for targets that no fold can be drawn of, given folds or not
        if self.splits is None:
            return stratified_folds(
                targets, folds=self.folds, seed=seed, validation=self.validation
            )
        if isinstance(self.splits, str | Path):
            return read_splits(self.splits, len(targets))
        if not self.splits:
            raise UserError("Expected one fold or more to evaluate, but got none.")
        for number, fold in enumerate(self.splits):
            check_fold(fold, len(targets), f"fold {number}")
        return list(self.splits)

    def plan(self, targets: Targets, seed: int, selects: bool) -> Plan:
        """Return the folds with one split each: fitted on training, scored on validation part.

        >>> plan = Inductive(folds=2, validation=0.3).plan(Targets.of([0, 1] * 6), 0, selects=True)
        >>> [score.tolist() for fit, score in plan.splits[0]]
        [[4, 5]]
        """
        folds = self.split(targets, seed)
        check_two_classes(targets, folds)
        warning = rare_class_warning(targets, folds, least=1)
        if not selects:
            return Plan(folds, [[] for _ in folds], warning)
        splits = []
        for number, fold in enumerate(folds):
            if len(fold.validation) == 0:
                raise UserError(
                    f"Expected a validation part in fold {number} to select the probe's "
                    "parameters, but it is empty: draw the folds with a validation share, or take "
                    "a probe without parameters."
                )
            rows = np.arange(len(fold.train) + len(fold.validation))
            splits.append([(rows[: len(fold.train)], rows[len(fold.train) :])])
        return Plan(folds, splits, warning)

    def settings(self, targets: Targets, selects: bool) -> dict[str, Any]:
        """Return the number of folds, and the validation share that drew them or their file."""
        if self.splits is None:
            return {"folds": self.folds, "validation": self.validation}
        number = {"folds": len(self.split(targets, seed=0))}
        given = isinstance(self.splits, str | Path)
        return number | ({"splits": str(self.splits)} if given else {})

    def unused(self, targets: Targets, selects: bool) -> list[str]:
        """Return what would draw folds, if changed, where folds are given."""
        if self.splits is None:
            return []
        usual = Inductive.folds, len(self.split(targets, seed=0))
        return [
            *([f"validation {self.validation}"] if self.validation != Inductive.validation else []),
            *([f"folds {self.folds}"] if self.folds not in usual else []),
        ]


def make_protocol(name: str, **settings: Any) -> EvaluationProtocol:
    """Return the protocol of that name with those of the flat settings that it has a use for.

    Raises `UserError` for an unknown name or setting, and for a setting that only another protocol
    can follow, unless it has its default there; warns of a setting that would have no effect.

    >>> make_protocol("inductive", folds=5, inner=5, fraction=1.0)
    Inductive(folds=5, validation=0.1, splits=None)
    >>> make_protocol("inductive", fraction=0.5)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected --protocol transductive with --probe.fraction.
    """
    protocol = PROTOCOLS.get(name)
    own = {setting.name for setting in dataclasses.fields(protocol)}  # type: ignore[arg-type]
    others = _settings_of_all()
    for setting, value in settings.items():
        if setting in own:
            continue
        if setting not in others:
            raise UserError(
                f"Expected settings of a protocol ({', '.join(others)}), but got '{setting}'."
                f"{did_you_mean(setting, others)}"
            )
        owner, known = others[setting]
        if value == known.default:
            continue
        if known.metadata.get("refused_by_others"):
            raise UserError(f"Expected --protocol {owner} with --probe.{setting}.")
        warnings.warn(
            f"--probe.{setting} {value} has no use with the {name} protocol: leave it out.",
            stacklevel=2,
        )
    return protocol(**{key: value for key, value in settings.items() if key in own})


def _settings_of_all() -> dict[str, tuple[str, dataclasses.Field[Any]]]:
    """Return each setting of any protocol with the name of the first that has it."""
    settings: dict[str, tuple[str, dataclasses.Field[Any]]] = {}
    for name in PROTOCOLS.names():
        for setting in dataclasses.fields(PROTOCOLS.get(name)):  # type: ignore[arg-type]
            settings.setdefault(setting.name, (name, setting))
    return settings


def resolve_protocol(name: str, uses_labels: bool) -> str:
    """Return the protocol's name; `auto` is transductive unless the objective reads labels.

    Raises `UserError` for an unknown name, and for a protocol that trains on the graphs that it
    tests with an objective that reads labels.

    >>> resolve_protocol("auto", uses_labels=True)
    'inductive'
    """
    if name == "auto":
        return Inductive.name if uses_labels else Transductive.name
    if name not in PROTOCOLS.names():
        raise UserError(
            f"Expected the protocol to be auto or one of {', '.join(PROTOCOLS.names())}, but got "
            f"'{name}'."
        )
    if uses_labels and PROTOCOLS.get(name).trains_on_test_graphs:
        raise UserError(
            f"Expected the inductive protocol for an objective that reads labels: under the {name} "
            "one it would pre-train on the labels of the test graphs, which leaks them into the "
            "scores."
        )
    return name
