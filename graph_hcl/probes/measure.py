"""Evaluate embeddings in one call: `evaluate`, and `inductive` for encoders of single folds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.checks import check_whole
from graph_hcl.probes.choice import AnyProbe, choose_probe, probe_for, targets_for
from graph_hcl.probes.embeddings import check_embeddings
from graph_hcl.probes.evaluation import Evaluation
from graph_hcl.probes.fold_score import FoldScore
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metrics import choose_metrics
from graph_hcl.probes.plan import warn_once
from graph_hcl.probes.probe import selects
from graph_hcl.probes.protocols import Inductive, Transductive
from graph_hcl.probes.scoring import check_execution
from graph_hcl.probes.split_files import AnyFold, as_folds, kept
from graph_hcl.probes.splits import Fold
from graph_hcl.warn import warn_user

Progress = Callable[[FoldScore], object]


@names_arguments()
def evaluate(
    embeddings: ArrayLike,
    labels: Any,
    *,
    probe: AnyProbe | None = None,
    folds: int | Iterable[AnyFold] | Mapping[str, Any] = Transductive.folds,
    inner: int = Transductive.inner,
    fraction: float = Transductive.fraction,
    draws: int = Transductive.draws,
    groups: Any = None,
    repeats: int = 1,
    seed: int = 0,
    metrics: Sequence[str | Metric] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure embeddings [G, D] of an encoder that saw no label of these graphs.

    A probe or first metric that serves real targets alone makes them real. Of several tasks, each
    has a model that is fitted to the graphs with its label, and scores are means over the tasks of
    which a test part has both classes, or targets of real ones (R² different ones); one warning
    names the others.

    Nested cross-validation, stratified by class (several tasks and real targets have no strata, and
    the plain folds of `KFold`): in each of `folds` outer folds, the training part alone scales the
    embeddings and selects the probe's parameters by `inner` folds; refitted on the training part,
    the probe is tested once. Outer and inner splits are those of scikit-learn's `StratifiedKFold(…,
    shuffle=True, random_state=seed)`.

    With `groups`, such as the `groups` of a `GraphStore` of scaffolds, no group is on both sides of
    an outer or inner split; the folds are those of `StratifiedGroupKFold`, or of `GroupKFold`
    without strata.

    With folds that are given, the probe is fitted on each training part, selected by the validation
    part and tested once, whatever the encoder saw, under the protocol "fixed folds". One fold has a
    score but no interval.

    With `fraction` below 1 the probe sees the labels of that share of each training part only:
    `draws` independent stratified draws for each fold, with one graph of each class at least, whose
    scores are averaged. Draws of several tasks are not stratified: a task of which one has a single
    class gets a constant score there, with a warning. It takes fewer inner folds where a draw
    leaves a class that is not rare with fewer graphs than `inner`, and the default parameters where
    it leaves one with a single graph.

    Rare classes are spread: the graphs of a class that has fewer than folds, outer or inner, are in
    different ones, and the other folds are without it; one warning names such classes. A class with
    a single graph is unknown to the probe that is tested on it, which counts as a mistake and as an
    F1 of 0 of the class in that fold. Where no class of a training part has `inner` graphs, there
    are as many inner folds as its largest class has graphs; an inner fold without which only one
    class is left selects nothing; where none selects, the probe keeps its default parameters (C is
    1). Probes without parameters need no inner folds.

    Args:
        embeddings: one row [G, D] for each graph.
        labels: classes [G], several tasks of 0 and 1 [G, T] whose entries may be missing (NaN), or
            real targets [G] or [G, T]; see `Targets.of`, whose result they may be, for what tells
            them apart.
        probe: a name or import path, a function of `ProbeInput`, or a classifier or regressor of
            scikit-learn, of which a clone is fitted to each training part. By default it is an RBF
            SVM (of more than 10 000 graphs its Nyström approximation, with a warning), logistic
            regression for several tasks, or ridge regression for real targets.
        folds: number of outer folds, 2 or more; or a list of `Fold`; or a split of train, valid and
            test, numbers or masks of graphs, such as that of `graph_hcl.data.official_split`; or
            pairs (train, test), as splitters of scikit-learn yield them, for probes that select no
            parameters.
        inner: number of inner folds, 2 or more.
        fraction: share of the labels of each training part that the probe sees, in (0, 1].
        draws: number of draws of the labelled graphs for each fold, where `fraction` is below 1.
        groups: groups [G], such as scaffolds, that no split divides.
        repeats: how often the folds are drawn, with seeds seed, seed + 1, ….
        seed: seed of the splits.
        metrics: names of `METRICS`, or metrics; the first one selects the probe's parameters.
        jobs: threads that share the folds; all cores unless given.
        progress: called with the `FoldScore` of each finished fold.

    Raises `UserError` for labels that are no targets (see `Targets.of`), embeddings that are not
    finite, a length that is not that of the labels, fewer graphs of every class than folds, a
    training part of one class, metrics that do not serve the labels, the probe or a test part, and
    numbers out of range; warns of `inner` or `draws` where they have no use.

    >>> import numpy as np
    >>> x = np.array([[0.0], [1.0]]).repeat(10, axis=0) + np.arange(20)[:, None] / 100
    >>> evaluation = evaluate(x, [0] * 10 + [1] * 10, folds=2, jobs=1)
    >>> evaluation.mean, [fold.params for fold in evaluation.folds]
    (1.0, [{'C': 0.001}, {'C': 0.001}])
    """
    check_whole(repeats=repeats, seed=seed, inner=inner, draws=draws)
    if repeats < 1:
        raise UserError(f"Expected 1 repetition or more, but got {repeats}.")
    targets = targets_for(labels, probe, metrics)
    embeddings = check_embeddings(embeddings, len(targets.values))
    targets = targets if groups is None else targets.grouped(groups)
    if not isinstance(folds, int | np.integer):
        _check_drawn(repeats=repeats, inner=inner, fraction=fraction, draws=draws)
        others = ", a number, or a split of train, valid and test"
        given = [folds] if isinstance(folds, Mapping) else kept(folds)
        fixed = as_folds(given, len(targets.values), others)
        found = inductive(
            lambda number, fold: embeddings,
            targets,
            folds=fixed,
            probe=probe,
            seed=seed,
            metrics=metrics,
            jobs=jobs,
            progress=progress,
        )
        return dataclasses.replace(found, protocol="fixed folds")
    protocol = Transductive(int(folds), inner, fraction, draws)
    probe = choose_probe(probe, targets, fraction=fraction)
    choosing = selects(probe_for(probe, targets))
    seeds = range(seed, seed + repeats)
    plans = [protocol.plan(targets, each, choosing) for each in seeds]
    warn_once(plans, targets, choose_metrics(targets, metrics))
    for setting in protocol.unused(targets, choosing):
        warn_user(f"{setting} has no use with this probe and fraction: leave it out.")
    return Evaluation.concat(
        protocol.evaluate_plan(
            plan,
            [embeddings],
            targets,
            probe=probe,
            seed=each,
            metrics=metrics,
            jobs=jobs,
            progress=progress,
        )
        for each, plan in zip(seeds, plans, strict=True)
    )


def _check_drawn(**settings: Any) -> None:
    """Raise `UserError` for settings that draw folds or labels, where folds are given."""
    for name, value in settings.items():
        if value != getattr(Transductive, name, 1):
            raise UserError(
                f"Expected no {name} with given folds, which are measured once as they are, but "
                f"got {value}: leave it out."
            )


@names_arguments()
def inductive(
    embed: Callable[[int, Fold], ArrayLike],
    labels: Any,
    *,
    folds: Iterable[AnyFold],
    probe: AnyProbe | None = None,
    seed: int = 0,
    metrics: Sequence[str | Metric] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure encoders that were each trained on the training part of one fold.

    Per fold, the training part scales them, the validation part selects the probe's parameters, the
    probe is fitted on the training part and tested once. Classes may be missing from a part, with
    one warning that names them; graphs of a class that the training part lacks count as mistakes.
    Folds that keep groups together are `stratified_folds(Targets.of(labels).grouped(groups), …)`.

    Args:
        embed: `embed(number, fold)` trains on `fold.train` only and returns the embeddings [G, D]
            of all graphs.
        labels: those of `evaluate`.
        folds: the folds, each with a validation part if the probe selects parameters.
        probe: that of `evaluate`.
        seed: the encoders' seed, which is recorded.
        metrics: those of `evaluate`.
        jobs: threads that share the folds; all cores unless given.
        progress: called with the `FoldScore` of each finished fold.

    Raises `UserError` as `evaluate` does, before it asks for embeddings where it can; for parts of
    a fold that overlap, are out of range or empty; and for a fold without a validation part if the
    probe has parameters to select.

    >>> import numpy as np
    >>> from graph_hcl.probes.splits import stratified_folds
    >>> x = np.arange(20.0)[:, None] % 2
    >>> folds = stratified_folds([0, 1] * 10, folds=2, validation=0.2)
    >>> inductive(lambda number, fold: x, [0, 1] * 10, folds=folds, jobs=1).mean
    1.0
    """
    check_whole(seed=seed)
    targets = targets_for(labels, probe, metrics)
    fixed = as_folds(kept(folds), len(targets))
    protocol = Inductive(splits=tuple(fixed))
    probe = choose_probe(probe, targets)
    check_execution(jobs, progress)
    plan = protocol.plan(targets, seed, selects(probe_for(probe, targets)))
    warn_once([plan], targets, choose_metrics(targets, metrics))
    embeddings = [embed(number, fold) for number, fold in enumerate(fixed)]
    return protocol.evaluate_plan(
        plan,
        embeddings,
        targets,
        probe=probe,
        seed=seed,
        metrics=metrics,
        jobs=jobs,
        progress=progress,
    )
