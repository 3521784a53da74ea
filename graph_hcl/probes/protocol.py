"""An evaluation protocol: which graphs an encoder and a probe may see before they are tested."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from graph_hcl.errors import UserError
from graph_hcl.probes.choice import AnyProbe, choose_probe, probe_for, probe_name
from graph_hcl.probes.embeddings import check_embeddings
from graph_hcl.probes.evaluation import Evaluation
from graph_hcl.probes.fold_score import FoldScore
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metrics import check_test_parts, choose_metrics, own_directions
from graph_hcl.probes.plan import Plan, warn_once
from graph_hcl.probes.probe import ProbeInput, decides, selects
from graph_hcl.probes.scoring import check_execution, score_folds
from graph_hcl.probes.split_files import kept
from graph_hcl.probes.splits import Fold, Indices
from graph_hcl.probes.targets import Targets
from graph_hcl.warn import warn_user


@dataclass(frozen=True, eq=False)
class Part:
    """One model to be trained: its name, its seed and fold, and the graphs [K] to train it on.

    Attributes:
        name: such as `seed0` or `seed0-fold3`.
        seed: the seed.
        fold: number of the fold; None for a model that serves all folds of its seed.
        train: numbers [K] of the graphs to train on.

    >>> part_of(0, 3, np.arange(5)).name
    'seed0-fold3'
    """

    name: str
    seed: int
    fold: int | None
    train: Indices


def part_of(seed: int, fold: int | None, train: Indices) -> Part:
    """Return the part of a seed and fold under the name that run folders know it by.

    >>> part_of(2, None, np.arange(5)).name
    'seed2'
    """
    return Part(f"seed{seed}" if fold is None else f"seed{seed}-fold{fold}", seed, fold, train)


class EvaluationProtocol(ABC):
    """How models are trained and measured: parts to train, folds, and inputs of the probe.

    A subclass is a frozen dataclass of its settings with `parts`, `split`, `plan` and `settings`;
    it is registered in `PROTOCOLS` under its `name`. `trains_on_test_graphs` tells whether an
    encoder sees the graphs that it is tested on, which is a leak once it reads labels.

    >>> from graph_hcl.probes import Transductive
    >>> protocol = Transductive(folds=2, inner=2)
    >>> x, targets = np.eye(2).repeat(6, axis=0), Targets.of([0] * 6 + [1] * 6)
    >>> protocol.evaluate([x], targets, probe="linear-svm").mean
    1.0
    """

    name: ClassVar[str]
    trains_on_test_graphs: ClassVar[bool]

    @abstractmethod
    def parts(self, targets: Targets, seed: int) -> list[Part]:
        """Return the models that one seed trains."""

    @property
    def fits_per_fold(self) -> int:
        """How often a probe is fitted and tested in each outer fold."""
        return 1

    @abstractmethod
    def split(self, targets: Targets, seed: int) -> list[Fold]:
        """Return the outer folds of a seed, their training parts whole.

        Raises `UserError` for targets that cannot be stratified, or too few graphs.
        """

    @abstractmethod
    def plan(self, targets: Targets, seed: int, selects: bool) -> Plan:
        """Return all fits of a seed; they have no inner splits unless the probe selects.

        Args:
            targets: the targets.
            seed: the seed.
            selects: whether the probe has parameters to select.

        Raises `UserError` as `split` does, for a training part of one class, and where a probe that
        selects has nothing to select on.
        """

    @abstractmethod
    def settings(self, targets: Targets, selects: bool) -> dict[str, Any]:
        """Return the settings that were in effect, as results record them."""

    def unused(self, targets: Targets, selects: bool) -> list[str]:
        """Return the changed settings, each with its value, that have no effect here."""
        return []

    def held_out(self, targets: Targets, part: Part) -> Indices:
        """Return the graphs that a part is tested on and that its training did not see.

        Empty for a part that serves all folds.
        """
        if part.fold is None:
            return np.empty(0, dtype=np.int64)
        return self.split(targets, part.seed)[part.fold].test

    def check(
        self,
        targets: Targets,
        probe: AnyProbe | None = None,
        seeds: Iterable[int] = (0,),
        jobs: int | None = None,
        metrics: Sequence[str | Metric] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise every error and give every warning that needs no embeddings, before any training.

        Warns once of rare classes, whatever the number of seeds, and of each setting without use.
        `evaluate` raises the same and does not warn again.

        Args:
            targets: the targets.
            probe: a name, a function of `ProbeInput` or an estimator; by default the usual one of
                the targets.
            seeds: the seeds that will be measured.
            metrics: names of `METRICS`, of which the first selects the probe's parameters; by
                default those that are usual for the targets.
            options: arguments of a probe by name.
            jobs: threads that share the fits; all cores unless given.
        """
        probe = choose_probe(probe, targets)
        found, measured = probe_for(probe, targets, options), choose_metrics(targets, metrics)
        choosing = selects(found)
        for metric in measured:
            if metric.of_decision and not decides(found):
                raise metric.undecided()
        check_execution(jobs)
        plans = [self.plan(targets, seed, choosing) for seed in seeds]
        for plan in plans:
            check_test_parts(targets, measured, [planned.fold for planned in plan.folds])
        warn_once(plans, targets, measured)
        for setting in self.unused(targets, choosing):
            warn_user(
                f"--probe.{setting} has no use with this protocol, probe and splits: leave it out."
            )

    def probe_inputs(
        self, embeddings: Sequence[ArrayLike], targets: Targets, seed: int, *, selects: bool = True
    ) -> list[ProbeInput]:
        """Return the input of the probe for each fit: each outer fold and draw of labels.

        Args:
            embeddings: one matrix [G, D] for each part of the seed, in the order of `parts`.
            targets: the targets.
            seed: the seed.
            selects: whether the probe has parameters to select.

        Raises `UserError` as `plan` does, for another number of matrices, and for embeddings that
        are not finite or not of all graphs.
        """
        return self._inputs(self.plan(targets, seed, selects), embeddings, targets, seed)

    def evaluate(
        self,
        embeddings: Sequence[ArrayLike],
        targets: Targets,
        *,
        probe: AnyProbe | None = None,
        seed: int = 0,
        metrics: Sequence[str | Metric] | None = None,
        options: Mapping[str, Any] | None = None,
        jobs: int | None = None,
        progress: Callable[[FoldScore], object] | None = None,
    ) -> Evaluation:
        """Return the scores of a probe on the embeddings of each part of one seed.

        Args:
            embeddings: one matrix [G, D] for each part of the seed, in the order of `parts`.
            targets: the targets.
            probe: a name, a function of `ProbeInput` or an estimator; by default the usual one of
                the targets.
            seed: the seed.
            metrics: names of `METRICS`, of which the first selects the probe's parameters; by
                default those that are usual for the targets.
            options: arguments of a probe by name.
            jobs: threads that share the fits; all cores unless given.
            progress: called with the `FoldScore` of each finished fold.

        Raises `UserError` as `probe_inputs` and `choose_metrics` do; what `check` warns of is not
        repeated.
        """
        probe = choose_probe(probe, targets)
        plan = self.plan(targets, seed, selects(probe_for(probe, targets, options)))
        return self.evaluate_plan(
            plan,
            embeddings,
            targets,
            probe=probe,
            seed=seed,
            metrics=metrics,
            options=options,
            jobs=jobs,
            progress=progress,
        )

    def evaluate_plan(
        self,
        plan: Plan,
        embeddings: Sequence[ArrayLike],
        targets: Targets,
        *,
        probe: AnyProbe,
        seed: int,
        metrics: Sequence[str | Metric] | None = None,
        options: Mapping[str, Any] | None = None,
        jobs: int | None = None,
        progress: Callable[[FoldScore], object] | None = None,
    ) -> Evaluation:
        """Return what `evaluate` does, by a plan that was made for the seed and the probe.

        Args:
            plan: what `plan` returned.
            embeddings: one matrix [G, D] for each part of the seed, in the order of `parts`.
            targets: the targets.
            probe: a name, a function of `ProbeInput` or an estimator; by default the usual one of
                the targets.
            seed: the seed.
            metrics: names of `METRICS`, of which the first selects the probe's parameters; by
                default those that are usual for the targets.
            options: arguments of a probe by name.
            jobs: threads that share the fits; all cores unless given.
            progress: called with the `FoldScore` of each finished fold.
        """
        chosen, measured = probe_for(probe, targets, options), choose_metrics(targets, metrics)
        check_execution(jobs, progress)
        check_test_parts(targets, measured, [planned.fold for planned in plan.folds])
        inputs = self._inputs(plan, embeddings, targets, seed, measured[0])
        scores = score_folds(chosen, inputs, plan.folds, targets, measured, seed, jobs, progress)
        settings = self.settings(targets, selects(chosen))
        if measured[0] != choose_metrics(targets)[0]:  # another metric selects other parameters
            settings["metric"] = measured[0].name
        if own := own_directions(measured):
            settings["greater_is_better"] = own
        if targets.groups is not None:
            settings["groups"] = len(np.unique(targets.groups))
            settings |= {"grouped_by": targets.grouped_by} if targets.grouped_by else {}
        if options:
            settings["options"] = dict(options)
        return Evaluation(self.name, probe_name(probe), settings, scores)

    def _inputs(
        self,
        plan: Plan,
        embeddings: Sequence[ArrayLike],
        targets: Targets,
        seed: int,
        metric: str | Metric = "accuracy",
    ) -> list[ProbeInput]:
        parts, embeddings = self.parts(targets, seed), kept(embeddings)
        if len(parts) != len(embeddings):
            raise UserError(
                f"Expected one matrix of embeddings for each of the {len(parts)} models of the "
                f"{self.name} protocol, but got {len(embeddings)}."
            )
        by_fold = {
            part.fold: check_embeddings(x, len(targets))
            for part, x in zip(parts, embeddings, strict=True)
        }
        inputs, x_test = [], {}
        for planned in plan.folds:
            number, fold = planned.number, planned.fold
            x = by_fold[number if number in by_fold else None]
            seen = np.concatenate([fold.train, fold.validation])
            if number not in x_test:  # all draws of a fold share its test graphs
                x_test[number] = x[fold.test]
            inputs.append(
                ProbeInput(
                    x_train=x[seen],
                    y_train=targets.values[seen],
                    x_test=x_test[number],
                    splits=planned.splits,
                    refit=np.arange(len(fold.train)),
                    indices=seen,
                    test_indices=fold.test,
                    metric=metric,
                )
            )
        return inputs
